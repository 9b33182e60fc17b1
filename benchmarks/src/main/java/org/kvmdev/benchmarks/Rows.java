package org.kvmdev.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.DeviceLock;
import org.kvmdev.benchmarks.machine.AttributeClient;
import org.kvmdev.benchmarks.machine.AttributeClient.Access;
import org.kvmdev.benchmarks.machine.AttributeClient.Refusal;
import org.kvmdev.benchmarks.machine.EmptyMachine;
import org.kvmdev.benchmarks.machine.Family;
import org.kvmdev.benchmarks.machine.HostKvm;
import org.kvmdev.benchmarks.machine.ItsMachine;
import org.kvmdev.benchmarks.machine.MpicMachine;
import org.kvmdev.benchmarks.machine.Path;
import org.kvmdev.benchmarks.machine.StartUp;
import org.kvmdev.benchmarks.machine.Together;
import org.kvmdev.benchmarks.machine.VgicMachine;
import org.kvmdev.benchmarks.machine.VmLife;
import org.kvmdev.benchmarks.machine.XicsMachine;
import org.kvmdev.runtime.Kvm;

/** All rows of the table, and what could not become one. */
final class Rows {
  private static final int MANY_VCPUS = 512;
  private static final int FEW_EVENTS = 1024;

  /** Mapping all events takes some windows' time. */
  private static final int MANY_EVENTS_EVERY = 5;

  /** A process takes a hundred windows' time. */
  private static final int START_UP_EVERY = 20;

  private final Kvm kvm;
  private final List<Row> rows = new ArrayList<>();
  private final List<String> absent = new ArrayList<>();

  /**
   * Makes the VMs of all rows.
   *
   * @param kvm has all families' jars
   * @param startUp starts the linked image's command
   */
  Rows(Kvm kvm, StartUp startUp) throws KvmException {
    this.kvm = kvm;
    Reference kernel = hostKvm();
    locks();
    attributes(kernel);
    mmio();
    mpic(Family.MPIC_20);
    mpic(Family.MPIC_42);
    xics();
    gic(Family.GIC_V2, Recorded.QEMU_CYCLE_GIC_V2);
    gic(Family.GIC_V3, Recorded.QEMU_CYCLE_GIC_V3);
    its();
    vms();
    startUp(startUp);
  }

  List<Row> all() {
    return rows;
  }

  /** What is not measured on this machine, and why. */
  List<String> absent() {
    return absent;
  }

  private Row add(Row row) {
    rows.add(row);
    return row;
  }

  private Reference hostKvm() {
    try {
      return add(new Row("KVM_HAS_DEVICE_ATTR of this machine's KVM", new HostKvm()));
    } catch (HostKvm.Unusable e) {
      absent.add("KVM_HAS_DEVICE_ATTR of this machine's KVM: " + e.getMessage());
      return Recorded.KVM_HAS_DEVICE_ATTR;
    }
  }

  /** Shows the machine's pace, and what of each row is its device's lock. */
  private void locks() {
    add(new Row("a ReentrantLock, taken and released", lock(new ReentrantLock())));
    add(new Row("a DeviceLock, taken and released", lock(new DeviceLock())));
  }

  private static Path lock(ReentrantLock lock) {
    return times -> {
      long sum = 0;
      for (int i = 0; i < times; i++) {
        lock.lock();
        sum += i;
        lock.unlock();
      }
      return sum;
    };
  }

  private static Path lock(DeviceLock lock) {
    return times -> {
      long sum = 0;
      for (int i = 0; i < times; i++) {
        lock.lock();
        sum += i;
        lock.unlock();
      }
      return sum;
    };
  }

  private void attributes(Reference kernel) throws KvmException {
    for (Family family : Family.values()) {
      for (Access access : Access.values()) {
        Row success =
            add(
                new Row(
                    "attribute " + access + ", " + family,
                    AttributeClient.access(kvm, family, access),
                    Target.ATTRIBUTE,
                    kernel));
        refused(family, access, Refusal.UNKNOWN_GROUP, success);
        if (family == Family.EMPTY) {
          refused(family, access, Refusal.NO_ACCESSORS, success);
          refused(family, access, Refusal.BAD_STRUCTURE, success);
        }
        if (access != Access.HAS) {
          refused(family, access, Refusal.BAD_DATA, success);
        }
      }
    }
    for (Access access : Access.values()) {
      add(
          new Row(
              "attribute " + access + ", all types at random",
              AttributeClient.accessAtRandom(kvm, access),
              Target.ATTRIBUTES_AT_RANDOM,
              kernel));
    }
  }

  private void refused(Family family, Access access, Refusal refusal, Row success)
      throws KvmException {
    add(
        new Row(
            success.name() + ", " + refusal,
            AttributeClient.refused(kvm, family, access, refusal),
            Target.REFUSAL,
            success));
  }

  private void mmio() throws KvmException {
    read(Family.EMPTY.toString(), new EmptyMachine(kvm).read(), Recorded.NOTHING);
    MpicMachine mpic = new MpicMachine(kvm, Family.MPIC_42);
    VgicMachine v2 = new VgicMachine(kvm, Family.GIC_V2, 1);
    VgicMachine v3 = new VgicMachine(kvm, Family.GIC_V3, 1);
    read("MPIC source", mpic.read(), Recorded.QEMU_READ_MPIC);
    read("GICv2 distributor", v2.readDistributor(), Recorded.QEMU_READ_GIC_V2);
    read("GICv2 distributor, 32 interrupts", v2.readGathered(), Recorded.QEMU_READ_GIC_V2);
    read("GICv2 CPU interface", v2.readOwn(), Recorded.QEMU_READ_GIC_V2);
    read("GICv3 distributor", v3.readDistributor(), Recorded.QEMU_READ_GIC_V3);
    read("GICv3 distributor, 32 interrupts", v3.readGathered(), Recorded.QEMU_READ_GIC_V3);
    read("GICv3 redistributor", v3.readOwn(), Recorded.QEMU_READ_GIC_V3);
  }

  private void read(String what, Path path, Reference reference) {
    add(new Row("MMIO read, " + what, path, Target.MMIO_READ, reference));
  }

  private Row cycle(String what, Path path, Target target, Reference reference) {
    return add(new Row("cycle, " + what, path, target, reference));
  }

  private void mpic(Family family) throws KvmException {
    MpicMachine alone = new MpicMachine(kvm, family);
    MpicMachine full = new MpicMachine(kvm, family).fill();
    Row source = cycle(family + " source", alone.source(), Target.CYCLE, Recorded.QEMU_CYCLE_MPIC);
    cycle(family + " source, 255 pending", full.source(), Target.CYCLE_ALL_PENDING, source);
    Row ipi =
        cycle(family + " IPI", alone.interprocessor(), Target.CYCLE, Recorded.QEMU_CYCLE_MPIC);
    cycle(family + " IPI, 255 pending", full.interprocessor(), Target.CYCLE_ALL_PENDING, ipi);
  }

  private void xics() throws KvmException {
    XicsMachine alone = new XicsMachine(kvm, 1);
    XicsMachine full = new XicsMachine(kvm, 1).fill();
    Row source = cycle("XICS source", alone.source(0), Target.CYCLE, Recorded.QEMU_CYCLE_XICS);
    cycle("XICS source, 1023 pending", full.source(0), Target.CYCLE_ALL_PENDING, source);
    Row ipi = cycle("XICS IPI", alone.interprocessor(), Target.CYCLE, Recorded.QEMU_CYCLE_XICS);
    cycle("XICS IPI, 1023 pending", full.interprocessor(), Target.CYCLE_ALL_PENDING, ipi);
    XicsMachine two = new XicsMachine(kvm, 2);
    XicsMachine other = new XicsMachine(kvm, 2);
    cycle("XICS source, server 0 of 2", two.source(0), Target.CYCLE, Recorded.QEMU_CYCLE_XICS);
    // Each thread makes its guest's registers, so that they are in no cache line with another's.
    together(
        "XICS source, two servers",
        times -> two.source(0).take(times),
        times -> two.source(1).take(times),
        times -> other.source(1).take(times));
  }

  /** Two paths of one VM at once, which are to be as fast as in two VMs, which share nothing. */
  private void together(String what, Path first, Path second, Path secondElsewhere) {
    Row apart =
        cycle(
            what + " of two VMs on two threads",
            new Together(first, secondElsewhere),
            Target.NONE,
            Recorded.NOTHING);
    cycle(what + " on two threads", new Together(first, second), Target.CYCLE_TWO_THREADS, apart);
  }

  private void gic(Family family, Reference qemu) throws KvmException {
    VgicMachine alone = new VgicMachine(kvm, family, 1);
    VgicMachine full = new VgicMachine(kvm, family, 1).fill();
    Row sgi = cycle(family + " SGI", alone.sgi(), Target.CYCLE, qemu);
    cycle(family + " SGI, 944 pending", full.sgi(), Target.CYCLE_ALL_PENDING, sgi);
    Row ppi = cycle(family + " PPI", alone.ppi(), Target.CYCLE, qemu);
    cycle(family + " PPI, 944 pending", full.ppi(), Target.CYCLE_ALL_PENDING, ppi);
    Row spi = cycle(family + " SPI", alone.spi(0), Target.CYCLE, qemu);
    cycle(family + " SPI, 944 pending", full.spi(0), Target.CYCLE_ALL_PENDING, spi);
    if (family == Family.GIC_V3) {
      VgicMachine many = new VgicMachine(kvm, family, MANY_VCPUS);
      String text = ", " + MANY_VCPUS + " vCPUs";
      cycle(family + " SGI" + text, many.sgi(), Target.CYCLE_MANY_VCPUS, sgi);
      cycle(family + " PPI" + text, many.ppi(), Target.CYCLE_MANY_VCPUS, ppi);
      cycle(family + " SPI" + text, many.spi(0), Target.CYCLE_MANY_VCPUS, spi);
    }
    VgicMachine two = new VgicMachine(kvm, family, 2);
    VgicMachine other = new VgicMachine(kvm, family, 2);
    cycle(family + " SPI, vCPU 0 of 2", two.spi(0), Target.CYCLE, qemu);
    together(family + " SPI, two vCPUs", two.spi(0), two.spi(1), other.spi(1));
  }

  private void its() throws KvmException {
    ItsMachine all = new ItsMachine(kvm, ItsMachine.ALL);
    ItsMachine few = new ItsMachine(kvm, FEW_EVENTS);
    Row message =
        cycle(
            "ITS message",
            new ItsMachine(kvm, 1).message(),
            Target.MESSAGE,
            Recorded.QEMU_CYCLE_GIC_V3);
    cycle(
        "ITS message, " + ItsMachine.ALL + " LPIs mapped",
        all.message(),
        Target.MESSAGE_ALL_MAPPED,
        message);
    // Mappings have VMs of their own, since they change what messages and INVALL find.
    many(
        "ITS MAPTI",
        new ItsMachine(kvm, FEW_EVENTS).map(),
        new ItsMachine(kvm, ItsMachine.ALL).map());
    many("ITS INVALL", few.invalidateAll(), all.invalidateAll());
  }

  /** The same for a few events and for all, of which each is to cost about as much. */
  private void many(String what, Path few, Path all) {
    Row base = add(new Row(what + ", " + FEW_EVENTS + " events", few));
    add(
        new Row(
            what + ", " + ItsMachine.ALL + " events",
            all,
            Target.MANY_EVENTS,
            new Multiple(base, ItsMachine.ALL / FEW_EVENTS),
            MANY_EVENTS_EVERY));
  }

  private void vms() {
    for (Family family : Family.values()) {
      if (family != Family.EMPTY) {
        add(
            new Row(
                "VM with 8 vCPUs and its " + family + ", made and closed",
                new VmLife(kvm, family),
                Target.VM,
                Recorded.NOTHING));
      }
    }
  }

  private void startUp(StartUp startUp) {
    String name = "kvmdev --version, the linked image";
    if (startUp.isThere()) {
      add(new Row(name, startUp, Target.START_UP, Recorded.NOTHING, START_UP_EVERY));
    } else {
      absent.add(name + ": there is no " + startUp.command() + "; ./benchmark builds it");
    }
  }
}
