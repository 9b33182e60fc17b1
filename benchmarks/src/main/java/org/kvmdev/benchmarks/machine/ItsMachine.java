package org.kvmdev.benchmarks.machine;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/**
 * A VM with a GICv3 and an ITS, whose one device has events that are mapped to an enabled LPI each.
 */
public final class ItsMachine {
  /** As many events as there can be LPIs. */
  public static final int ALL = (1 << 16) - 8192;

  private static final int FIRST_LPI = 8192;
  private static final int SPURIOUS = 1023;
  private static final int DEVICE = 5;

  // Guest physical addresses.
  private static final long ITS = 0x1000_0000;
  private static final long DOORBELL = ITS + 0x1_0040;
  private static final long RAM = 0x4000_0000;

  // Where in the guest's memory the tables are.
  private static final int DEVICES = 0;
  private static final int COLLECTIONS = 0x1_0000;
  private static final int QUEUE = 0x10_0000;
  private static final int CONFIGURATION = 0x20_0000;
  private static final int PENDING = 0x21_0000;
  private static final int EVENTS = 0x30_0000;
  private static final int SIZE = 0x40_0000;

  private static final int COMMAND = 32;
  private static final int QUEUE_SIZE = 0x10_0000;
  private static final long VALID = 1L << 63;
  private static final byte ENABLED = (byte) 0xa1;
  private static final byte DISABLED = (byte) 0xa0;

  private final int count;
  private final VgicMachine gic;
  private final Vm vm;
  private final Vcpu vcpu;
  private final GuestRam ram = new GuestRam(SIZE);

  /** How far the queue is written; what is announced has run. */
  private int writer;

  /**
   * Makes the VM.
   *
   * @param kvm has the GIC's jar
   * @param count how many events are mapped, from 1 to {@link #ALL}
   * @throws KvmException not thrown
   */
  public ItsMachine(Kvm kvm, int count) throws KvmException {
    this.count = count;
    gic = new VgicMachine(kvm, Family.GIC_V3, 1);
    vm = gic.vm;
    vcpu = gic.vcpus[0];
    vcpu.exit();
    vm.setMemory(0, 0, RAM, SIZE, ram, 0);
    Device its = vm.createDevice(8);
    its.set(0, 4, ITS);
    its.set(4, 0, 0);
    vcpu.enter();
    for (int lpi = 0; lpi < ALL; lpi++) {
      ram.bytes.put(CONFIGURATION + lpi, ENABLED);
    }
    vcpu.write(VgicMachine.REDISTRIBUTORS + 0x70, 8, RAM + CONFIGURATION | 15);
    vcpu.write(VgicMachine.REDISTRIBUTORS + 0x78, 8, RAM + PENDING);
    vcpu.write(VgicMachine.REDISTRIBUTORS, 4, 1);
    vcpu.write(ITS + 0x100, 8, VALID | RAM + DEVICES);
    vcpu.write(ITS + 0x108, 8, VALID | RAM + COLLECTIONS);
    vcpu.write(ITS + 0x80, 8, VALID | RAM + QUEUE | QUEUE_SIZE / 4096 - 1);
    vcpu.write(ITS, 4, 1);
    command(0x09, 0, VALID);
    mapAll();
  }

  private int intid(int event) {
    return FIRST_LPI + event;
  }

  /** Writes a command; half a queue runs, since a full one looks like an empty one. */
  private void command(int number, long word1, long word2) throws KvmException {
    int at = QUEUE + writer;
    ram.bytes.putLong(at, (long) DEVICE << 32 | number);
    ram.bytes.putLong(at + 8, word1);
    ram.bytes.putLong(at + 16, word2);
    ram.bytes.putLong(at + 24, 0);
    writer = (writer + COMMAND) % QUEUE_SIZE;
    if (writer % (QUEUE_SIZE / 2) == 0) {
      announce();
    }
  }

  private void announce() throws KvmException {
    vcpu.write(ITS + 0x88, 8, writer);
  }

  /** Maps the device, which unmaps its events, and then them. */
  private void mapAll() throws KvmException {
    command(0x08, 15, VALID | RAM + EVENTS);
    for (int event = 0; event < count; event++) {
      command(0x0a, (long) intid(event) << 32 | event, 0);
    }
    announce();
  }

  private void signal(int event) throws KvmException {
    if (vm.signalMsi(DOORBELL, event, DEVICE, 1) != 1) {
      throw new AssertionError("event " + event + " is not mapped");
    }
  }

  private void require(int intid) throws KvmException {
    int acknowledged = gic.acknowledge(vcpu);
    if (acknowledged != intid) {
      throw new AssertionError("acknowledged " + acknowledged + " instead of " + intid);
    }
    if (intid != SPURIOUS) {
      gic.end(vcpu, acknowledged);
    }
  }

  /**
   * The last event's message: KVM_SIGNAL_MSI, acknowledge, end.
   *
   * @return the path
   */
  public Path message() {
    int event = count - 1;
    return times -> {
      for (int i = 0; i < times; i++) {
        signal(event);
        require(intid(event));
      }
      return times;
    };
  }

  /**
   * Unmapping all events with their device, and mapping them again.
   *
   * @return the path
   */
  public Path map() {
    int event = count - 1;
    return times -> {
      for (int i = 0; i < times; i++) {
        mapAll();
        signal(event);
        require(intid(event));
      }
      return times;
    };
  }

  /**
   * INVALL, which finds an LPI disabled and enabled by turns; not the one whose message is
   * measured.
   *
   * @return the path
   */
  public Path invalidateAll() {
    int event = count / 2;
    boolean[] enabled = {true};
    return times -> {
      for (int i = 0; i < times; i++) {
        enabled[0] = !enabled[0];
        ram.bytes.put(CONFIGURATION + event, enabled[0] ? ENABLED : DISABLED);
        command(0x0d, 0, 0);
        announce();
        if (enabled[0]) {
          require(intid(event));
        } else {
          signal(event);
          require(SPURIOUS);
        }
      }
      return times;
    };
  }
}
