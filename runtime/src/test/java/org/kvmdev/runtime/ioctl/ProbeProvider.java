package org.kvmdev.runtime.ioctl;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.Operation;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuLifecycle;
import org.kvmdev.api.machine.VcpuRegisters;

/**
 * A device family for the ioctl face's tests, which writes down what reaches it: a device like
 * KVM_DEV_TYPE_VFIO (type 4; one a VM, ended by its last file, without GET) and one with every
 * operation, and each port that requests go through.
 */
final class ProbeProvider implements DeviceProvider {
  static final int VFIO = 4;
  static final int PROBE = DeviceType.FIRST_THIRD_PARTY;

  static final int FILE_GROUP = 1;
  static final int FILE_ADD = 1;
  static final int FILE_DEL = 2;

  static final int VM_CAPABILITY = 500;
  static final int VCPU_CAPABILITY = 501;
  static final int VM_REQUEST = 0x4010_aeab;
  static final int VCPU_REQUEST = 0x4020_aeae;
  static final int DEVICE_REQUEST = 0x1234;
  static final long LONG_REGISTER = 0x6030_0000_0000_0001L;
  static final long INT_REGISTER = 0x6020_0000_0000_0002L;
  static final long HUGE_REGISTER = 0x6040_0000_0000_0003L;

  /** What reached the family, in order. */
  final List<String> log = new CopyOnWriteArrayList<>();

  /** What KVM_IRQ_LINE and KVM_SIGNAL_MSI answer. */
  volatile int status = 1;

  private final Map<Long, Long> registers = new HashMap<>();
  private final List<Host> hosts;

  ProbeProvider(Host... hosts) {
    this.hosts = List.of(hosts);
  }

  /** A host made up of lines of its file. */
  static Host host(String name, String... lines) {
    String usual = "architecture=probe\nvm.types=0\nvcpus.max=64\ndevices=4\n";
    byte[] file = (usual + String.join("\n", lines)).getBytes(StandardCharsets.UTF_8);
    return Host.read(name, new ByteArrayInputStream(file));
  }

  @Override
  public List<DeviceType> types() {
    return List.of(
        DeviceType.of(VFIO, "KVM_DEV_TYPE_VFIO", "kvm-vfio", "Files that a device keeps open.")
            .operations(Operation.SET_ATTR, Operation.HAS_ATTR)
            .limit("vfio", 1, Errno.EBUSY)
            .lifetime(Lifetime.REFERENCES)
            .build(),
        DeviceType.of(PROBE, "KVM_DEV_TYPE_PROBE", "kvm-probe", "Every operation.")
            .operations(Operation.values())
            .build());
  }

  @Override
  public Set<String> architectures() {
    return Set.of("probe");
  }

  @Override
  public List<Host> hosts() {
    return hosts;
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    log.add("create " + type.fileName());
    return type.number() == VFIO ? new Vfio() : new Probe(machine);
  }

  @Override
  public void join(Machine machine) {
    machine.plug(new Registers());
    machine.plug(new OwnRequests());
    machine.plug(new Lifecycle());
  }

  @Override
  public Capabilities capabilities(Host host) {
    return new Capabilities() {
      @Override
      public boolean enable(int capability, Machine machine, long[] arguments) {
        log.add("enable " + capability + " " + Arrays.toString(arguments));
        return capability == VM_CAPABILITY;
      }

      @Override
      public boolean enable(int capability, Vcpu vcpu, long[] arguments, Files files)
          throws KvmException {
        if (capability != VCPU_CAPABILITY) {
          return false;
        }
        String device = files.device(arguments[0]).getClass().getSimpleName();
        log.add("connect " + vcpu.id() + " to " + device + " as " + arguments[1]);
        return true;
      }
    };
  }

  /** The device like VFIO's; it finds no file, since a device sees none of its caller's. */
  private final class Vfio implements DeviceOps {
    private static final KvmException UNKNOWN =
        KvmException.constant(Errno.ENXIO, "the attributes are 1 and 2 of group 1");
    private static final KvmException NO_FILE =
        KvmException.constant(Errno.EBADF, "there is no such file");

    @Override
    public void init() {
      log.add("init kvm-vfio");
    }

    @Override
    public void release() {
      log.add("release kvm-vfio");
    }

    @Override
    public void hasAttr(int group, long attr) throws KvmException {
      if (group != FILE_GROUP || attr != FILE_ADD && attr != FILE_DEL) {
        throw UNKNOWN;
      }
    }

    @Override
    public void setAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      hasAttr(group, attr);
      memory.readNumber(address, 4);
      throw NO_FILE;
    }
  }

  /** The device that has every operation; it is its VM's interrupt controller. */
  private final class Probe implements DeviceOps, InterruptController {
    private long value;

    Probe(Machine machine) {
      machine.controller(this);
    }

    @Override
    public void destroy() {
      log.add("destroy kvm-probe");
    }

    @Override
    public void hasAttr(int group, long attr) {
      log.add("has %x %x".formatted(group, attr));
    }

    @Override
    public void setAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      log.add("set %x %x".formatted(group, attr));
      value = memory.readNumber(address, 8);
    }

    @Override
    public void getAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      log.add("get %x %x".formatted(group, attr));
      memory.writeNumber(address, 8, value);
    }

    @Override
    public long ioctl(int request, long argument, UserMemory memory) throws KvmException {
      log.add("ioctl %x %x".formatted(request, argument));
      if (request != DEVICE_REQUEST) {
        throw KvmException.constant(Errno.ENOTTY, "there is one request");
      }
      return argument + 1;
    }

    @Override
    public Mapping mmap(long offset, long length) {
      log.add("mmap %x %x".formatted(offset, length));
      return new Mapping() {
        @Override
        public long load(long at, int size) {
          return at;
        }

        @Override
        public void store(long at, int size, long stored) {
          value = stored;
        }
      };
    }

    @Override
    public int set(int chip, int pin, int level) {
      log.add("pin %x %x to %x".formatted(chip, pin, level));
      return status;
    }

    @Override
    public int message(long address, int data, int device, int flags) {
      log.add("message %x %x %x %x".formatted(address, data, device, flags));
      return status;
    }
  }

  private final class Registers implements VcpuRegisters {
    @Override
    public boolean owns(long id) {
      return id == LONG_REGISTER || id == INT_REGISTER || id == HUGE_REGISTER;
    }

    @Override
    public long get(Vcpu vcpu, long id) throws KvmException {
      if (id == HUGE_REGISTER) {
        throw KvmException.constant(Errno.ENXIO, "not connected");
      }
      return registers.getOrDefault(id, 0L);
    }

    @Override
    public void set(Vcpu vcpu, long id, long value) {
      registers.put(id, value);
    }
  }

  private final class OwnRequests implements Requests {
    @Override
    public List<Integer> requests(Target target) {
      return List.of(target == Target.VM ? VM_REQUEST : VCPU_REQUEST);
    }

    @Override
    public long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
        throws KvmException {
      log.add("request %x on %s".formatted(request, vcpu));
      return memory.readNumber(argument, 4);
    }
  }

  /** Refuses the first run of a VM whose guest was told to stop. */
  private final class Lifecycle implements VcpuLifecycle {
    @Override
    public void firstRun(Vcpu vcpu) throws KvmException {
      log.add("first run");
      if (status < 0) {
        throw KvmException.constant(Errno.ENXIO, "not configured");
      }
    }
  }
}
