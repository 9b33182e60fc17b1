package org.kvmdev.benchmarks.machine;

import java.util.Random;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.ProcessMemory;
import org.kvmdev.runtime.ioctl.Request;

/** A process with a VM and a device, which speaks bytes: attributes through the ioctl face. */
public final class AttributeClient {
  private static final int STRUCT_SIZE = 24;
  private static final int CREATE_TYPE = 0;
  private static final int CREATE_FD = 4;
  private static final int GROUP = 4;
  private static final int ATTR = 8;
  private static final int ADDR = 16;
  private static final int PAGE = 0x1_0000;

  private final KvmProcess process;
  private final ProcessMemory memory;
  private final int device;
  private final int has;
  private final int get;
  private final int set;

  /** The next free byte of a page. */
  private long free;

  /**
   * Makes the process.
   *
   * @param kvm has the family's jar
   * @param family the family
   * @throws KvmException not thrown
   */
  public AttributeClient(Kvm kvm, Family family) throws KvmException {
    this(kvm, family, family.type);
  }

  private AttributeClient(Kvm kvm, Family family, int type) throws KvmException {
    process = new KvmProcess(kvm, kvm.host(family.host));
    memory = process.memory();
    free = memory.map(PAGE);
    has = process.requests().of(Request.HAS_DEVICE_ATTR);
    get = process.requests().of(Request.GET_DEVICE_ATTR);
    set = process.requests().of(Request.SET_DEVICE_ATTR);
    int vm = (int) process.ioctl(process.openKvm(), process.requests().of(Request.CREATE_VM), 0);
    Vcpu vcpu = family.createVcpu(process.vm(vm), 0);
    long create = allocate(STRUCT_SIZE);
    memory.writeNumber(create + CREATE_TYPE, 4, Integer.toUnsignedLong(type));
    process.ioctl(vm, process.requests().of(Request.CREATE_DEVICE), create);
    device = (int) memory.readNumber(create + CREATE_FD, 4);
    if (type == family.type) {
      family.bringUp(process.device(device), vcpu);
    }
  }

  /**
   * A process whose device has no accessors.
   *
   * @param kvm the device types
   * @return the process
   * @throws KvmException not thrown
   */
  public static AttributeClient closed(Kvm kvm) throws KvmException {
    return new AttributeClient(kvm, Family.EMPTY, EmptyProvider.CLOSED);
  }

  private long allocate(int size) {
    long address = free;
    free += size;
    return address;
  }

  /** A {@code struct kvm_device_attr} of the family's attribute, with its data. */
  private long attribute(Family family) throws KvmException {
    long data = allocate(8);
    long struct = attribute(family.group, family.attr, data);
    process.ioctl(device, get, struct);
    return struct;
  }

  private long attribute(int group, long attr, long data) throws KvmException {
    long struct = allocate(STRUCT_SIZE);
    memory.writeNumber(struct + GROUP, 4, group);
    memory.writeNumber(struct + ATTR, 8, attr);
    memory.writeNumber(struct + ADDR, 8, data);
    return struct;
  }

  /** What is asked of an attribute. */
  public enum Access {
    /** KVM_HAS_DEVICE_ATTR. */
    HAS,
    /** KVM_GET_DEVICE_ATTR. */
    GET,
    /** KVM_SET_DEVICE_ATTR. */
    SET
  }

  private int request(Access access) {
    return switch (access) {
      case HAS -> has;
      case GET -> get;
      case SET -> set;
    };
  }

  /**
   * An access to the family's attribute.
   *
   * @param kvm has the family's jar
   * @param family the family
   * @param access which
   * @return the path
   * @throws KvmException not thrown
   */
  public static Path access(Kvm kvm, Family family, Access access) throws KvmException {
    Call call = call(kvm, family, access);
    KvmProcess process = call.process;
    int fd = call.fd;
    int request = call.request;
    long struct = call.struct;
    return times -> {
      long sum = 0;
      for (int i = 0; i < times; i++) {
        sum += process.ioctl(fd, request, struct);
      }
      return sum;
    };
  }

  private static Call call(Kvm kvm, Family family, Access access) throws KvmException {
    AttributeClient client = new AttributeClient(kvm, family);
    return new Call(
        client.process, client.device, client.request(access), client.attribute(family));
  }

  /** A client's call, made again and again. */
  private record Call(KvmProcess process, int fd, int request, long struct) {
    long make() throws KvmException {
      return process.ioctl(fd, request, struct);
    }
  }

  /**
   * An access each to the attributes of all device types, in no order that a branch predictor could
   * learn.
   *
   * @param kvm has the families' jars
   * @param access which
   * @return the path
   * @throws KvmException not thrown
   */
  public static Path accessAtRandom(Kvm kvm, Access access) throws KvmException {
    Family[] families = Family.values();
    Call[] calls = new Call[families.length];
    for (int i = 0; i < families.length; i++) {
      calls[i] = call(kvm, families[i], access);
    }
    byte[] order = new byte[1 << 14];
    Random random = new Random(25);
    for (int i = 0; i < order.length; i++) {
      order[i] = (byte) random.nextInt(families.length);
    }
    return times -> {
      long sum = 0;
      for (int i = 0; i < times; i++) {
        sum += calls[order[i & order.length - 1]].make();
      }
      return sum;
    };
  }

  /** Ways to be refused. */
  public enum Refusal {
    /** A group that the type does not have. */
    UNKNOWN_GROUP(Errno.ENXIO),
    /** A type without accessors. */
    NO_ACCESSORS(Errno.EPERM),
    /** A structure that is not mapped. */
    BAD_STRUCTURE(Errno.EFAULT),
    /** Data that are not mapped. */
    BAD_DATA(Errno.EFAULT);

    /** What the refusal answers. */
    public final Errno errno;

    Refusal(Errno errno) {
      this.errno = errno;
    }
  }

  /**
   * An access that is refused.
   *
   * @param kvm has the family's jar
   * @param family the family
   * @param access which access
   * @param refusal why it is refused
   * @return the path
   * @throws KvmException not thrown
   */
  public static Path refused(Kvm kvm, Family family, Access access, Refusal refusal)
      throws KvmException {
    AttributeClient client =
        refusal == Refusal.NO_ACCESSORS ? closed(kvm) : new AttributeClient(kvm, family);
    KvmProcess process = client.process;
    int fd = client.device;
    int request = client.request(access);
    long struct =
        switch (refusal) {
          case UNKNOWN_GROUP -> client.attribute(77, 0, client.allocate(8));
          case NO_ACCESSORS -> client.attribute(0, 0, client.allocate(8));
          case BAD_STRUCTURE -> 0;
          case BAD_DATA -> client.attribute(family.group, family.attr, 0);
        };
    Errno errno = refusal.errno;
    return times -> {
      for (int i = 0; i < times; i++) {
        try {
          process.ioctl(fd, request, struct);
        } catch (KvmException e) {
          if (e.errno() == errno) {
            continue;
          }
          throw e;
        }
        throw new AssertionError(refusal + " was not refused");
      }
      return times;
    };
  }
}
