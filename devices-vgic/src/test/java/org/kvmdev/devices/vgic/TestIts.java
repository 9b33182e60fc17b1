package org.kvmdev.devices.vgic;

import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Vcpu;

/**
 * A VM with a GICv3, an ITS and memory, for tests that read like a guest's driver: each command is
 * written to the queue and announced at once. Collection {@code n} goes to vCPU {@code n}.
 */
final class TestIts implements AutoCloseable {
  static final long RAM = 0x4000_0000L;
  static final long ITS = 0x900_0000L;
  static final long DOORBELL = ITS + 0x1_0040;
  static final int SIZE = 0x40_0000;
  static final int FIRST_LPI = 8192;
  static final long VALID = 1L << 63;

  // Where things are in memory.

  static final int DEVICES = 0;
  static final int COLLECTIONS = 0x8_0000;
  static final int QUEUE = 0x10_0000;
  static final int CONFIGURATION = 0x20_0000;
  static final int PENDING = 0x22_0000;
  static final int EVENTS = 0x30_0000;

  /** How many bytes the commands may take. */
  static final int QUEUE_SIZE = 0x1_0000;

  // The registers that are written here.

  static final int CTLR = 0;
  static final int CBASER = 0x80;
  static final int CWRITER = 0x88;
  static final int CREADR = 0x90;
  static final int DEVICE_BASER = 0x100;
  static final int COLLECTION_BASER = 0x108;

  final TestGic gic;
  final TestRam ram;
  final Device its;

  /** Whose accesses the driver makes: the last vCPU. */
  final Vcpu driver;

  private int writer;

  TestIts(int cpus) throws KvmException {
    this(new VgicProvider(), cpus, true, new TestRam(SIZE));
  }

  /** A VM with a variant of the GIC, with or without a driver that started it. */
  TestIts(DeviceProvider provider, int cpus, boolean started, TestRam ram) throws KvmException {
    this.ram = ram;
    gic = new TestGic(provider, true, cpus, started);
    driver = gic.vcpus[cpus - 1];
    gic.vm.setMemory(0, 0, RAM, SIZE, ram, 0);
    its = gic.vm.createDevice(8);
    its.set(0, 4, ITS);
    its.set(4, 0, 0);
    if (started) {
      start(0);
    }
  }

  /** Enables LPIs and the ITS, with a flat table of devices or one of two levels. */
  void start(long indirect) throws KvmException {
    driver.enter();
    driver.write(TestGic.REDISTRIBUTORS + 0x70, 8, RAM + CONFIGURATION | 15);
    for (int cpu = 0; cpu < gic.vcpus.length; cpu++) {
      driver.write(redistributor(cpu) + 0x78, 8, RAM + pending(cpu));
      driver.write(redistributor(cpu), 4, 1);
    }
    driver.write(ITS + DEVICE_BASER, 8, VALID | indirect | RAM + DEVICES);
    driver.write(ITS + COLLECTION_BASER, 8, VALID | RAM + COLLECTIONS);
    driver.write(ITS + CBASER, 8, VALID | RAM + QUEUE | QUEUE_SIZE / 0x1000 - 1);
    driver.write(ITS + CTLR, 4, 1);
    driver.exit();
    for (int cpu = 0; cpu < gic.vcpus.length; cpu++) {
      mapCollection(cpu, cpu);
    }
  }

  static long redistributor(int cpu) {
    return TestGic.REDISTRIBUTORS + cpu * 0x2_0000L;
  }

  /** The pending table of a vCPU: there is room for 14. */
  static int pending(int cpu) {
    return PENDING + cpu * 0x1_0000;
  }

  // Commands.

  /** Runs a command, through the queue. */
  synchronized void command(long word0, long word1, long word2, long word3) throws KvmException {
    ram.bytes.putLong(QUEUE + writer, word0);
    ram.bytes.putLong(QUEUE + writer + 8, word1);
    ram.bytes.putLong(QUEUE + writer + 16, word2);
    ram.bytes.putLong(QUEUE + writer + 24, word3);
    writer = (writer + 32) % QUEUE_SIZE;
    driver.write(ITS + CWRITER, 8, writer);
  }

  /** Where the next command is written, after some were written past this object. */
  void writeFrom(int offset) {
    writer = offset;
  }

  void mapDevice(int device, int eventBits) throws KvmException {
    command((long) device << 32 | 0x08, eventBits - 1, VALID | RAM + EVENTS + device * 0x1000L, 0);
  }

  void unmapDevice(int device) throws KvmException {
    command((long) device << 32 | 0x08, 0, 0, 0);
  }

  void mapCollection(int collection, int cpu) throws KvmException {
    command(0x09, 0, VALID | (long) cpu << 16 | collection, 0);
  }

  void unmapCollection(int collection) throws KvmException {
    command(0x09, 0, collection, 0);
  }

  void mapEvent(int device, int event, int intid, int collection) throws KvmException {
    command((long) device << 32 | 0x0a, (long) intid << 32 | event, collection, 0);
  }

  void moveEvent(int device, int event, int collection) throws KvmException {
    command((long) device << 32 | 0x01, event, collection, 0);
  }

  void moveAll(int from, int to) throws KvmException {
    command(0x0e, 0, (long) from << 16, (long) to << 16);
  }

  void discard(int device, int event) throws KvmException {
    command((long) device << 32 | 0x0f, event, 0, 0);
  }

  void clear(int device, int event) throws KvmException {
    command((long) device << 32 | 0x04, event, 0, 0);
  }

  void interrupt(int device, int event) throws KvmException {
    command((long) device << 32 | 0x03, event, 0, 0);
  }

  void invalidate(int device, int event) throws KvmException {
    command((long) device << 32 | 0x0c, event, 0, 0);
  }

  void invalidateAll(int collection) throws KvmException {
    command(0x0d, 0, collection, 0);
  }

  /** Writes an LPI's entry of the configuration table, which counts once it is mapped or read. */
  void configure(int intid, int priority, boolean enabled) {
    ram.bytes.put(CONFIGURATION + intid - FIRST_LPI, (byte) (priority | (enabled ? 1 : 0)));
  }

  // Messages and what becomes of them.

  int signal(int device, int event) throws KvmException {
    return gic.vm.signalMsi(DOORBELL, event, device, 1);
  }

  /** Acknowledges and ends one interrupt, or none: SPURIOUS. */
  int take(int cpu) throws KvmException {
    return gic.take(cpu);
  }

  long register(int offset) throws KvmException {
    return its.get(8, offset);
  }

  @Override
  public void close() {
    gic.close();
  }
}
