package org.kvmdev.devices.xics;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuRegisters;

/**
 * Registers of a POWER processor with a logic of their own: its areas of shared memory, CIABR, and
 * its segment look-aside buffer, which KVM_GET_SREGS and KVM_SET_SREGS copy. The others are lines
 * of the host's tables.
 */
final class ProcessorRegisters implements VcpuRegisters, Requests {
  /** KVM_REG_PPC_CIABR. */
  private static final long CIABR = 0x1030_0000_0000_00acL;

  /** CIABR's privilege: 3 is the hypervisor's, which no guest may watch. */
  private static final long HYPERVISOR = 3;

  private static final int GET_SREGS = 0x44d0_ae83;
  private static final int SET_SREGS = 0x84d0_ae84;

  /** struct kvm_sregs: the processor's version, SDR1, and entries of two words. */
  private static final int SIZE = 1232;

  private static final int ENTRIES = 16;
  private static final int ENTRY = 16;

  /** How many entries a POWER9 has; the structure has room for more. */
  private static final int COUNT = 32;

  /** SLBE[V]: the entry is valid. */
  private static final long VALID = 1L << 27;

  private final Partition partition;
  private final long version;

  ProcessorRegisters(Partition partition, long version) {
    this.partition = partition;
    this.version = version;
  }

  @Override
  public boolean owns(long id) {
    return id == CIABR || ProcessorArea.IDS.contains(id);
  }

  @Override
  public long get(Vcpu vcpu, long id) {
    return id == CIABR ? vcpu.registers().get("CIABR") : partition.processor(vcpu).area.address(id);
  }

  @Override
  public long high(Vcpu vcpu, long id) {
    return partition.processor(vcpu).area.length(id);
  }

  @Override
  public void set(Vcpu vcpu, long id, long value) throws KvmException {
    set(vcpu, id, value, 0);
  }

  @Override
  public void set(Vcpu vcpu, long id, long low, long high) throws KvmException {
    if (id == CIABR) {
      vcpu.registers().set("CIABR", (low & HYPERVISOR) == HYPERVISOR ? low & ~HYPERVISOR : low);
    } else {
      partition.processor(vcpu).area.set(id, low, high);
    }
  }

  // The segment look-aside buffer.

  @Override
  public List<Integer> requests(Target target) {
    return target == Target.VCPU ? List.of(GET_SREGS, SET_SREGS) : List.of();
  }

  @Override
  public long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    if (vcpu == null) {
      throw new IllegalArgumentException("request " + request + " is a vCPU's");
    }
    long[] entries = partition.processor(vcpu).segments;
    if (request == GET_SREGS) {
      memory.write(argument, new byte[SIZE], 0, SIZE);
      memory.writeNumber(argument, 4, version);
      for (int i = 0; i < entries.length; i++) {
        memory.writeNumber(argument + ENTRIES + 8L * i, 8, entries[i]);
      }
      return 0;
    }
    memory.read(argument, new byte[SIZE], 0, SIZE);
    long wanted = memory.readNumber(argument, 4);
    if (wanted != version) {
      throw new KvmException(
          Errno.EINVAL, "processor version %#x: the host's is %#x", wanted, version);
    }
    partition.processor(vcpu).segments = valid(memory, argument + ENTRIES);
    return 0;
  }

  /** The valid entries, one behind the other. */
  private static long[] valid(UserMemory memory, long address) throws KvmException {
    long[] entries = new long[2 * COUNT];
    int count = 0;
    for (int i = 0; i < COUNT; i++) {
      long entry = memory.readNumber(address + (long) ENTRY * i, 8);
      if ((entry & VALID) != 0) {
        entries[count++] = entry;
        entries[count++] = memory.readNumber(address + (long) ENTRY * i + 8, 8);
      }
    }
    return Arrays.copyOf(entries, count);
  }
}
