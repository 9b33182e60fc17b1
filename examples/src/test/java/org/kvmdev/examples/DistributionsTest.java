package org.kvmdev.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Each image for one guest architecture has that one's devices, and says where the others are. */
class DistributionsTest {
  private static Installed.Run kvmdev(String distribution, String arguments) throws Exception {
    return Installed.run(
        Installed.TARGET, Images.linked(distribution) + "/bin/kvmdev " + arguments);
  }

  @Test
  void sizeAndStartUpAreTold() {
    for (String name : new String[] {"kvmdev-arm64", "kvmdev-powerpc"}) {
      assertTrue(
          Images.TOLD
              .lines()
              .anyMatch(each -> each.matches(name + ": \\d+ MB, starts in \\d+ ms: .*")),
          Images.TOLD);
    }
  }

  @Test
  void theArm64ImageHasTheVgicAndNoPowerHost() throws Exception {
    String list = kvmdev("kvmdev-arm64", "list").output();
    assertTrue(list.contains("KVM_DEV_TYPE_ARM_VGIC_V3"), list);
    assertFalse(list.contains("MPIC") || list.contains("XICS"), list);
    Installed.Run asked = kvmdev("kvmdev-arm64", "hosts powerpc-e500v2-6.12");
    assertEquals(2, asked.code());
    assertEquals(
        "there is no host powerpc-e500v2-6.12; there is: arm64-gicv2-6.1, arm64-gicv3-6.1; this is"
            + " kvmdev-arm64, and powerpc-e500v2-6.12 is in kvmdev, kvmdev-powerpc",
        asked.output().strip());
    String replay = kvmdev("kvmdev-arm64", "replay mpic/20-connect arm64/v2-addr").output();
    assertTrue(replay.contains("powerpc-e500v2-6.12 is in kvmdev, kvmdev-powerpc"), replay);
    assertTrue(replay.contains("arm64/v2-addr.kvmtrace.jsonl: 157 calls, 157 equal"), replay);
  }

  @Test
  void thePowerpcImageHasMpicAndXics() throws Exception {
    String list = kvmdev("kvmdev-powerpc", "list").output();
    assertTrue(list.contains("KVM_DEV_TYPE_FSL_MPIC_42") && list.contains("XICS"), list);
    assertFalse(list.contains("VGIC"), list);
    Installed.Run asked = kvmdev("kvmdev-powerpc", "describe ARM_VGIC_V3");
    assertEquals(2, asked.code());
    assertTrue(
        asked
            .output()
            .contains("this is kvmdev-powerpc, and ARM_VGIC_V3 is in kvmdev, kvmdev-arm64"),
        asked.output());
  }
}
