package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vm;

/** /dev/kvm. */
final class SystemFile extends OpenFile {
  private static final int API_VERSION = 12;

  SystemFile() {
    super(FileKind.SYSTEM, null);
  }

  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    RequestNumbers requests = caller.requests();
    Request known = requests.answered(FileKind.SYSTEM, request);
    if (known == null) {
      HostRequest ofHost = requests.ofHost(FileKind.SYSTEM, request);
      if (ofHost != null) {
        ofHost.requireAnswer(caller.callerMemory(), argument);
        caller.copyOut(ofHost, argument);
        return 0;
      }
      throw caller.unknown(FileKind.SYSTEM, request, argument);
    }
    return switch (known) {
      case GET_API_VERSION -> {
        requireNone(argument);
        yield API_VERSION;
      }
      case GET_VCPU_MMAP_SIZE -> {
        requireNone(argument);
        yield caller.host().number("vcpu.mmap", ProcessMemory.PAGE);
      }
      case CREATE_VM -> createVm(caller, argument);
      case CHECK_EXTENSION ->
          caller.kvm().checkExtension(caller.host(), VmFile.capability(argument));
      default -> throw new AssertionError(known);
    };
  }

  private static void requireNone(long argument) throws KvmException {
    if (argument != 0) {
      throw new KvmException(Errno.EINVAL, "the argument is %#x; it has to be 0", argument);
    }
  }

  /** The number comes first: where none is left, not even the type is looked at. */
  private static int createVm(KvmProcess caller, long type) throws KvmException {
    FileNumber number = new FileNumber(caller);
    number.reserve();
    try {
      Vm vm = caller.kvm().createVm(caller.host(), type);
      return number.install(new VmFile(caller, vm));
    } finally {
      number.cancelUnlessInstalled();
    }
  }

  @Override
  String name() {
    return "/dev/kvm";
  }
}
