package org.kvmdev.devices.mpic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** Creation, connection, the guest's window, reset, external proxy, saving and restoring. */
class BringUpTest {
  @Test
  void aVmHasOneMpicOfEitherType() throws KvmException {
    try (MpicMachine machine = MpicMachine.unconnected(MpicMachine.MPIC_20, 0)) {
      MpicMachine.refused(Errno.EINVAL, () -> machine.vm.createDevice(MpicMachine.MPIC_20));
      MpicMachine.refused(Errno.EINVAL, () -> machine.vm.createDevice(MpicMachine.MPIC_42));
    }
  }

  @Test
  void aVcpuIsConnectedOnceWithANumberOfItsOwn() throws KvmException {
    try (MpicMachine machine = MpicMachine.unconnected(MpicMachine.MPIC_42, 2);
        MpicMachine other = MpicMachine.unconnected(MpicMachine.MPIC_42, 0)) {
      MpicMachine.refused(Errno.EPERM, () -> machine.connect(0, 32));
      MpicMachine.refused(Errno.EPERM, () -> machine.connect(0, -1));
      MpicMachine.refused(Errno.EPERM, () -> machine.vcpus[0].connect(90, other.device, 0));
      machine.connect(0, 5);
      MpicMachine.refused(Errno.EEXIST, () -> machine.connect(1, 5));
      MpicMachine.refused(Errno.EEXIST, () -> machine.connect(0, 5));
      MpicMachine.refused(Errno.EBUSY, () -> machine.connect(0, 6));
      assertEquals(0x00c3_0502, machine.register(0x1000), "six CPUs");
    }
  }

  @Test
  void theWindowMovesAndGoes() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      Vcpu vcpu = machine.vcpus[0];
      assertEquals(0x0040_0402, machine.guestRead(0, 0));
      MpicMachine.refused(Errno.EINVAL, () -> machine.set(1, 0, 0x2_0000));
      machine.set(1, 0, 0xfff_0000_0000L);
      vcpu.read(MpicMachine.BASE, 4);
      assertTrue(vcpu.exited());
      assertEquals(0x0040_0402, vcpu.read(0xfff_0000_0000L, 4));
      machine.set(1, 0, 0);
      vcpu.read(0xfff_0000_0000L, 4);
      assertTrue(vcpu.exited());
    }
  }

  @Test
  void aFullBusLeavesTheAddressSetWithoutAWindow() throws KvmException {
    try (MpicMachine machine = MpicMachine.unconnected(MpicMachine.MPIC_42, 1)) {
      MmioHandler nobody =
          new MmioHandler() {
            @Override
            public long read(org.kvmdev.api.machine.Vcpu vcpu, long offset, int size) {
              return vcpu.decline();
            }

            @Override
            public long write(org.kvmdev.api.machine.Vcpu vcpu, long offset, int size, long value) {
              return vcpu.decline();
            }
          };
      for (int region = 0; region < 1000; region++) {
        machine.vm.machine().mmio().add(0x1000L * region, 0x1000, nobody);
      }
      machine.set(1, 0, MpicMachine.BASE);
      assertEquals(MpicMachine.BASE, machine.device.get(1, 0));
      machine.vcpus[0].read(MpicMachine.BASE, 4);
      assertTrue(machine.vcpus[0].exited());
    }
  }

  @Test
  void onlyWordsAreWrittenAndOnlyWordsAndBytesRead() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      Vcpu vcpu = machine.vcpus[0];
      machine.register(0x10200, 0x8003_4567);
      assertEquals(0x80, vcpu.read(MpicMachine.BASE + 0x10200, 1));
      assertEquals(0xff, vcpu.read(MpicMachine.BASE + 0x10201, 1));
      for (int size : new int[] {2, 8}) {
        vcpu.read(MpicMachine.BASE + 0x10200, size);
        assertTrue(vcpu.exited());
      }
      for (int size : new int[] {1, 2, 8}) {
        vcpu.write(MpicMachine.BASE + 0x10e0, size, 0);
        assertTrue(vcpu.exited());
      }
      assertEquals(0xffff, machine.register(0x10e0));
    }
  }

  @Test
  void aDeclinedLoadHasTakenTheInterrupt() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.configure(3, 1, 5, 0x33);
      machine.raise(3);
      machine.vcpus[0].read(MpicMachine.BASE + 0xa0, 2);
      assertTrue(machine.vcpus[0].exited());
      assertFalse(machine.pin(0));
      assertEquals(0, machine.pending(3));
    }
  }

  @Test
  void aVcpuThatIsNotConnectedActsAsCpu0() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.taskPriority(0, 6);
      Vcpu stranger = machine.vm.createVcpu(7);
      assertEquals(6, stranger.read(MpicMachine.BASE + 0x80, 4));
      assertEquals(0, stranger.externalVector());
    }
  }

  @ParameterizedTest
  @ValueSource(
      longs = {0x1310, 0x15fc, 0x1601, 0x1604, 0x4000, 0x12000, 0x3f100, 0x4_0000, -4, 1L << 32})
  void thereIsNothing(long offset) throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.device.has(2, offset);
      MpicMachine.refused(Errno.ENXIO, () -> machine.device.get(2, offset));
    }
  }

  @Test
  void linesAre0To256AndTakeZeroAndOne() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.device.has(3, 256);
      MpicMachine.refused(Errno.ENXIO, () -> machine.device.has(3, 257));
      MpicMachine.refused(Errno.EINVAL, () -> machine.device.get(3, 257));
      MpicMachine.refused(Errno.EINVAL, () -> machine.device.set(3, -1, 0));
      MpicMachine.refused(Errno.EINVAL, () -> machine.pending(0, 2));
    }
  }

  @Test
  void resetKeepsLinesMessagesOutputsAndThePin() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.configure(224, 1, 5, 0xe0);
      machine.register(0x10018, 2);
      machine.register(0x1740, 1 << 24);
      assertTrue(machine.pin(0));
      machine.register(0x1020, 0xe000_0000);

      assertEquals(0, machine.register(0x1020), "the mode too is reset");
      assertTrue(machine.pin(0));
      assertEquals(1, machine.pending(224));
      assertEquals(2, machine.register(0x10018));
      assertEquals(1, machine.register(0x1720));
      assertEquals(0x8080_0000, machine.vectorPriority(224));
      assertEquals(15, machine.register(0x20080));
      assertEquals(MpicMachine.SPURIOUS, machine.acknowledge(0));
      assertFalse(machine.pin(0));
    }
  }

  @Test
  void timersAreReadBelowWhereTheyAreWritten() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_20, 1)) {
      machine.register(0x1110, 0x1234);
      assertEquals(0x1234, machine.register(0x1100));
      machine.register(0x1260, 0x8004_0007);
      assertEquals(0x8004_0007, machine.register(0x1150), "the bank repeats");
      machine.register(0x10f0, 33_333_333);
      assertEquals(33_333_333, machine.register(0x10f0));
    }
  }

  @Test
  void inExternalProxyModeTakingTheInterruptAcknowledgesIt() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.configure(3, 1, 5, 0x33);
      machine.register(0x1020, 0x6000_0000);
      machine.raise(3);
      assertTrue(machine.vcpus[0].takeInterrupt());
      assertEquals(0x33, machine.vcpus[0].externalVector());
      assertFalse(machine.vcpus[0].takeInterrupt());
      assertEquals(0x33, machine.vcpus[0].externalVector(), "the vector stays");

      machine.end(0);
      machine.register(0x1020, 0x2000_0000);
      machine.raise(3);
      assertTrue(machine.vcpus[0].takeInterrupt());
      assertTrue(machine.vcpus[0].takeInterrupt(), "not acknowledged in mixed mode");
    }
  }

  @Test
  void model20HasNoExternalProxyMode() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_20, 1)) {
      machine.configure(3, 1, 5, 0x33);
      machine.register(0x1020, 0x6000_0000);
      assertEquals(0x2000_0000, machine.register(0x1020));
      machine.raise(3);
      assertTrue(machine.vcpus[0].takeInterrupt());
      assertEquals(0, machine.vcpus[0].externalVector());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {MpicMachine.MPIC_20, MpicMachine.MPIC_42})
  void aRestoredVmDeliversWhatTheSavedOneHadPending(int type) throws KvmException {
    try (MpicMachine saved = new MpicMachine(type, 2);
        MpicMachine restored = new MpicMachine(type, 2)) {
      saved.configure(3, 0b10, 5, 0x33);
      saved.configure(20, 0b01, 7, 0x14);
      saved.configure(8, 0b01, 3, 0x88);
      saved.vectorPriority(8, MpicMachine.LEVEL | 0x3_0088);
      saved.register(0x10f0, 66);
      saved.register(0x10e0, 0x5555);
      saved.register(0x10b0, 0x8_0101);
      saved.taskPriority(0, 2);
      saved.raise(3);
      saved.raise(20);
      saved.line(8, 7);

      restored.taskPriority(0, 15);
      restored.taskPriority(1, 15);
      restored.vm.restore(saved.vm.save());

      assertEquals(saved.vm.save(), restored.vm.save());
      assertTrue(restored.pin(0));
      assertTrue(restored.pin(1));
      assertEquals(0x33, restored.acknowledge(1));
      assertEquals(0x14, restored.acknowledge(0));
      restored.lower(20);
      assertEquals(0x88, restored.acknowledge(0));
      assertEquals(66, restored.register(0x10f0));
    }
  }

  @Test
  void aVmWhoseCpusAreOthersCannotBeRestoredInto() throws KvmException {
    try (MpicMachine saved = new MpicMachine(MpicMachine.MPIC_42, 2);
        MpicMachine other = MpicMachine.unconnected(MpicMachine.MPIC_42, 2)) {
      other.connect(0, 0);
      other.connect(1, 2);
      Vm into = other.vm;
      MpicMachine.refused(Errno.EINVAL, () -> into.restore(saved.vm.save()));
    }
  }

  @Test
  void aPinsListenerThatCallsBackIsToldSo() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.configure(3, 1, 5, 0x33);
      machine.vcpus[0].onPin(
          (pin, high) -> {
            try {
              machine.pending(3);
            } catch (KvmException e) {
              throw new AssertionError("calls back", e);
            }
          });
      MpicMachine.refused(Errno.EIO, () -> machine.raise(3));
      machine.vcpus[0].onPin((pin, high) -> {});
      assertEquals(0x33, machine.acknowledge(0), "the device goes on");
    }
  }
}
