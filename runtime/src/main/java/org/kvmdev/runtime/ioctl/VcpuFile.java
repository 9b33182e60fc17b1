package org.kvmdev.runtime.ioctl;

import java.util.Objects;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.HostTables;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;
import org.kvmdev.runtime.ioctl.Struct.DeviceAttr;
import org.kvmdev.runtime.ioctl.Struct.EnableCap;
import org.kvmdev.runtime.ioctl.Struct.OneReg;
import org.kvmdev.runtime.ioctl.Struct.Run;
import org.kvmdev.runtime.ioctl.Struct.SignalMask;

/** A vCPU's file. */
final class VcpuFile extends OpenFile {
  private static final KvmException INTERRUPTED =
      KvmException.constant(
          Errno.EINTR, "the run was interrupted: its checks passed, and no CPU is behind it");

  private static final byte[] NO_SIGNALS = {};

  private final Vcpu vcpu;

  /** Whether the host looks at immediate_exit before a run's checks. */
  private final boolean immediateExitFirst;

  /** The set of signals that a run has blocked; empty where its thread's own holds. */
  private volatile byte[] signals = NO_SIGNALS;

  VcpuFile(KvmProcess owner, Vcpu vcpu) {
    super(FileKind.VCPU, owner);
    this.vcpu = vcpu;
    immediateExitFirst = owner.host().number("run.immediate.first", 0) != 0;
  }

  Vcpu vcpu() {
    return vcpu;
  }

  @Override
  String name() {
    return "anon_inode:kvm-vcpu:" + vcpu.id();
  }

  @Override
  long size(KvmProcess caller) {
    return caller.host().number("vcpu.mmap", ProcessMemory.PAGE);
  }

  @Override
  void end() {
    vcpu.close();
  }

  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    requireOwner(caller);
    vcpu.requireAlive();
    CallerMemory memory = caller.callerMemory();
    Request known = caller.requests().answered(FileKind.VCPU, request);
    if (known == null) {
      HostRequest ofHost = caller.requests().ofHost(FileKind.VCPU, request);
      if (ofHost != null) {
        return copy(ofHost, argument, memory);
      }
      if (isAttribute(caller, request, argument)) {
        return 0;
      }
      long answer = vcpu.request(request, argument, memory);
      if (answer == Vm.NOBODYS) {
        throw caller.unknown(FileKind.VCPU, request, argument);
      }
      return answer;
    }
    switch (known) {
      case GET_STATS_FD -> {
        return VmFile.statistics(
            caller,
            "kvm-vcpu-stats:" + vcpu.id(),
            "kvm-%d/vcpu-%d".formatted(caller.pid(), vcpu.id()),
            HostTables.Target.VCPU,
            vcpu.reference());
      }
      case RUN -> run(caller, argument);
      case SET_SIGNAL_MASK -> setSignals(memory, argument);
      case ENABLE_CAP -> enableCapability(caller, argument);
      case GET_ONE_REG -> getRegister(caller, argument);
      case SET_ONE_REG -> setRegister(caller, argument);
      case GET_REG_LIST -> getRegisterList(memory, argument);
      case INTERRUPT -> interrupt(caller, argument);
      default -> throw new AssertionError(known);
    }
    return 0;
  }

  /** Copies a structure of the host's tables. */
  private long copy(HostRequest request, long argument, CallerMemory memory) throws KvmException {
    request.requireAnswer(memory, argument);
    HostTables.Structure structure = Objects.requireNonNull(request.structure());
    if (request.in()) {
      vcpu.copyIn(structure, request.size(), memory, argument);
    } else {
      vcpu.copyOut(structure, request.size(), memory, argument);
    }
    return 0;
  }

  /** Answers one of the three requests of attributes, if it is one and a family has the group. */
  private boolean isAttribute(KvmProcess caller, int request, long argument) throws KvmException {
    Accessor accessor = caller.requests().accessor(request);
    if (accessor == null || !FileKind.VCPU.hasAttributes(caller.host())) {
      return false;
    }
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, DeviceAttr.SIZE);
    int group = (int) memory.readNumber(argument + DeviceAttr.GROUP, 4);
    long attr = memory.readNumber(argument + DeviceAttr.ATTR, 8);
    long address = caller.pointer(memory.readNumber(argument + DeviceAttr.ADDR, 8));
    return switch (accessor) {
      case SET -> vcpu.setAttribute(group, attr, memory, address);
      case GET -> vcpu.getAttribute(group, attr, memory, address);
      case HAS -> vcpu.hasAttribute(group, attr);
    };
  }

  /** The number is written back, and where it is too small nothing else. */
  private void getRegisterList(CallerMemory memory, long argument) throws KvmException {
    vcpu.requireRegisters();
    long room = memory.readNumber(argument, 8);
    long[] ids = vcpu.registerList();
    memory.writeNumber(argument, 8, ids.length);
    if (Long.compareUnsigned(room, ids.length) < 0) {
      throw new KvmException(
          Errno.E2BIG, "room for %d register ids: the vCPU has %d", room, ids.length);
    }
    byte[] list = new byte[8 * ids.length];
    for (int i = 0; i < ids.length; i++) {
      memory.put(list, 8 * i, 8, ids[i]);
    }
    memory.write(argument + 8, list, 0, list.length);
  }

  private void interrupt(KvmProcess caller, long argument) throws KvmException {
    long line = caller.callerMemory().readNumber(argument, 4);
    vcpu.interrupt(line != caller.host().number("interrupt.unset", -1));
  }

  /**
   * A run's checks, and then the wait of a CPU that sleeps. How it ended is in the mapping, as a
   * kernel writes it there.
   */
  private void run(KvmProcess caller, long argument) throws KvmException {
    if (argument != 0) {
      throw new KvmException(Errno.EINVAL, "the argument is %#x; it has to be 0", argument);
    }
    if (immediateExitFirst && caller.immediateExit(Run.IMMEDIATE_EXIT)) {
      throw INTERRUPTED;
    }
    RemoteClient.Wakeup wakeup;
    vcpu.enter();
    try {
      wakeup = caller.sleep(Run.IMMEDIATE_EXIT, signals);
    } finally {
      vcpu.exit();
    }
    switch (wakeup) {
      case SIGNAL -> caller.writeRun(Run.EXIT_REASON, number(caller, Run.EXIT_INTR));
      case IMMEDIATE_EXIT -> {}
      case OFF -> {
        caller.writeRun(Run.EVENT_TYPE, number(caller, Run.EVENT_SHUTDOWN));
        caller.writeRun(Run.EXIT_REASON, number(caller, Run.EXIT_SYSTEM_EVENT));
        return;
      }
    }
    throw INTERRUPTED;
  }

  private static byte[] number(KvmProcess caller, int value) {
    byte[] bytes = new byte[4];
    caller.callerMemory().put(bytes, 0, bytes.length, value);
    return bytes;
  }

  /** Which signals are blocked during a run; the address 0 takes that back. */
  private void setSignals(CallerMemory memory, long argument) throws KvmException {
    if (argument == 0) {
      signals = NO_SIGNALS;
      return;
    }
    memory.requireReadable(argument, SignalMask.SIZE);
    long length = memory.readNumber(argument + SignalMask.LENGTH, 4);
    if (length != SignalMask.SET_SIZE) {
      throw new KvmException(
          Errno.EINVAL, "a set of signals of %d bytes: it has %d", length, SignalMask.SET_SIZE);
    }
    byte[] set = new byte[SignalMask.SET_SIZE];
    memory.read(argument + SignalMask.SET, set, 0, set.length);
    signals = set;
  }

  private void enableCapability(KvmProcess caller, long argument) throws KvmException {
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, EnableCap.SIZE);
    vcpu.enableCapability(
        (int) memory.readNumber(argument + EnableCap.CAP, 4),
        (int) memory.readNumber(argument + EnableCap.FLAGS, 4),
        VmFile.arguments(memory, argument),
        new Capabilities.Files() {
          @Override
          public DeviceOps device(long descriptor) throws KvmException {
            return caller.deviceOf(descriptor);
          }

          @Override
          public UserMemory memory() {
            return memory;
          }
        });
  }

  /** The register is looked up and read before its value's address is used. */
  private void getRegister(KvmProcess caller, long argument) throws KvmException {
    vcpu.requireRegisters();
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, OneReg.SIZE);
    long id = memory.readNumber(argument + OneReg.ID, 8);
    long address = caller.pointer(memory.readNumber(argument + OneReg.ADDR, 8));
    vcpu.getRegister(id, memory, address);
  }

  /** The value is read before the register is looked up. */
  private void setRegister(KvmProcess caller, long argument) throws KvmException {
    vcpu.requireRegisters();
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, OneReg.SIZE);
    long id = memory.readNumber(argument + OneReg.ID, 8);
    long address = caller.pointer(memory.readNumber(argument + OneReg.ADDR, 8));
    vcpu.setRegister(id, memory, address);
  }
}
