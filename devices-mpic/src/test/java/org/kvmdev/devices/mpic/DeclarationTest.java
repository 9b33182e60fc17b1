package org.kvmdev.devices.mpic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/** What the types declare is what the device does. */
class DeclarationTest {
  private static List<RegisterMap<?>> maps(MpicModel model) {
    return model.type().attributes().stream()
        .map(Attribute::registers)
        .flatMap(List::stream)
        .toList();
  }

  private static Stream<String> names(MpicModel model) {
    return maps(model).stream().flatMap(map -> map.registers().stream()).map(Register::name);
  }

  @Test
  void ilrIsDeclaredFor42Alone() {
    assertFalse(names(MpicModel.MPIC_20).anyMatch(name -> name.endsWith("ILR")));
    assertEquals(2, names(MpicModel.MPIC_42).filter(name -> name.endsWith("ILR")).count());
  }

  @ParameterizedTest
  @EnumSource(MpicModel.class)
  void everyRegisterHasASentenceAndASource(MpicModel model) {
    for (RegisterMap<?> map : maps(model)) {
      for (Register register : map.registers()) {
        assertTrue(register.spec().summary().endsWith("."), register::name);
        assertFalse(register.spec().source().isEmpty(), register::name);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(MpicModel.class)
  void aNewDeviceHoldsTheDeclaredResetValues(MpicModel model) throws KvmException {
    try (MpicMachine machine = MpicMachine.unconnected(model.type().number(), 0)) {
      for (RegisterMap<?> map : maps(model)) {
        for (Register register : map.registers()) {
          check(machine, map, register);
        }
      }
    }
  }

  private static void check(MpicMachine machine, RegisterMap<?> map, Register register)
      throws KvmException {
    RegisterSpec spec = register.spec();
    boolean shifted = register instanceof TimerRegister && register != TimerRegister.TFRR;
    int distance = shifted ? TimerRegister.READ_DISTANCE : 0;
    for (int index = 0; index < spec.count(); index++) {
      int offset = (int) spec.offset(index) - distance;
      // Timer 0's GTCCR would be read where TFRR is; WHOAMI is the index itself.
      long expected = register == CpuRegister.WHOAMI ? index : map.reset(register);
      int read = machine.register(offset);
      assertEquals((int) expected, read, () -> register + " at " + Integer.toHexString(offset));
    }
  }

  @ParameterizedTest
  @EnumSource(MpicModel.class)
  void savedRegistersKeepTheirDeclaredBits(MpicModel model) throws KvmException {
    try (MpicMachine machine = new MpicMachine(model.type().number(), 32)) {
      for (RegisterMap<?> map : maps(model)) {
        for (Register register : map.registers()) {
          RegisterSpec spec = register.spec();
          if (spec.isSaved() && register != GlobalRegister.GCR) {
            int offset = (int) spec.offset(spec.count() - 1);
            machine.register(offset, -1);
            assertEquals((int) spec.writable(), machine.register(offset), register::name);
          }
        }
      }
    }
  }
}
