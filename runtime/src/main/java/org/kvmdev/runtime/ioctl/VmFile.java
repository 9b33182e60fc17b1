package org.kvmdev.runtime.ioctl;

import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.Errno;
import org.kvmdev.api.HostTables;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MadeFile;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.api.machine.Routing.Route;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Event;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;
import org.kvmdev.runtime.ioctl.Struct.ClearDirtyLog;
import org.kvmdev.runtime.ioctl.Struct.CoalescedZone;
import org.kvmdev.runtime.ioctl.Struct.CreateDevice;
import org.kvmdev.runtime.ioctl.Struct.DirtyLog;
import org.kvmdev.runtime.ioctl.Struct.EnableCap;
import org.kvmdev.runtime.ioctl.Struct.Ioeventfd;
import org.kvmdev.runtime.ioctl.Struct.IrqLevel;
import org.kvmdev.runtime.ioctl.Struct.IrqRouting;
import org.kvmdev.runtime.ioctl.Struct.Irqfd;
import org.kvmdev.runtime.ioctl.Struct.MemoryRegion;
import org.kvmdev.runtime.ioctl.Struct.Msi;

/** A VM's file. */
final class VmFile extends OpenFile {
  /** A capability, or a vCPU's id, that no 32-bit number is. */
  private static final int OUT_OF_RANGE = -1;

  private final Vm vm;

  VmFile(KvmProcess owner, Vm vm) {
    super(FileKind.VM, owner);
    this.vm = vm;
  }

  Vm vm() {
    return vm;
  }

  @Override
  String name() {
    return "anon_inode:kvm-vm";
  }

  @Override
  void end() {
    vm.close();
  }

  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    requireOwner(caller);
    vm.requireAlive();
    CallerMemory memory = caller.callerMemory();
    Request known = caller.requests().answered(FileKind.VM, request);
    if (known == null) {
      HostRequest ofHost = caller.requests().ofHost(FileKind.VM, request);
      if (ofHost != null) {
        ofHost.requireAnswer(memory, argument);
        caller.copyOut(ofHost, argument);
        return 0;
      }
      MadeFile made = vm.open(request, argument, memory);
      if (made != null) {
        return caller.install(new FamilyFile(made, vm.reference()));
      }
      long answer = vm.request(request, argument, memory);
      if (answer == Vm.NOBODYS) {
        throw caller.unknown(FileKind.VM, request, argument);
      }
      return answer;
    }
    switch (known) {
      case CHECK_EXTENSION -> {
        return vm.checkExtension(capability(argument));
      }
      case CREATE_VCPU -> {
        return createVcpu(caller, argument);
      }
      case CREATE_DEVICE -> createDevice(caller, argument);
      case ENABLE_CAP_VM -> enableCapability(memory, argument);
      case IRQ_LINE -> irqLine(memory, argument);
      case IRQ_LINE_STATUS ->
          memory.writeNumber(argument + IrqLevel.STATUS, 4, irqLine(memory, argument));
      case SIGNAL_MSI -> {
        return signalMsi(memory, argument);
      }
      case SET_GSI_ROUTING -> vm.setGsiRouting(routes(memory, argument));
      case SET_USER_MEMORY_REGION -> setMemory(memory, argument, MemoryRegion.SIZE);
      case SET_USER_MEMORY_REGION2 -> setMemory(memory, argument, MemoryRegion.SIZE2);
      case GET_DIRTY_LOG -> getDirtyLog(caller, argument);
      case CLEAR_DIRTY_LOG -> clearDirtyLog(caller, argument);
      case GET_STATS_FD -> {
        return statistics(
            caller, "kvm-vm-stats", "kvm-" + caller.pid(), HostTables.Target.VM, vm.reference());
      }
      case REGISTER_COALESCED_MMIO, UNREGISTER_COALESCED_MMIO -> coalescedMmio(memory, argument);
      case IRQFD -> irqfd(caller, argument);
      case IOEVENTFD -> ioeventfd(caller, argument);
      default -> throw new AssertionError(known);
    }
    return 0;
  }

  /** The capability of an argument; what does not fit 32 bits is no capability. */
  static int capability(long argument) {
    return (int) argument == argument ? (int) argument : OUT_OF_RANGE;
  }

  private int createVcpu(KvmProcess caller, long argument) throws KvmException {
    long wanted = argument & -1L >>> 64 - caller.host().number("vcpu.id.bits", 64);
    int id = wanted >>> 31 == 0 ? (int) wanted : OUT_OF_RANGE;
    FileNumber number = new FileNumber(caller);
    try {
      Vcpu vcpu = vm.createVcpu(id, number);
      return number.install(new VcpuFile(caller, vcpu));
    } finally {
      number.cancelUnlessInstalled();
    }
  }

  /** The structure is written back for a test too; where it cannot be, a device made stays open. */
  private void createDevice(KvmProcess caller, long argument) throws KvmException {
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, CreateDevice.SIZE);
    int type = (int) memory.readNumber(argument + CreateDevice.TYPE, 4);
    int fd = (int) memory.readNumber(argument + CreateDevice.FD, 4);
    int flags = (int) memory.readNumber(argument + CreateDevice.FLAGS, 4);
    if ((flags & CreateDevice.TEST) != 0) {
      vm.testDevice(type);
    } else {
      FileNumber number = new FileNumber(caller);
      try {
        Device device = vm.createDevice(type, number);
        fd = number.install(new DeviceFile(caller, device));
      } finally {
        number.cancelUnlessInstalled();
      }
    }
    byte[] answer = new byte[CreateDevice.SIZE];
    memory.put(answer, CreateDevice.TYPE, 4, type);
    memory.put(answer, CreateDevice.FD, 4, fd);
    memory.put(answer, CreateDevice.FLAGS, 4, flags);
    memory.write(argument, answer, 0, answer.length);
  }

  private void enableCapability(CallerMemory memory, long argument) throws KvmException {
    memory.requireReadable(argument, EnableCap.SIZE);
    vm.enableCapability(
        (int) memory.readNumber(argument + EnableCap.CAP, 4),
        (int) memory.readNumber(argument + EnableCap.FLAGS, 4),
        arguments(memory, argument));
  }

  /** The arguments of a {@code struct kvm_enable_cap}. */
  static long[] arguments(CallerMemory memory, long struct) throws KvmException {
    long[] arguments = new long[EnableCap.ARG_COUNT];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = memory.readNumber(struct + EnableCap.ARGS + 8L * i, 8);
    }
    return arguments;
  }

  private int irqLine(CallerMemory memory, long argument) throws KvmException {
    memory.requireReadable(argument, IrqLevel.SIZE);
    int line = (int) memory.readNumber(argument + IrqLevel.IRQ, 4);
    int level = (int) memory.readNumber(argument + IrqLevel.LEVEL, 4);
    return vm.irqLine(line, level);
  }

  private int signalMsi(CallerMemory memory, long argument) throws KvmException {
    memory.requireReadable(argument, Msi.SIZE);
    return vm.signalMsi(
        address(memory, argument + Msi.ADDRESS_LO, argument + Msi.ADDRESS_HI),
        (int) memory.readNumber(argument + Msi.DATA, 4),
        (int) memory.readNumber(argument + Msi.DEVID, 4),
        (int) memory.readNumber(argument + Msi.FLAGS, 4));
  }

  private static long address(CallerMemory memory, long low, long high) throws KvmException {
    return memory.readNumber(high, 4) << 32 | memory.readNumber(low, 4);
  }

  private static List<Route> routes(CallerMemory memory, long argument) throws KvmException {
    memory.requireReadable(argument, IrqRouting.SIZE);
    long count = memory.readNumber(argument + IrqRouting.NR, 4);
    long flags = memory.readNumber(argument + IrqRouting.FLAGS, 4);
    if (count > Routing.GSIS || flags != 0) {
      throw new KvmException(
          Errno.EINVAL, "%d routes with flags %#x: there are at most 4096, without", count, flags);
    }
    long entry = argument + IrqRouting.SIZE;
    memory.requireReadable(entry, (int) count * IrqRouting.ENTRY_SIZE);
    List<Route> routes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      routes.add(route(memory, entry));
      entry += IrqRouting.ENTRY_SIZE;
    }
    return routes;
  }

  private static Route route(CallerMemory memory, long entry) throws KvmException {
    int gsi = (int) memory.readNumber(entry + IrqRouting.GSI, 4);
    int type = (int) memory.readNumber(entry + IrqRouting.TYPE, 4);
    int flags = (int) memory.readNumber(entry + IrqRouting.ENTRY_FLAGS, 4);
    if (type == IrqRouting.TO_CHIP && flags == 0) {
      return new Route.Pin(
          gsi,
          (int) memory.readNumber(entry + IrqRouting.CHIP, 4),
          (int) memory.readNumber(entry + IrqRouting.PIN, 4));
    }
    if (type == IrqRouting.TO_MSI) {
      return new Route.Message(
          gsi,
          address(memory, entry + IrqRouting.ADDRESS_LO, entry + IrqRouting.ADDRESS_HI),
          (int) memory.readNumber(entry + IrqRouting.DATA, 4),
          (int) memory.readNumber(entry + IrqRouting.DEVID, 4),
          flags);
    }
    throw new KvmException(
        Errno.EINVAL, "a route of type %d with flags %#x: there are 1 without, and 2", type, flags);
  }

  private void getDirtyLog(KvmProcess caller, long argument) throws KvmException {
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, DirtyLog.SIZE);
    byte[] bitmap = vm.dirtyLog((int) memory.readNumber(argument + DirtyLog.SLOT, 4));
    memory.write(address(caller, argument + DirtyLog.BITMAP), bitmap, 0, bitmap.length);
  }

  private void clearDirtyLog(KvmProcess caller, long argument) throws KvmException {
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, ClearDirtyLog.SIZE);
    vm.clearDirtyLog(
        (int) memory.readNumber(argument + ClearDirtyLog.SLOT, 4),
        memory.readNumber(argument + ClearDirtyLog.FIRST_PAGE, 8),
        (int) memory.readNumber(argument + ClearDirtyLog.NUM_PAGES, 4),
        memory,
        address(caller, argument + ClearDirtyLog.BITMAP));
  }

  /** A pointer in a union with 64 bits: it has the width of the kernel's word, and comes first. */
  private static long address(KvmProcess caller, long at) throws KvmException {
    return caller.callerMemory().readNumber(at, (int) caller.host().number("word.bits", 64) / 8);
  }

  /** What is stored into a zone exits, as in Linux where the ring is full. */
  private static void coalescedMmio(CallerMemory memory, long argument) throws KvmException {
    memory.requireReadable(argument, CoalescedZone.SIZE);
    long pio = memory.readNumber(argument + CoalescedZone.PIO, 4);
    if (pio > 1) {
      throw new KvmException(Errno.EINVAL, "coalesced MMIO zone with pio %d: 0 or 1", pio);
    }
  }

  private void irqfd(KvmProcess caller, long argument) throws KvmException {
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, Irqfd.SIZE);
    int flags = (int) memory.readNumber(argument + Irqfd.FLAGS, 4);
    if ((flags & ~(Irqfd.DEASSIGN | Irqfd.RESAMPLE)) != 0) {
      throw new KvmException(Errno.EINVAL, "KVM_IRQFD flags %#x: there are 3", flags);
    }
    int fd = (int) memory.readNumber(argument + Irqfd.FD, 4);
    int gsi = (int) memory.readNumber(argument + Irqfd.GSI, 4);
    if ((flags & Irqfd.DEASSIGN) != 0) {
      vm.deassignEventLine(caller.event(fd), gsi);
      return;
    }
    vm.requireEventLines();
    Event event = caller.event(fd);
    Event resample =
        (flags & Irqfd.RESAMPLE) == 0
            ? null
            : caller.event((int) memory.readNumber(argument + Irqfd.RESAMPLE_FD, 4));
    vm.assignEventLine(event, gsi, resample);
  }

  private void ioeventfd(KvmProcess caller, long argument) throws KvmException {
    CallerMemory memory = caller.callerMemory();
    memory.requireReadable(argument, Ioeventfd.SIZE);
    long data = memory.readNumber(argument + Ioeventfd.DATAMATCH, 8);
    long address = memory.readNumber(argument + Ioeventfd.ADDRESS, 8);
    int length = (int) memory.readNumber(argument + Ioeventfd.LENGTH, 4);
    int flags = (int) memory.readNumber(argument + Ioeventfd.FLAGS, 4);
    if ((flags & Ioeventfd.DEASSIGN) == 0) {
      Vm.checkDoorbell(address, length, flags);
    }
    Event event = caller.event((int) memory.readNumber(argument + Ioeventfd.FD, 4));
    vm.doorbell(event, address, length, flags, data);
  }

  /** Makes a file of statistics, which holds a reference to the VM. */
  static int statistics(
      KvmProcess caller, String name, String id, HostTables.Target of, Runnable end)
      throws KvmException {
    List<HostTables.Statistic> statistics = caller.host().tables().statistics(of);
    return caller.install(
        new FamilyFile(new StatisticsFile(name, id, statistics, caller.host()), end));
  }

  private void setMemory(CallerMemory memory, long argument, int size) throws KvmException {
    memory.requireReadable(argument, size);
    vm.setMemory(
        (int) memory.readNumber(argument + MemoryRegion.SLOT, 4),
        (int) memory.readNumber(argument + MemoryRegion.FLAGS, 4),
        memory.readNumber(argument + MemoryRegion.GUEST_ADDRESS, 8),
        memory.readNumber(argument + MemoryRegion.MEMORY_SIZE, 8),
        memory,
        memory.readNumber(argument + MemoryRegion.USER_ADDRESS, 8));
  }
}
