package org.kvmdev.testkit.trace;

import static org.kvmdev.testkit.trace.Field.ADDR;
import static org.kvmdev.testkit.trace.Field.ADDRESS;
import static org.kvmdev.testkit.trace.Field.ARG;
import static org.kvmdev.testkit.trace.Field.ARGS;
import static org.kvmdev.testkit.trace.Field.ARGS_OUT;
import static org.kvmdev.testkit.trace.Field.ATTR;
import static org.kvmdev.testkit.trace.Field.BYTES;
import static org.kvmdev.testkit.trace.Field.CAP;
import static org.kvmdev.testkit.trace.Field.DATA;
import static org.kvmdev.testkit.trace.Field.DEV;
import static org.kvmdev.testkit.trace.Field.DEVID;
import static org.kvmdev.testkit.trace.Field.ENTRIES;
import static org.kvmdev.testkit.trace.Field.EPR;
import static org.kvmdev.testkit.trace.Field.ERRNO;
import static org.kvmdev.testkit.trace.Field.EXIT;
import static org.kvmdev.testkit.trace.Field.FD;
import static org.kvmdev.testkit.trace.Field.FIQ;
import static org.kvmdev.testkit.trace.Field.FLAGS;
import static org.kvmdev.testkit.trace.Field.GPA;
import static org.kvmdev.testkit.trace.Field.GROUP;
import static org.kvmdev.testkit.trace.Field.ID;
import static org.kvmdev.testkit.trace.Field.IN;
import static org.kvmdev.testkit.trace.Field.IRQ;
import static org.kvmdev.testkit.trace.Field.LEVEL;
import static org.kvmdev.testkit.trace.Field.NAME;
import static org.kvmdev.testkit.trace.Field.NR;
import static org.kvmdev.testkit.trace.Field.ON;
import static org.kvmdev.testkit.trace.Field.OUT;
import static org.kvmdev.testkit.trace.Field.REG;
import static org.kvmdev.testkit.trace.Field.REQUEST;
import static org.kvmdev.testkit.trace.Field.RET;
import static org.kvmdev.testkit.trace.Field.SIZE;
import static org.kvmdev.testkit.trace.Field.SLOT;
import static org.kvmdev.testkit.trace.Field.STATUS;
import static org.kvmdev.testkit.trace.Field.TAKEN;
import static org.kvmdev.testkit.trace.Field.TOKEN;
import static org.kvmdev.testkit.trace.Field.TYPE;
import static org.kvmdev.testkit.trace.Field.UNDEF;
import static org.kvmdev.testkit.trace.Field.VALUE;
import static org.kvmdev.testkit.trace.Field.VCPU;
import static org.kvmdev.testkit.trace.Field.VM;
import static org.kvmdev.testkit.trace.Field.WHY;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The calls that a recording can have: which fields each takes and which it answers with. Beside
 * these, every call may have {@code ret} and {@code errno}, what the guest does may have {@code
 * exit}, and {@code why} is a remark.
 */
public enum CallKind {
  /** Makes a VM. */
  KVM_CREATE_VM("KVM_CREATE_VM", needs(TYPE), may(), gives(VM)),
  /** Asks a VM, or /dev/kvm, for a capability. */
  KVM_CHECK_EXTENSION("KVM_CHECK_EXTENSION", needs(CAP), may(VM), gives()),
  /** Makes a vCPU. */
  KVM_CREATE_VCPU("KVM_CREATE_VCPU", needs(VM, ID), may(), gives(VCPU)),
  /** Chooses a vCPU's CPU model. */
  KVM_ARM_VCPU_INIT("KVM_ARM_VCPU_INIT", needs(VCPU), may(IN), gives()),
  /** Enables a capability on a VM or a vCPU. */
  KVM_ENABLE_CAP("KVM_ENABLE_CAP", needs(CAP), may(VM, VCPU, FLAGS, ARGS), gives()),
  /** Makes a device, or asks whether one could be made. */
  KVM_CREATE_DEVICE("KVM_CREATE_DEVICE", needs(VM, TYPE), may(FLAGS), gives(DEV)),
  /** Asks whether a device has an attribute. */
  KVM_HAS_DEVICE_ATTR("KVM_HAS_DEVICE_ATTR", needs(DEV, GROUP, ATTR), may(FLAGS, ADDR), gives()),
  /** Writes an attribute. */
  KVM_SET_DEVICE_ATTR(
      "KVM_SET_DEVICE_ATTR", needs(DEV, GROUP, ATTR), may(FLAGS, IN, ADDR), gives()),
  /** Reads an attribute. */
  KVM_GET_DEVICE_ATTR(
      "KVM_GET_DEVICE_ATTR", needs(DEV, GROUP, ATTR), may(FLAGS, IN, ADDR), gives(OUT)),
  /** Drives an interrupt line. */
  KVM_IRQ_LINE("KVM_IRQ_LINE", needs(VM, IRQ, LEVEL), may(), gives()),
  /** Drives an interrupt line and asks what became of it. */
  KVM_IRQ_LINE_STATUS("KVM_IRQ_LINE_STATUS", needs(VM, IRQ, LEVEL), may(), gives(STATUS)),
  /** Sends a message-signalled interrupt. */
  KVM_SIGNAL_MSI("KVM_SIGNAL_MSI", needs(VM, ADDRESS, DATA), may(DEVID, FLAGS), gives()),
  /** Replaces the interrupt routing table. */
  KVM_SET_GSI_ROUTING("KVM_SET_GSI_ROUTING", needs(VM, ENTRIES), may(FLAGS), gives()),
  /** Places an in-kernel device of an ARM VM. */
  KVM_ARM_SET_DEVICE_ADDR("KVM_ARM_SET_DEVICE_ADDR", needs(VM, ID, GPA), may(ADDR), gives()),
  /** Gives a run-time service its token. */
  KVM_PPC_RTAS_DEFINE_TOKEN(
      "KVM_PPC_RTAS_DEFINE_TOKEN", needs(VM, NAME, TOKEN), may(ADDR), gives()),
  /** Reads a vCPU's register. */
  KVM_GET_ONE_REG("KVM_GET_ONE_REG", needs(VCPU, ID), may(IN, ADDR), gives(OUT)),
  /** Writes a vCPU's register. */
  KVM_SET_ONE_REG("KVM_SET_ONE_REG", needs(VCPU, ID), may(IN, ADDR), gives()),
  /** Maps, moves or removes guest memory. */
  KVM_SET_USER_MEMORY_REGION(
      "KVM_SET_USER_MEMORY_REGION", needs(VM, SLOT, GPA, SIZE), may(FLAGS), gives()),
  /** Runs a vCPU; only the outcome is recorded. */
  KVM_RUN("KVM_RUN", needs(VCPU), may(), gives()),
  /** Any other request. */
  IOCTL("ioctl", needs(ON, REQUEST), may(ARG), gives()),
  /** Closes a file descriptor. */
  CLOSE("close", needs(FD), may(), gives()),

  /** The guest reads from an address. */
  GUEST_READ("guest.read", needs(VCPU, GPA, SIZE), may(), gives(VALUE, EXIT)),
  /** The guest writes to an address. */
  GUEST_WRITE("guest.write", needs(VCPU, GPA, SIZE, VALUE), may(), gives(EXIT)),
  /** The guest reads a system register. */
  GUEST_SYSREG_READ("guest.sysreg.read", needs(VCPU, REG), may(), gives(VALUE, UNDEF, EXIT)),
  /** The guest writes a system register. */
  GUEST_SYSREG_WRITE("guest.sysreg.write", needs(VCPU, REG, VALUE), may(), gives(UNDEF, EXIT)),
  /** The lines into a guest's CPU. */
  GUEST_IRQ("guest.irq", needs(VCPU), may(), gives(IRQ, FIQ, EXIT)),
  /** The guest takes its external interrupt. */
  GUEST_TAKE_IRQ("guest.take_irq", needs(VCPU), may(), gives(TAKEN, EPR, EXIT)),
  /** The guest calls its hypervisor. */
  GUEST_HCALL("guest.hcall", needs(VCPU, NR), may(ARGS), gives(ARGS_OUT, EXIT)),
  /** The client writes guest memory. */
  MEM_WRITE("mem.write", needs(VM, GPA, BYTES), may(), gives()),
  /** The client reads guest memory. */
  MEM_READ("mem.read", needs(VM, GPA, SIZE), may(), gives(BYTES));

  private static final Map<String, CallKind> BY_NAME =
      Stream.of(values()).collect(Collectors.toMap(CallKind::wireName, Function.identity()));

  private final String wireName;
  private final List<Field> required;
  private final List<Field> outputs;
  private final Set<Field> inputs;
  private final Set<Field> fields;

  CallKind(String wireName, List<Field> required, List<Field> optional, List<Field> outputs) {
    this.wireName = wireName;
    this.required = required;
    List<Field> answers = new ArrayList<>(List.of(RET, ERRNO));
    answers.addAll(outputs);
    this.outputs = List.copyOf(answers);
    this.inputs = EnumSet.noneOf(Field.class);
    this.inputs.addAll(required);
    this.inputs.addAll(optional);
    this.fields = EnumSet.of(WHY);
    this.fields.addAll(inputs);
    this.fields.addAll(answers);
  }

  private static List<Field> needs(Field... fields) {
    return List.of(fields);
  }

  private static List<Field> may(Field... fields) {
    return List.of(fields);
  }

  private static List<Field> gives(Field... fields) {
    return List.of(fields);
  }

  /**
   * The name in a recording.
   *
   * @return {@code guest.sysreg.read}
   */
  public String wireName() {
    return wireName;
  }

  /**
   * What a call must have.
   *
   * @return the inputs that cannot be left out
   */
  public List<Field> required() {
    return required;
  }

  /**
   * What is compared.
   *
   * @return the outputs, {@code ret} and {@code errno} first; a handle is compared in whether one
   *     was made
   */
  public List<Field> outputs() {
    return outputs;
  }

  /**
   * Whether a field is an input of the call.
   *
   * @param field which
   * @return true where it is
   */
  public boolean takes(Field field) {
    return inputs.contains(field);
  }

  /**
   * Whether a call may have a field at all.
   *
   * @param field which
   * @return true where it may
   */
  public boolean allows(Field field) {
    return fields.contains(field);
  }

  /**
   * Whether the call is what the guest does, so that it is bracketed by an entry and an exit.
   *
   * @return true for {@code guest.…}
   */
  public boolean isGuest() {
    return allows(EXIT);
  }

  /**
   * All fields that a call may have.
   *
   * @return the fields
   */
  Set<Field> fields() {
    return fields;
  }

  /**
   * The call of a name.
   *
   * @param name as a recording has it
   * @return the call, or null
   */
  static @Nullable CallKind named(String name) {
    return BY_NAME.get(name);
  }

  @Override
  public String toString() {
    return wireName;
  }
}
