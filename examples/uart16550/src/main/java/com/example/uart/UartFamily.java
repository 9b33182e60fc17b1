package com.example.uart;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.StateSource;

/** The UARTs of one VM: what is saved of them, in the order in which it is restored. */
final class UartFamily implements StateSource {
  private final List<UartDevice> devices = new CopyOnWriteArrayList<>();

  static UartFamily of(Machine machine) {
    return machine.family(UartFamily.class, UartFamily::new);
  }

  void add(UartDevice device) {
    devices.add(device);
  }

  void remove(UartDevice device) {
    devices.remove(device);
  }

  /**
   * Where it lies, and its line; then FCR, which says how much the FIFOs hold; the FIFOs; at last
   * what interrupts, with IER at the end, so that nothing interrupts before all is there.
   */
  @Override
  public void enumerate(State state) {
    for (UartDevice device : devices) {
      value(state, device, UartAttribute.BASE_ADDR);
      value(state, device, UartAttribute.LINE);
      for (UartRegister register : UartRegister.SAVED_FIRST) {
        register(state, device, register);
      }
      value(state, device, UartAttribute.RECEIVE_FIFO);
      value(state, device, UartAttribute.TRANSMIT_FIFO);
      value(state, device, UartAttribute.MODEM);
      register(state, device, UartRegister.LSR);
      register(state, device, UartRegister.MSR);
      value(state, device, UartAttribute.LATCHES);
      register(state, device, UartRegister.IER);
    }
  }

  private static void value(State state, UartDevice device, UartAttribute which) {
    Attribute attribute = which.attribute();
    state.value(device, attribute.group().number(), attribute.number());
  }

  private static void register(State state, UartDevice device, UartRegister register) {
    state.value(
        device, UartAttribute.REGISTER.attribute().group().number(), register.spec().offset());
  }
}
