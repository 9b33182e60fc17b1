package com.example.uart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** The UART in a machine: its registers on the bus, its interrupt at a CPU's pin. */
class UartInVmTest {
  private static final String POWERPC = "powerpc-e500v2-6.12";
  private static final String TYPE = UartProvider.TYPE.name();
  private static final long BASE = 0xe000_4500L;
  private static final int LINE = 42;

  private final Kvm kvm = Kvm.load();

  private static Device uart(Vm vm) throws KvmException {
    Device uart = vm.createDevice(TYPE);
    uart.set(uart.attribute("BASE_ADDR"), BASE);
    uart.set(uart.attribute("LINE"), LINE);
    return uart;
  }

  /** A CPU with an MPIC that lets the line's interrupt through. */
  private static Vcpu cpu(Vm vm) throws KvmException {
    Device mpic = vm.createDevice("KVM_DEV_TYPE_FSL_MPIC_42");
    Vcpu cpu = vm.createVcpu(0);
    cpu.connect(90, mpic, 0); // KVM_CAP_IRQ_MPIC
    mpic.set(1, 0, 0xe004_0000L);
    mpic.set(2, 0x10000 + LINE * 0x20L, 0x0045_0042); // EIVPR: level, priority 5, vector 0x42
    mpic.set(2, 0x10010 + LINE * 0x20L, 1); // EIDR: CPU 0
    mpic.set(2, 0x20080, 0); // CTPR
    vm.setGsiRouting(List.of(new Routing.Route.Pin(LINE, 0, LINE)));
    return cpu;
  }

  private static long read(Vcpu cpu, int offset) throws KvmException {
    cpu.enter();
    long value = cpu.read(BASE + offset, 1);
    cpu.exit();
    return value;
  }

  private static void write(Vcpu cpu, int offset, int value) throws KvmException {
    cpu.enter();
    cpu.write(BASE + offset, 1, value);
    cpu.exit();
  }

  @Test
  void boardsWithItInMemoryHaveIt() {
    List<String> with =
        kvm.hosts().stream()
            .filter(host -> kvm.types(host).contains(UartProvider.TYPE))
            .map(host -> host.architecture())
            .distinct()
            .sorted()
            .toList();
    assertEquals(List.of("arm64", "powerpc"), with);
  }

  @Test
  void aDriverSendsAndReceives() throws KvmException {
    try (Vm vm = kvm.createVm(POWERPC);
        Device uart = uart(vm)) {
      Vcpu cpu = cpu(vm);
      write(cpu, 2, 0x01);
      assertEquals(0xc1, read(cpu, 2), "a driver takes it for a 16550A");
      for (char each : "hello".toCharArray()) {
        write(cpu, 0, each);
      }
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 5; i++) {
        text.append((char) uart.get(uart.attribute("TRANSMIT")));
      }
      assertEquals("hello", text.toString());
      assertEquals(
          Errno.EAGAIN,
          assertThrows(KvmException.class, () -> uart.get(uart.attribute("TRANSMIT"))).errno());

      assertFalse(cpu.pin(0));
      write(cpu, 1, 0x01);
      uart.set(uart.attribute("RECEIVE"), 'x');
      assertTrue(cpu.pin(0), "the byte interrupts the CPU");
      assertEquals('x', read(cpu, 0));
      cpu.enter();
      assertFalse(cpu.pin(0), "and no longer once it is read");
      cpu.exit();
    }
  }

  @Test
  void aVmThatIsRestoredGoesOnInTheMidst() throws KvmException {
    try (Vm vm = kvm.createVm(POWERPC);
        Device uart = uart(vm);
        Vm other = kvm.createVm(POWERPC)) {
      Vcpu cpu = cpu(vm);
      write(cpu, 2, 0x41);
      write(cpu, 1, 0x03);
      write(cpu, 0, 'q');
      uart.set(uart.attribute("RECEIVE"), 'a');
      uart.set(uart.attribute("RECEIVE"), 'b');
      assertTrue(cpu.pin(0));

      Device restored = other.createDevice(TYPE);
      Vcpu second = cpu(other);
      other.restore(vm.save());
      assertEquals(vm.save(), other.save());
      assertEquals(0xcc, read(second, 2), "the character timeout is still pending");
      assertEquals('a', read(second, 0));
      assertEquals('b', read(second, 0));
      assertEquals(0xc1, read(second, 2));
      assertEquals('q', restored.get(restored.attribute("TRANSMIT")));
      assertEquals(0xc2, read(second, 2));
    }
  }

  @Test
  void itMovesAndIsUnplugged() throws KvmException {
    try (Vm vm = kvm.createVm(POWERPC)) {
      Vcpu cpu = cpu(vm);
      Device uart = uart(vm);
      write(cpu, 7, 0x5a);
      uart.set(uart.attribute("BASE_ADDR"), BASE - 0x100);
      cpu.enter();
      assertEquals(0x5a, cpu.read(BASE - 0x100 + 7, 1));
      cpu.exit();
      KvmException odd =
          assertThrows(KvmException.class, () -> uart.set(uart.attribute("BASE_ADDR"), BASE + 1));
      assertEquals(Errno.EINVAL, odd.errno());
      assertEquals(BASE - 0x100, uart.get(uart.attribute("BASE_ADDR")));

      store(cpu, BASE - 0x100 + 1, 0x02);
      assertTrue(cpu.pin(0));
      uart.close();
      cpu.enter();
      assertFalse(cpu.pin(0), "unplugged, it lets go of its line");
      cpu.exit();
    }
  }

  private static void store(Vcpu cpu, long address, int value) throws KvmException {
    cpu.enter();
    cpu.write(address, 1, value);
    cpu.exit();
  }

  @Test
  void withoutAControllerItIsPolled() throws KvmException {
    try (Vm vm = kvm.createVm("arm64-gicv3-6.1");
        Device uart = uart(vm)) {
      uart.set(uart.attribute("RECEIVE"), 'x');
      uart.set(2, 1, 0x0f);
      assertEquals(0x61, uart.get(2, 5));
    }
  }
}
