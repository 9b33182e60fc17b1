package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.runtime.SystemRegister;
import org.kvmdev.runtime.Vcpu;

/**
 * What clients and guests do with a device, at random but the same for the same seed: accessors,
 * lines, messages, loads and stores. Each step is answered in words, so that two devices can be
 * compared.
 */
final class Activity {
  private static final int[] SIZES = {4, 4, 4, 4, 8, 1, 2};
  private static final int LINES = 64;
  private static final int HYPERCALL_REGISTERS = 16;
  private static final int HYPERCALL_ARGUMENTS = 6;

  /** One attribute's number. */
  private record Place(int group, long attr, int size) {}

  private final Subject subject;
  private final Random random;
  private final List<Place> places = new ArrayList<>();

  private Activity(Subject subject, long seed) {
    this.subject = subject;
    this.random = new Random(seed);
  }

  /** Activity on all that can be tried. */
  static Activity everywhere(Subject subject, long seed) {
    Activity activity = new Activity(subject, seed);
    for (Attribute attribute : subject.type().attributes()) {
      for (long attr : subject.samples().of(attribute)) {
        activity.places.add(new Place(attribute.group().number(), attr, attribute.size()));
      }
    }
    return activity;
  }

  /** Activity on the state's values alone, so that the VM keeps its shape. */
  static Activity onState(Subject subject, long seed, List<SavedValue> values) {
    Activity activity = new Activity(subject, seed);
    for (SavedValue value : values) {
      if (value.size() > 0) {
        activity.places.add(new Place(value.group(), value.attr(), value.size()));
      }
    }
    return activity;
  }

  /** Makes one SET of a random value. */
  String set(Bench bench) {
    if (places.isEmpty()) {
      return "nothing to set";
    }
    Place place = places.get(random.nextInt(places.size()));
    byte[] data = value(place.size());
    bench.put(bench.roomy(), data);
    Errno errno = bench.set(place.group(), place.attr(), bench.roomy());
    return "%s to %s answers %s"
        .formatted(
            Words.call("SET", place.group(), place.attr()),
            HexFormat.of().formatHex(data),
            Words.answer(errno));
  }

  /** Makes one call of any kind. */
  String step(Bench bench) {
    return switch (random.nextInt(subject.guestRuns() ? 14 : 6)) {
      case 0, 1 -> set(bench);
      case 2, 3 -> get(bench);
      case 4 -> line(bench);
      case 5 -> message(bench);
      case 10, 11 -> systemRegister(bench);
      case 12 -> hypercall(bench);
      case 13 -> take(bench);
      default -> guest(bench);
    };
  }

  /** Does something in the guest of a vCPU. */
  @FunctionalInterface
  private interface InGuest {
    String answer(Vcpu vcpu) throws KvmException;
  }

  private static String inGuest(Bench bench, int id, String call, InGuest action) {
    try {
      Vcpu vcpu = bench.typedVcpu(id);
      vcpu.enter();
      try {
        return "vCPU %d %s%s%s".formatted(id, call, action.answer(vcpu), vcpu.pin(0) ? " pin" : "");
      } finally {
        vcpu.exit();
      }
    } catch (KvmException refusal) {
      return "vCPU %d %s%s".formatted(id, call, refusal.errno());
    }
  }

  /** Reads or writes one of the guest's system registers, where the family has any. */
  String systemRegister(Bench bench) {
    List<String> names = subject.ports().systemRegisters();
    if (names.isEmpty()) {
      return guest(bench);
    }
    String name = names.get(random.nextInt(names.size()));
    boolean reads = random.nextBoolean();
    long value = number();
    return inGuest(
        bench,
        random.nextInt(bench.vcpuCount()),
        (reads ? "reads " : "writes %#x to ".formatted(value)) + name + ": ",
        vcpu -> {
          SystemRegister register = bench.typedVm().systemRegister(name);
          long answer = value;
          if (reads) {
            answer = vcpu.read(register);
          } else {
            vcpu.write(register, value);
          }
          return vcpu.trapped() ? "undefined" : "%#x".formatted(answer);
        });
  }

  /** Makes one of the hypercalls that the family answers, where it has any. */
  String hypercall(Bench bench) {
    List<Integer> numbers = subject.ports().hypercalls();
    if (numbers.isEmpty()) {
      return guest(bench);
    }
    int number = numbers.get(random.nextInt(numbers.size()));
    long[] registers = new long[HYPERCALL_REGISTERS];
    for (int i = 1; i < HYPERCALL_ARGUMENTS; i++) {
      registers[i] = random.nextInt(4) == 0 ? number() : random.nextInt(32);
    }
    return inGuest(
        bench,
        random.nextInt(bench.vcpuCount()),
        "calls %#x with %s: ".formatted(number, Arrays.toString(registers)),
        vcpu -> {
          // What is behind the values that a call returns is not told: it may be a clock.
          int count = vcpu.hypercall(number, registers);
          return Arrays.toString(Arrays.copyOf(registers, count + 1));
        });
  }

  /** Takes the interrupt that is signalled, where there is one. */
  String take(Bench bench) {
    return inGuest(
        bench,
        random.nextInt(bench.vcpuCount()),
        "takes its interrupt: ",
        vcpu -> vcpu.takeInterrupt() + " " + vcpu.externalVector());
  }

  /** Numbers that devices mean something by, and any. */
  private long number() {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextInt(256);
      case 1 -> 1L << random.nextInt(64);
      case 2 -> random.nextLong();
      default -> random.nextInt(2);
    };
  }

  private String get(Bench bench) {
    if (places.isEmpty()) {
      return "nothing to get";
    }
    Place place = places.get(random.nextInt(places.size()));
    bench.fill(bench.roomy(), place.size(), 0);
    Errno errno = bench.get(place.group(), place.attr(), bench.roomy());
    return "%s answers %s %s"
        .formatted(
            Words.call("GET", place.group(), place.attr()),
            Words.answer(errno),
            HexFormat.of().formatHex(bench.bytes(bench.roomy(), place.size())));
  }

  /** Values that devices mean something by, and any. */
  private byte[] value(int size) {
    byte[] data = new byte[size];
    switch (random.nextInt(4)) {
      case 0 -> {
        if (size > 0) {
          boolean last = random.nextBoolean();
          data[last ? size - 1 : 0] = (byte) (1 << random.nextInt(8));
        }
      }
      case 1 -> Arrays.fill(data, (byte) -1);
      case 2 -> {}
      default -> random.nextBytes(data);
    }
    return data;
  }

  String line(Bench bench) {
    int number = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(LINES);
    int level = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(2);
    String call = "line %#x level %#x answers ".formatted(number, level);
    try {
      return call + bench.typedVm().irqLine(number, level);
    } catch (KvmException refusal) {
      return call + refusal.errno();
    }
  }

  String message(Bench bench) {
    long address = random.nextBoolean() ? random.nextLong() : random.nextInt(1 << 20) * 4096L;
    int data = random.nextInt(1 << 16);
    int device = random.nextInt(8);
    int flags = random.nextInt(2);
    String call = "message %#x at %#x answers ".formatted(data, address);
    try {
      return call + bench.typedVm().signalMsi(address, data, device, flags);
    } catch (KvmException refusal) {
      return call + refusal.errno();
    }
  }

  String guest(Bench bench) {
    return guest(bench, random.nextInt(bench.vcpuCount()));
  }

  /** A load or a store of one vCPU. */
  String guest(Bench bench, int id) {
    long pick = random.nextLong();
    int size = SIZES[random.nextInt(SIZES.length)];
    boolean reads = random.nextBoolean();
    long value = random.nextInt(3) == 0 ? random.nextLong() : 1L << random.nextInt(32);
    String call = "";
    try {
      long address = address(bench, pick, size);
      Vcpu vcpu = bench.typedVcpu(id);
      call =
          "vCPU %d %s %d bytes at %#x: ".formatted(id, reads ? "loads" : "stores", size, address);
      String answer;
      vcpu.enter();
      try {
        if (reads) {
          answer = "0x" + Long.toHexString(vcpu.read(address, size));
        } else {
          vcpu.write(address, size, value);
          answer = "0x" + Long.toHexString(value);
        }
      } finally {
        vcpu.exit();
      }
      return call + answer + (vcpu.exited() ? " exit" : "") + (vcpu.pin(0) ? " pin" : "");
    } catch (KvmException refusal) {
      return call + refusal.errno();
    }
  }

  /** An address in one of the regions that are on the bus, most often of a register. */
  private static long address(Bench bench, long pick, int size) throws KvmException {
    List<MmioBus.Region> regions = bench.typedVm().machine().mmio().regions();
    if (regions.isEmpty()) {
      return pick & 0xffff_fffcL;
    }
    MmioBus.Region region = regions.get((int) Long.remainderUnsigned(pick >>> 32, regions.size()));
    long offset = Long.remainderUnsigned(pick & 0xffff_ffffL, Math.max(1, region.size()));
    return region.base() + ((pick & 1L << 62) == 0 ? offset & -size : offset & -size & 0xfff);
  }
}
