package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.VmTest.refused;

import java.io.IOException;
import java.io.StringReader;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** Saving, restoring, and the text between. */
class SnapshotTest {
  private final Kvm kvm = Kvm.of(List.of(new LatchProvider()));

  private Vm machine(long first, long second) throws KvmException {
    Vm vm = kvm.createVm("test-host");
    vm.createVcpu(3);
    vm.createDevice(LatchProvider.KERNEL_TYPE).set(1, 0, first);
    vm.createDevice(LatchProvider.OWN_TYPE).set(1, 0, second);
    return vm;
  }

  @Test
  void aStateIsRestoredIntoAVmOfTheSameShape() throws KvmException, IOException {
    Snapshot saved = machine(0x1122334455667788L, 2).save();
    Snapshot read = Snapshot.read(new StringReader(saved.toString()));
    assertEquals(saved, read);
    Vm target = machine(0, 0);
    target.restore(read);
    assertEquals(saved, target.save());
    assertEquals(
        """
        kvmdev-snapshot 1
        shape host test-host
        shape vCPU 3
        shape device KVM_DEV_TYPE_LATCH#0
        shape device KVM_DEV_TYPE_MANY_LATCHES#0
        value KVM_DEV_TYPE_LATCH#0 1 0x0 1122334455667788
        value KVM_DEV_TYPE_MANY_LATCHES#0 1 0x0 0000000000000002
        """,
        saved.toString());
  }

  @Test
  void aVmOfAnotherShapeIsRefusedBeforeAnythingIsWritten() throws KvmException {
    Snapshot saved = machine(1, 2).save();
    Vm other = kvm.createVm("test-host");
    Device latch = other.createDevice(LatchProvider.KERNEL_TYPE);
    latch.set(1, 0, 77);
    String message = refused(Errno.EINVAL, () -> other.restore(saved)).getMessage();
    assertTrue(message.contains("vCPU 3"), message);
    assertEquals(77, latch.get(1, 0));
  }

  @Test
  void aVmWhoseDevicesWereMadeInAnotherOrderIsToldSo() throws KvmException {
    Snapshot saved = machine(1, 2).save();
    Vm other = kvm.createVm("test-host");
    other.createVcpu(3);
    other.createDevice(LatchProvider.OWN_TYPE);
    other.createDevice(LatchProvider.KERNEL_TYPE);
    String message = refused(Errno.EINVAL, () -> other.restore(saved)).getMessage();
    assertTrue(message.contains("made in another order: [host test-host, vCPU 3, "), message);
  }

  @Test
  void aBrokenLineIsNamed() {
    for (String line : List.of("value x", "nonsense", "register a b c", "value x 1 0x0 zz")) {
      IOException error =
          assertThrows(
              IOException.class,
              () -> Snapshot.read(new StringReader("kvmdev-snapshot 1\n" + line + "\n")));
      assertTrue(error.getMessage().contains("line 2"), error.getMessage());
    }
    assertThrows(IOException.class, () -> Snapshot.read(new StringReader("something else")));
  }
}
