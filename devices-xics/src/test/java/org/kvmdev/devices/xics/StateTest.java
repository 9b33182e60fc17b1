package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Snapshot;

/** Saving a VM, restoring it into another, and going on there. */
class StateTest {
  private static XicsMachine busy() throws KvmException {
    XicsMachine machine = new XicsMachine(2);
    machine.edge(0x1000, 0, 5);
    machine.edge(0x1001, 0, 6);
    machine.edge(0x1002, 1, 4);
    machine.edge(0xf_ffff, 1, 7);
    machine.level(0x1100, 0, 5);
    machine.set(0x1003, 5L << 32 | XicsMachine.MASKED);
    for (int source : new int[] {0x1000, 0x1001, 0x1002, 0xf_ffff, 0x1100, 0x1003}) {
      machine.raise(source);
    }
    machine.accept(1);
    machine.raise(0x1002);
    machine.ipi(1, 0, 4);
    return machine;
  }

  @Test
  void aRestoredVmIsTheSameAndGoesOnTheSame() throws KvmException {
    try (XicsMachine saved = busy();
        XicsMachine restored = XicsMachine.fresh(2)) {
      Snapshot snapshot = saved.vm.save();
      restored.vm.restore(snapshot);
      assertEquals(snapshot, restored.vm.save());
      for (int round = 0; round < 8; round++) {
        for (int server = 0; server < 2; server++) {
          assertEquals(saved.pin(server), restored.pin(server));
          int xirr = saved.accept(server);
          assertEquals(xirr, restored.accept(server));
          for (XicsMachine machine : new XicsMachine[] {saved, restored}) {
            if (xirr == 0xff00_0002) {
              machine.ipi(server, server, 0xff);
            }
            machine.lower(0x1100);
            machine.end(server, round == 0 && server == 1 ? 0xff00_1002 : xirr);
          }
          assertEquals(saved.icp(server), restored.icp(server));
        }
        assertEquals(saved.vm.save(), restored.vm.save());
      }
      assertEquals(XicsMachine.icp(0xff, 0, 0xff, 0xff), restored.icp(0));
    }
  }

  @Test
  void sourcesComeBeforeTheServersThatPresentThem() throws KvmException {
    try (XicsMachine machine = busy()) {
      String text = machine.vm.save().toString();
      assertTrue(text.lastIndexOf("\nvalue ") < text.indexOf("\nregister "), text);
      assertTrue(text.indexOf("0x1000") < text.indexOf("0xfffff"), text);
    }
  }

  @Test
  void aVmThatIsMadeOtherwiseIsRefused() throws KvmException {
    try (XicsMachine saved = busy();
        XicsMachine fewer = new XicsMachine(1);
        XicsMachine tokens = new XicsMachine(2)) {
      tokens.defineToken("ibm,int-on", 7);
      for (XicsMachine other : new XicsMachine[] {fewer, tokens}) {
        KvmException refusal =
            assertThrows(KvmException.class, () -> other.vm.restore(saved.vm.save()));
        assertEquals(Errno.EINVAL, refusal.errno());
      }
    }
  }
}
