package org.kvmdev.cli.plugin;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;

/**
 * Lamps that are wrong in one thing each. What ends a process is called by reflection, so that no
 * look at a jar's classes tells it beforehand.
 */
public final class BadLamps {
  private BadLamps() {}

  /** Every GET is refused. */
  public static final class Refusing extends Lamp {
    @Override
    public DeviceOps create(DeviceType type, Machine machine) {
      return new Device() {
        @Override
        public void init() {
          System.out.println("a lamp prints");
        }

        @Override
        protected long get(LampAttribute attribute, long attr) throws KvmException {
          throw KvmException.constant(Errno.ENXIO, "the lamp <is> \"broken\" & dark");
        }
      };
    }
  }

  /** Counts to the number that a client gives. */
  public static final class Counting extends Lamp {
    @Override
    public DeviceOps create(DeviceType type, Machine machine) {
      return new Device() {
        @Override
        protected void set(LampAttribute attribute, long attr, long value) throws KvmException {
          for (long i = 0; Long.compareUnsigned(i, value) < 0; i++) {
            Thread.onSpinWait();
          }
          super.set(attribute, attr, value);
        }
      };
    }
  }

  /** Never comes back from being made. */
  public static final class Sleeping extends Lamp {
    @Override
    public DeviceOps create(DeviceType type, Machine machine) {
      wait(machine);
      return new Device();
    }

    private static void wait(Object forNothing) {
      synchronized (forNothing) {
        while (true) {
          try {
            forNothing.wait();
          } catch (InterruptedException e) {
            // Not even then.
          }
        }
      }
    }
  }

  /** Never comes back from being loaded. */
  public static final class Loading extends Lamp {
    @Override
    public List<DeviceType> types() {
      Sleeping.wait(this);
      return List.of();
    }
  }

  /** Ends the process when the light goes on. */
  public static final class Halting extends Lamp {
    @Override
    public DeviceOps create(DeviceType type, Machine machine) {
      return new Device() {
        @Override
        protected void set(LampAttribute attribute, long attr, long value) throws KvmException {
          if (value == -1) {
            call(Runtime.getRuntime(), "halt", 3);
          }
          super.set(attribute, attr, value);
        }
      };
    }
  }

  /** Ends the process when it is asked for its types. */
  public static final class Exiting extends Lamp {
    @Override
    public List<DeviceType> types() {
      call(Runtime.getRuntime(), "exit", 5);
      return List.of();
    }
  }

  private static void call(Runtime runtime, String method, int code) {
    try {
      Runtime.class.getMethod(method, int.class).invoke(runtime, code);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Writes where nothing is. */
  public static final class Crashing extends Lamp {
    @Override
    public DeviceOps create(DeviceType type, Machine machine) {
      try {
        MemorySegment nowhere =
            (MemorySegment)
                MemorySegment.class
                    .getMethod("reinterpret", long.class)
                    .invoke(MemorySegment.ofAddress(0x10_0000), 8L);
        nowhere.set(ValueLayout.JAVA_LONG, 0, 1);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
      return new Device();
    }
  }
}
