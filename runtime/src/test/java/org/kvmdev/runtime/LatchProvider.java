package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.kvmdev.api.Access;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.StateSource;

/**
 * A device family for the runtime's tests: latches, each a number that can be set and read. It
 * writes down what happens to its devices.
 */
final class LatchProvider implements DeviceProvider {
  static final int KERNEL_TYPE = 1;
  static final int OWN_TYPE = DeviceType.FIRST_THIRD_PARTY;
  static final Host HOST = host();

  static final AttributeGroup GROUP = AttributeGroup.of(1, "LATCH", "Latches.").build();

  /** The latch's attributes. */
  enum LatchAttribute implements AttributeId {
    VALUE(Attribute.of(GROUP, 0, "VALUE", "The latched number.").size(8).build()),
    CLEAR(Attribute.of(GROUP, 1, "CLEAR", "Clears it.").request().build()),
    CRASH(Attribute.of(GROUP, 2, "CRASH", "Fails.").access(Access.WRITE).build());

    private final Attribute attribute;

    LatchAttribute(Attribute attribute) {
      this.attribute = attribute;
    }

    @Override
    public Attribute attribute() {
      return attribute;
    }
  }

  static final AttributeTable<LatchAttribute> TABLE =
      AttributeTable.of(List.of(LatchAttribute.values()));

  /** Ends with its VM; one a VM. */
  static final DeviceType ONE =
      DeviceType.of(KERNEL_TYPE, "KVM_DEV_TYPE_LATCH", "kvm-latch", "One latch.")
          .attributes(TABLE)
          .limit("latch", 1, Errno.EEXIST)
          .state(Completeness.COMPLETE)
          .build();

  /** Ends with its last reference; any number. */
  static final DeviceType MANY =
      DeviceType.of(OWN_TYPE, "KVM_DEV_TYPE_MANY_LATCHES", "kvm-latches", "A latch of many.")
          .attributes(TABLE)
          .lifetime(Lifetime.REFERENCES)
          .state(Completeness.COMPLETE)
          .build();

  final List<String> events = new ArrayList<>();

  private static Host host() {
    return Host.read("test-host", LatchProvider.class.getResourceAsStream("test-host.properties"));
  }

  @Override
  public List<DeviceType> types() {
    return List.of(ONE, MANY);
  }

  @Override
  public Set<String> architectures() {
    return Set.of("testarch");
  }

  @Override
  public List<Host> hosts() {
    return List.of(HOST);
  }

  @Override
  public void join(Machine machine) {
    List<Latch> latches = new ArrayList<>();
    machine.family(Latches.class, () -> new Latches(latches));
    machine.plug(
        (StateSource)
            state -> {
              for (Latch latch : latches) {
                state.value(latch, GROUP.number(), 0);
              }
            });
  }

  private record Latches(List<Latch> all) {}

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    events.add("create");
    Latch latch = new Latch(machine);
    machine.family(Latches.class, () -> new Latches(List.of())).all().add(latch);
    machine.controller(latch);
    return latch;
  }

  /** One latch, which is also the VM's interrupt controller: each pin adds its number. */
  final class Latch extends AttributeDevice<LatchAttribute> implements InterruptController {
    private final Machine machine;
    private long value;

    private Latch(Machine machine) {
      super(TABLE);
      this.machine = machine;
    }

    @Override
    public void init() {
      events.add("init");
    }

    @Override
    public void destroy() {
      events.add("destroy");
    }

    @Override
    public void release() {
      events.add("release");
      machine.controller(null);
    }

    @Override
    protected long get(LatchAttribute attribute, long attr) {
      return value;
    }

    @Override
    protected void set(LatchAttribute attribute, long attr, long to) throws KvmException {
      switch (attribute) {
        case VALUE -> value = machine.<Long>quiesced(() -> to);
        case CLEAR -> value = 0;
        case CRASH -> overflow();
      }
    }

    private void overflow() {
      overflow();
    }

    @Override
    public int set(int chip, int pin, int level) {
      value += pin;
      return 1;
    }

    @Override
    public int message(long address, int data, int device, int flags) {
      value += data;
      return 1;
    }
  }
}
