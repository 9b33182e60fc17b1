package org.kvmdev.benchmarks.machine;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Set;

/**
 * KVM_HAS_DEVICE_ATTR on this machine's own KVM: of a VFIO device, the one type that every
 * architecture has. It is what attribute access is compared with.
 */
public final class HostKvm implements Path {
  private static final String FILE = "/dev/kvm";
  private static final int READ_WRITE = 2;

  // Requests, as all architectures but powerpc, mips, sparc and alpha encode them.
  private static final Set<String> ENCODED_SO = Set.of("amd64", "aarch64", "riscv64", "s390x");
  private static final long CREATE_VM = 0xae01;
  private static final long CREATE_DEVICE = 0xc00c_aee0L;
  private static final long HAS_DEVICE_ATTR = 0x4018_aee3L;

  private static final int TYPE_VFIO = 4;
  private static final int VFIO_FILE = 1;
  private static final int VFIO_FILE_ADD = 1;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle OPEN =
      function(
          "open",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  private static final MethodHandle IOCTL =
      function(
          "ioctl",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS));

  private final Arena arena = Arena.ofShared();
  private final MemorySegment captured = arena.allocate(CAPTURED);
  private final MemorySegment attribute;
  private final int device;

  /** That there is no KVM to compare with, and why. */
  public static final class Unusable extends Exception {
    private static final long serialVersionUID = 1;

    Unusable(String why) {
      super(why);
    }
  }

  /**
   * Makes a VM and its device.
   *
   * @throws Unusable where this machine has no KVM that this process may use
   */
  public HostKvm() throws Unusable {
    String architecture = System.getProperty("os.arch");
    if (!ENCODED_SO.contains(architecture)) {
      throw new Unusable("requests of " + architecture + " are encoded otherwise");
    }
    if (!new File(FILE).exists()) {
      throw new Unusable("there is no " + FILE);
    }
    int kvm = require(FILE, open(arena.allocateFrom(FILE)));
    int vm = require("KVM_CREATE_VM", ioctl(kvm, CREATE_VM, MemorySegment.NULL));
    MemorySegment create = arena.allocate(12, 8);
    create.set(ValueLayout.JAVA_INT, 0, TYPE_VFIO);
    require("KVM_CREATE_DEVICE", ioctl(vm, CREATE_DEVICE, create));
    device = create.get(ValueLayout.JAVA_INT, 4);
    attribute = arena.allocate(24, 8);
    attribute.set(ValueLayout.JAVA_INT, 4, VFIO_FILE);
    attribute.set(ValueLayout.JAVA_LONG, 8, VFIO_FILE_ADD);
    require("KVM_HAS_DEVICE_ATTR", ioctl(device, HAS_DEVICE_ATTR, attribute));
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(
        SymbolLookup.loaderLookup().or(LINKER.defaultLookup()).findOrThrow(name),
        descriptor,
        Linker.Option.firstVariadicArg(2),
        Linker.Option.captureCallState("errno"));
  }

  private int require(String what, int answer) throws Unusable {
    if (answer < 0) {
      throw new Unusable(what + " answers errno " + (int) ERRNO.get(captured, 0L));
    }
    return answer;
  }

  private int open(MemorySegment name) {
    try {
      return (int) OPEN.invokeExact(captured, name, READ_WRITE);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private int ioctl(int file, long request, MemorySegment argument) {
    try {
      return (int) IOCTL.invokeExact(captured, file, request, argument);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public long take(int times) {
    long sum = 0;
    for (int i = 0; i < times; i++) {
      sum += ioctl(device, HAS_DEVICE_ATTR, attribute);
    }
    return sum;
  }
}
