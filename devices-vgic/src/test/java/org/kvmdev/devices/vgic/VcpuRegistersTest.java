package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.ProcessMemory;
import org.kvmdev.runtime.ioctl.Request;

/** A VMM brings a vCPU up, reads all its registers, and writes them into another VM's. */
class VcpuRegistersTest {
  private static final int GENERIC_V8 = 5;
  private static final int PSCI_0_2 = 1 << 2;
  private static final int POWER_OFF = 1;
  private static final int PMU_V3 = 1 << 3;
  private static final long PC = 0x6030_0000_0010_0040L;
  private static final long V31 = 0x6040_0000_0010_00d0L;
  private static final long TIMER_CNT = 0x6030_0000_0013_df1aL;

  private final Kvm kvm = Kvm.of(List.of(new VgicProvider()));
  private final KvmProcess process = new KvmProcess(kvm, kvm.host("arm64-gicv3-6.1"));
  private final ProcessMemory memory = process.memory();
  private final long page = memory.map(8192);

  @AfterEach
  void close() {
    process.close();
  }

  private long ioctl(int fd, Request request, long argument) throws KvmException {
    return process.ioctl(fd, process.requests().of(request), argument);
  }

  private int vcpu(int features) throws KvmException {
    int vm = (int) ioctl(process.openKvm(), Request.CREATE_VM, 40);
    process.ioctl(vm, process.requests().of(Direction.READ, 0xaf, 32), page);
    assertEquals(GENERIC_V8, memory.readNumber(page, 4));
    int vcpu = (int) ioctl(vm, Request.CREATE_VCPU, 0);
    memory.writeNumber(page + 4, 4, features);
    process.ioctl(vcpu, process.requests().of(Direction.WRITE, 0xae, 32), page);
    return vcpu;
  }

  private List<Long> list(int vcpu) throws KvmException {
    memory.writeNumber(page, 8, 0);
    KvmException refusal =
        assertThrows(KvmException.class, () -> ioctl(vcpu, Request.GET_REG_LIST, page));
    assertEquals(Errno.E2BIG, refusal.errno());
    ioctl(vcpu, Request.GET_REG_LIST, page);
    List<Long> ids = new ArrayList<>();
    for (long i = 1; i <= memory.readNumber(page, 8); i++) {
      ids.add(memory.readNumber(page + 8 * i, 8));
    }
    return ids;
  }

  private void oneReg(int vcpu, Request request, long id) throws KvmException {
    memory.writeNumber(page, 8, id);
    memory.writeNumber(page + 8, 8, page + 16);
    ioctl(vcpu, request, page);
  }

  @Test
  void aVcpuIsSavedAndRestored() throws KvmException {
    int first = vcpu(PSCI_0_2 | PMU_V3);
    List<Long> ids = list(first);
    assertEquals(316, ids.size());
    memory.writeNumber(page + 16, 8, 0x4008_0000L);
    oneReg(first, Request.SET_ONE_REG, PC);
    memory.writeNumber(page + 16, 8, 0x1122_3344_5566_7788L);
    memory.writeNumber(page + 24, 8, 0x99aa_bbcc_ddee_ff00L);
    oneReg(first, Request.SET_ONE_REG, V31);

    int second = vcpu(PSCI_0_2 | PMU_V3);
    for (long id : ids) {
      oneReg(first, Request.GET_ONE_REG, id);
      oneReg(second, Request.SET_ONE_REG, id);
    }
    for (long id : ids) {
      oneReg(first, Request.GET_ONE_REG, id);
      long low = memory.readNumber(page + 16, 8);
      long high = memory.readNumber(page + 24, 8);
      oneReg(second, Request.GET_ONE_REG, id);
      if (id != TIMER_CNT) {
        assertEquals(low, memory.readNumber(page + 16, 8), () -> Long.toHexString(id));
        assertEquals(high, memory.readNumber(page + 24, 8), () -> Long.toHexString(id));
      }
    }
    oneReg(second, Request.GET_ONE_REG, V31);
    assertEquals(0x99aa_bbcc_ddee_ff00L, memory.readNumber(page + 24, 8));
  }

  @Test
  void initialisingAgainResetsAndPowersOff() throws KvmException {
    int vcpu = vcpu(PSCI_0_2 | POWER_OFF);
    int getState = process.requests().of(Direction.READ, 0x98, 4);
    process.ioctl(vcpu, getState, page);
    assertEquals(5, memory.readNumber(page, 4), "KVM_MP_STATE_STOPPED");
    memory.writeNumber(page + 16, 8, 0x1234);
    oneReg(vcpu, Request.SET_ONE_REG, PC);
    memory.writeNumber(page, 4, GENERIC_V8);
    memory.writeNumber(page + 4, 8, PSCI_0_2 | POWER_OFF);
    memory.writeNumber(page + 12, 8, 0);
    process.ioctl(vcpu, process.requests().of(Direction.WRITE, 0xae, 32), page);
    oneReg(vcpu, Request.GET_ONE_REG, PC);
    assertEquals(0, memory.readNumber(page + 16, 8));
  }

  @Test
  void theCounterGoesOnFromWhatIsSet() throws KvmException {
    int vcpu = vcpu(PSCI_0_2);
    memory.writeNumber(page + 16, 8, 1L << 50);
    oneReg(vcpu, Request.SET_ONE_REG, TIMER_CNT);
    oneReg(vcpu, Request.GET_ONE_REG, TIMER_CNT);
    assertEquals(1L << 50, memory.readNumber(page + 16, 8) & ~((1L << 44) - 1));
  }
}
