package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;
import org.kvmdev.runtime.ioctl.Struct.EnableCap;
import org.kvmdev.runtime.ioctl.Struct.OneReg;

/** A vCPU's file. */
final class VcpuFile extends OpenFile {
  private static final KvmException INTERRUPTED =
      KvmException.constant(
          Errno.EINTR, "the run was interrupted: its checks passed, and no CPU is behind it");

  private final Vcpu vcpu;

  VcpuFile(KvmProcess owner, Vcpu vcpu) {
    super(FileKind.VCPU, owner);
    this.vcpu = vcpu;
  }

  Vcpu vcpu() {
    return vcpu;
  }

  @Override
  String name() {
    return "anon_inode:kvm-vcpu:" + vcpu.id();
  }

  @Override
  void end() {
    vcpu.close();
  }

  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    requireOwner(caller);
    vcpu.requireAlive();
    ProcessMemory memory = caller.memory();
    Request known = caller.requests().answered(FileKind.VCPU, request);
    if (known == null) {
      long answer = vcpu.request(request, argument, memory);
      if (answer == Vm.NOBODYS) {
        throw caller.requests().refusal(FileKind.VCPU, request, argument, memory);
      }
      return answer;
    }
    switch (known) {
      case RUN -> run(argument);
      case ENABLE_CAP -> enableCapability(caller, argument);
      case GET_ONE_REG -> getRegister(caller, argument);
      case SET_ONE_REG -> setRegister(caller, argument);
      default -> throw new AssertionError(known);
    }
    return 0;
  }

  private void run(long argument) throws KvmException {
    if (argument != 0) {
      throw new KvmException(Errno.EINVAL, "the argument is %#x; it has to be 0", argument);
    }
    vcpu.run();
    throw INTERRUPTED;
  }

  private void enableCapability(KvmProcess caller, long argument) throws KvmException {
    ProcessMemory memory = caller.memory();
    memory.requireReadable(argument, EnableCap.SIZE);
    vcpu.enableCapability(
        (int) memory.readNumber(argument + EnableCap.CAP, 4),
        (int) memory.readNumber(argument + EnableCap.FLAGS, 4),
        VmFile.arguments(memory, argument),
        caller::deviceOf);
  }

  /** The register is looked up and read before its value's address is used. */
  private void getRegister(KvmProcess caller, long argument) throws KvmException {
    ProcessMemory memory = caller.memory();
    memory.requireReadable(argument, OneReg.SIZE);
    long id = memory.readNumber(argument + OneReg.ID, 8);
    long address = caller.pointer(memory.readNumber(argument + OneReg.ADDR, 8));
    long value = vcpu.getRegister(id);
    memory.writeNumber(address, numberSize(id), value);
  }

  /** The value is read before the register is looked up. */
  private void setRegister(KvmProcess caller, long argument) throws KvmException {
    ProcessMemory memory = caller.memory();
    memory.requireReadable(argument, OneReg.SIZE);
    long id = memory.readNumber(argument + OneReg.ID, 8);
    long address = caller.pointer(memory.readNumber(argument + OneReg.ADDR, 8));
    memory.requireReadable(address, OneReg.bytes(id));
    vcpu.setRegister(id, memory.readNumber(address, numberSize(id)));
  }

  /**
   * Registers of more than 8 bytes are nobody's: the first 8 stand for them until that is found.
   */
  private static int numberSize(long id) {
    return Math.min(OneReg.bytes(id), 8);
  }
}
