package org.kvmdev.clients;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.VcpuLifecycle;
import org.kvmdev.clients.SeededError.Access;
import org.kvmdev.runtime.Kvm;

/** A device family behind a layer in which one error is seeded. */
final class FaultyProvider implements DeviceProvider {
  private static final long TYPER_LAST = 1 << 4;
  private static final long REGION_COUNT = 1L << 52;

  private final DeviceProvider family;
  private final @Nullable SeededError error;

  private FaultyProvider(DeviceProvider family, @Nullable SeededError error) {
    this.family = family;
    this.error = error;
  }

  /** All families that there are, with an error. */
  static Kvm kvm(@Nullable SeededError error) {
    List<DeviceProvider> all = new ArrayList<>();
    all.add(new LenientHosts());
    for (DeviceProvider family : ServiceLoader.load(DeviceProvider.class)) {
      all.add(new FaultyProvider(family, error));
    }
    return Kvm.of(all);
  }

  @Override
  public List<DeviceType> types() {
    return family.types();
  }

  @Override
  public Set<String> architectures() {
    return family.architectures();
  }

  @Override
  public List<Host> hosts() {
    return family.hosts();
  }

  @Override
  public Capabilities capabilities(Host host) {
    return family.capabilities(host);
  }

  @Override
  public void join(Machine machine) {
    family.join(
        error == SeededError.A_FIRST_RUN_CHECKS_NOTHING ? withoutFirstRun(machine) : machine);
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
    DeviceOps made = family.create(type, machine);
    return error != null && error.type == type.number() ? new Faulty(made, error) : made;
  }

  /** The machine, whose ports leave out what a family does at a first run. */
  private static Machine withoutFirstRun(Machine machine) {
    return (Machine)
        behind(
            machine,
            new Class<?>[] {Machine.class},
            port ->
                port instanceof VcpuLifecycle
                    ? behind(port, port.getClass().getInterfaces(), same -> same)
                    : port);
  }

  private interface Change {
    Object of(Object argument);
  }

  /** An object behind a layer that changes the arguments of its methods, and has no first run. */
  private static Object behind(Object object, Class<?>[] interfaces, Change change) {
    return Proxy.newProxyInstance(
        FaultyProvider.class.getClassLoader(),
        interfaces,
        (self, method, arguments) -> {
          if (method.getName().equals("firstRun")) {
            return null;
          }
          Object[] changed = arguments == null ? new Object[0] : arguments.clone();
          if (method.getName().equals("plug")) {
            changed[0] = change.of(changed[0]);
          }
          try {
            return method.invoke(object, changed);
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        });
  }

  /** A device with an error in it. */
  private record Faulty(DeviceOps device, SeededError error) implements DeviceOps {
    private interface Accessor {
      void run() throws KvmException;
    }

    private void access(Access access, int group, long attr, Accessor accessor)
        throws KvmException {
      boolean hit = error.isOf(error.type, access, group, attr);
      if (hit && error == SeededError.INIT_IS_FORGOTTEN) {
        return;
      }
      try {
        accessor.run();
      } catch (KvmException refusal) {
        if (!hit || error.right != refusal.errno()) {
          throw refusal;
        }
        if (error.wrong != null) {
          throw KvmException.constant(error.wrong, "a seeded error");
        }
      }
    }

    @Override
    public void init() {
      device.init();
    }

    @Override
    public void destroy() {
      device.destroy();
    }

    @Override
    public void release() {
      device.release();
    }

    @Override
    public void hasAttr(int group, long attr) throws KvmException {
      access(Access.HAS, group, attr, () -> device.hasAttr(group, attr));
    }

    @Override
    public void setAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      access(Access.SET, group, attr, () -> device.setAttr(group, attr, address, memory));
    }

    @Override
    public void getAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      access(Access.GET, group, attr, () -> device.getAttr(group, attr, address, memory));
      if (!error.isOf(error.type, Access.GET, group, attr)) {
        return;
      }
      if (error == SeededError.NO_REDISTRIBUTOR_IS_THE_LAST) {
        memory.writeNumber(address, 4, memory.readNumber(address, 4) & ~TYPER_LAST);
      } else if (error == SeededError.A_REGION_FORGETS_ITS_COUNT) {
        memory.writeNumber(address, 8, memory.readNumber(address, 8) ^ REGION_COUNT);
      }
    }
  }
}
