package org.kvmdev.runtime;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.StateSource;

/**
 * The state of a VM's devices, in the order in which it is restored, with what the VM restored into
 * must have alike. Guest memory is not in it: it is the client's.
 *
 * <p>As text it is a line each, and can be compared and read:
 *
 * <pre>
 * kvmdev-snapshot 1
 * shape host powerpc-e500v2-6.12
 * value KVM_DEV_TYPE_FSL_MPIC_42#0 2 0x1020 20000000
 * register 0 0x103000000000008c 0xffff0000000000ff
 * </pre>
 */
public final class Snapshot {
  private static final String FORMAT = "kvmdev-snapshot 1";

  private final List<String> shape;
  private final List<Entry> entries;

  private Snapshot(List<String> shape, List<Entry> entries) {
    this.shape = List.copyOf(shape);
    this.entries = List.copyOf(entries);
  }

  /** One step of restoring. */
  private sealed interface Entry {
    /** Writes an attribute's data; of a request, there are none. */
    record Value(String device, int group, long attr, String data) implements Entry {
      @Override
      public String toString() {
        return "value %s %d %#x %s".formatted(device, group, attr, data.isEmpty() ? "-" : data);
      }
    }

    /** Writes a vCPU's register. */
    record Register(int vcpu, long id, long value) implements Entry {
      @Override
      public String toString() {
        return "register %d %#x %#x".formatted(vcpu, id, value);
      }
    }
  }

  static Snapshot of(VirtualMachine machine) throws KvmException {
    Collector collector = new Collector(machine);
    for (StateSource source : machine.ports.states) {
      try {
        source.enumerate(collector);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, source);
      }
    }
    // What is done before saving is done before any value is read.
    for (Read action : collector.before) {
      action.entry();
    }
    List<Entry> entries = new ArrayList<>();
    for (Read value : collector.reads) {
      entries.add(value.entry());
    }
    return new Snapshot(collector.shape, entries);
  }

  void restoreInto(VirtualMachine machine) throws KvmException {
    Collector target = new Collector(machine);
    for (StateSource source : machine.ports.states) {
      try {
        source.enumerate(target);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, source);
      }
    }
    if (!target.shape.equals(shape)) {
      throw KvmException.constant(
          Errno.EINVAL,
          ("the VM is made otherwise than the saved one: " + difference(target.shape))
              .replace("%", "%%"));
    }
    for (Entry entry : entries) {
      switch (entry) {
        case Entry.Value value -> {
          byte[] data = HexFormat.of().parseHex(value.data);
          LiveDevice device = target.device(value.device);
          device.ops.setAttr(value.group, value.attr, 0, new BytesMemory(data));
        }
        case Entry.Register register -> {
          VirtualCpu vcpu = machine.vcpuById(register.vcpu);
          if (vcpu == null) {
            throw new KvmException(Errno.EINVAL, "there is no vCPU %d", register.vcpu);
          }
          new Vcpu(machine, vcpu).setRegister(register.id, register.value);
        }
      }
    }
  }

  private String difference(List<String> other) {
    List<String> its = without(other, shape);
    List<String> ours = without(shape, other);
    return its.isEmpty() && ours.isEmpty()
        ? "it has the same, made in another order: " + other + ", the saved one: " + shape
        : "it has " + its + ", the saved one " + ours;
  }

  private static List<String> without(List<String> these, List<String> others) {
    return these.stream().filter(fact -> !others.contains(fact)).toList();
  }

  /**
   * The snapshot as text.
   *
   * @return a line each, the format's name first
   */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(FORMAT).append('\n');
    shape.forEach(fact -> text.append("shape ").append(fact).append('\n'));
    entries.forEach(entry -> text.append(entry).append('\n'));
    return text.toString();
  }

  /**
   * Reads a snapshot's text.
   *
   * @param reader the text
   * @return the snapshot
   * @throws IOException where it cannot be read, or is no such text; the message says which line
   */
  public static Snapshot read(Reader reader) throws IOException {
    BufferedReader lines = new BufferedReader(reader);
    String first = lines.readLine();
    if (!FORMAT.equals(first)) {
      throw new IOException("line 1: expected " + FORMAT + ", found " + first);
    }
    List<String> shape = new ArrayList<>();
    List<Entry> entries = new ArrayList<>();
    int number = 1;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      number++;
      try {
        String[] words = line.split(" ");
        switch (words[0]) {
          case "shape" -> shape.add(line.substring("shape ".length()));
          case "value" -> {
            String data = words[4].equals("-") ? "" : words[4];
            HexFormat.of().parseHex(data);
            entries.add(
                new Entry.Value(words[1], Integer.parseInt(words[2]), number(words[3]), data));
          }
          case "register" ->
              entries.add(
                  new Entry.Register(
                      Integer.parseInt(words[1]), number(words[2]), number(words[3])));
          default -> throw new IllegalArgumentException(words[0]);
        }
      } catch (RuntimeException e) {
        throw new IOException(
            "line " + number + ": expected shape, value or register, found " + line, e);
      }
    }
    return new Snapshot(shape, entries);
  }

  private static long number(String text) {
    return Long.parseUnsignedLong(text.substring(2), 16);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Snapshot that
        && shape.equals(that.shape)
        && entries.equals(that.entries);
  }

  @Override
  public int hashCode() {
    return shape.hashCode() * 31 + entries.hashCode();
  }

  /** Something that reads state when the time has come. */
  @FunctionalInterface
  private interface Read {
    Entry entry() throws KvmException;
  }

  /** Gathers what the families tell. */
  private static final class Collector implements StateSource.State {
    final List<String> shape = new ArrayList<>();
    final List<Read> before = new ArrayList<>();
    final List<Read> reads = new ArrayList<>();
    private final List<LiveDevice> devices;
    private final List<String> names = new ArrayList<>();

    Collector(VirtualMachine machine) {
      devices = machine.devices();
      shape.add("host " + machine.host());
      for (int index = 0; index < machine.vcpuCount(); index++) {
        shape.add("vCPU " + machine.vcpu(index).id());
      }
      for (LiveDevice device : devices) {
        long same =
            names.stream().filter(name -> name.startsWith(device.type.name() + "#")).count();
        names.add(device.type.name() + "#" + same);
      }
      names.forEach(name -> shape.add("device " + name));
    }

    LiveDevice device(String name) {
      return devices.get(names.indexOf(name));
    }

    @Override
    public void shape(String fact) {
      shape.add(fact);
    }

    @Override
    public void beforeSave(DeviceOps device, int group, long attr) {
      before.add(
          () -> {
            device.setAttr(group, attr, 0, new BytesMemory(new byte[0]));
            return new Entry.Value("", group, attr, "");
          });
    }

    @Override
    public void value(DeviceOps device, int group, long attr) {
      LiveDevice live = live(device);
      String name = names.get(devices.indexOf(live));
      int size = size(live, group, attr);
      reads.add(
          () -> {
            BytesMemory memory = new BytesMemory(new byte[size]);
            device.getAttr(group, attr, 0, memory);
            return new Entry.Value(name, group, attr, HexFormat.of().formatHex(memory.bytes()));
          });
    }

    @Override
    public void write(DeviceOps device, int group, long attr, long value) {
      LiveDevice live = live(device);
      String name = names.get(devices.indexOf(live));
      int size = size(live, group, attr);
      reads.add(
          () -> {
            BytesMemory memory = new BytesMemory(new byte[size]);
            memory.writeNumber(0, size, value);
            return new Entry.Value(name, group, attr, HexFormat.of().formatHex(memory.bytes()));
          });
    }

    @Override
    public void request(DeviceOps device, int group, long attr) {
      String name = names.get(devices.indexOf(live(device)));
      reads.add(() -> new Entry.Value(name, group, attr, ""));
    }

    @Override
    public void vcpuRegister(org.kvmdev.api.machine.Vcpu vcpu, long id) {
      VirtualCpu live = (VirtualCpu) vcpu;
      VirtualMachine machine = (VirtualMachine) live.machine();
      reads.add(() -> new Entry.Register(live.id(), id, new Vcpu(machine, live).getRegister(id)));
    }

    private LiveDevice live(DeviceOps ops) {
      return devices.stream()
          .filter(device -> device.ops == ops)
          .findAny()
          .orElseThrow(
              () ->
                  new IllegalStateException(
                      ops
                          + " is no device of this VM: one that has ended leaves its StateSource,"
                          + " in destroy or release"));
    }

    private static int size(LiveDevice device, int group, long attr) {
      for (Attribute attribute : device.type.attributes()) {
        if (attribute.group().number() == group
            && (attribute.isKeyed() || attribute.number() == attr)) {
          return attribute.size();
        }
      }
      throw new IllegalStateException(
          device.type + " declares no attribute " + attr + " in group " + group);
    }
  }
}
