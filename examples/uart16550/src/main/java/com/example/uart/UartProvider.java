package com.example.uart;

import com.google.auto.service.AutoService;
import java.util.List;
import java.util.Set;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.machine.Machine;

/** Offers the UART where boards have it in memory: on arm64 and on 32-bit PowerPC. */
@AutoService(DeviceProvider.class)
public final class UartProvider implements DeviceProvider {
  static final DeviceType TYPE =
      DeviceType.of(
              DeviceType.FIRST_THIRD_PARTY + 0x16550,
              "KVM_DEV_TYPE_UART_16550",
              "kvm-uart-16550",
              "A 16550 UART with FIFOs, in memory; the client is its wire.")
          .attributes(UartAttribute.TABLE)
          .lifetime(Lifetime.REFERENCES)
          .state(Completeness.COMPLETE)
          .source("PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs (TI SNLS378)")
          .build();

  /** Made by the service loader. */
  public UartProvider() {}

  @Override
  public List<DeviceType> types() {
    return List.of(TYPE);
  }

  @Override
  public Set<String> architectures() {
    return Set.of("arm64", "powerpc");
  }

  @Override
  public void join(Machine machine) {
    machine.plug(UartFamily.of(machine));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    UartDevice device = new UartDevice(machine);
    UartFamily.of(machine).add(device);
    return device;
  }
}
