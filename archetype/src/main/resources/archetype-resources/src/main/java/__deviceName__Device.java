package ${package};

import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.DeviceLock;

/** One live device. It is called from any thread, several at once: a lock guards its state. */
final class ${deviceName}Device extends AttributeDevice<${deviceName}Attribute> {
  private static final KvmException NO_STEP =
      KvmException.constant(Errno.EINVAL, "a STEP of 0 counts nothing; 1 is usual");

  private final ${deviceName}Family family;
  private final DeviceLock lock = new DeviceLock();
  private long count;
  private int step = 1;

  ${deviceName}Device(${deviceName}Family family) {
    super(${deviceName}Attribute.TABLE);
    this.family = family;
  }

  /** Called once: when the VM ends, or when creation fails after the device was made. */
  @Override
  public void destroy() {
    family.remove(this);
  }

  @Override
  protected long get(${deviceName}Attribute attribute, long attr) {
    lock.lock();
    try {
      return switch (attribute) {
        case COUNT -> count;
        case STEP -> step;
        case TICK -> throw new AssertionError("a request is not read");
      };
    } finally {
      lock.unlock();
    }
  }

  @Override
  protected void set(${deviceName}Attribute attribute, long attr, long value) throws KvmException {
    lock.lock();
    try {
      switch (attribute) {
        case COUNT -> count = value;
        case STEP -> {
          if (value == 0) {
            throw NO_STEP;
          }
          step = (int) value;
        }
        case TICK -> count += step;
      }
    } finally {
      lock.unlock();
    }
  }
}
