package org.kvmdev.cli.hosts;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.Request;

/** A VM on one of the recorded arm64 machines, with its vCPUs and its GIC. */
final class ArmGuest implements AutoCloseable {
  static final int PSCI_0_2 = 1 << 2;
  static final int PMU_V3 = 1 << 3;
  static final int GENERIC_V8 = 5;

  private static final long RAM = 0x4000_0000L;
  private static final int RAM_SIZE = 0x100_0000;

  final Guest guest;
  final int gicType;
  int gic = -1;

  ArmGuest(Kvm kvm, String host) throws KvmException {
    guest = new Guest(kvm, host);
    gicType = host.contains("gicv2") ? 5 : 7;
  }

  int number(Direction direction, int number, int size) {
    return guest.process.requests().of(direction, number, size);
  }

  /** KVM_ARM_VCPU_INIT. */
  Object init(int vcpu, long target, long features) throws KvmException {
    guest.zeros(guest.page, 32);
    guest.ints(guest.page, target, features);
    return guest.ask(vcpu, number(Direction.WRITE, 0xae, 32), guest.page);
  }

  /** A vCPU that is initialised. */
  int vcpu(long id, long features) throws KvmException {
    int vcpu = guest.vcpu(id);
    if (!init(vcpu, GENERIC_V8, features).equals(0L)) {
      throw new IllegalStateException("KVM_ARM_VCPU_INIT with features " + features);
    }
    return vcpu;
  }

  void createGic() throws KvmException {
    gic = guest.device(gicType);
  }

  /** Places the GIC, so that the VM can run, and initialises it. */
  void initialiseGic() throws KvmException {
    if (gicType == 5) {
      place(0, 0x800_0000L);
      place(1, 0x801_0000L);
    } else {
      place(2, 0x800_0000L);
      place(3, 0x80a_0000L);
    }
    int interrupts = 96;
    guest.ints(guest.page + 64, interrupts);
    guest.attr(gic, Request.SET_DEVICE_ATTR, 3, 0, guest.page + 64);
    guest.attr(gic, Request.SET_DEVICE_ATTR, 4, 0, 0);
  }

  private void place(int what, long where) throws KvmException {
    guest.longs(guest.page + 64, where);
    guest.attr(gic, Request.SET_DEVICE_ATTR, 0, what, guest.page + 64);
  }

  void memory() throws KvmException {
    guest.slot(0, 0, RAM, RAM_SIZE, guest.memory.map(RAM_SIZE));
  }

  Object run(int vcpu) {
    return guest.ask(vcpu, Request.RUN, 0);
  }

  /** A register of KVM_GET_ONE_REG, as a number with 0x, or the errno. */
  String get(int vcpu, long id) throws KvmException {
    guest.zeros(guest.page + 64, 16);
    Object answer = guest.oneReg(vcpu, Request.GET_ONE_REG, id);
    if (!answer.equals(0L)) {
      return answer.toString();
    }
    long low = guest.memory.readNumber(guest.page + 64, 8);
    long high = guest.memory.readNumber(guest.page + 72, 8);
    return high == 0 ? "0x%x".formatted(low) : "0x%x%016x".formatted(high, low);
  }

  Object set(int vcpu, long id, long low, long high) throws KvmException {
    guest.longs(guest.page + 64, low, high);
    return guest.oneReg(vcpu, Request.SET_ONE_REG, id);
  }

  @Override
  public void close() {
    guest.close();
  }
}
