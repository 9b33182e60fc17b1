package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** The list registers hold what an exit and an entry would put there, without one. */
class ListRegistersTest {
  /**
   * The list registers in the order of the queue. Where there are more interrupts, the most urgent
   * may be in the last instead of the first.
   */
  static String registers(VgicCpu cpu) {
    StringBuilder text = new StringBuilder();
    int used = cpu.cpuInterface.used;
    long[] registers = cpu.cpuInterface.registers;
    boolean urgentIsLast =
        cpu.cpuInterface.underflow
            && ListRegister.priority(registers[used - 1]) < ListRegister.priority(registers[0]);
    for (int i = 0; i < used; i++) {
      long register = registers[urgentIsLast ? (i + used - 1) % used : i];
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
    return text.append(cpu.cpuInterface.underflow ? "more, " : "all, ")
        .append(cpu.cpuInterface.valid)
        .append(" valid, signals ")
        .append(cpu.cpuInterface.signals())
        .toString();
  }

  /** The same of a GIC's first vCPU, after what was put off there was done. */
  static String settledRegisters(TestGic gic) {
    VgicCpu cpu = gic.vgic().cpu(0);
    cpu.lockSettled();
    try {
      return registers(cpu);
    } finally {
      cpu.unlock();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void what_has_ended_cannot_end_again(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 1)) {
      Vcpu vcpu = gic.vcpus[0];
      vcpu.enter();
      gic.priority(40, 0x80);
      gic.priority(41, 0x20);
      gic.line(40, true);
      assertEquals(40, gic.acknowledge(vcpu));
      gic.line(41, true);
      assertEquals(41, gic.acknowledge(vcpu));
      gic.end(vcpu, 41);
      String once = registers(gic.vgic().cpu(0));
      gic.end(vcpu, 41);
      assertEquals(once, registers(gic.vgic().cpu(0)));
      vcpu.exit();
    }
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
            if (v3 || random.nextBoolean()) {
              gic.sgiToItself(vcpu, random.nextInt(4));
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

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void what_a_mask_holds_back_is_signalled_when_it_is_lifted(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 1)) {
      Vcpu vcpu = gic.vcpus[0];
      vcpu.enter();
      gic.priority(40, 0x40);
      gic.priorityMask(vcpu, 0x20);
      gic.line(40, true);
      assertFalse(vcpu.pin(VgicCpu.IRQ_PIN), "the mask holds it back");
      assertEquals(TestGic.SPURIOUS, gic.acknowledge(vcpu));
      gic.priorityMask(vcpu, 0xff);
      assertTrue(vcpu.pin(VgicCpu.IRQ_PIN), "the mask is lifted");
      gic.signals(vcpu, false);
      assertFalse(vcpu.pin(VgicCpu.IRQ_PIN), "its group is disabled");
      gic.signals(vcpu, true);
      assertTrue(vcpu.pin(VgicCpu.IRQ_PIN), "its group is enabled");
      gic.priorityMask(vcpu, 0x40);
      assertEquals(TestGic.SPURIOUS, gic.acknowledge(vcpu), "its priority is the mask's");
      vcpu.exit();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_disabled_sgi_to_itself_lets_the_vcpu_leave_and_enter_too(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 1)) {
      Vcpu vcpu = gic.vcpus[0];
      int pin = VgicCpu.IRQ_PIN;
      vcpu.enter();
      gic.levelSensitive(40);
      vcpu.write((v3 ? TestGic.REDISTRIBUTORS + 0x1_0000 : TestGic.DISTRIBUTOR) + 0x180, 4, 1 << 3);
      gic.line(40, true);
      gic.line(40, false);
      assertTrue(vcpu.pin(pin), "a list register keeps what it was filled with");
      gic.sgiToItself(vcpu, 3);
      assertFalse(vcpu.pin(pin), "the line is low");
      vcpu.exit();
    }
  }
}
