package org.kvmdev.cli.hosts;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.FileOperation;
import org.kvmdev.runtime.ioctl.Request;

/** What the recorded e500v2 with an MPIC answered, answered by us. */
class E500FactsTest {
  private static final String HOST = "powerpc-e500v2-6.12";
  private static final int SW_TLB = 69;
  private static final int IRQ_MPIC = 90;
  private static final int REGS_SIZE = 392;
  private static final int SREGS_SIZE = 1232;
  private static final int TB = 0x180;
  private static final int DEC = 0x17c;

  /** What is said about the recording and its machine, and no answer of /dev/kvm. */
  private static final List<String> REMARKS =
      List.of(
          "host",
          "arch",
          "endian",
          "kernel",
          "recorded_on",
          "reading",
          "host_facts",
          "names_without_a_number_on_powerpc (no such struct in its headers)",
          "struct_offsets");

  private final Facts facts = Facts.of(HOST);
  private final Tally tally = new Tally(HOST);
  private final Map<String, Object> offsets =
      Facts.map(facts.map("struct_offsets").get("kvm_sregs"));
  private Kvm kvm;
  private Guest guest;

  @Test
  void everyRecordedAnswer() throws KvmException {
    try (Kvm all = Kvm.load()) {
      kvm = all;
      fresh();
      system();
      freshVcpus();
      oneRegs();
      enabling();
      softwareTlb();
      numbers();
      vm();
      vcpu();
      files();
      sequence();
    }
    tally.finish(facts, REMARKS);
  }

  private void fresh() throws KvmException {
    guest = new Guest(kvm, HOST);
  }

  private Object ask(int fd, Direction direction, int request, int size, long argument) {
    return guest.ask(fd, guest.process.requests().of(direction, request, size), argument);
  }

  private void check(String what, Object recorded, Object answered) {
    tally.check(what, recorded, answered);
  }

  private static Object fdOf(Object answer) {
    return answer instanceof Long ? "fd" : answer;
  }

  private int mpic(int type) throws KvmException {
    return guest.device(type);
  }

  private void system() throws KvmException {
    tally.section("basics");
    for (Request request : List.of(Request.GET_API_VERSION, Request.GET_VCPU_MMAP_SIZE)) {
      Facts.map(facts.map("basics").get(request.toString()))
          .forEach(
              (argument, answer) ->
                  check(
                      request + argument,
                      answer,
                      guest.ask(guest.system, request, Facts.number(argument.substring(4)))));
    }
    tally.section("KVM_CREATE_VM");
    for (Object each : facts.list("KVM_CREATE_VM")) {
      Map<String, Object> row = Facts.map(each);
      long type = Facts.number(row.get("type"));
      check(
          row.toString(),
          row.get("result"),
          guest.fd(() -> guest.ioctl(guest.system, Request.CREATE_VM, type)));
    }
    tally.section("KVM_CHECK_EXTENSION");
    for (Object each : facts.list("KVM_CHECK_EXTENSION")) {
      Map<String, Object> row = Facts.map(each);
      long cap = Facts.number(row.get("cap"));
      check(
          row.toString(),
          row.get("dev_kvm"),
          guest.ask(guest.system, Request.CHECK_EXTENSION, cap));
      check(row.toString(), row.get("vm"), guest.ask(guest.vm, Request.CHECK_EXTENSION, cap));
    }
    tally.section("KVM_CREATE_VCPU");
    for (Object each : facts.list("KVM_CREATE_VCPU")) {
      Map<String, Object> row = Facts.map(each);
      if (row.containsKey("id")) {
        String id = row.get("id").toString();
        if (!id.endsWith("again")) {
          fresh();
        }
        check(
            row.toString(),
            row.get("result"),
            fdOf(guest.ask(guest.vm, Request.CREATE_VCPU, Facts.number(id.split(" ")[0]))));
        continue;
      }
      fresh();
      for (Map.Entry<String, Object> ids :
          Facts.map(row.get("ids made one after the other")).entrySet()) {
        String[] range = ids.getKey().split("\\.\\.");
        for (int id = Integer.parseInt(range[0]); id <= Integer.parseInt(range[1]); id++) {
          check("id " + id, ids.getValue(), fdOf(guest.ask(guest.vm, Request.CREATE_VCPU, id)));
        }
      }
    }
  }

  // The vCPU's structures.

  private static final List<String> REGS =
      List.of(
          "pc", "cr", "ctr", "lr", "xer", "msr", "srr0", "srr1", "pid", "sprg0", "sprg1", "sprg2",
          "sprg3", "sprg4", "sprg5", "sprg6", "sprg7");

  private String regs(int vcpu) throws KvmException {
    ask(vcpu, Direction.READ, 0x81, REGS_SIZE, guest.page);
    return guest.hex(guest.page, REGS_SIZE);
  }

  private void checkRegs(String what, Map<String, Object> row, int vcpu) throws KvmException {
    check(what, row.get("ret"), ask(vcpu, Direction.READ, 0x81, REGS_SIZE, guest.page));
    for (int i = 0; i < REGS.size(); i++) {
      check(what + " " + REGS.get(i), row.get(REGS.get(i)), guest.hex(guest.page + 8L * i, 8));
    }
    List<String> registers = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      registers.add(guest.hex(guest.page + 8L * (REGS.size() + i), 8));
    }
    check(what + " gpr", row.get("gpr"), registers);
    if (row.containsKey("whole")) {
      check(what + " whole", row.get("whole"), guest.hex(guest.page, REGS_SIZE));
    }
  }

  private String sregs(int vcpu) throws KvmException {
    ask(vcpu, Direction.READ, 0x83, SREGS_SIZE, guest.page);
    guest.zeros(guest.page + TB, 8);
    return guest.hex(guest.page, SREGS_SIZE);
  }

  private void checkSregs(String what, Map<String, Object> row, int vcpu) throws KvmException {
    check(
        what, row.getOrDefault("ret", 0), ask(vcpu, Direction.READ, 0x83, SREGS_SIZE, guest.page));
    for (Map.Entry<String, Object> field : row.entrySet()) {
      String name = field.getKey();
      if (name.equals("e.tb")) {
        tally.leaveOut(1, "the time base", "it counts; no CPU counts here");
      } else if (name.startsWith("whole")) {
        guest.zeros(guest.page + TB, 8);
        check(what + " whole", field.getValue(), guest.hex(guest.page, SREGS_SIZE));
      } else if (!name.equals("ret") && !name.equals("size")) {
        check(what + " " + name, joined(field.getValue()), field(name));
      }
    }
  }

  private static String joined(Object value) {
    return value instanceof List<?> list
        ? String.join("", list.stream().map(Object::toString).toList())
        : value.toString();
  }

  /** A field of the structure at the page, by the recording's offsets. */
  private String field(String name) throws KvmException {
    List<String> place = place(name);
    return guest.hex(guest.page + Facts.number(place.get(0)), Integer.parseInt(place.get(1)));
  }

  private List<String> place(String name) {
    return Facts.texts(offsets.get(name.equals("pvr") ? name : "u." + name));
  }

  private void put(String name, long value) throws KvmException {
    List<String> place = place(name);
    guest.memory.writeNumber(
        guest.page + Facts.number(place.get(0)), Integer.parseInt(place.get(1)), value);
  }

  /** The fields in which two structures differ. */
  private Map<String, Object> differences(String before, String after) {
    Map<String, Object> differ = new TreeMap<>();
    for (String key : offsets.keySet()) {
      String name = key.replaceFirst("^u\\.", "");
      List<String> place = place(name);
      int at = (int) (2 * Facts.number(place.get(0)));
      int end = at + 2 * Integer.parseInt(place.get(1));
      if (!before.substring(at, end).equals(after.substring(at, end)) && !name.equals("e.dec")) {
        differ.put(name, after.substring(at, end));
      }
    }
    return differ;
  }

  private static Map<String, Object> sorted(Object map) {
    Map<String, Object> sorted = new TreeMap<>();
    Facts.map(map).forEach((key, value) -> sorted.put(key, joined(value)));
    return sorted;
  }

  private void freshVcpus() throws KvmException {
    fresh();
    int first = guest.vcpu(0);
    int second = guest.vcpu(1);
    tally.section("fresh vcpu 0");
    Map<String, Object> zero = facts.map("fresh vcpu 0");
    checkRegs("regs", Facts.map(zero.get("KVM_GET_REGS")), first);
    checkSregs("sregs", Facts.map(zero.get("KVM_GET_SREGS")), first);
    check("FPU", zero.get("KVM_GET_FPU"), ask(first, Direction.READ, 0x8c, 256, guest.page));
    check("MP", zero.get("KVM_GET_MP_STATE"), ask(first, Direction.READ, 0x98, 4, guest.page));
    tally.leaveOut(1, "kvm_run and its pages", "a vCPU's file cannot be mapped in this JVM");
    tally.section("fresh vcpu 1, what differs from vcpu 0");
    Map<String, Object> one = facts.map("fresh vcpu 1, what differs from vcpu 0");
    check("regs", regs(first), regs(second));
    checkSregs("sregs", Facts.map(one.get("KVM_GET_SREGS")), second);
    check("FPU", one.get("KVM_GET_FPU"), ask(second, Direction.READ, 0x8c, 256, guest.page));
    check("MP", one.get("KVM_GET_MP_STATE"), ask(second, Direction.READ, 0x98, 4, guest.page));
    tally.section("after KVM_CAP_SW_TLB (512 4-way, 16)");
    Map<String, Object> tlb = facts.map("after KVM_CAP_SW_TLB (512 4-way, 16)");
    fresh();
    int vcpu = guest.vcpu(0);
    check("enable", tlb.get("KVM_ENABLE_CAP"), tlb(vcpu, new Tlb()));
    String params = tlb.get("params afterwards").toString();
    check("params", params, guest.hex(guest.page + 256, params.length() / 2));
    checkRegs("regs", Facts.map(tlb.get("KVM_GET_REGS")), vcpu);
    checkSregs("sregs", Facts.map(tlb.get("KVM_GET_SREGS")), vcpu);
    tally.leaveOut(1, "the array", "it stays as it was: nothing is in it");
  }

  // Registers by number.

  private String get(int vcpu, long id, int bytes) throws KvmException {
    guest.zeros(guest.page + 64, 16);
    guest.oneReg(vcpu, Request.GET_ONE_REG, id);
    return guest.hex(guest.page + 64, bytes);
  }

  private Object set(int vcpu, long id, String hex) throws KvmException {
    guest.memory.write(guest.page + 64, HexFormat.of().parseHex(hex), 0, hex.length() / 2);
    return guest.oneReg(vcpu, Request.SET_ONE_REG, id);
  }

  private void oneRegs() throws KvmException {
    tally.section("ONE_REG_fresh_vcpu");
    for (Object each : facts.list("ONE_REG_fresh_vcpu")) {
      Map<String, Object> row = Facts.map(each);
      String[] range = row.get("id").toString().split("\\.\\.");
      for (long id = Facts.number(range[0]); id <= Facts.number(range[range.length - 1]); id++) {
        fresh();
        Map<String, Object> one = new LinkedHashMap<>(row);
        one.put("id", id);
        oneReg(one, guest.vcpu(0));
      }
    }
    tally.section("ONE_REG_with_SW_TLB, where it differs from a fresh one");
    for (Object each : facts.list("ONE_REG_with_SW_TLB, where it differs from a fresh one")) {
      fresh();
      int vcpu = guest.vcpu(0);
      tlb(vcpu, new Tlb());
      oneReg(Facts.map(each), vcpu);
    }
    tally.section("ONE_REG_more");
    for (Map.Entry<String, Object> each : facts.map("ONE_REG_more").entrySet()) {
      fresh();
      int device = mpic(2);
      int vcpu = guest.vcpu(0);
      if (each.getKey().contains("MPIC")) {
        guest.enable(vcpu, Request.ENABLE_CAP, IRQ_MPIC, 0, device, 0);
      } else {
        guest.enable(vcpu, Request.ENABLE_CAP, 86, 0, 1);
      }
      Map<String, Object> row = Facts.map(each.getValue());
      long epr = 0x1020_0000_0000_0086L;
      check("GET", row.get("GET"), guest.oneReg(vcpu, Request.GET_ONE_REG, epr));
      check("value", row.get("value"), get(vcpu, epr, 4));
      check("SET", row.get("SET 12345678"), set(vcpu, epr, "12345678"));
      check("afterwards", row.get("value afterwards"), get(vcpu, epr, 4));
    }
  }

  private void oneReg(Map<String, Object> row, int vcpu) throws KvmException {
    long id = Facts.number(row.get("id"));
    int bytes = 1 << (int) (id >>> 52 & 0xf);
    String name = row.get("reg").toString();
    guest.zeros(guest.page + 64, 16);
    check(name + " get", row.get("get"), guest.oneReg(vcpu, Request.GET_ONE_REG, id));
    String ones = "ff".repeat(bytes);
    if (row.containsKey("value")) {
      String first = get(vcpu, id, bytes);
      check(name + " value", row.get("value"), first);
    }
    check(name + " set", row.get("set"), set(vcpu, id, ones));
    for (Map.Entry<String, String> write :
        new LinkedHashMap<>(
                Map.of(
                    "after SET ones", ones,
                    "after SET 0", "00".repeat(bytes),
                    "after SET 0x01234567...",
                        "0123456789abcdef".repeat(2).substring(0, 2 * bytes)))
            .entrySet()) {
      if (row.containsKey(write.getKey())) {
        set(vcpu, id, write.getValue());
        check(name + " " + write.getKey(), row.get(write.getKey()), get(vcpu, id, bytes));
      }
    }
    for (String written : new String[] {"f8000000", "08000000"}) {
      for (String other : new String[] {"TSR", "TCR"}) {
        String key = other + " after SET 0x" + written;
        if (row.containsKey(key)) {
          if (!name.endsWith("OR_TSR") && !name.endsWith("CLEAR_TSR") && other.equals("TSR")) {
            set(vcpu, id, "00000000");
          }
          set(vcpu, id, written);
          long which = other.equals("TSR") ? 0x1020_0000_0000_008aL : 0x1020_0000_0000_0089L;
          check(name + " " + key, row.get(key), get(vcpu, which, 4));
        }
      }
    }
  }

  // Capabilities.

  private void enabling() throws KvmException {
    tally.section("KVM_ENABLE_CAP");
    for (Object each : facts.list("KVM_ENABLE_CAP")) {
      Map<String, Object> row = Facts.map(each);
      if (!row.containsKey("cap")) {
        tally.leaveOut(1, row.toString(), "a remark");
        continue;
      }
      int cap = (int) Facts.number(row.get("cap"));
      fresh();
      int vcpu = guest.vcpu(0);
      check(
          cap + " vcpu",
          row.get("vcpu, args 0"),
          guest.enable(vcpu, Request.ENABLE_CAP, cap, 0, 0, 0, 0, 0));
      check(
          cap + " vm",
          row.get("vm, args 0"),
          guest.enable(guest.vm, Request.ENABLE_CAP_VM, cap, 0, 0, 0, 0, 0));
      if (row.containsKey("then KVM_CAP_PPC_OSI on that vcpu")) {
        check(
            cap + " then OSI",
            row.get("then KVM_CAP_PPC_OSI on that vcpu"),
            guest.enable(vcpu, Request.ENABLE_CAP, 52, 0, 0));
      }
    }
    tally.section("KVM_ENABLE_CAP_more");
    Map<String, Integer> names = new TreeMap<>();
    for (Object each : facts.list("KVM_CHECK_EXTENSION")) {
      Map<String, Object> row = Facts.map(each);
      if (row.containsKey("name")) {
        names.put(row.get("name").toString(), (int) Facts.number(row.get("cap")));
      }
    }
    fresh();
    int device = mpic(1);
    int vcpu = guest.vcpu(0);
    for (Map.Entry<String, Object> row : facts.map("KVM_ENABLE_CAP_more").entrySet()) {
      String[] words = row.getKey().split(", ");
      Integer cap = names.get(words[1]);
      if (cap == null) {
        throw new IllegalArgumentException(row.getKey());
      }
      boolean onVm = words[0].equals("vm");
      int flags = row.getKey().contains("flags 1") ? 1 : 0;
      long[] arguments = new long[4];
      if (row.getKey().contains("all args ff")) {
        Arrays.fill(arguments, -1);
      } else if (row.getKey().contains("args[0] ff")) {
        Arrays.fill(arguments, 0xffff_ffff_ffff_ffffL);
      } else if (row.getKey().contains("args[0] ")) {
        arguments[0] = Long.parseLong(row.getKey().replaceFirst(".*args\\[0] ", "").split(" ")[0]);
      } else if (row.getKey().contains("the MPIC, cpu 0")) {
        arguments[0] = device;
      } else if (row.getKey().contains("the VM fd")) {
        arguments[0] = guest.vm;
      } else if (row.getKey().contains("fd -1")) {
        arguments[0] = -1;
      }
      check(
          row.getKey(),
          row.getValue(),
          guest.enable(
              onVm ? guest.vm : vcpu,
              onVm ? Request.ENABLE_CAP_VM : Request.ENABLE_CAP,
              cap,
              flags,
              arguments));
    }
  }

  /** What KVM_CAP_SW_TLB is given. */
  private static final class Tlb {
    long[] sizes = {512, 16, 0, 0};
    long[] ways = {4, 16, 0, 0};
    long type;
    long room = -1;
    long reserved;
    long params = -1;
    long array = -1;
  }

  private Object tlb(int vcpu, Tlb tlb) throws KvmException {
    long params = guest.page + 256;
    long array = guest.page + 4096;
    guest.zeros(params, 64);
    guest.ints(params, tlb.sizes);
    guest.ints(params + 16, tlb.ways);
    guest.ints(params + 32, tlb.reserved);
    long config = guest.page + 128;
    long room = tlb.room < 0 ? (tlb.sizes[0] + tlb.sizes[1]) * 24 : tlb.room;
    guest.longs(config, tlb.params < 0 ? params : tlb.params, tlb.array < 0 ? array : tlb.array);
    guest.ints(config + 16, tlb.type, room);
    return guest.enable(vcpu, Request.ENABLE_CAP, SW_TLB, 0, config, 0, 0, 0);
  }

  private void softwareTlb() throws KvmException {
    tally.section("KVM_CAP_SW_TLB");
    for (Map.Entry<String, Object> row : facts.map("KVM_CAP_SW_TLB").entrySet()) {
      fresh();
      int vcpu = guest.vcpu(0);
      String before = sregs(vcpu);
      Tlb tlb = new Tlb();
      String what = row.getKey();
      Object answer;
      if (what.startsWith("args[0]")) {
        long config = what.endsWith("NULL") ? 0 : 0xc000_0000L;
        answer = guest.enable(vcpu, Request.ENABLE_CAP, SW_TLB, 0, config, 0, 0, 0);
      } else {
        if (what.startsWith("tlb_sizes ")) {
          String[] words = what.replaceAll("[^0-9 ]", "").strip().split(" +");
          tlb.sizes = new long[] {Long.parseLong(words[0]), Long.parseLong(words[1]), 0, 0};
          tlb.ways = new long[] {Long.parseLong(words[2]), Long.parseLong(words[3]), 0, 0};
        }
        switch (what) {
          case "tlb_sizes[2] 1" -> tlb.sizes[2] = 1;
          case "tlb_ways[3] 1" -> tlb.ways[3] = 1;
          case "array_len 1 short" -> tlb.room = 528 * 24 - 1;
          case "array_len 0" -> tlb.room = 0;
          case "array_len longer" -> tlb.room = 600 * 24;
          case "mmu_type 1 (KVM_MMU_FSL_BOOKE_HV)" -> tlb.type = 1;
          case "mmu_type 2" -> tlb.type = 2;
          case "reserved words 1" -> tlb.reserved = 1;
          case "params NULL" -> tlb.params = 0;
          case "array NULL" -> tlb.array = 0;
          default -> {}
        }
        answer = tlb(vcpu, tlb);
      }
      if (row.getValue() instanceof Map) {
        Map<String, Object> recorded = Facts.map(row.getValue());
        check(what, recorded.get("ret"), answer);
        if (recorded.containsKey("second ret")) {
          check(what + " second", recorded.get("second ret"), tlb(vcpu, tlb));
        }
        check(
            what + " sregs",
            sorted(recorded.get("fields of KVM_GET_SREGS that differ from the fresh ones")),
            differences(before, sregs(vcpu)));
      } else {
        check(what, row.getValue(), answer);
      }
    }
  }

  // Requests by number.

  private void numbers() throws KvmException {
    tally.section("ioctls_with_NULL");
    for (Object each : facts.list("ioctls_with_NULL")) {
      byNumber(Facts.map(each), "number");
    }
    tally.section("requests_that_powerpc_does_not_name");
    for (Object each : facts.list("requests_that_powerpc_does_not_name")) {
      Map<String, Object> row = Facts.map(each);
      if (row.containsKey("requests")) {
        rest(row);
      } else {
        String text = row.get("request").toString();
        Map<String, Object> one = new TreeMap<>(row);
        one.put(
            "number",
            text.contains("0x")
                ? text.replaceFirst(".*(0x\\w+).*", "$1")
                : text.equals("type 0xaf, number 0") ? "0xaf00" : "0x0");
        if (text.startsWith("type")) {
          one.put("number", text.contains("af") ? "0x2000af00" : "0x20000000");
        }
        byNumber(one, "number");
      }
    }
    tally.section("dev_kvm");
    for (Map.Entry<String, Object> row : facts.map("dev_kvm").entrySet()) {
      fresh();
      Object recorded =
          row.getValue() instanceof Map
              ? Facts.map(row.getValue()).values().iterator().next()
              : row.getValue();
      Object answer =
          switch (row.getKey()) {
            case "KVM_PPC_GET_SMMU_INFO" ->
                ask(guest.system, Direction.READ, 0xa6, 592, guest.page);
            case "KVM_PPC_GET_PVINFO" -> ask(guest.system, Direction.WRITE, 0xa1, 128, guest.page);
            case "KVM_PPC_GET_RMMU_INFO" ->
                ask(guest.system, Direction.WRITE, 0xb0, 96, guest.page);
            case "KVM_PPC_GET_CPU_CHAR" -> ask(guest.system, Direction.READ, 0xb1, 32, guest.page);
            case "KVM_GET_REG_LIST" -> guest.ask(guest.system, Request.GET_REG_LIST, guest.page);
            default ->
                guest.attr(
                    guest.system, Request.valueOf(row.getKey().substring(4)), 0, 0, guest.page);
          };
      check(row.getKey(), recorded, answer);
    }
  }

  /** Every number of one direction and size that none of the named requests has. */
  private void rest(Map<String, Object> row) throws KvmException {
    String text = row.get("requests").toString();
    Direction direction =
        text.contains("_IOWR ")
            ? Direction.READ_WRITE
            : text.contains("_IOW ")
                ? Direction.WRITE
                : text.contains("_IOR ") ? Direction.READ : Direction.NONE;
    int size = direction == Direction.NONE ? 0 : 8;
    Set<Integer> named = new HashSet<>(Set.of(guest.process.requests().of(Request.RUN)));
    for (Object each : facts.list("ioctls_with_NULL")) {
      named.add((int) Facts.number(Facts.map(each).get("number")));
    }
    fresh();
    int device = mpic(1);
    int vcpu = guest.vcpu(0);
    for (int request = 0; request <= 0xff; request++) {
      int number = guest.process.requests().of(direction, request, size);
      if (!named.contains(number)) {
        check(
            "%#x".formatted(number),
            "%s %s %s %s"
                .formatted(row.get("dev_kvm"), row.get("vm"), row.get("vcpu"), row.get("device")),
            "%s %s %s %s"
                .formatted(
                    guest.ask(guest.system, number, 0),
                    guest.ask(guest.vm, number, 0),
                    guest.ask(vcpu, number, 0),
                    guest.ask(device, number, 0)));
      }
    }
  }

  private void byNumber(Map<String, Object> row, String key) throws KvmException {
    fresh();
    int device = mpic(1);
    int vcpu = guest.vcpu(0);
    int number = (int) Facts.number(row.get(key));
    for (Map.Entry<String, Integer> file :
        Map.of("dev_kvm", guest.system, "vm", guest.vm, "vcpu", vcpu, "device", device)
            .entrySet()) {
      Object recorded = row.get(file.getKey());
      if (recorded == null || recorded.toString().startsWith("not ")) {
        tally.leaveOut(1, row.get("name") + " on " + file.getKey(), "not recorded");
        continue;
      }
      Object answer = guest.ask(file.getValue(), number, 0);
      check(row + " " + file.getKey(), recorded, recorded.equals("fd") ? fdOf(answer) : answer);
    }
  }

  // The VM.

  private Object dirty(int slot) throws KvmException {
    guest.ints(guest.page, slot, 0, guest.page + 64);
    return guest.ask(guest.vm, Request.GET_DIRTY_LOG, guest.page);
  }

  private void vm() throws KvmException {
    tally.section("vm");
    Map<String, Object> rows = facts.map("vm");
    fresh();
    for (String name :
        new String[] {"KVM_PPC_GET_SMMU_INFO", "KVM_PPC_GET_RMMU_INFO", "KVM_PPC_GET_CPU_CHAR"}) {
      Direction direction = name.endsWith("RMMU_INFO") ? Direction.WRITE : Direction.READ;
      int number = name.endsWith("SMMU_INFO") ? 0xa6 : name.endsWith("CHAR") ? 0xb1 : 0xb0;
      int size = name.endsWith("SMMU_INFO") ? 592 : name.endsWith("CHAR") ? 32 : 96;
      check(name, rows.get(name), ask(guest.vm, direction, number, size, guest.page));
    }
    Map<String, Object> pvinfo = Facts.map(rows.get("KVM_PPC_GET_PVINFO"));
    check("pvinfo", pvinfo.get("ret"), ask(guest.vm, Direction.WRITE, 0xa1, 128, guest.page));
    check("pvinfo", pvinfo.get("whole"), guest.hex(guest.page, 128));
    check(
        "KVM_GET_REG_LIST",
        rows.get("KVM_GET_REG_LIST"),
        guest.ask(guest.vm, Request.GET_REG_LIST, guest.page));
    check(
        "KVM_GET_ONE_REG",
        rows.get("KVM_GET_ONE_REG"),
        guest.ask(guest.vm, Request.GET_ONE_REG, guest.page));
    check("KVM_RUN", rows.get("KVM_RUN"), guest.ask(guest.vm, Request.RUN, 0));
    check(
        "KVM_DIRTY_TLB",
        rows.get("KVM_DIRTY_TLB"),
        ask(guest.vm, Direction.WRITE, 0xaa, 16, guest.page));
    Facts.map(rows.get("KVM_INTERRUPT"))
        .forEach(
            (what, answer) ->
                check(
                    "KVM_INTERRUPT " + what,
                    answer,
                    guest.ask(guest.vm, Request.INTERRUPT, guest.page)));
    for (String name :
        new String[] {"KVM_HAS_DEVICE_ATTR", "KVM_GET_DEVICE_ATTR", "KVM_SET_DEVICE_ATTR"}) {
      check(
          name,
          Facts.map(rows.get(name)).values().iterator().next(),
          guest.attr(guest.vm, Request.valueOf(name.substring(4)), 0, 0, guest.page + 64));
    }
    creating(rows);
    slots(Facts.map(rows.get("KVM_SET_USER_MEMORY_REGION")));
    fresh();
    long ram = guest.memory.map(0x1_0000);
    guest.zeros(guest.page, 160);
    guest.ints(guest.page, 0, 0);
    guest.longs(guest.page + 8, 0, 0x1_0000, ram);
    check(
        "KVM_SET_USER_MEMORY_REGION2",
        rows.get("KVM_SET_USER_MEMORY_REGION2"),
        guest.ask(guest.vm, Request.SET_USER_MEMORY_REGION2, guest.page));
    for (Map.Entry<String, Object> row : Facts.map(rows.get("KVM_GET_DIRTY_LOG")).entrySet()) {
      if (row.getKey().startsWith("bitmap a")) {
        tally.leaveOut(1, "bitmaps that are not written", "nothing is written where it is refused");
      } else {
        check("KVM_GET_DIRTY_LOG " + row.getKey(), row.getValue(), dirty(0));
      }
    }
    Facts.map(rows.get("KVM_CLEAR_DIRTY_LOG"))
        .forEach(
            (what, answer) ->
                check(
                    "KVM_CLEAR_DIRTY_LOG " + what,
                    answer,
                    guest.ask(guest.vm, Request.CLEAR_DIRTY_LOG, guest.page)));
    tally.leaveOut(
        Facts.size(rows.get("KVM_GET_DIRTY_LOG with KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2")),
        "the manual dirty log",
        "the same refusals, compared above");
    zones(rows);
    irqfds(Facts.map(rows.get("KVM_IRQFD")));
    doorbells(Facts.map(rows.get("KVM_IOEVENTFD")));
    lines(rows);
    tally.leaveOut(
        Facts.size(rows.get("KVM_GET_STATS_FD")),
        "KVM_GET_STATS_FD",
        "compared by MappedFactsTest");
  }

  private void creating(Map<String, Object> rows) throws KvmException {
    Facts.map(rows.get("KVM_CREATE_DEVICE with KVM_CREATE_DEVICE_TEST"))
        .forEach(
            (what, answer) -> {
              long type = Facts.number(what.substring(5));
              if (type == 4) {
                tally.leaveOut(2, "VFIO", "no jar offers it");
              } else {
                check(
                    "test " + what,
                    answer instanceof Map ? "0 data" : answer,
                    create(type, answer));
              }
            });
    for (Map.Entry<String, Object> row : Facts.map(rows.get("KVM_CREATE_DEVICE")).entrySet()) {
      fresh();
      String[] words = row.getKey().split(" ");
      long type = Facts.number(words[1]);
      if (type == 4) {
        tally.leaveOut(1, "VFIO", "no jar offers it");
        continue;
      }
      if (words.length > 2) {
        mpic(Integer.parseInt(words[4]));
      }
      guest.ints(guest.page, type, -1, 0);
      check(row.getKey(), row.getValue(), guest.ask(guest.vm, Request.CREATE_DEVICE, guest.page));
    }
  }

  private Object create(long type, Object recorded) {
    try {
      guest.ints(guest.page, type, 0xdead, 1);
      Object answer = guest.ask(guest.vm, Request.CREATE_DEVICE, guest.page);
      if (recorded instanceof Map) {
        boolean same =
            Facts.map(recorded).get("data").equals(guest.hex(guest.page, 12))
                && Facts.map(recorded).get("ret").equals(answer);
        return same ? "0 data" : answer + " other data";
      }
      return answer;
    } catch (KvmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void slots(Map<String, Object> rows) throws KvmException {
    long mib = 0x10_0000;
    long size = 0x1_0000;
    for (Map.Entry<String, Object> row : rows.entrySet()) {
      fresh();
      String what = row.getKey();
      long ram = guest.memory.map(0x2_0000);
      Object first = guest.slot(1, 0, mib, size, ram);
      Object answer =
          switch (what) {
            case "new slot 1, 64 KiB at 1 MiB" -> first;
            case "same again" -> guest.slot(1, 0, mib, size, ram);
            case "slot 0" -> guest.slot(0, 0, 0, size, ram);
            case "misaligned guest address" -> guest.slot(2, 0, 2 * mib + 0x800, size, ram);
            case "misaligned size" -> guest.slot(2, 0, 2 * mib, size + 0x800, ram);
            case "size 0x800" -> guest.slot(2, 0, 2 * mib, 0x800, ram);
            case "misaligned user address" -> guest.slot(2, 0, 2 * mib, size, ram + 0x800);
            case "user address 0" -> guest.slot(2, 0, 2 * mib, size, 0);
            case "user address not mapped 0x1000" -> guest.slot(2, 0, 2 * mib, size, 0x1000);
            case "user address 0xc0000000" -> guest.slot(2, 0, 2 * mib, size, 0xc000_0000L);
            case "user address beyond 32 bits" ->
                guest.slot(2, 0, 2 * mib, size, 0x1_0000_0000L + ram);
            case "user region across 0xc0000000" ->
                guest.slot(2, 0, 2 * mib, size, 0xc000_0000L - 0x1000);
            case "size 0 where there is no slot" -> guest.slot(2, 0, 2 * mib, 0, ram);
            case "size 0 removes" -> guest.slot(1, 0, mib, 0, ram);
            case "size 0 removes, twice" -> {
              guest.slot(1, 0, mib, 0, ram);
              yield guest.slot(1, 0, mib, 0, ram);
            }
            case "size 0 with another guest address and user address" ->
                guest.slot(1, 0, 3 * mib, 0, ram + 0x1000);
            case "size changed" -> guest.slot(1, 0, mib, 2 * size, ram);
            case "guest address changed" -> guest.slot(1, 0, 3 * mib, size, ram);
            case "user address changed" -> guest.slot(1, 0, mib, size, ram + 0x1000);
            case "flags changed to LOG_DIRTY_PAGES" -> guest.slot(1, 1, mib, size, ram);
            case "flags changed back to 0" -> {
              guest.slot(1, 1, mib, size, ram);
              yield guest.slot(1, 0, mib, size, ram);
            }
            case "guest address and flags changed" -> guest.slot(1, 1, 3 * mib, size, ram);
            case "READONLY after none" -> guest.slot(1, 2, mib, size, ram);
            case "overlaps the end of another slot" ->
                guest.slot(2, 0, mib + size - 0x1000, size, ram);
            case "overlaps the start of another slot" -> guest.slot(2, 0, mib - 0x1000, size, ram);
            case "inside another slot" -> guest.slot(2, 0, mib + 0x1000, 0x1000, ram);
            case "around another slot" -> guest.slot(2, 0, mib - 0x1000, 2 * size, ram);
            case "adjacent to another slot" -> guest.slot(2, 0, mib + size, size, ram);
            case "moved onto another slot" -> {
              guest.slot(2, 0, 2 * mib, size, ram);
              yield guest.slot(2, 0, mib, size, ram);
            }
            case "same user memory at two guest addresses" -> guest.slot(2, 0, 2 * mib, size, ram);
            case "guest address at 4 GiB" -> guest.slot(2, 0, 1L << 32, size, ram);
            case "guest address at 64 GiB" -> guest.slot(2, 0, 1L << 36, size, ram);
            case "guest address at 16 TiB" -> guest.slot(2, 0, 1L << 44, size, ram);
            case "guest address at 2^52" -> guest.slot(2, 0, 1L << 52, size, ram);
            case "guest address at 2^63" -> guest.slot(2, 0, 1L << 63, size, ram);
            case "last page of 64 bits" -> guest.slot(2, 0, -0x1000, 0x1000, ram);
            case "wraps round" -> guest.slot(2, 0, -0x1000, size, ram);
            case "last pages before 4 GiB" -> guest.slot(2, 0, (1L << 32) - size, size, ram);
            case "across 4 GiB" -> guest.slot(2, 0, (1L << 32) - 0x1000, size, ram);
            case "size 1 TiB" -> guest.slot(2, 0, 1L << 41, 1L << 40, ram);
            case "size 8 TiB" -> guest.slot(2, 0, 1L << 43, 1L << 43, ram);
            case "size 2 GiB (beyond user space)" ->
                guest.slot(2, 0, 1L << 32, 1L << 31, 0x7000_0000);
            default ->
                what.startsWith("new, flags ")
                    ? guest.slot(2, Facts.number(what.substring(11)), 2 * mib, size, ram)
                    : guest.slot(Facts.number(what.substring(12)), 0, 2 * mib, size, ram);
          };
      check("slot: " + what, row.getValue(), answer);
    }
  }

  private void zones(Map<String, Object> rows) throws KvmException {
    for (Request request :
        new Request[] {Request.REGISTER_COALESCED_MMIO, Request.UNREGISTER_COALESCED_MMIO}) {
      fresh();
      for (Map.Entry<String, Object> row : Facts.map(rows.get(request.toString())).entrySet()) {
        guest.longs(guest.page, row.getKey().equals("wraps") ? -1 : 0x1000_0000);
        guest.ints(
            guest.page + 8,
            row.getKey().startsWith("size ") ? Facts.number(row.getKey().substring(5)) : 0x1000,
            row.getKey().startsWith("pio ") ? Facts.number(row.getKey().substring(4)) : 0);
        Object recorded =
            row.getValue() instanceof Map
                ? Facts.map(row.getValue()).values().iterator().next()
                : row.getValue();
        check(request + " " + row.getKey(), recorded, guest.ask(guest.vm, request, guest.page));
      }
    }
  }

  // Eventfds and lines.

  private Object irqfd(long fd, long gsi, long flags, long resample) throws KvmException {
    guest.zeros(guest.page, 32);
    guest.ints(guest.page, fd, gsi, flags, resample);
    return guest.ask(guest.vm, Request.IRQFD, guest.page);
  }

  private void irqfds(Map<String, Object> rows) throws KvmException {
    for (String state : new String[] {"no irqchip", "MPIC"}) {
      for (Map.Entry<String, Object> row : Facts.map(rows.get(state)).entrySet()) {
        fresh();
        int device = state.equals("MPIC") ? mpic(1) : -1;
        int one = guest.process.openEvent(0);
        int two = guest.process.openEvent(0);
        int other = guest.process.openOther("/dev/null");
        String what = row.getKey();
        if (what.contains("IRQ_ACTIVE")
            || what.startsWith("write of")
            || what.startsWith("read of")) {
          irqfd(one, 16, 0, 0);
          guest.process.writeEvent(one, 1);
          guest.attr(device, Request.GET_DEVICE_ATTR, 3, 16, guest.page + 64);
          Object answer =
              what.contains("IRQ_ACTIVE")
                  ? guest.hex(guest.page + 64, 4)
                  : what.startsWith("write of")
                      ? 8
                      : Guest.answer(() -> guest.process.readEvent(one));
          check("irqfd " + state + " " + what, row.getValue(), answer);
          continue;
        }
        Object first =
            what.startsWith("RESAMPLE") || what.startsWith("deassign one")
                ? null
                : what.contains("again")
                        || what.startsWith("same")
                        || what.startsWith("another")
                        || what.startsWith("deassign") && !what.contains("RESAMPLE")
                    ? irqfd(one, 16, 0, 0)
                    : null;
        Object answer =
            switch (what) {
              case "assign gsi 16" -> irqfd(one, 16, 0, 0);
              case "assign the same again" -> irqfd(one, 16, 0, 0);
              case "same eventfd, another gsi" -> irqfd(one, 17, 0, 0);
              case "another eventfd, same gsi" -> irqfd(two, 16, 0, 0);
              case "deassign", "deassign one never assigned" -> irqfd(one, 16, 1, 0);
              case "deassign twice" -> {
                irqfd(one, 16, 1, 0);
                yield irqfd(one, 16, 1, 0);
              }
              case "deassign with another gsi" -> irqfd(one, 17, 1, 0);
              case "assign again after deassign" -> {
                irqfd(one, 16, 1, 0);
                yield irqfd(one, 16, 0, 0);
              }
              case "fd -1" -> irqfd(-1, 16, 0, 0);
              case "fd of the VM" -> irqfd(guest.vm, 16, 0, 0);
              case "fd of /dev/null" -> irqfd(other, 16, 0, 0);
              case "deassign fd -1" -> irqfd(-1, 16, 1, 0);
              case "RESAMPLE, two eventfds" -> irqfd(one, 16, 2, two);
              case "RESAMPLE, resamplefd -1" -> irqfd(one, 16, 2, -1);
              case "RESAMPLE, the same eventfd" -> irqfd(one, 16, 2, one);
              case "deassign a RESAMPLE" -> {
                irqfd(one, 16, 2, two);
                yield irqfd(one, 16, 1, 0);
              }
              case "RESAMPLE and DEASSIGN" -> irqfd(one, 16, 3, two);
              case "padding not 0" -> {
                guest.zeros(guest.page, 32);
                guest.ints(guest.page, one, 16, 0, 0, 1, 1, 1, 1);
                yield guest.ask(guest.vm, Request.IRQFD, guest.page);
              }
              default ->
                  what.startsWith("flags ")
                      ? irqfd(one, 16, Facts.number(what.substring(6)), 0)
                      : irqfd(one, Facts.number(what.substring(11)), 0, 0);
            };
        check("irqfd " + state + " " + what + " after " + first, row.getValue(), answer);
      }
    }
    Map<String, Object> routed = null;
    for (Map.Entry<String, Object> entry : rows.entrySet()) {
      if (entry.getKey().startsWith("MPIC, gsi 16 routed")) {
        routed = Facts.map(entry.getValue());
      }
    }
    if (routed == null) {
      throw new IllegalStateException("no routed eventfd");
    }
    delivery(Facts.map(routed.get("edge")), 0);
    delivery(Facts.map(routed.get("RESAMPLE")), 2);
  }

  private String active(int device) throws KvmException {
    guest.attr(device, Request.GET_DEVICE_ATTR, 3, 16, guest.page + 64);
    return guest.hex(guest.page + 64, 4);
  }

  private void delivery(Map<String, Object> row, int flags) throws KvmException {
    fresh();
    int device = mpic(1);
    int vcpu = guest.vcpu(0);
    guest.enable(vcpu, Request.ENABLE_CAP, IRQ_MPIC, 0, device, 0);
    guest.zeros(guest.page, 56);
    guest.ints(guest.page, 1, 0, 16, 1, 0, 0, 0, 16);
    guest.ask(guest.vm, Request.SET_GSI_ROUTING, guest.page);
    guest.ints(guest.page + 64, 0x8_0042); // priority 8, vector 0x42
    guest.attr(device, Request.SET_DEVICE_ATTR, 2, 0x10000 + 0x20 * 16, guest.page + 64);
    int event = guest.process.openEvent(0);
    int resample = guest.process.openEvent(0);
    check(row + " assign", row.get("assign"), irqfd(event, 16, flags, resample));
    check(row + " before", row.get("IRQ_ACTIVE 16 before"), active(device));
    guest.process.writeEvent(event, 1);
    check(row + " after", row.get("IRQ_ACTIVE 16 after the write"), active(device));
    check(row + " write", row.get("write of 1 to the eventfd"), 8);
    check(
        row + " read",
        row.get("read of the eventfd after that"),
        Guest.answer(() -> guest.process.readEvent(event)));
    check(
        row + " resample",
        row.get("read of the resample eventfd"),
        Guest.answer(() -> guest.process.readEvent(resample)));
    guest.attr(device, Request.GET_DEVICE_ATTR, 2, 0x10000 + 0x20 * 16, guest.page + 64);
    check(row + " IVPR", row.get("IVPR 16"), guest.hex(guest.page + 64, 4));
    check(row + " deassign", row.get("deassign"), irqfd(event, 16, 1, 0));
    check(row + " deassigned", row.get("IRQ_ACTIVE 16 after deassign"), active(device));
  }

  private Object doorbell(long fd, long address, long length, long flags, long data)
      throws KvmException {
    guest.zeros(guest.page, 64);
    guest.longs(guest.page, data, address);
    guest.ints(guest.page + 16, length, fd, flags);
    return guest.ask(guest.vm, Request.IOEVENTFD, guest.page);
  }

  private void doorbells(Map<String, Object> rows) throws KvmException {
    long at = 0x1000_0000L;
    for (Map.Entry<String, Object> row : rows.entrySet()) {
      fresh();
      int one = guest.process.openEvent(0);
      int two = guest.process.openEvent(0);
      int other = guest.process.openOther("/dev/null");
      String what = row.getKey();
      Object answer =
          switch (what) {
            case "same twice" -> after(doorbell(one, at, 4, 0, 0), doorbell(one, at, 4, 0, 0));
            case "same address, another eventfd" ->
                after(doorbell(one, at, 4, 0, 0), doorbell(two, at, 4, 0, 0));
            case "same address, DATAMATCH 1 and 2" ->
                after(doorbell(one, at, 4, 1, 1), doorbell(one, at, 4, 1, 2));
            case "same address, DATAMATCH and none" ->
                after(doorbell(one, at, 4, 1, 1), doorbell(one, at, 4, 0, 0));
            case "same address, lengths 4 and 2" ->
                after(doorbell(one, at, 4, 0, 0), doorbell(one, at, 2, 0, 0));
            case "deassign" -> after(doorbell(one, at, 4, 0, 0), doorbell(one, at, 4, 4, 0));
            case "deassign twice" -> {
              doorbell(one, at, 4, 0, 0);
              yield after(doorbell(one, at, 4, 4, 0), doorbell(one, at, 4, 4, 0));
            }
            case "deassign one never assigned" -> doorbell(one, at, 4, 4, 0);
            case "deassign with another eventfd" ->
                after(doorbell(one, at, 4, 0, 0), doorbell(two, at, 4, 4, 0));
            case "deassign with another length" ->
                after(doorbell(one, at, 4, 0, 0), doorbell(one, at, 2, 4, 0));
            case "deassign without DATAMATCH" ->
                after(doorbell(one, at, 4, 1, 1), doorbell(one, at, 4, 4, 0));
            case "deassign fd -1" -> doorbell(-1, at, 4, 4, 0);
            case "PIO" -> doorbell(one, at, 4, 2, 0);
            case "VIRTIO_CCW_NOTIFY" -> doorbell(one, at, 4, 8, 0);
            case "FAST_MMIO-like flags 0x10" -> doorbell(one, at, 4, 0x10, 0);
            case "flags 0x80000000" -> doorbell(one, at, 4, 0x8000_0000L, 0);
            case "fd -1" -> doorbell(-1, at, 4, 0, 0);
            case "fd of /dev/null" -> doorbell(other, at, 4, 0, 0);
            case "misaligned address" -> doorbell(one, at + 1, 4, 0, 0);
            case "wraps round" -> doorbell(one, -2, 4, 0, 0);
            case "padding not 0" -> {
              guest.zeros(guest.page, 64);
              guest.longs(guest.page, 0, at);
              guest.ints(guest.page + 16, 4, one, 0, 1, 1, 1);
              yield guest.ask(guest.vm, Request.IOEVENTFD, guest.page);
            }
            default -> {
              String[] words = what.replace(",", "").split(" ");
              yield doorbell(one, at, Long.parseLong(words[1]), words.length > 2 ? 1 : 0, 1);
            }
          };
      check("ioeventfd " + what, row.getValue(), answer);
    }
  }

  /** The second of two answers. */
  private static Object after(Object first, Object second) {
    if (!first.equals(0L)) {
      throw new IllegalStateException("refused: " + first);
    }
    return second;
  }

  private void lines(Map<String, Object> rows) throws KvmException {
    for (String state : new String[] {"no irqchip", "MPIC"}) {
      fresh();
      if (state.equals("MPIC")) {
        mpic(1);
      }
      for (Request request : new Request[] {Request.IRQ_LINE, Request.IRQ_LINE_STATUS}) {
        for (Map.Entry<String, Object> row :
            Facts.map(Facts.map(rows.get(request.toString())).get(state)).entrySet()) {
          String word = row.getKey().split(" ")[1];
          guest.ints(guest.page, word.equals("16") ? 16 : -1, 1);
          Object answer = guest.ask(guest.vm, request, guest.page);
          if (row.getValue() instanceof Map) {
            check(
                request + " data", Facts.map(row.getValue()).get("data"), guest.hex(guest.page, 8));
            check(request + " ret", Facts.map(row.getValue()).get("ret"), answer);
          } else {
            check(request + " " + state + " " + row.getKey(), row.getValue(), answer);
          }
        }
      }
      Map<String, Object> messages = Facts.map(Facts.map(rows.get("KVM_SIGNAL_MSI")).get(state));
      guest.zeros(guest.page, 32);
      check(
          "MSI " + state,
          messages.get("all 0"),
          guest.ask(guest.vm, Request.SIGNAL_MSI, guest.page));
      guest.ints(guest.page + 12, 1);
      check(
          "MSI flags " + state,
          messages.get("flags 1"),
          guest.ask(guest.vm, Request.SIGNAL_MSI, guest.page));
      for (Map.Entry<String, Object> row :
          Facts.map(Facts.map(rows.get("KVM_SET_GSI_ROUTING")).get(state)).entrySet()) {
        guest.zeros(guest.page, 64);
        if (!row.getKey().equals("no entries")) {
          guest.ints(guest.page, 1, 0, 16, row.getKey().contains("MSI") ? 2 : 1, 0, 0, 0, 16);
          if (row.getKey().contains("MSI")) {
            guest.zeros(guest.page + 24, 16);
          }
        }
        check(
            "routing " + state + " " + row.getKey(),
            row.getValue(),
            guest.ask(guest.vm, Request.SET_GSI_ROUTING, guest.page));
      }
      check(
          "KVM_GET_IRQCHIP " + state,
          Facts.map(rows.get("KVM_GET_IRQCHIP")).get(state),
          ask(guest.vm, Direction.READ_WRITE, 0x62, 520, guest.page));
    }
  }

  // The vCPU.

  private void vcpu() throws KvmException {
    tally.section("vcpu");
    Map<String, Object> rows = facts.map("vcpu");
    fresh();
    int vcpu = guest.vcpu(0);
    check(
        "KVM_CHECK_EXTENSION",
        rows.get("KVM_CHECK_EXTENSION"),
        guest.ask(vcpu, Request.CHECK_EXTENSION, 0));
    check(
        "KVM_GET_REG_LIST",
        rows.get("KVM_GET_REG_LIST"),
        guest.ask(vcpu, Request.GET_REG_LIST, guest.page));
    check("SMMU", rows.get("KVM_PPC_GET_SMMU_INFO"), ask(vcpu, Direction.READ, 0xa6, 592, 0));
    check("PVINFO", rows.get("KVM_PPC_GET_PVINFO"), ask(vcpu, Direction.WRITE, 0xa1, 128, 0));
    check("RMMU", rows.get("KVM_PPC_GET_RMMU_INFO"), ask(vcpu, Direction.WRITE, 0xb0, 96, 0));
    check("CHAR", rows.get("KVM_PPC_GET_CPU_CHAR"), ask(vcpu, Direction.READ, 0xb1, 32, 0));
    tally.leaveOut(Facts.size(rows.get("mmap")), "mmap", "a vCPU's file cannot be mapped here");
    setRegs(Facts.map(rows.get("KVM_SET_REGS")), vcpu);
    for (Map.Entry<String, Object> row : Facts.map(rows.get("KVM_SET_MP_STATE")).entrySet()) {
      guest.ints(guest.page, Facts.number(row.getKey()));
      check("MP " + row.getKey(), row.getValue(), ask(vcpu, Direction.WRITE, 0x99, 4, guest.page));
    }
    check("MP", rows.get("KVM_GET_MP_STATE"), ask(vcpu, Direction.READ, 0x98, 4, guest.page));
    Map<String, Object> fpu = Facts.map(rows.get("KVM_SET_FPU"));
    check("FPU", fpu.get("fpr n = n+1"), ask(vcpu, Direction.WRITE, 0x8d, 256, guest.page));
    check("FPU", fpu.get("then KVM_GET_FPU"), ask(vcpu, Direction.READ, 0x8c, 256, guest.page));
    translations(Facts.map(rows.get("KVM_TRANSLATE")));
    for (Map.Entry<String, Object> row : Facts.map(rows.get("KVM_INTERRUPT")).entrySet()) {
      fresh();
      int one = guest.vcpu(0);
      Object answer = 0L;
      for (String word : row.getKey().split(", then ")) {
        long line =
            switch (word) {
              case "KVM_INTERRUPT_SET" -> 0xffff_ffffL;
              case "KVM_INTERRUPT_UNSET" -> 0xffff_fffeL;
              case "KVM_INTERRUPT_SET_LEVEL" -> 0xffff_fffdL;
              default -> Facts.number(word);
            };
        guest.ints(guest.page, line);
        answer = guest.ask(one, Request.INTERRUPT, guest.page);
      }
      check("KVM_INTERRUPT " + row.getKey(), row.getValue(), answer);
    }
    for (Map.Entry<String, Object> row : Facts.map(rows.get("KVM_SET_SREGS")).entrySet()) {
      setSregs(row.getKey(), Facts.map(row.getValue()));
    }
    oneRegIds(rows);
    for (Map.Entry<String, Object> row : Facts.map(rows.get("KVM_DIRTY_TLB")).entrySet()) {
      fresh();
      int one = guest.vcpu(0);
      if (row.getKey().startsWith("SW_TLB")) {
        tlb(one, new Tlb());
      }
      guest.longs(guest.page, row.getKey().contains("NULL") ? 0 : guest.page + 64);
      guest.ints(
          guest.page + 8,
          row.getKey().endsWith("ffffffff") ? -1 : row.getKey().endsWith("528") ? 528 : 0);
      check(
          "KVM_DIRTY_TLB " + row.getKey(),
          row.getValue(),
          ask(one, Direction.WRITE, 0xaa, 16, guest.page));
    }
    for (String name :
        new String[] {"KVM_HAS_DEVICE_ATTR", "KVM_GET_DEVICE_ATTR", "KVM_SET_DEVICE_ATTR"}) {
      check(
          name,
          Facts.map(rows.get(name)).values().iterator().next(),
          guest.attr(guest.vcpu(5), Request.valueOf(name.substring(4)), 0, 0, guest.page + 64));
      fresh();
    }
    for (Map.Entry<String, Object> row : Facts.map(rows.get("KVM_SET_GUEST_DEBUG")).entrySet()) {
      debug(row.getKey(), Facts.map(row.getValue()));
    }
    running(Facts.map(rows.get("KVM_RUN")));
    fresh();
    int last = guest.vcpu(0);
    for (Map.Entry<String, Object> row : Facts.map(rows.get("KVM_SET_SIGNAL_MASK")).entrySet()) {
      long argument = 0;
      if (row.getKey().startsWith("len ")) {
        guest.ints(guest.page, Facts.number(row.getKey().substring(4)));
        argument = guest.page;
      }
      check(
          "signals " + row.getKey(),
          row.getValue(),
          guest.ask(last, Request.SET_SIGNAL_MASK, argument));
    }
    tally.leaveOut(
        Facts.size(rows.get("KVM_GET_STATS_FD")),
        "KVM_GET_STATS_FD",
        "compared by MappedFactsTest");
  }

  private void setRegs(Map<String, Object> row, int vcpu) throws KvmException {
    byte[] pattern = new byte[REGS_SIZE];
    for (int i = 0; i < REGS_SIZE; i++) {
      pattern[i] = (byte) (i / 8 + 1);
    }
    guest.memory.write(guest.page, pattern, 0, REGS_SIZE);
    check(
        "regs pattern",
        row.get("word n (64 bits) all bytes n+1"),
        ask(vcpu, Direction.WRITE, 0x82, REGS_SIZE, guest.page));
    checkRegs("regs pattern", Facts.map(row.get("then KVM_GET_REGS")), vcpu);
    checkSregs("regs pattern", Facts.map(row.get("then KVM_GET_SREGS")), vcpu);
    for (String fill : new String[] {"all ff", "all 0"}) {
      Arrays.fill(pattern, (byte) (fill.equals("all ff") ? 0xff : 0));
      guest.memory.write(guest.page, pattern, 0, REGS_SIZE);
      check(fill, row.get(fill), ask(vcpu, Direction.WRITE, 0x82, REGS_SIZE, guest.page));
      checkRegs(fill, Facts.map(row.get(fill + ", then KVM_GET_REGS")), vcpu);
    }
  }

  private void translations(Map<String, Object> rows) throws KvmException {
    for (Map.Entry<String, Object> row : rows.entrySet()) {
      fresh();
      int vcpu = guest.vcpu(0);
      if (row.getKey().startsWith("SW_TLB")) {
        guest.zeros(guest.page + 4096, 528 * 24);
        if (row.getKey().contains("TLB1 entry 0")) {
          long entry = guest.page + 4096 + 512 * 24;
          guest.ints(entry, 0, 0x8000_0000L | 18 << 7);
          guest.longs(entry + 8, 0, 0x1000_003fL);
        }
        tlb(vcpu, new Tlb());
      }
      byte[] before = new byte[24];
      Arrays.fill(before, (byte) 0xa5);
      guest.memory.write(guest.page, before, 0, 24);
      guest.longs(guest.page, Facts.number(row.getKey().replaceFirst(".*[,;] ", "")));
      check(
          "translate " + row.getKey(),
          Facts.map(row.getValue()).get("ret"),
          ask(vcpu, Direction.READ_WRITE, 0x85, 24, guest.page));
      check(
          "translate " + row.getKey(),
          Facts.map(row.getValue()).get("data"),
          guest.hex(guest.page, 24));
    }
  }

  private void setSregs(String what, Map<String, Object> row) throws KvmException {
    fresh();
    int vcpu = guest.vcpu(0);
    String before = sregs(vcpu);
    String value = what.replaceFirst(".*= ?", "");
    switch (what) {
      case "same as got", "update_special ffffffff" -> {}
      case "all 0" -> guest.zeros(guest.page, SREGS_SIZE);
      case "all ff" -> {
        byte[] ones = new byte[SREGS_SIZE];
        Arrays.fill(ones, (byte) 0xff);
        guest.memory.write(guest.page, ones, 0, SREGS_SIZE);
      }
      case "pvr + 1" -> put("pvr", guest.memory.readNumber(guest.page, 4) + 1);
      case "impl_id 0", "impl_id 2", "impl_id 3" ->
          put("e.impl_id", Long.parseLong(what.substring(8)));
      case "features 0" -> put("e.features", 0);
      case "features ffffffff" -> put("e.features", -1);
      case "impl.fsl.features 0" -> put("e.impl.fsl.features", 0);
      case "impl.fsl.pid1 and pid2 5, 6" -> {
        put("e.impl.fsl.pid1", 5);
        put("e.impl.fsl.pid2", 6);
      }
      case "impl.fsl.pid1 0x100" -> put("e.impl.fsl.pid1", 0x100);
      case "impl.fsl.svr, mcar, hid0 changed" -> {
        put("e.impl.fsl.svr", 0x8021_0030L);
        put("e.impl.fsl.mcar", 0x1234);
        put("e.impl.fsl.hid0", 0x4000);
      }
      case "pir 7" -> put("e.pir", 7);
      case "dbcr, iac, dac, dvc all 0x1111..." -> {
        for (long at = 0x18c; at < 0x1b8; at += 4) {
          guest.ints(guest.page + at, 0x1111_1111);
        }
      }
      case "ivor_low[n] = 0x1110 * n" -> {
        for (int n = 0; n < 16; n++) {
          guest.ints(guest.page + 0x1e8 + 4L * n, 0x1110L * n);
        }
      }
      case "ivor_high all 0xffff" -> {
        for (int n = 0; n < 18; n++) {
          guest.ints(guest.page + 0x228 + 4L * n, 0xffff);
        }
      }
      case "tlbcfg all 0" -> guest.zeros(guest.page + 0x278, 16);
      case "tlbps all ff" -> guest.longs(guest.page + 0x288, -1, -1);
      default -> put("e." + what.split(" ")[0], Facts.number(value.split(",")[0]));
    }
    if (what.contains("update_special TSR")) {
      put("e.update_special", 2);
    } else if (what.contains("update_special DEC")) {
      put("e.update_special", 4);
    } else if (what.contains("update_special MCSR")) {
      put("e.update_special", 1);
    } else if (what.contains("update_special DBSR")) {
      put("e.update_special", 8);
    } else if (what.endsWith("update_special ffffffff")) {
      put("e.update_special", -1);
    }
    check(
        "sregs " + what, row.get("ret"), ask(vcpu, Direction.WRITE, 0x84, SREGS_SIZE, guest.page));
    String after = sregs(vcpu);
    check(
        "sregs " + what + " fields",
        sorted(row.get("fields that differ from the fresh ones afterwards")),
        differences(before, after));
    if (row.containsKey("dec afterwards")) {
      if (row.get("dec afterwards").equals("varies")) {
        tally.leaveOut(1, "the decrementer", "it counts; no CPU counts here");
      } else {
        check(
            "sregs " + what + " dec",
            row.get("dec afterwards"),
            after.substring(2 * DEC, 2 * DEC + 8));
      }
    }
  }

  private void oneRegIds(Map<String, Object> rows) throws KvmException {
    long tcr = 0x1020_0000_0000_0089L;
    for (Request request : new Request[] {Request.GET_ONE_REG, Request.SET_ONE_REG}) {
      for (Map.Entry<String, Object> row : Facts.map(rows.get(request.toString())).entrySet()) {
        fresh();
        int vcpu = guest.vcpu(0);
        String what = row.getKey();
        long id;
        if (what.startsWith("TCR with size 2^")) {
          long size = Long.parseLong(what.substring(16));
          id = tcr & ~(0xfL << 52) | size << 52;
        } else {
          id =
              switch (what.split(", addr")[0]) {
                case "id 0" -> 0;
                case "unknown number 0xfff, u64" -> 0x1030_0000_0000_0fffL;
                case "unknown number 0xfff, u32" -> 0x1020_0000_0000_0fffL;
                case "TCR, arch bits x86" -> tcr & ~(0xffL << 56) | 0x20L << 56;
                case "TCR, arch bits arm64" -> tcr & ~(0xffL << 56) | 0x60L << 56;
                case "TCR, bit 31" -> tcr | 1L << 31;
                case "TCR, bit 16" -> tcr | 1L << 16;
                case "KVM_REG_PPC_TCR" -> tcr;
                case "KVM_REG_PPC_PMC1" -> 0x1020_0000_0000_0018L;
                default -> throw new IllegalArgumentException(what);
              };
        }
        long address =
            !what.contains("addr ")
                ? guest.page + 64
                : what.endsWith("NULL")
                    ? 0
                    : what.contains("0xc0000000") ? 0xc000_0000L : 0x1_0000_0000L;
        guest.longs(guest.page, id, address);
        check(request + " " + what, row.getValue(), guest.ask(vcpu, request, guest.page));
      }
    }
  }

  private void debug(String what, Map<String, Object> row) throws KvmException {
    fresh();
    int vcpu = guest.vcpu(0);
    String before = sregs(vcpu);
    guest.zeros(guest.page, 264);
    long control = what.startsWith("ENABLE") ? 1 : 0;
    control |= what.contains("SINGLESTEP") ? 2 : 0;
    control |= what.contains("USE_SW_BP") ? 0x1_0000 : 0;
    control |= what.contains("USE_HW_BP") ? 0x2_0000 : 0;
    if (what.contains("every other bit")) {
      control = 0xffff_ffffL & ~0x3_0002L;
    }
    long[] types = {};
    if (what.contains("breakpoint")) {
      int count = what.replaceAll("\\D+", " ").strip().isEmpty() ? 1 : digit(what);
      types = new long[count];
      Arrays.fill(types, 2);
    } else if (what.contains("watchpoint")) {
      types = new long[digit(what)];
      Arrays.fill(types, what.contains("read and write") ? 12 : what.contains("read") ? 8 : 4);
    } else if (what.contains("type ")) {
      types = new long[] {Long.parseLong(what.replaceFirst(".*type ", ""))};
    } else if (what.contains("hw bp given")) {
      types = new long[] {2};
    }
    guest.ints(guest.page, control);
    for (int i = 0; i < types.length; i++) {
      guest.longs(guest.page + 8 + 16L * i, 0x1000);
      guest.ints(guest.page + 16 + 16L * i, types[i]);
    }
    check("debug " + what, row.get("ret"), ask(vcpu, Direction.WRITE, 0x9b, 264, guest.page));
    check(
        "debug " + what,
        sorted(row.get("fields of KVM_GET_SREGS that differ from the fresh ones")),
        differences(before, sregs(vcpu)));
    guest.zeros(guest.page, 264);
    check(
        "debug " + what,
        row.get("then control 0"),
        ask(vcpu, Direction.WRITE, 0x9b, 264, guest.page));
  }

  private static int digit(String what) {
    return Integer.parseInt(what.replaceFirst(".*USE_HW_BP, (\\d).*", "$1"));
  }

  private void running(Map<String, Object> rows) throws KvmException {
    for (Map.Entry<String, Object> row : rows.entrySet()) {
      fresh();
      int vcpu = guest.vcpu(0);
      if (row.getValue() instanceof Map) {
        Map<String, Object> each = Facts.map(row.getValue());
        check(row.getKey(), each.get("ret"), guest.ask(vcpu, Request.RUN, 0));
        check(row.getKey(), each.get("argument 1"), guest.ask(vcpu, Request.RUN, 1));
        check(row.getKey(), each.get("again"), guest.ask(vcpu, Request.RUN, 0));
        check(
            row.getKey(),
            each.get("exit_reason 6 left by the client"),
            guest.ask(vcpu, Request.RUN, 0));
        tally.leaveOut(3, "fields of kvm_run", "a vCPU's file cannot be mapped here");
      } else if (row.getKey().startsWith("argument 1")) {
        check(row.getKey(), row.getValue(), guest.ask(vcpu, Request.RUN, 1));
      } else if (row.getKey().endsWith("KVM_CAP_PPC_PAPR")) {
        tally.leaveOut(1, row.getKey(), "compared by MappedFactsTest");
      } else {
        check(row.getKey(), row.getValue(), guest.ask(vcpu, Request.RUN, 0));
      }
    }
  }

  // Files, and a client's way through them.

  private void files() throws KvmException {
    tally.section("fds");
    fresh();
    int device = mpic(1);
    int vcpu = guest.vcpu(0);
    Map<String, Integer> all =
        Map.of("/dev/kvm", guest.system, "vm", guest.vm, "vcpu", vcpu, "device", device);
    for (Map.Entry<String, Object> entry : facts.map("fds").entrySet()) {
      int fd = all.get(entry.getKey());
      for (Map.Entry<String, Object> row : Facts.map(entry.getValue()).entrySet()) {
        Object answer =
            switch (row.getKey()) {
              case "link" -> guest.process.fileName(fd);
              case "read" -> Guest.answer(() -> guest.process.read(fd, new byte[8]));
              case "write 8 bytes" -> Guest.answer(() -> guest.process.write(fd, new byte[8]));
              case "lseek" -> Guest.answer(() -> guest.process.operate(fd, FileOperation.SEEK));
              case "FD_CLOEXEC" -> guest.process.status(fd).closeOnExec() ? 1 : 0;
              case "F_GETFL" -> "0x%08x".formatted(guest.process.status(fd).flags());
              default -> null;
            };
        if (answer != null) {
          check(entry.getKey() + " " + row.getKey(), row.getValue(), answer);
        } else if (row.getKey().startsWith("mmap") && !entry.getKey().equals("vcpu")) {
          check(
              entry.getKey() + " mmap",
              row.getValue(),
              Guest.answer(
                  () -> {
                    guest.process.mmap(fd, 0, 4096);
                    return 0;
                  }));
        } else if (row.getKey().startsWith("from another process")
            && row.getValue().equals("EIO")) {
          String request = row.getKey().replaceFirst(".*KVM_", "");
          int number =
              request.equals("GET_REGS")
                  ? guest.process.requests().of(Direction.READ, 0x81, REGS_SIZE)
                  : guest.process.requests().of(Request.valueOf(request));
          check(
              entry.getKey() + " " + row.getKey(),
              row.getValue(),
              Guest.answer(() -> guest.process.fork().ioctl(fd, number, 0)));
        } else {
          tally.leaveOut(
              1, row.getKey(), "a vCPU's file cannot be mapped here, or nothing is refused");
        }
      }
    }
  }

  /** The calls of a QEMU, as far as they are not the same as those above. */
  private void sequence() throws KvmException {
    String name =
        "sequence_like_QEMU_ppce500 (put together from what it is known to call, not traced from"
            + " it)";
    tally.section(name);
    fresh();
    int vcpu = -1;
    int device = -1;
    String before = "";
    for (Map.Entry<String, Object> row : facts.map(name).entrySet()) {
      String what = row.getKey().replaceFirst("^\\d+ ", "");
      String[] words = what.split(" ");
      Object answer = null;
      if (words[0].equals("KVM_CHECK_EXTENSION")) {
        for (Object each : facts.list("KVM_CHECK_EXTENSION")) {
          if (words[1].equals(Facts.map(each).get("name"))) {
            answer =
                guest.ask(
                    guest.vm, Request.CHECK_EXTENSION, Facts.number(Facts.map(each).get("cap")));
          }
        }
      } else if (what.startsWith("KVM_CREATE_VCPU")) {
        vcpu = guest.vcpu(0);
        before = sregs(vcpu);
        answer = "fd";
      } else if (what.startsWith("KVM_CREATE_DEVICE")) {
        device = mpic(2);
        answer = 0;
      } else if (what.startsWith("KVM_ENABLE_CAP KVM_CAP_SW_TLB")) {
        answer = tlb(vcpu, new Tlb());
      } else if (what.startsWith("KVM_ENABLE_CAP KVM_CAP_PPC_BOOKE_WATCHDOG")) {
        answer = guest.enable(vcpu, Request.ENABLE_CAP, 83, 0, 0);
      } else if (what.startsWith("KVM_ENABLE_CAP KVM_CAP_PPC_EPR")) {
        answer = guest.enable(vcpu, Request.ENABLE_CAP, 86, 0, 0);
      } else if (what.startsWith("KVM_ENABLE_CAP KVM_CAP_IRQ_MPIC")) {
        answer = guest.enable(vcpu, Request.ENABLE_CAP, IRQ_MPIC, 0, device, 0);
      } else if (what.startsWith("KVM_IOEVENTFD")) {
        answer = doorbell(-1, 0, 1, 0, 0);
      } else if (what.startsWith("KVM_GET_ONE_REG") || what.startsWith("KVM_SET_ONE_REG")) {
        for (Object each : facts.list("ONE_REG_fresh_vcpu")) {
          if (words[1].equals(Facts.map(each).get("reg"))) {
            guest.zeros(guest.page + 64, 16);
            answer =
                guest.oneReg(
                    vcpu,
                    Request.valueOf(words[0].substring(4)),
                    Facts.number(Facts.map(each).get("id")));
          }
        }
      } else if (what.equals("its value")) {
        answer = guest.hex(guest.page + 64, 4);
      } else if (what.equals("KVM_RUN")) {
        answer = guest.ask(vcpu, Request.RUN, 0);
      } else if (what.startsWith("KVM_GET_SREGS: fields")) {
        check(what, sorted(row.getValue()), differences(before, sregs(vcpu)));
        continue;
      } else if (what.startsWith("KVM_GET_DIRTY_LOG")) {
        answer = dirty(0);
      }
      if (answer == null) {
        tally.leaveOut(1, what, "compared above");
      } else {
        check(what, row.getValue(), answer);
      }
    }
  }
}
