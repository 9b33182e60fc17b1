package org.kvmdev.api;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringTokenizer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A host's tables: the registers of its vCPUs, the structures that show them, the structures that
 * are the same on every VM, and the requests that it always refuses. A host has them as a second
 * file, in lines of words; {@code #} begins a remark.
 *
 * <table>
 * <caption>Lines of a table</caption>
 * <tr><th>line</th><th>what it declares</th></tr>
 * <tr><td>{@code onereg}</td><td>Begins the registers of KVM_GET_ONE_REG, in the order of
 * KVM_GET_REG_LIST: {@code ID NAME INITIAL [RULE…]}. The width is part of the id.</td></tr>
 * <tr><td>{@code structure TARGET [get=NUMBER] [set=NUMBER]}</td><td>Begins a structure that the two
 * requests (encoded numbers) copy, on {@code kvm}, {@code vm} or {@code vcpu}: {@code OFFSET BYTES
 * NAME INITIAL [RULE…]}, on a vCPU; or what is always the same, as bytes ({@code OFFSET hex DATA}) or
 * as numbers of 16, 32 or 64 bits in a row, which are in the host's order ({@code OFFSET u32 NUMBER…}).
 * What no line names is 0.</td></tr>
 * <tr><td>{@code statistics TARGET}</td><td>Begins the statistics of KVM_GET_STATS_FD, in the order
 * of their data: {@code NAME FLAGS [EXPONENT [SIZE [BUCKET]]]}, of which the last three are 0, 1 and
 * 0 where they are left out.</td></tr>
 * <tr><td>{@code refused TARGET NUMBER ERRNO [in|now]}</td><td>A request that is always refused: once
 * its structure was read, where its number says that it is written for the kernel; {@code in} and
 * {@code now} say that it is read or not, whatever the number says.</td></tr>
 * </table>
 *
 * <p>{@code ID+STEP NAME0..NAME9} declares registers in a row. {@code INITIAL} is a number, {@code
 * host:KEY} for a key of the host's properties, or {@code -} where the register is declared above
 * and shown once more. The rules are those of {@link RegisterView.Kind} — {@code const}, {@code
 * kept}, {@code refused}, {@code mask=M}, {@code bits=M}, {@code values=[M:]V,V}, {@code max=V},
 * {@code align=V}, {@code frozen}, {@code sets=NAME}, {@code clears=NAME}, {@code when=NAME:M} —
 * and what the register itself is: {@code shared}, {@code numbered}, {@code feature=N}, {@code
 * feature.N=VALUE}, {@code cpu=M} ({@link CpuRegister}). One that {@code sets} or {@code clears}
 * cannot be read, and a field that is {@code unread} is shown as 0.
 */
public final class HostTables {
  /** What a host without tables has. */
  public static final HostTables NONE =
      new HostTables(List.of(), List.of(), List.of(), List.of(), Map.of(), Map.of());

  private static final Pattern ROW = Pattern.compile("(.*?)(\\d+)(.*?)\\.\\.\\1(\\d+)\\3");

  /** Numbers that stand in a row, by the bytes of each. */
  private static final Map<String, Integer> NUMBERS = Map.of("u16", 2, "u32", 4, "u64", 8);

  private final List<CpuRegister> registers;
  private final List<RegisterView> oneRegs;
  private final List<Structure> structures;
  private final List<Refused> refused;
  private final Map<Target, List<Statistic>> statistics;
  private final Map<Long, RegisterView> byId;
  private final Map<String, CpuRegister> byName = new HashMap<>();
  private final List<CpuRegister> narrowed;

  private HostTables(
      List<CpuRegister> registers,
      List<RegisterView> oneRegs,
      List<Structure> structures,
      List<Refused> refused,
      Map<Target, List<Statistic>> statistics,
      Map<Long, RegisterView> byId) {
    this.registers = List.copyOf(registers);
    this.oneRegs = List.copyOf(oneRegs);
    this.structures = List.copyOf(structures);
    this.refused = List.copyOf(refused);
    this.statistics = Map.copyOf(statistics);
    this.byId = Map.copyOf(byId);
    registers.forEach(register -> byName.put(register.name(), register));
    narrowed = registers.stream().filter(register -> register.cpuBits() != -1).toList();
  }

  /** The kinds of file that requests are made on. */
  public enum Target {
    /** /dev/kvm. */
    KVM,
    /** A VM. */
    VM,
    /** A vCPU. */
    VCPU
  }

  /**
   * A structure that a request copies out, and another one in.
   *
   * @param target the kind of file that they are made on
   * @param get the encoded number of the request that copies it out; 0 where there is none
   * @param set the encoded number of the request that copies it in; 0 where there is none
   * @param fields its fields, by offset
   * @param data bytes that are always the same, by offset
   */
  public record Structure(
      Target target, int get, int set, List<RegisterView> fields, Map<Integer, byte[]> data) {
    /** A structure of a declaration. */
    public Structure {
      fields = List.copyOf(fields);
      data = Map.copyOf(data);
    }
  }

  /** Whether a refused request's structure is read before. */
  public enum Reads {
    /** Where its number says that the structure is written for the kernel. */
    BY_NUMBER,
    /** It is. */
    IN,
    /** It is not. */
    NOW
  }

  /**
   * A request that is always refused.
   *
   * @param target the kind of file that it is made on
   * @param number its encoded number
   * @param errno what it is refused with
   * @param reads whether its structure is read before
   */
  public record Refused(Target target, int number, Errno errno, Reads reads) {}

  /**
   * A statistic that KVM_GET_STATS_FD tells, as {@code struct kvm_stats_desc} describes it.
   *
   * @param name its name
   * @param flags its type, unit and base
   * @param exponent of the base; the unit is that power of it
   * @param size how many numbers of 64 bits it has
   * @param bucket the size of a linear histogram's buckets; 0 where it is none
   */
  public record Statistic(String name, int flags, int exponent, int size, int bucket) {}

  /**
   * All registers.
   *
   * @return them in the order of declaration
   */
  public List<CpuRegister> registers() {
    return registers;
  }

  /**
   * The registers of KVM_GET_ONE_REG.
   *
   * @return them in the order of KVM_GET_REG_LIST
   */
  public List<RegisterView> oneRegs() {
    return oneRegs;
  }

  /**
   * A register of KVM_GET_ONE_REG.
   *
   * @param id the whole 64-bit id
   * @return what shows it, or null where the host has none of that id
   */
  public @Nullable RegisterView oneReg(long id) {
    return byId.get(id);
  }

  /**
   * A register by its name.
   *
   * @param name the manual's name
   * @return the register, or null where there is none
   */
  public @Nullable CpuRegister register(String name) {
    return byName.get(name);
  }

  /**
   * The registers of which the CPU has less than a client may write.
   *
   * @return those with {@link CpuRegister#cpuBits()}
   */
  public List<CpuRegister> narrowed() {
    return narrowed;
  }

  /**
   * The structures.
   *
   * @return them
   */
  public List<Structure> structures() {
    return structures;
  }

  /**
   * The requests that are always refused.
   *
   * @return them
   */
  public List<Refused> refused() {
    return refused;
  }

  /**
   * The statistics of a kind of file.
   *
   * @param target the kind of file
   * @return them in the order of their data; empty where the host has none, or it is not known
   *     which
   */
  public List<Statistic> statistics(Target target) {
    return statistics.getOrDefault(target, List.of());
  }

  /** Reads a host's tables: their text, in UTF-8. */
  static HostTables read(Host host, byte[] text) {
    Reader reader = new Reader(host);
    new String(text, StandardCharsets.UTF_8).lines().forEach(reader::line);
    return reader.tables();
  }

  /** Reads line by line; what it cannot read is an error that names the line. */
  private static final class Reader {
    private final Host host;
    private final Map<String, CpuRegister> registers = new LinkedHashMap<>();
    private final List<RegisterView> oneRegs = new ArrayList<>();
    private final Map<Long, RegisterView> byId = new HashMap<>();
    private final List<Structure> structures = new ArrayList<>();
    private final List<Refused> refused = new ArrayList<>();
    private final Map<Target, List<Statistic>> statistics = new HashMap<>();
    private @Nullable List<Statistic> counted;
    private @Nullable Target target;
    private int get;
    private int set;
    private List<RegisterView> fields = oneRegs;
    private Map<Integer, byte[]> data = new HashMap<>();
    private int number;
    private String text = "";

    Reader(Host host) {
      this.host = host;
    }

    void line(String line) {
      number++;
      int remark = line.indexOf('#');
      text = (remark < 0 ? line : line.substring(0, remark)).strip();
      if (text.isEmpty()) {
        return;
      }
      List<String> words = words(text);
      switch (words.getFirst()) {
        case "onereg" -> {
          finish();
          fields = oneRegs;
        }
        case "structure" -> structure(words);
        case "statistics" -> {
          finish();
          require(words.size() == 2);
          counted = statistics.computeIfAbsent(target(words.get(1)), of -> new ArrayList<>());
        }
        case "refused" -> {
          require(words.size() == 4 || words.size() == 5);
          refused.add(
              new Refused(
                  target(words.get(1)),
                  (int) number(words.get(2)),
                  errno(words.get(3)),
                  words.size() == 4 ? Reads.BY_NUMBER : reads(words.get(4))));
        }
        default -> entry(words);
      }
    }

    /** Without a regular expression: a program that is run waits until its host's are read. */
    private static List<String> words(String text) {
      StringTokenizer tokens = new StringTokenizer(text);
      List<String> words = new ArrayList<>(tokens.countTokens());
      while (tokens.hasMoreTokens()) {
        words.add(tokens.nextToken());
      }
      return words;
    }

    HostTables tables() {
      finish();
      statistics.replaceAll((of, all) -> List.copyOf(all));
      return new HostTables(
          List.copyOf(registers.values()), oneRegs, structures, refused, statistics, byId);
    }

    private void structure(List<String> words) {
      finish();
      require(words.size() >= 3);
      target = target(words.get(1));
      fields = new ArrayList<>();
      for (String word : words.subList(2, words.size())) {
        if (word.startsWith("get=")) {
          get = (int) number(word.substring(4));
        } else if (word.startsWith("set=")) {
          set = (int) number(word.substring(4));
        } else {
          throw bad();
        }
      }
    }

    /** Ends a structure, or statistics. */
    private void finish() {
      counted = null;
      if (target != null) {
        structures.add(new Structure(target, get, set, fields, data));
      }
      target = null;
      get = 0;
      set = 0;
      data = new HashMap<>();
    }

    /** {@code NAME FLAGS [EXPONENT [SIZE [BUCKET]]]}. */
    private Statistic statistic(List<String> words) {
      require(words.size() >= 2 && words.size() <= 5);
      long[] numbers = {0, 0, 1, 0};
      for (int i = 1; i < words.size(); i++) {
        numbers[i - 1] = number(words.get(i));
      }
      return new Statistic(
          words.getFirst(), (int) numbers[0], (int) numbers[1], (int) numbers[2], (int) numbers[3]);
    }

    private void entry(List<String> words) {
      if (counted != null) {
        counted.add(statistic(words));
        return;
      }
      boolean field = target != null;
      require(words.size() >= 3);
      if (field && words.get(1).equals("hex")) {
        data.put((int) number(words.get(0)), HexFormat.of().parseHex(words.get(2)));
        return;
      }
      if (field && NUMBERS.containsKey(words.get(1))) {
        data.put(
            (int) number(words.get(0)),
            numbers(NUMBERS.get(words.get(1)), words.subList(2, words.size())));
        return;
      }
      require(target != Target.VM && target != Target.KVM && words.size() >= (field ? 4 : 3));
      int plus = words.get(0).indexOf('+');
      long where = number(plus < 0 ? words.get(0) : words.get(0).substring(0, plus));
      long step = plus < 0 ? 0 : number(words.get(0).substring(plus + 1));
      int bytes = field ? (int) number(words.get(1)) : 1 << (int) (where >>> 52 & 0xf);
      List<String> rest = words.subList(field ? 2 : 1, words.size());
      String name = rest.get(0);
      List<String> rules = rest.subList(2, rest.size());
      Matcher row = name.contains("..") ? ROW.matcher(name) : null;
      if (row == null || !row.matches()) {
        add(where, bytes, name, rest.get(1), rules);
        return;
      }
      int first = Integer.parseInt(row.group(2));
      int last = Integer.parseInt(row.group(4));
      require(plus >= 0 && first < last);
      for (int i = first; i <= last; i++) {
        add(where + step * (i - first), bytes, row.group(1) + i + row.group(3), rest.get(1), rules);
      }
    }

    /** Numbers in a row, as they are in the memory of the host's programs. */
    private byte[] numbers(int bytes, List<String> words) {
      ByteBuffer row = ByteBuffer.allocate(bytes * words.size()).order(host.byteOrder());
      for (String word : words) {
        switch (bytes) {
          case 2 -> row.putShort((short) number(word));
          case 4 -> row.putInt((int) number(word));
          default -> row.putLong(number(word));
        }
      }
      return row.array();
    }

    private void add(long where, int bytes, String name, String initial, List<String> words) {
      boolean shared = false;
      boolean numbered = false;
      int feature = -1;
      long cpuBits = -1;
      Map<Integer, Long> byFeature = new HashMap<>();
      List<RegisterView.Rule> rules = new ArrayList<>();
      boolean readable = true;
      for (String word : words) {
        int equals = word.indexOf('=');
        String key = equals < 0 ? word : word.substring(0, equals);
        String value = equals < 0 ? "" : word.substring(equals + 1);
        switch (key) {
          case "shared" -> shared = true;
          case "numbered" -> numbered = true;
          case "feature" -> feature = (int) number(value);
          case "cpu" -> cpuBits = number(value);
          case "unread" -> readable = false;
          case "sets", "clears" -> {
            readable = false;
            rules.add(rule(key, value));
          }
          default -> {
            if (key.startsWith("feature.")) {
              byFeature.put((int) number(key.substring(8)), number(value));
            } else {
              rules.add(rule(key, value));
            }
          }
        }
      }
      CpuRegister register = registers.get(name);
      require((register != null) == initial.equals("-"));
      if (register == null) {
        register =
            new CpuRegister(
                registers.size(),
                name,
                bytes,
                number(initial),
                byFeature,
                numbered,
                shared,
                feature,
                cpuBits);
        registers.put(name, register);
      }
      RegisterView view = new RegisterView(register, where, bytes, readable, rules);
      fields.add(view);
      if (target == null) {
        require(byId.put(where, view) == null);
      }
    }

    private RegisterView.Rule rule(String key, String value) {
      RegisterView.Kind kind;
      try {
        kind = RegisterView.Kind.valueOf(key.toUpperCase(java.util.Locale.ROOT));
      } catch (IllegalArgumentException e) {
        throw bad();
      }
      return switch (kind) {
        case CONST, KEPT, REFUSED, FROZEN -> new RegisterView.Rule(kind, 0, List.of(), "");
        case MASK, BITS, MAX, ALIGN -> new RegisterView.Rule(kind, number(value), List.of(), "");
        case VALUES -> {
          int colon = value.indexOf(':');
          List<Long> values = new ArrayList<>();
          for (String each : value.substring(colon + 1).split(",")) {
            values.add(number(each));
          }
          yield new RegisterView.Rule(
              kind, colon < 0 ? -1 : number(value.substring(0, colon)), values, "");
        }
        case SETS, CLEARS -> new RegisterView.Rule(kind, 0, List.of(), value);
        case WHEN -> {
          int colon = value.indexOf(':');
          require(colon > 0);
          yield new RegisterView.Rule(
              kind, number(value.substring(colon + 1)), List.of(), value.substring(0, colon));
        }
      };
    }

    private long number(String word) {
      try {
        if (word.startsWith("host:")) {
          String key = word.substring(5);
          require(host.has(key));
          return host.number(key, 0);
        }
        return word.startsWith("0x")
            ? Long.parseUnsignedLong(word.substring(2), 16)
            : Long.parseLong(word);
      } catch (NumberFormatException e) {
        throw bad();
      }
    }

    private Target target(String word) {
      return switch (word) {
        case "kvm" -> Target.KVM;
        case "vm" -> Target.VM;
        case "vcpu" -> Target.VCPU;
        default -> throw bad();
      };
    }

    private Reads reads(String word) {
      return switch (word) {
        case "in" -> Reads.IN;
        case "now" -> Reads.NOW;
        default -> throw bad();
      };
    }

    private Errno errno(String word) {
      try {
        return Errno.valueOf(word);
      } catch (IllegalArgumentException e) {
        throw bad();
      }
    }

    private void require(boolean right) {
      if (!right) {
        throw bad();
      }
    }

    private IllegalArgumentException bad() {
      return new IllegalArgumentException(
          "the tables of host "
              + host
              + ", line "
              + number
              + ": "
              + text
              + "; what a line can be is said at org.kvmdev.api.HostTables");
    }
  }
}
