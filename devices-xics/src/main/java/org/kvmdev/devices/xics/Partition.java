package org.kvmdev.devices.xics;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Hypercalls;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.StateSource;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuLifecycle;
import org.kvmdev.api.machine.VcpuRegisters;

/**
 * One VM as its guest, a logical partition, sees it: hypercalls and RTAS; and what is the VM's with
 * and without a device. A device that is closed leaves tokens and enabled hypercalls as they are.
 */
final class Partition implements Hypercalls, Requests, StateSource, VcpuLifecycle, VcpuRegisters {
  /** KVM_REG_PPC_ICP_STATE: 64 bits. */
  static final long ICP_STATE = 0x1030_0000_0000_008cL;

  /** KVM_REG_PPC_VP_STATE, the same of a XIVE: 128 bits. */
  private static final long VP_STATE = 0x1040_0000_0000_008dL;

  /** KVM_PPC_RTAS_DEFINE_TOKEN, as powerpc encodes it. */
  private static final int RTAS_DEFINE_TOKEN = 0x8080_aeac;

  private static final KvmException NOT_PAPR =
      KvmException.constant(
          Errno.EINVAL, "the vCPU cannot run: KVM_CAP_PPC_PAPR was not enabled on it");
  private static final KvmException NOT_CONNECTED =
      KvmException.constant(
          Errno.ENXIO, "the vCPU is connected to no XICS; KVM_CAP_IRQ_XICS connects it");
  private static final KvmException NO_XIVE =
      KvmException.constant(Errno.ENXIO, "the vCPU is connected to no XIVE");

  private static final KvmException HAS_VCPUS =
      KvmException.constant(
          Errno.EBUSY, "the VM has vCPUs, whose ids depend on a core's threads: set them before");
  private static final int MOST_THREADS = 8;

  private final Machine machine;
  private final int slot;
  private final RtasTokens tokens = new RtasTokens();
  private final EnabledHypercalls enabled;
  private volatile @Nullable Xics device;
  private volatile int threads = 1;

  private Partition(Machine machine) {
    this.machine = machine;
    this.slot = machine.slot();
    this.enabled = new EnabledHypercalls(machine.host());
  }

  /** The partition that a VM is. */
  static Partition of(Machine machine) {
    return machine.family(Partition.class, () -> new Partition(machine));
  }

  /** How many threads a core of the guest has. */
  int threads() {
    return threads;
  }

  void setThreads(long wanted, long flags) throws KvmException {
    if (flags != 0 || wanted < 1 || wanted > MOST_THREADS || Long.bitCount(wanted) != 1) {
      throw new KvmException(
          Errno.EINVAL, "%d threads a core (flags %d): 1, 2, 4 or 8, without", wanted, flags);
    }
    if (machine.vcpuCount() != 0) {
      throw HAS_VCPUS;
    }
    threads = (int) wanted;
  }

  void device(@Nullable Xics xics) {
    device = xics;
  }

  VirtualProcessor processor(Vcpu vcpu) {
    Object state = vcpu.slot(slot);
    if (state == null) {
      throw new IllegalStateException(vcpu + " was not made in this partition");
    }
    return (VirtualProcessor) state;
  }

  EnabledHypercalls hypercalls() {
    return enabled;
  }

  // vCPUs.

  @Override
  public void created(Vcpu vcpu) {
    vcpu.slot(slot, new VirtualProcessor());
  }

  @Override
  public void mayRun(Vcpu vcpu) throws KvmException {
    if (!processor(vcpu).isPapr()) {
      throw NOT_PAPR;
    }
  }

  @Override
  public boolean owns(long id) {
    return id == ICP_STATE || id == VP_STATE;
  }

  @Override
  public long get(Vcpu vcpu, long id) throws KvmException {
    return server(vcpu, id).register();
  }

  @Override
  public void set(Vcpu vcpu, long id, long value) throws KvmException {
    server(vcpu, id).setRegister(value);
  }

  private PresentationController server(Vcpu vcpu, long id) throws KvmException {
    if (id == VP_STATE) {
      throw NO_XIVE;
    }
    PresentationController server = processor(vcpu).server();
    if (server == null) {
      throw NOT_CONNECTED;
    }
    return server;
  }

  // Hypercalls.

  @Override
  public int call(Vcpu vcpu, long number, long[] registers) throws KvmException {
    Hypercall call = Hypercall.of(number);
    if (call == null) {
      return NOT_MINE;
    }
    VirtualProcessor processor = processor(vcpu);
    if (call == Hypercall.H_RTAS) {
      return rtas(processor, registers);
    }
    PresentationController server = processor.server();
    Xics xics = device;
    if (server == null || xics == null || !enabled.has(call.number)) {
      return NOT_MINE;
    }
    registers[0] = 0;
    switch (call) {
      case H_EOI -> {
        long xirr = registers[1];
        int source = (int) xirr & 0xff_ffff;
        if (!server.end((int) (xirr >>> 24) & 0xff, source)) {
          registers[0] = Hypercall.PARAMETER;
        }
        return 0;
      }
      case H_CPPR -> {
        server.setCppr(registers[1]);
        return 0;
      }
      case H_IPI -> {
        PresentationController target = find(xics, server, registers[1]);
        if (target == null) {
          registers[0] = Hypercall.PARAMETER;
        } else {
          target.setMfrr(registers[2]);
        }
        return 0;
      }
      case H_IPOLL -> {
        PresentationController target = find(xics, server, registers[1]);
        if (target == null) {
          registers[0] = Hypercall.PARAMETER;
        } else {
          long state = target.poll();
          registers[1] = state & 0xffff_ffffL;
          registers[2] = state >>> 32;
        }
        return 2;
      }
      case H_XIRR -> {
        registers[1] = server.accept() & 0xffff_ffffL;
        return 1;
      }
      case H_XIRR_X -> {
        registers[1] = server.accept() & 0xffff_ffffL;
        // The time stamp differs from call to call, so it is not counted as an answer.
        registers[2] = timeBase();
        return 1;
      }
      case H_RTAS -> throw new AssertionError("answered above");
    }
    throw new AssertionError(call);
  }

  private static @Nullable PresentationController find(
      Xics xics, PresentationController own, long server) {
    return server == own.number() ? own : xics.servers().find((int) server);
  }

  /** The time base, which counts at 512 MHz. */
  private static long timeBase() {
    long now = System.nanoTime();
    return now / 1000 * 512 + now % 1000 * 512 / 1000;
  }

  private int rtas(VirtualProcessor processor, long[] registers) throws KvmException {
    if (tokens.all().isEmpty()) {
      return NOT_MINE;
    }
    RtasArguments arguments = processor.rtas;
    arguments.read(machine.memory(), registers[1]);
    RtasCall call = tokens.find(arguments.token());
    if (call == null) {
      return NOT_MINE;
    }
    Xics xics = device;
    boolean done = xics != null && arguments.fits(call) && run(call, xics, arguments);
    arguments.result(0, done ? RtasCall.SUCCESS : RtasCall.PARAMETER_ERROR);
    arguments.write(machine.memory(), registers[1]);
    registers[0] = 0;
    return 0;
  }

  private static boolean run(RtasCall call, Xics xics, RtasArguments arguments) {
    int source = arguments.argument(0);
    return switch (call) {
      case SET_XIVE -> xics.setRoute(source, arguments.argument(1), arguments.argument(2));
      case GET_XIVE -> {
        long state = xics.route(source);
        if (state != Xics.NO_STATE) {
          arguments.result(1, SourceState.server(state));
          arguments.result(2, SourceState.priority(state));
        }
        yield state != Xics.NO_STATE;
      }
      case INT_OFF -> xics.mask(source);
      case INT_ON -> xics.unmask(source);
    };
  }

  // Requests.

  @Override
  public List<Integer> requests(Target target) {
    return switch (target) {
      case VM -> List.of(RTAS_DEFINE_TOKEN);
      case VCPU -> List.of();
    };
  }

  @Override
  public long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    tokens.define(memory, argument);
    return 0;
  }

  // State.

  @Override
  public void enumerate(State state) {
    for (RtasTokens.Token token : tokens.all()) {
      state.shape("RTAS token %#x is %s".formatted(token.token(), token.call().routine));
    }
    for (Hypercall call : Hypercall.values()) {
      if (call != Hypercall.H_RTAS && !enabled.has(call.number)) {
        state.shape(call + " is disabled");
      }
    }
    Xics xics = device;
    if (xics != null) {
      xics.enumerate(state);
    }
  }
}
