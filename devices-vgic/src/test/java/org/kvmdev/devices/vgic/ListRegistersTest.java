package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** The list registers hold what an exit and an entry would put there, without one. */
class ListRegistersTest {
  private static String registers(VgicCpu cpu) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < cpu.cpuInterface.used; i++) {
      long register = cpu.cpuInterface.registers[i];
      text.append(ListRegister.intid(register))
          .append(ListRegister.isPending(register) ? " pending" : "")
          .append(ListRegister.isActive(register) ? " active" : "")
          .append((register & ListRegister.END_INTERRUPT) != 0 ? " end" : "")
          .append(" from ")
          .append(ListRegister.source(register))
          .append(" at ")
          .append(ListRegister.priority(register))
          .append("; ");
    }
    return text.append(cpu.cpuInterface.underflow ? "more" : "all").toString();
  }

  @ParameterizedTest
  @CsvSource({"true, 1", "true, 2", "true, 3", "false, 1", "false, 2", "false, 3"})
  void leaving_and_entering_changes_nothing(boolean v3, int seed) throws KvmException {
    Random random = new Random(seed);
    try (TestGic gic = new TestGic(v3, 2)) {
      Vcpu vcpu = gic.vcpus[0];
      VgicCpu cpu = gic.vgic().cpu(0);
      int first = 32;
      int count = seed * 6;
      vcpu.enter();
      if (seed == 2) {
        gic.splitDeactivation(vcpu);
      }
      int[] acknowledged = new int[8];
      int depth = 0;
      for (int step = 0; step < 4000; step++) {
        int intid = first + random.nextInt(count);
        switch (random.nextInt(10)) {
          case 0, 1, 2 -> gic.line(intid, random.nextInt(3) != 0);
          case 3 -> gic.priority(intid, random.nextInt(4) << 5);
          case 4 -> gic.levelSensitive(intid);
          case 5 -> gic.route(vcpu, intid, random.nextInt(5) == 0 ? 1 : 0);
          case 6 -> {
            if (v3) {
              gic.write(vcpu, "ICC_SGI1R_EL1", 1 | (long) random.nextInt(4) << 24);
            } else {
              vcpu.write(
                  TestGic.DISTRIBUTOR + 0xf20, 4, 1L << random.nextInt(2) + random.nextInt(4) * 8);
            }
          }
          case 7, 8 -> {
            int got = depth < 8 ? gic.acknowledge(vcpu) : 1023;
            if (got < 1020 || got > 1023) {
              acknowledged[depth++] = got;
            }
          }
          default -> {
            if (depth > 0) {
              gic.end(vcpu, acknowledged[--depth]);
              if (seed == 2 && random.nextBoolean()) {
                gic.deactivate(vcpu, acknowledged[depth]);
              }
            }
          }
        }
        cpu.lock();
        cpu.kick();
        cpu.unlock();
        String without = registers(cpu);
        vcpu.exit();
        vcpu.enter();
        assertEquals(registers(cpu), without, "step " + step);
      }
      vcpu.exit();
    }
  }
}
