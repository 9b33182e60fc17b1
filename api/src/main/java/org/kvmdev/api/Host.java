package org.kvmdev.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One recorded machine, as data: what its kernel answers where that is no device's to say. A VM is
 * made on one host; what differs between kernel versions or machines is a line of its host's file.
 *
 * <p>A host is a properties file that a device family's jar ships. Keys:
 *
 * <table>
 * <caption>Keys of a host's file</caption>
 * <tr><th>key</th><th>value</th></tr>
 * <tr><td>{@code architecture}</td><td>the recordings' name of it</td></tr>
 * <tr><td>{@code endian}</td><td>{@code little} or {@code big}: the order of numbers in user
 * memory</td></tr>
 * <tr><td>{@code kernel}</td><td>the kernel's version, for people</td></tr>
 * <tr><td>{@code ioctl.encoding}</td><td>{@code generic} (2 bits of direction, 14 of size) or
 * {@code wide} (3 and 13): how request numbers are put together</td></tr>
 * <tr><td>{@code word.bits}</td><td>32 or 64: the width of the kernel's {@code long}; an argument
 * wider than that loses its high half</td></tr>
 * <tr><td>{@code page.size}</td><td>what memory slots are aligned to, in bytes</td></tr>
 * <tr><td>{@code user.end}</td><td>the first address above a process's memory; a memory slot that
 * reaches beyond is EINVAL</td></tr>
 * <tr><td>{@code guest.bits}</td><td>the bits of a guest physical address: a memory slot that reaches
 * beyond, and overlaps none, is EFAULT. Left out where nothing is too high. {@code guest.bits.type}:
 * the bits of a VM's type that say it instead, where they are not 0</td></tr>
 * <tr><td>{@code devices}</td><td>the device types of the kernel's own numbers that it has</td></tr>
 * <tr><td>{@code vm.types}</td><td>the types that KVM_CREATE_VM takes, as numbers or ranges
 * {@code a-b}</td></tr>
 * <tr><td>{@code vm.ioctl}, {@code vcpu.ioctl}, {@code kvm.ioctl}</td><td>the errno of a request that
 * nobody has on a VM, a vCPU, /dev/kvm</td></tr>
 * <tr><td>{@code vm.attrs}, {@code vcpu.attrs}, {@code kvm.attrs}</td><td>the errno of an attribute
 * that nobody has there, answered after its structure was read. Left out where there are no
 * attributes at all: then the requests for them are ones that nobody has</td></tr>
 * <tr><td>{@code vcpus.max}</td><td>how many vCPUs a VM may have</td></tr>
 * <tr><td>{@code vcpu.ids}</td><td>one more than the highest vCPU id; left out where it is {@code
 * vcpus.max}</td></tr>
 * <tr><td>{@code vcpu.id.bits}</td><td>how many bits of KVM_CREATE_VCPU's argument are the id; all
 * where it is left out</td></tr>
 * <tr><td>{@code vcpu.taken}</td><td>the errno of a vCPU id that the VM has already</td></tr>
 * <tr><td>{@code vcpu.mmap}</td><td>what KVM_GET_VCPU_MMAP_SIZE answers, in bytes</td></tr>
 * <tr><td>{@code pins}</td><td>how many interrupt pins a vCPU has</td></tr>
 * <tr><td>{@code routing.chips}, {@code routing.pins}</td><td>how many chips, and pins of each, a
 * route may name; 0 where the host has no routing</td></tr>
 * <tr><td>{@code onereg.unknown}</td><td>the errno of a vCPU register that nobody has</td></tr>
 * <tr><td>{@code onereg.list}</td><td>1 where KVM_GET_REG_LIST is there</td></tr>
 * <tr><td>{@code interrupt.unset}</td><td>the argument of KVM_INTERRUPT that lowers the vCPU's pin 0,
 * which every other raises. Left out where there is no such request</td></tr>
 * <tr><td>{@code enable.vm.N}, {@code enable.vcpu.N}</td><td>a capability that is enabled without
 * more: {@code any}, {@code u32} (an argument of 32 bits), the arguments allowed, or the errno that
 * it is refused with</td></tr>
 * <tr><td>{@code sysreg.NAME}</td><td>a system register that is the host's constant</td></tr>
 * <tr><td>{@code run.immediate.first}</td><td>1 where KVM_RUN looks at {@code immediate_exit} before
 * it checks whether the vCPU can run; 0, or left out, where it does so afterwards</td></tr>
 * <tr><td>{@code run.refusal.kills}</td><td>0 where a refused first run leaves the VM alive, as before
 * Linux 6.12 and late versions of 6.1; 1, or left out, where it kills it</td></tr>
 * <tr><td>{@code file.PATH}, {@code text.PATH}</td><td>a file that a client reads of its host beside
 * /dev/kvm, by its whole path: its bytes in hexadecimal, or its text</td></tr>
 * <tr><td>{@code cap.N}</td><td>what KVM_CHECK_EXTENSION of N answers: a number or an errno; 0 where
 * there is none. {@code cap.kvm.N} where /dev/kvm answers otherwise than a VM</td></tr>
 * </table>
 *
 * <p>Capabilities also tell which requests a host has at all: KVM_SET_GSI_ROUTING where 25 is not
 * 0, KVM_ENABLE_CAP on a vCPU 54 and on a VM 98, KVM_GET_ONE_REG and KVM_SET_ONE_REG 70,
 * KVM_SIGNAL_MSI 77, read-only memory slots 81. One that it has not is a request that nobody has.
 *
 * <p>A family's own keys stand beside them ({@code gic.listRegisters}).
 */
public final class Host {
  private final String name;
  private final Properties values;
  private final String architecture;
  private final ByteOrder byteOrder;

  /** The tables' text; null where there are none. */
  private final byte @Nullable [] text;

  /** What the text says; null until somebody asks for it. */
  private volatile @Nullable HostTables tables;

  private Host(String name, Properties values, byte @Nullable [] text) {
    this.name = name;
    this.values = values;
    this.text = text;
    this.architecture = text("architecture");
    this.byteOrder =
        switch (text("endian")) {
          case "little" -> ByteOrder.LITTLE_ENDIAN;
          case "big" -> ByteOrder.BIG_ENDIAN;
          default -> throw bad("endian", "little or big");
        };
  }

  /**
   * Reads a host's file. A provider opens it, since no other module may look into its own:
   *
   * <pre>{@code
   * Host.read("arm64-gicv3-6.1", Vgic.class.getResourceAsStream("arm64-gicv3-6.1.properties"))
   * }</pre>
   *
   * @param name the host's name
   * @param file the properties, in UTF-8; closed here. Null, as for a resource that is not there,
   *     is refused
   * @return the host
   * @throws IllegalArgumentException where there is no file, or it lacks a key
   * @throws UncheckedIOException where it cannot be read
   */
  public static Host read(String name, @Nullable InputStream file) {
    return new Host(name, load(name, file), null);
  }

  /**
   * Reads a host's two files. What the second one says is read when {@link #tables} is first
   * called: a machine has many hosts, and a program runs on one.
   *
   * @param name the host's name
   * @param file the properties, as {@link #read(String, InputStream)} takes them
   * @param tables the registers and structures of its KVM ({@link HostTables}), in UTF-8; closed
   *     here
   * @return the host
   * @throws IllegalArgumentException where there is no file, or a key is wrong
   * @throws UncheckedIOException where one cannot be read
   */
  public static Host read(String name, @Nullable InputStream file, @Nullable InputStream tables) {
    if (tables == null) {
      throw new IllegalArgumentException(
          "host " + name + ": its tables are not where its provider looks for them");
    }
    try (tables) {
      return new Host(name, load(name, file), tables.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("the tables of host " + name, e);
    }
  }

  private static Properties load(String name, @Nullable InputStream file) {
    if (file == null) {
      throw new IllegalArgumentException(
          "host " + name + ": its file is not where its provider looks for it");
    }
    Properties values = new Properties();
    try (file) {
      values.load(new InputStreamReader(file, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("host " + name, e);
    }
    return values;
  }

  /**
   * This host, to a program whose numbers in memory have another order or whose addresses another
   * width than the machine's own programs have. All answers are the same; where a process's memory
   * ends ({@code user.end}) is then the program's matter.
   *
   * @param order the order of numbers in the program's memory
   * @param wordBits 32 or 64: the width of its addresses
   * @return the host as the program sees it; this one, where the program is as its own are
   */
  public Host seenBy(ByteOrder order, int wordBits) {
    boolean sameWords = wordBits == number("word.bits", 64);
    if (sameWords && order == byteOrder) {
      return this;
    }
    Properties seen = new Properties();
    seen.putAll(values);
    seen.setProperty("endian", order == ByteOrder.LITTLE_ENDIAN ? "little" : "big");
    seen.setProperty("word.bits", Integer.toString(wordBits));
    if (!sameWords) {
      seen.remove("user.end");
    }
    return new Host(name, seen, text);
  }

  /**
   * The registers, structures and refusals of its KVM.
   *
   * @return the tables; {@link HostTables#NONE} where it has none
   * @throws IllegalArgumentException where a line of them is wrong
   */
  public HostTables tables() {
    HostTables read = tables;
    if (read == null) {
      read = text == null ? HostTables.NONE : HostTables.read(this, text);
      tables = read;
    }
    return read;
  }

  /**
   * The host's name, as recordings' headers have it.
   *
   * @return {@code arm64-gicv3-6.1}
   */
  public String name() {
    return name;
  }

  /**
   * The architecture, as recordings' headers have it.
   *
   * @return {@code arm64}
   */
  public String architecture() {
    return architecture;
  }

  /**
   * The order of numbers in user memory.
   *
   * @return the order
   */
  public ByteOrder byteOrder() {
    return byteOrder;
  }

  /**
   * The kernel's version, for people.
   *
   * @return {@code Linux 6.1.176}
   */
  public String kernel() {
    return text("kernel", "");
  }

  /**
   * A key's text.
   *
   * @param key which
   * @return its value
   * @throws IllegalArgumentException where the file does not have it
   */
  public String text(String key) {
    String value = values.getProperty(key);
    if (value == null) {
      throw new IllegalArgumentException("host " + name + ": the key " + key + " is missing");
    }
    return value.strip();
  }

  /**
   * A key's text.
   *
   * @param key which
   * @param otherwise what there is where the file does not have it
   * @return its value
   */
  public String text(String key, String otherwise) {
    return values.getProperty(key, otherwise).strip();
  }

  /**
   * A key's number.
   *
   * @param key which
   * @param otherwise what there is where the file does not have it
   * @return its value: decimal, or hexadecimal with {@code 0x}, up to 64 bits
   * @throws IllegalArgumentException where it is not a number
   */
  public long number(String key, long otherwise) {
    String value = values.getProperty(key);
    return value == null ? otherwise : parse(key, value.strip());
  }

  /**
   * A key's numbers.
   *
   * @param key which
   * @return the numbers, separated by spaces or commas in the file; empty where it does not have it
   */
  public List<Long> numbers(String key) {
    List<Long> numbers = new ArrayList<>();
    for (String part : text(key, "").split("[ ,]+")) {
      if (!part.isEmpty()) {
        numbers.add(parse(key, part));
      }
    }
    return List.copyOf(numbers);
  }

  /**
   * A key's errno.
   *
   * @param key which
   * @param otherwise what there is where the file does not have it
   * @return the errno
   */
  public Errno errno(String key, Errno otherwise) {
    String value = values.getProperty(key);
    if (value == null) {
      return otherwise;
    }
    try {
      return Errno.valueOf(value.strip());
    } catch (IllegalArgumentException e) {
      throw bad(key, "the name of an errno");
    }
  }

  /**
   * Whether the file has a key.
   *
   * @param key which
   * @return true where it has
   */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /**
   * All keys.
   *
   * @return the keys, sorted
   */
  public Set<String> keys() {
    return new TreeSet<>(values.stringPropertyNames());
  }

  private long parse(String key, String value) {
    try {
      return value.startsWith("0x")
          ? Long.parseUnsignedLong(value.substring(2), 16)
          : Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw bad(key, "a number");
    }
  }

  private IllegalArgumentException bad(String key, String right) {
    return new IllegalArgumentException(
        "host " + name + ": " + key + "=" + values.getProperty(key) + " should be " + right);
  }

  @Override
  public String toString() {
    return name;
  }
}
