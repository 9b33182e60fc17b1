package org.kvmdev.devices.xics;

import org.jspecify.annotations.Nullable;

/** The capabilities of partitions and their interrupt controller. */
enum PaprCapability {
  /** Threads of a core. */
  KVM_CAP_PPC_SMT(
      64,
      1,
      "a VM",
      "how many threads a core has: 1, 2, 4 or 8; flags, 0",
      "How the VM's vCPUs are numbered: the threads of a core have ids one behind the other. EBUSY"
          + " once there is a vCPU."),
  /** The guest is a partition. */
  KVM_CAP_PPC_PAPR(
      68,
      1,
      "a vCPU",
      "none",
      "The vCPU's guest is a partition. Until then it cannot run, and enabling any other capability"
          + " on it takes effect but answers EINVAL."),
  /** RTAS. */
  KVM_CAP_PPC_RTAS(91, 1, "nothing", "none", "KVM_PPC_RTAS_DEFINE_TOKEN is there."),
  /** Connects. */
  KVM_CAP_IRQ_XICS(
      92,
      1,
      "a vCPU",
      "the device's file descriptor, a server number (32 bits)",
      "Connects the vCPU: it becomes that server. EBADF or EPERM where the descriptor is not of"
          + " this VM's XICS; EBUSY where the vCPU is connected; EEXIST where the number is"
          + " taken."),
  /** Switches hypercalls. */
  KVM_CAP_PPC_ENABLE_HCALL(
      104,
      1,
      "a VM",
      "a hypercall's number, 1 or 0",
      "Enables or disables a hypercall; a disabled one goes to user space. EINVAL where the host's"
          + " KVM does not have the hypercall, or for another value."),
  /** The other controller. */
  KVM_CAP_PPC_IRQ_XIVE(
      169,
      0,
      "a vCPU",
      "a device's file descriptor, a server number",
      "The host has no XIVE: EBADF where there is no such file, else ENXIO.");

  final int number;
  final int answer;
  final String enabledOn;
  final String arguments;
  final String meaning;

  PaprCapability(int number, int answer, String enabledOn, String arguments, String meaning) {
    this.number = number;
    this.answer = answer;
    this.enabledOn = enabledOn;
    this.arguments = arguments;
    this.meaning = meaning;
  }

  /** The capability of a number, or null. */
  static @Nullable PaprCapability of(int number) {
    for (PaprCapability capability : values()) {
      if (capability.number == number) {
        return capability;
      }
    }
    return null;
  }
}
