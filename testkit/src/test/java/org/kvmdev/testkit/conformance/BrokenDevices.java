package org.kvmdev.testkit.conformance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.StateSource;
import org.kvmdev.api.machine.Vcpu;

/** Devices that are wrong in one thing each: the reference device, with a mistake. */
final class BrokenDevices {
  private static final KvmException ENXIO = KvmException.constant(Errno.ENXIO, "a mistake");
  private static final KvmException EINVAL = KvmException.constant(Errno.EINVAL, "a mistake");
  private static final KvmException EPERM = KvmException.constant(Errno.EPERM, "a mistake");
  private static final KvmException EBUSY = KvmException.constant(Errno.EBUSY, "a mistake");
  private static final KvmException ENOMEM = KvmException.constant(Errno.ENOMEM, "a mistake");

  /** Fewer than there are indices tried. */
  private static final int[] FEW = new int[8];

  private BrokenDevices() {}

  static List<Broken> all() {
    List<Broken> all = new ArrayList<>();
    all.addAll(declarations());
    all.addAll(creation());
    all.addAll(attributes());
    all.addAll(data());
    all.addAll(state());
    all.addAll(lifetime());
    all.addAll(robustness());
    all.addAll(liveness());
    return all;
  }

  private static List<Broken> declarations() {
    AtomicInteger asked = new AtomicInteger();
    return List.of(
        Broken.of(
                "two types have one number",
                "type_numbers_are_unique_and_in_range",
                new LatchProvider() {
                  @Override
                  public List<DeviceType> types() {
                    return List.of(latch().build(), latch().build());
                  }
                })
            .alsoFinding("is_created"),
        Broken.of(
                "a number of the kernel's that no host has",
                "type_numbers_are_unique_and_in_range",
                new LatchProvider() {
                  @Override
                  public List<DeviceType> types() {
                    return List.of(
                        DeviceType.of(77, "KVM_DEV_TYPE_LATCH", "kvm-latch", "A latch.")
                            .attributes(LatchAttribute.TABLE)
                            .build());
                  }
                })
            .alsoFinding("is_created"),
        Broken.of(
            "the summary counts how often it was asked",
            "declarations_are_stable",
            new LatchProvider() {
              @Override
              public List<DeviceType> types() {
                return List.of(
                    DeviceType.of(
                            LATCH,
                            "KVM_DEV_TYPE_LATCH",
                            "kvm-latch",
                            "Latch " + asked.incrementAndGet())
                        .attributes(LatchAttribute.TABLE)
                        .limit("latch", 1, Errno.EEXIST)
                        .build());
              }
            }),
        Broken.of(
            "a departure names no rule",
            "descriptors_are_consistent",
            new LatchProvider() {
              @Override
              DeviceType.Builder latch() {
                return super.latch().departs("has_is_generous", "HAS is true.", "nowhere");
              }
            }),
        Broken.of(
            "declares to depart, and does not",
            "has_agrees_with_get_and_set",
            new LatchProvider() {
              @Override
              DeviceType.Builder latch() {
                return super.latch()
                    .departs("has_agrees_with_get_and_set", "HAS is true.", "nowhere");
              }
            }));
  }

  private static List<Broken> creation() {
    return List.of(
        Broken.device(
            "cannot be made",
            "is_created",
            machine -> {
              throw ENOMEM;
            }),
        Broken.of(
            "any number is declared, one can be made",
            "one_too_many_is_refused_as_declared",
            new LatchProvider() {
              @Override
              DeviceType.Builder latch() {
                return DeviceType.of(LATCH, "KVM_DEV_TYPE_LATCH", "kvm-latch", "A latch.")
                    .attributes(LatchAttribute.TABLE)
                    .state(Completeness.CONFIGURATION);
              }

              @Override
              DeviceOps device(Machine machine) throws KvmException {
                if (!Latches.of(machine).all().isEmpty()) {
                  throw EBUSY;
                }
                return super.device(machine);
              }
            }));
  }

  private static List<Broken> attributes() {
    return List.of(
        accessors(
            "requests are refused with EINVAL",
            "unknown_request_is_enotty",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public long ioctl(int request, long argument, UserMemory memory)
                      throws KvmException {
                    throw EINVAL;
                  }
                }),
        accessors(
            "SET is declared, and answers EPERM",
            "declared_operations_are_there",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void setAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    if (LatchAttribute.TRIGGER.is(group, attr)) {
                      throw EPERM;
                    }
                    super.setAttr(group, attr, address, memory);
                  }
                }),
        accessors(
            "an unknown group is EINVAL",
            "unknown_group_is_refused",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void hasAttr(int group, long attr) throws KvmException {
                    if (group != 1 && group != 2) {
                      throw EINVAL;
                    }
                    super.hasAttr(group, attr);
                  }
                }),
        accessors(
            "the high half of attr is dropped",
            "unknown_attribute_is_answered_as_declared",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void hasAttr(int group, long attr) throws KvmException {
                    super.hasAttr(group, group == 1 ? attr & 0xffff_ffffL : attr);
                  }

                  @Override
                  public void getAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    super.getAttr(group, group == 1 ? attr & 0xffff_ffffL : attr, address, memory);
                  }
                }),
        Broken.of(
            "an unknown attribute is EINVAL, and declared so",
            "unknown_attribute_is_enxio",
            new OddLatchProvider()),
        accessors(
                "HAS denies a request that SET does",
                "declared_attributes_exist",
                latch ->
                    new Forwarding(latch) {
                      @Override
                      public void hasAttr(int group, long attr) throws KvmException {
                        if (LatchAttribute.CLEAR.is(group, attr)) {
                          throw ENXIO;
                        }
                        super.hasAttr(group, attr);
                      }
                    })
            .alsoFinding("has_agrees_with_get_and_set"),
        Broken.of(
            "HAS affirms a cell that GET and SET do not know",
            "has_agrees_with_get_and_set",
            new LatchProvider() {
              @Override
              DeviceOps device(Machine machine) throws KvmException {
                return new LastCellMissing(new Latch(machine));
              }

              @Override
              void enumerate(Machine machine, DeviceOps device, StateSource.State state) {
                super.enumerate(machine, device, lastCellLeftOut(state));
              }
            }),
        accessors(
            "HAS writes where the last GET wrote",
            "has_never_touches_addr",
            latch ->
                new Forwarding(latch) {
                  private long last;
                  private UserMemory kept;

                  @Override
                  public void getAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    super.getAttr(group, attr, address, memory);
                    last = address;
                    kept = memory;
                  }

                  @Override
                  public void hasAttr(int group, long attr) throws KvmException {
                    super.hasAttr(group, attr);
                    if (kept != null) {
                      kept.writeNumber(last, 4, 0);
                    }
                  }
                }),
        accessors(
            "SET of a read-only attribute is EINVAL",
            "access_is_as_declared",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void setAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    if (LatchAttribute.WIDTH.is(group, attr)) {
                      throw EINVAL;
                    }
                    super.setAttr(group, attr, address, memory);
                  }
                }));
  }

  /** A device whose mistake is in an accessor. */
  private static Broken accessors(String mistake, String rule, Layer layer) {
    return Broken.device(mistake, rule, machine -> layer.round(new Latch(machine)));
  }

  @FunctionalInterface
  private interface Layer {
    Forwarding round(Latch latch);
  }

  private static final class LastCellMissing extends Forwarding {
    LastCellMissing(Latch latch) {
      super(latch);
    }

    private static void find(int group, long attr) throws KvmException {
      if (group == 2 && attr == Latch.CELLS - 1) {
        throw ENXIO;
      }
    }

    @Override
    public void getAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      find(group, attr);
      super.getAttr(group, attr, address, memory);
    }

    @Override
    public void setAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
      find(group, attr);
      super.setAttr(group, attr, address, memory);
    }
  }

  private static StateSource.State lastCellLeftOut(StateSource.State state) {
    return new ForwardingState(state) {
      @Override
      public void value(DeviceOps device, int group, long attr) {
        if (group != 2 || attr != Latch.CELLS - 1) {
          super.value(device, group, attr);
        }
      }
    };
  }

  private static List<Broken> data() {
    return List.of(
        accessors(
            "GET of four bytes writes eight",
            "get_writes_exactly_the_declared_size",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void getAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    super.getAttr(group, attr, address, memory);
                    if (LatchAttribute.WIDTH.is(group, attr)) {
                      memory.writeNumber(address + 4, 4, 0);
                    }
                  }
                }),
        accessors(
            "SET of four bytes reads eight",
            "set_reads_exactly_the_declared_size",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void setAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    if (LatchAttribute.TRIGGER.is(group, attr)) {
                      memory.readNumber(address, 8);
                    }
                    super.setAttr(group, attr, address, memory);
                  }
                }),
        accessors(
            "SET clears before it reads",
            "bad_addr_of_set_is_efault_and_changes_nothing",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void setAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    if (LatchAttribute.TRIGGER.is(group, attr) && address == Bench.NOWHERE) {
                      latch.value(latch.value() | 1L << 40);
                    }
                    super.setAttr(group, attr, address, memory);
                  }
                }),
        accessors(
            "GET at a null pointer succeeds",
            "bad_addr_of_get_is_efault",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void getAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    if (LatchAttribute.WIDTH.is(group, attr) && address >= 0 && address < 4096) {
                      return;
                    }
                    super.getAttr(group, attr, address, memory);
                  }
                }),
        Broken.device(
            "SET of a bit that is too high sets it before it is refused",
            "refused_set_changes_nothing",
            machine ->
                new Latch(machine) {
                  @Override
                  protected synchronized void set(LatchAttribute attribute, long attr, long to)
                      throws KvmException {
                    if (attribute == LatchAttribute.TRIGGER) {
                      value(value() | 1L << to);
                    }
                    super.set(attribute, attr, to);
                  }
                }),
        accessors(
            "a refused GET writes a zero",
            "failed_get_leaves_the_buffer",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public void getAttr(int group, long attr, long address, UserMemory memory)
                      throws KvmException {
                    if (LatchAttribute.TRIGGER.is(group, attr)) {
                      memory.writeNumber(address, 4, 0);
                    }
                    super.getAttr(group, attr, address, memory);
                  }
                }),
        Broken.device(
            "GET counts",
            "reading_changes_nothing_undeclared",
            machine ->
                new Latch(machine) {
                  @Override
                  protected synchronized long get(LatchAttribute attribute, long attr) {
                    if (attribute == LatchAttribute.WIDTH) {
                      value(value() + 1);
                    }
                    return super.get(attribute, attr);
                  }
                }),
        accessors(
                "GET writes its bytes in one order on every host",
                "byte_order_is_the_hosts",
                latch ->
                    new Forwarding(latch) {
                      @Override
                      public void getAttr(int group, long attr, long address, UserMemory memory)
                          throws KvmException {
                        if (LatchAttribute.WIDTH.is(group, attr)) {
                          memory.write(address, new byte[] {Latch.WIDTH, 0, 0, 0}, 0, 4);
                          return;
                        }
                        super.getAttr(group, attr, address, memory);
                      }
                    })
            .alsoFinding("accessors_do_not_allocate"));
  }

  private static LatchProvider stating(Completeness extent, Broken.Maker maker, Teller teller) {
    return new LatchProvider() {
      @Override
      DeviceType.Builder latch() {
        return super.latch().state(extent);
      }

      @Override
      DeviceOps device(Machine machine) throws KvmException {
        return maker.make(machine);
      }

      @Override
      void enumerate(Machine machine, DeviceOps device, StateSource.State state) {
        teller.tell(machine, device, state);
      }

      @Override
      public List<DeviceType> types() {
        return List.of(latch().build());
      }
    };
  }

  @FunctionalInterface
  private interface Teller {
    void tell(Machine machine, DeviceOps device, StateSource.State state);
  }

  private static List<Broken> state() {
    LatchProvider reference = new LatchProvider();
    return List.of(
        Broken.of(
            "nothing is enumerated",
            "saving_changes_nothing",
            stating(Completeness.CONFIGURATION, Latch::new, (machine, device, state) -> {})),
        Broken.of(
                "a read-only attribute is enumerated",
                "state_writes_back",
                stating(
                    Completeness.CONFIGURATION,
                    Latch::new,
                    (machine, device, state) -> {
                      reference.enumerate(machine, device, state);
                      state.value(device, 1, 2);
                    }))
            .alsoFinding("state_moves_to_a_fresh_vm", "state_moves_in_the_midst_of_activity"),
        Broken.of(
                "a value is enumerated before the one that clears it",
                "state_moves_to_a_fresh_vm",
                stating(
                    Completeness.CONFIGURATION,
                    ClearingLatch::new,
                    (machine, device, state) -> {
                      state.value(device, 1, 0);
                      state.value(device, 1, 3);
                      for (int cell = Latch.CELLS - 1; cell >= 0; cell--) {
                        state.value(device, 2, cell);
                      }
                    }))
            .alsoFinding("state_moves_in_the_midst_of_activity"),
        Broken.of(
            "what a line did cannot be written back",
            "state_moves_in_the_midst_of_activity",
            stating(
                Completeness.CONFIGURATION,
                machine ->
                    new Latch(machine) {
                      @Override
                      protected synchronized void set(LatchAttribute attribute, long attr, long to)
                          throws KvmException {
                        super.set(
                            attribute,
                            attr,
                            attribute == LatchAttribute.VALUE ? to & 0xffff_0000L : to);
                      }
                    },
                reference::enumerate)),
        Broken.of(
            "asking for the state changes a VM of three vCPUs",
            "restore_into_another_shape_is_refused_first",
            stating(
                Completeness.CONFIGURATION,
                Latch::new,
                (machine, device, state) -> {
                  if (machine.vcpuCount() == 3) {
                    ((Latch) device).value(((Latch) device).value() + 1);
                  }
                  reference.enumerate(machine, device, state);
                })),
        Broken.of(
            "asking for the state fails where there is no device",
            "restore_into_another_shape_is_refused_first",
            new LatchProvider() {
              @Override
              public void join(Machine machine) {
                Latches latches = Latches.of(machine);
                machine.plug(
                    (StateSource) state -> enumerate(machine, latches.all().getFirst(), state));
              }
            }),
        Broken.device(
            "a guest sees a count that is not enumerated",
            "complete_state_goes_on_alike",
            machine ->
                new Latch(machine) {
                  private long lines;

                  @Override
                  public synchronized int line(int number, int level) {
                    lines++;
                    return super.line(number, level);
                  }

                  @Override
                  public synchronized long read(Vcpu vcpu, long offset, int size) {
                    return size == 4 ? lines : super.read(vcpu, offset, size);
                  }
                }));
  }

  /** A latch whose cell 0 clears cell 1. */
  private static final class ClearingLatch extends Latch {
    ClearingLatch(Machine machine) throws KvmException {
      super(machine);
    }

    @Override
    protected synchronized void set(LatchAttribute attribute, long attr, long to)
        throws KvmException {
      super.set(attribute, attr, to);
      if (attribute == LatchAttribute.CELL && attr == 0) {
        cell(1, 0);
      }
    }
  }

  /** A loose latch that leaves its region on the bus. */
  private static LatchProvider leaving() {
    return new LatchProvider() {
      @Override
      public List<DeviceType> types() {
        return super.types().reversed();
      }

      @Override
      public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
        Latches latches = Latches.of(machine);
        DeviceOps device =
            new LooseLatch(machine) {
              @Override
              public void release() {
                latches.all().remove(this);
                machine.controller(null);
              }
            };
        latches.all().add(device);
        return device;
      }
    };
  }

  private static List<Broken> lifetime() {
    List<Object> everyDevice = new ArrayList<>();
    Map<Object, Integer> everyVm = new IdentityHashMap<>();
    return List.of(
        Broken.device(
            "destroy throws",
            "ends_exactly_once",
            machine ->
                new Latch(machine) {
                  @Override
                  public void destroy() {
                    super.destroy();
                    throw new IllegalStateException("a mistake");
                  }
                }),
        Broken.of(
            "remembers that there was one",
            "no_free_fd_leaves_nothing_behind",
            new LatchProvider() {
              @Override
              DeviceOps device(Machine machine) throws KvmException {
                boolean[] made = machine.family(boolean[].class, () -> new boolean[1]);
                if (made[0]) {
                  throw EBUSY;
                }
                made[0] = true;
                return super.device(machine);
              }
            }),
        Broken.device(
            "implements both ends",
            "implements_the_end_that_it_declares",
            machine ->
                new Latch(machine) {
                  @Override
                  public void release() {
                    destroy();
                  }
                }),
        Broken.of("leaves its region on the bus", "release_leaves_nothing_in_the_vm", leaving()),
        Broken.device(
            "all VMs are in a map",
            "ended_devices_are_garbage",
            machine -> {
              synchronized (everyVm) {
                everyVm.put(machine, everyVm.size());
              }
              return new Latch(machine);
            }),
        Broken.device(
            "all devices are in a list",
            "ended_devices_are_garbage",
            machine -> {
              Latch latch = new Latch(machine);
              synchronized (everyDevice) {
                everyDevice.add(latch);
              }
              return latch;
            }));
  }

  private static List<Broken> robustness() {
    AtomicInteger reads = new AtomicInteger();
    return List.of(
        Broken.device(
                "SET of some values fails",
                "only_refusals_leave_the_accessors",
                machine ->
                    new Latch(machine) {
                      @Override
                      protected synchronized void set(LatchAttribute attribute, long attr, long to)
                          throws KvmException {
                        if (attribute == LatchAttribute.TRIGGER && (to & 0xf0) == 0x70) {
                          throw new ArrayIndexOutOfBoundsException("a mistake");
                        }
                        super.set(attribute, attr, to);
                      }
                    })
            .alsoFinding("calls_of_all_kinds_at_once_return"),
        Broken.device(
                "a load across the end fails",
                "guest_accesses_never_fail",
                machine ->
                    new Latch(machine) {
                      @Override
                      public synchronized long read(Vcpu vcpu, long offset, int size) {
                        return offset > 0x80 && size == 2
                            ? FEW[(int) offset]
                            : super.read(vcpu, offset, size);
                      }
                    })
            .alsoFinding("calls_of_all_kinds_at_once_return"),
        Broken.device(
                "a negative line fails",
                "lines_and_messages_never_fail",
                machine ->
                    new Latch(machine) {
                      @Override
                      public synchronized int line(int number, int level) {
                        return number < 0 ? FEW[number] : super.line(number, level);
                      }
                    })
            .alsoFinding("calls_of_all_kinds_at_once_return"),
        accessors(
            "a request of its own fails",
            "own_requests_never_fail",
            latch ->
                new Forwarding(latch) {
                  @Override
                  public long ioctl(int request, long argument, UserMemory memory)
                      throws KvmException {
                    if ((request & 0xffff) >>> 4 == 0xae4) {
                      throw new StackOverflowError("a mistake");
                    }
                    return super.ioctl(request, argument, memory);
                  }
                }),
        Broken.device(
            "a label is written byte by byte without a lock",
            "parallel_calls_leave_no_torn_state",
            TornLatch::new),
        Broken.device(
                "a number is shared by all VMs", "two_vms_do_not_see_each_other", SharingLatch::new)
            .alsoFinding("complete_state_goes_on_alike"),
        Broken.of(
            "a load counts over all VMs",
            "same_calls_same_answers",
            stating(
                Completeness.CONFIGURATION,
                machine ->
                    new Latch(machine) {
                      @Override
                      public synchronized long read(Vcpu vcpu, long offset, int size) {
                        return size == 1
                            ? reads.incrementAndGet() & 0xff
                            : super.read(vcpu, offset, size);
                      }
                    },
                new LatchProvider()::enumerate)),
        Broken.device(
            "GET boxes its number",
            "accessors_do_not_allocate",
            machine ->
                new Latch(machine) {
                  private Object last = "";

                  @Override
                  protected synchronized long get(LatchAttribute attribute, long attr) {
                    last = new long[] {super.get(attribute, attr)};
                    return ((long[]) last)[0];
                  }
                }),
        Broken.device(
            "a load boxes its number",
            "guest_accesses_do_not_allocate",
            machine ->
                new Latch(machine) {
                  private Object last = "";

                  @Override
                  public synchronized long read(Vcpu vcpu, long offset, int size) {
                    last = new long[] {super.read(vcpu, offset, size)};
                    return ((long[]) last)[0];
                  }
                }),
        Broken.device("every request is kept", "memory_does_not_grow", HistoryLatch::new),
        Broken.of(
            "a request of its VM's fails",
            "ports_never_fail",
            new LatchProvider() {
              @Override
              public void join(Machine machine) {
                super.join(machine);
                machine.plug(new FailingRequest());
              }
            }));
  }

  private static List<Broken> liveness() {
    Options impatient = Broken.FIXTURE.timeLimit(Duration.ofSeconds(8));
    return List.of(
        Broken.device(
                "a loop's end is the largest number",
                "every_call_returns",
                machine ->
                    new Latch(machine) {
                      @Override
                      protected synchronized void set(LatchAttribute attribute, long attr, long to)
                          throws KvmException {
                        super.set(attribute, attr, to);
                        if (attribute == LatchAttribute.CELL && (int) to > Integer.MAX_VALUE - 4) {
                          // As with an int that is never greater than the end.
                          for (int i = (int) to; i <= (int) to; ) {
                            Thread.onSpinWait();
                          }
                        }
                      }
                    })
            .with(impatient),
        Broken.device(
                "two locks are taken in either order",
                "calls_of_all_kinds_at_once_return",
                CrossedLatch::new)
            .with(impatient));
  }

  /** A latch that remembers each request to clear it. */
  private static final class HistoryLatch extends Latch {
    private final List<byte[]> history = new ArrayList<>();

    HistoryLatch(Machine machine) throws KvmException {
      super(machine);
    }

    @Override
    protected synchronized void set(LatchAttribute attribute, long attr, long to)
        throws KvmException {
      super.set(attribute, attr, to);
      if (attribute == LatchAttribute.CLEAR) {
        history.add(new byte[1024]);
      }
    }
  }

  /** A request whose argument is taken for an index. */
  private static final class FailingRequest implements Requests {
    @Override
    public List<Integer> requests(Target target) {
      return target == Target.VM ? List.of(0x4008_ae77) : List.of();
    }

    @Override
    public long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument) {
      return argument < 8 ? FEW[(int) argument] : FEW[8];
    }
  }

  /** A latch with a lock for lines and one for its cells, each held while the other is taken. */
  private static final class CrossedLatch extends Latch {
    private final Object lines = new Object();
    private final Object cells = new Object();

    CrossedLatch(Machine machine) throws KvmException {
      super(machine);
    }

    @Override
    protected void set(LatchAttribute attribute, long attr, long to) throws KvmException {
      synchronized (cells) {
        LockSupport.parkNanos(10_000);
        synchronized (lines) {
          super.set(attribute, attr, to);
        }
      }
    }

    @Override
    public int line(int number, int level) {
      synchronized (lines) {
        LockSupport.parkNanos(10_000);
        synchronized (cells) {
          return super.line(number, level);
        }
      }
    }
  }

  private static final class TornLatch extends Latch {
    private final byte[] label = new byte[16];

    TornLatch(Machine machine) throws KvmException {
      super(machine);
    }

    @Override
    protected void get(LatchAttribute attribute, long attr, byte[] data) {
      copy(label, data);
    }

    @Override
    protected void set(LatchAttribute attribute, long attr, byte[] data) {
      copy(data, label);
    }

    private static void copy(byte[] from, byte[] to) {
      for (int i = 0; i < from.length; i++) {
        to[i] = from[i];
        if (i == 8) {
          LockSupport.parkNanos(1_000);
        }
      }
    }
  }

  private static final class SharingLatch extends Latch {
    private static volatile long shared;

    SharingLatch(Machine machine) throws KvmException {
      super(machine);
      shared = 0;
    }

    @Override
    long value() {
      return shared;
    }

    @Override
    protected long get(LatchAttribute attribute, long attr) {
      return attribute == LatchAttribute.VALUE ? shared : super.get(attribute, attr);
    }

    @Override
    protected void set(LatchAttribute attribute, long attr, long to) throws KvmException {
      if (attribute == LatchAttribute.VALUE) {
        shared = to;
      } else {
        super.set(attribute, attr, to);
      }
    }
  }

  /** Passes what is told on. */
  private static class ForwardingState implements StateSource.State {
    private final StateSource.State state;

    ForwardingState(StateSource.State state) {
      this.state = state;
    }

    @Override
    public void shape(String fact) {
      state.shape(fact);
    }

    @Override
    public void beforeSave(DeviceOps device, int group, long attr) {
      state.beforeSave(device, group, attr);
    }

    @Override
    public void value(DeviceOps device, int group, long attr) {
      state.value(device, group, attr);
    }

    @Override
    public void write(DeviceOps device, int group, long attr, long value) {
      state.write(device, group, attr, value);
    }

    @Override
    public void request(DeviceOps device, int group, long attr) {
      state.request(device, group, attr);
    }

    @Override
    public void vcpuRegister(Vcpu vcpu, long id) {
      state.vcpuRegister(vcpu, id);
    }
  }
}
