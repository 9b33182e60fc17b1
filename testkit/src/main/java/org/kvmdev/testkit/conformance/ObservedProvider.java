package org.kvmdev.testkit.conformance;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/**
 * A provider whose devices are watched: every call is passed on and noted. A family that is handed
 * one of its devices (to connect a vCPU) gets its own object. A VM with such devices cannot be
 * saved, since its state names the family's own objects.
 */
final class ObservedProvider implements DeviceProvider {
  private final DeviceProvider provider;
  private final Journal journal;

  ObservedProvider(DeviceProvider provider, Journal journal) {
    this.provider = provider;
    this.journal = journal;
  }

  @Override
  public List<DeviceType> types() {
    return provider.types();
  }

  @Override
  public Set<String> architectures() {
    return provider.architectures();
  }

  @Override
  public List<Host> hosts() {
    return provider.hosts();
  }

  @Override
  public Capabilities capabilities(Host host) {
    return new Unwrapping(provider.capabilities(host));
  }

  @Override
  public void join(Machine machine) {
    provider.join(PluggedPorts.watching(machine, journal));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
    DeviceOps ops = guarded("create", () -> provider.create(type, machine));
    journal.note("create");
    journal.creating().run(machine, ops);
    return new ObservedDevice(ops, machine);
  }

  private interface Call<R> {
    R run() throws KvmException;
  }

  private interface Action {
    void run() throws KvmException;
  }

  private void guardedAction(String where, Action action) throws KvmException {
    guarded(
        where,
        () -> {
          action.run();
          return where;
        });
  }

  private <R> R guarded(String where, Call<R> call) throws KvmException {
    try {
      return call.run();
    } catch (RuntimeException | Error fault) {
      journal.fault(where, fault);
      // Refused here, so that a check of thousands of calls does not fill the log.
      throw KvmException.constant(Errno.EIO, "the device failed");
    }
  }

  /** One watched device. */
  private final class ObservedDevice implements DeviceOps {
    final DeviceOps ops;
    private final Machine machine;

    ObservedDevice(DeviceOps ops, Machine machine) {
      this.ops = ops;
      this.machine = machine;
    }

    @Override
    public void init() {
      journal.note("init");
      journal.initialising().run(machine, ops);
      quietly("init", ops::init);
    }

    @Override
    public void destroy() {
      journal.note("destroy");
      quietly("destroy", ops::destroy);
    }

    @Override
    public void release() {
      journal.note("release");
      quietly("release", ops::release);
    }

    private void quietly(String where, Runnable action) {
      try {
        action.run();
      } catch (RuntimeException | Error fault) {
        journal.fault(where, fault);
      }
    }

    @Override
    public void setAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      journal.note("SET");
      guardedAction(
          Words.call("SET", group, attr), () -> ops.setAttr(group, attr, address, memory));
    }

    @Override
    public void getAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      journal.note("GET");
      guardedAction(
          Words.call("GET", group, attr), () -> ops.getAttr(group, attr, address, memory));
    }

    @Override
    public void hasAttr(int group, long attr) throws KvmException {
      journal.note("HAS");
      guardedAction(Words.call("HAS", group, attr), () -> ops.hasAttr(group, attr));
    }

    @Override
    public long ioctl(int request, long argument, UserMemory memory) throws KvmException {
      journal.note("ioctl");
      return guarded(
          "request 0x" + Integer.toHexString(request), () -> ops.ioctl(request, argument, memory));
    }

    @Override
    public Mapping mmap(long offset, long length) throws KvmException {
      journal.note("mmap");
      return guarded("mmap", () -> ops.mmap(offset, length));
    }
  }

  /** Capabilities that see a family's own devices behind file descriptors. */
  private record Unwrapping(Capabilities family) implements Capabilities {
    @Override
    public int check(int capability, @Nullable Machine machine) throws KvmException {
      return family.check(capability, machine);
    }

    @Override
    public boolean enable(int capability, Machine machine, long[] arguments) throws KvmException {
      return family.enable(capability, machine, arguments);
    }

    @Override
    public boolean enable(int capability, Vcpu vcpu, long[] arguments, Files files)
        throws KvmException {
      return family.enable(capability, vcpu, arguments, fd -> own(files.device(fd)));
    }

    @Override
    public void enabled(Vcpu vcpu) throws KvmException {
      family.enabled(vcpu);
    }

    private static DeviceOps own(DeviceOps device) {
      return device instanceof ObservedDevice observed ? observed.ops : device;
    }
  }
}
