package org.kvmdev.devices.mpic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.InterruptTaken;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.StateSource;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.register.RegisterMap;

/** What the family has in each VM, before there is a device and after: its ports. */
final class MpicFamily implements InterruptTaken, StateSource {
  private final Machine machine;
  private volatile @Nullable MpicDevice device;

  MpicFamily(Machine machine) {
    this.machine = machine;
  }

  /** The VM's family object; the first call makes it. */
  static MpicFamily of(Machine machine) {
    return machine.family(MpicFamily.class, () -> new MpicFamily(machine));
  }

  void device(MpicDevice made) {
    device = made;
  }

  @Override
  public void taken(Vcpu vcpu) {
    MpicDevice mpic = device;
    if (mpic != null) {
      mpic.taken(vcpu);
    }
  }

  @Override
  public int vector(Vcpu vcpu) {
    MpicDevice mpic = device;
    return mpic == null ? 0 : mpic.proxyVector(vcpu);
  }

  /**
   * The lines come first: nothing is delivered while all is masked, as it is after creation. Then
   * the global registers; destinations before what is delivered to them; last the task priorities,
   * which let the interrupts out, and the guest's window.
   *
   * <p>What is in service, the messages that wait in MSIRs (reading them takes them) and the timers
   * (which KVM reads where it does not write them) are not among it.
   */
  @Override
  public void enumerate(State state) {
    MpicDevice mpic = device;
    if (mpic == null) {
      return;
    }
    for (int index = 0; index < machine.vcpuCount(); index++) {
      Vcpu vcpu = machine.vcpu(index);
      Cpu cpu = mpic.connected(vcpu);
      if (cpu != null) {
        state.shape("vCPU " + vcpu.id() + " is the MPIC's CPU " + cpu.number);
      }
    }
    int lines = MpicAttribute.IRQ_ACTIVE.attribute().group().number();
    for (int source = 0; source < Source.FIRST_INTERPROCESSOR; source++) {
      // KVM_IRQ_LINE's levels are kept as they are given; the attribute takes 0 and 1 alone.
      state.write(mpic, lines, source, mpic.isPending(source) ? 1 : 0);
    }
    for (RegisterMap<?> map : mpic.mpic().model.registers()) {
      registers(state, mpic, map);
    }
    state.value(
        mpic,
        MpicAttribute.BASE_ADDR.attribute().group().number(),
        MpicAttribute.BASE_ADDR.attribute().number());
  }

  private static void registers(State state, MpicDevice mpic, RegisterMap<?> map) {
    int group = MpicAttribute.REGISTER.attribute().group().number();
    map.registers().stream()
        .map(register -> register.spec())
        .filter(spec -> spec.isSaved())
        .forEach(
            spec -> {
              for (int index = 0; index < spec.count(); index++) {
                state.value(mpic, group, spec.offset(index));
              }
            });
  }
}
