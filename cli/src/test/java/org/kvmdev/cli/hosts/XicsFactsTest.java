package org.kvmdev.cli.hosts;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.Request;

/** What the recorded POWER9 with a XICS answered, answered by us. */
class XicsFactsTest {
  private static final String HOST = "ppc64-xics-6.1";
  private static final int PAPR = 68;
  private static final int IRQ_XICS = 92;
  private static final int VFIO = 4;
  private static final long PAGE = 0x1_0000;

  /** What is said about the recording, and what a client reads of its host beside /dev/kvm. */
  private static final List<String> REMARKS =
      List.of("host", "arch", "endian", "kernel", "recorded_on", "reading", "host_files");

  private final Facts facts = Facts.of(HOST);
  private final Tally tally = new Tally(HOST);
  private Kvm kvm;
  private Guest guest;

  @Test
  void everyRecordedAnswer() throws KvmException {
    try (Kvm all = Kvm.load()) {
      kvm = all;
      fresh();
      basics();
      capabilities();
      vcpus();
      devices();
      mmu();
      state();
      enabling();
      oneRegs();
      areas();
      attributes();
      nullArguments();
      otherCalls();
      windows();
      slots();
      events();
      running();
    }
    tally.finish(facts, REMARKS);
  }

  /** Another VM, with nothing in it. */
  private void fresh() throws KvmException {
    guest = new Guest(kvm, HOST);
  }

  private int number(Direction direction, int request, int size) {
    return guest.process.requests().of(direction, request, size);
  }

  private Object ask(int fd, Direction direction, int request, int size, long argument) {
    return guest.ask(fd, number(direction, request, size), argument);
  }

  private List<Map<String, Object>> rows(String section) {
    tally.section(section);
    return facts.list(section).stream().map(Facts::map).toList();
  }

  private void check(Map<String, Object> row, String key, Object answer) {
    tally.check(row + " " + key, row.get(key), answer);
  }

  private static Object fdOf(Object answer) {
    return answer instanceof Long ? "fd" : answer;
  }

  private int xics() throws KvmException {
    return guest.device(3);
  }

  private void basics() {
    Map<String, Object> row = rows("basics").getFirst();
    check(row, "KVM_GET_API_VERSION", guest.ask(guest.system, Request.GET_API_VERSION, 0));
    check(row, "KVM_GET_API_VERSION arg 1", guest.ask(guest.system, Request.GET_API_VERSION, 1));
    check(row, "KVM_GET_VCPU_MMAP_SIZE", guest.ask(guest.system, Request.GET_VCPU_MMAP_SIZE, 0));
    check(
        row,
        "KVM_GET_VCPU_MMAP_SIZE arg 1",
        guest.ask(guest.system, Request.GET_VCPU_MMAP_SIZE, 1));
    check(row, "host page size", guest.memory.page());
    tally.leaveOut(1, "host PVR", "an instruction of the host's CPU");
    for (Map<String, Object> type : rows("KVM_CREATE_VM")) {
      check(
          type,
          "result",
          guest.fd(
              () -> guest.ioctl(guest.system, Request.CREATE_VM, Facts.number(type.get("type")))));
    }
  }

  private void capabilities() throws KvmException {
    for (Map<String, Object> row : rows("KVM_CHECK_EXTENSION")) {
      long cap = Facts.number(row.get("cap"));
      if (row.containsKey("vcpu")) {
        check(row, "vcpu", guest.ask(guest.vcpu(0), Request.CHECK_EXTENSION, cap));
        continue;
      }
      check(row, "dev_kvm", guest.ask(guest.system, Request.CHECK_EXTENSION, cap));
      check(row, "vm", guest.ask(guest.vm, Request.CHECK_EXTENSION, cap));
    }
  }

  private void vcpus() throws KvmException {
    for (Map<String, Object> row : rows("KVM_CREATE_VCPU")) {
      fresh();
      long id = Facts.number(row.get("id"));
      Object made = guest.ask(guest.vm, Request.CREATE_VCPU, id);
      check(row, "result", fdOf(made));
      if (row.containsKey("again")) {
        check(row, "again", guest.ask(guest.vm, Request.CREATE_VCPU, id));
        guest.process.close(((Long) made).intValue());
        check(row, "again after close of the fd", guest.ask(guest.vm, Request.CREATE_VCPU, id));
      }
    }
    for (Map<String, Object> row : rows("KVM_CREATE_VCPU_several")) {
      fresh();
      for (Map.Entry<String, Object> each : row.entrySet()) {
        if (each.getKey().startsWith("smt")) {
          long mode = Facts.number(each.getValue());
          tally.check(
              "SMT mode " + mode,
              0,
              mode == 0 ? 0 : guest.enable(guest.vm, Request.ENABLE_CAP_VM, 64, 0, mode, 0));
        } else {
          long id = Facts.number(each.getKey().replaceFirst(".* id ", ""));
          tally.check(
              row + " " + each.getKey(),
              each.getValue(),
              fdOf(guest.ask(guest.vm, Request.CREATE_VCPU, id)));
        }
      }
    }
    tally.section("vcpu_mmap");
    tally.leaveOut(facts.size("vcpu_mmap"), "all", "a vCPU's file cannot be mapped in this JVM");
  }

  private void devices() throws KvmException {
    for (Map<String, Object> row : rows("KVM_CREATE_DEVICE")) {
      fresh();
      long type = Facts.number(row.get("type"));
      if (type == VFIO) {
        tally.leaveOut(Facts.size(row) - 2, "VFIO", "no jar offers it");
        continue;
      }
      guest.ints(guest.page, type, -1, Facts.number(row.get("flags")));
      check(row, "result", guest.ask(guest.vm, Request.CREATE_DEVICE, guest.page));
      if (row.containsKey("again after close")) {
        guest.process.close((int) guest.memory.readNumber(guest.page + 4, 4));
        guest.ints(guest.page, type, -1, 0);
        check(row, "again after close", guest.ask(guest.vm, Request.CREATE_DEVICE, guest.page));
        guest.ints(guest.page, type, -1, 0);
        check(
            row, "a second one beside it", guest.ask(guest.vm, Request.CREATE_DEVICE, guest.page));
      }
    }
  }

  private void mmu() throws KvmException {
    for (Map<String, Object> row : rows("mmu_info")) {
      fresh();
      int number = (int) Facts.number(row.get("number"));
      int size = (int) Facts.number(row.get("size"));
      guest.memory.write(guest.page, new byte[] {(byte) 0xa5}, 0, 1);
      check(row, "result", guest.ask(guest.vm, number, guest.page));
      check(row, "with NULL", guest.ask(guest.vm, number, 0));
      if (row.containsKey("data")) {
        long zeros = Facts.number(row.getOrDefault("zeros_after", 0L));
        tally.check(
            row.get("call") + " data",
            row.get("data") + "00".repeat((int) zeros),
            guest.hex(guest.page, size));
      }
    }
    for (Map<String, Object> row : rows("KVM_PPC_ALLOCATE_HTAB")) {
      fresh();
      if (row.containsKey("note")) {
        int vcpu = guest.vcpu(0);
        if (row.get("note").toString().endsWith("PAPR")) {
          guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0);
        }
      }
      guest.ints(guest.page, Facts.number(row.get("shift")));
      check(row, "result", ask(guest.vm, Direction.READ_WRITE, 0xa7, 4, guest.page));
      if (row.containsKey("shift_after")) {
        check(row, "shift_after", guest.memory.readNumber(guest.page, 4));
      }
      if (row.containsKey("again")) {
        check(row, "again", ask(guest.vm, Direction.READ_WRITE, 0xa7, 4, guest.page));
      }
    }
    for (Map<String, Object> row : rows("KVM_PPC_RESIZE_HPT")) {
      fresh();
      guest.longs(guest.page, Facts.number(row.get("flags")), Facts.number(row.get("shift")));
      check(row, "PREPARE", ask(guest.vm, Direction.READ, 0xad, 16, guest.page));
      check(row, "COMMIT", ask(guest.vm, Direction.READ, 0xae, 16, guest.page));
    }
    for (Map<String, Object> row : rows("KVM_PPC_GET_HTAB_FD")) {
      fresh();
      guest.zeros(guest.page, 32);
      if (row.containsKey("note")) {
        guest.longs(guest.page, 1, 1L << 63);
        check(
            row, "KVM_PPC_CONFIGURE_V3_MMU", ask(guest.vm, Direction.WRITE, 0xaf, 16, guest.page));
        check(
            row,
            "KVM_PPC_ALLOCATE_HTAB 24",
            ask(guest.vm, Direction.READ_WRITE, 0xa7, 4, guest.page));
        guest.zeros(guest.page, 32);
        check(row, "result", fdOf(ask(guest.vm, Direction.WRITE, 0xaa, 32, guest.page)));
        continue;
      }
      guest.longs(
          guest.page,
          Facts.number(row.get("flags")),
          Facts.number(row.get("start_index")),
          Facts.number(row.get("reserved0")));
      Object made = ask(guest.vm, Direction.WRITE, 0xaa, 32, guest.page);
      check(row, "result", fdOf(made));
      if (made instanceof Long fd) {
        int file = fd.intValue();
        check(row, "F_GETFL", "0x%x".formatted(guest.process.status(file).flags()));
        check(row, "read 4096", Guest.answer(() -> guest.process.read(file, new byte[4096])));
        check(row, "read again", Guest.answer(() -> guest.process.read(file, new byte[4096])));
        check(
            row, "write 8 zero bytes", Guest.answer(() -> guest.process.write(file, new byte[8])));
        check(row, "write 4", Guest.answer(() -> guest.process.write(file, new byte[4])));
      }
    }
    for (Map<String, Object> row : rows("KVM_PPC_CONFIGURE_V3_MMU")) {
      fresh();
      int vcpu = guest.vcpu(0);
      check(row, "LPCR before", lpcr(vcpu));
      guest.longs(
          guest.page, Facts.number(row.get("flags")), Facts.number(row.get("process_table")));
      check(row, "result", ask(guest.vm, Direction.WRITE, 0xaf, 16, guest.page));
      check(row, "LPCR after", lpcr(vcpu));
      guest.longs(
          guest.page, Facts.number(row.get("flags")), Facts.number(row.get("process_table")));
      check(row, "again", ask(guest.vm, Direction.WRITE, 0xaf, 16, guest.page));
    }
  }

  private String lpcr(int vcpu) throws KvmException {
    guest.oneReg(vcpu, Request.GET_ONE_REG, 0x1030_0000_0000_00b5L);
    return "0x%x".formatted(guest.memory.readNumber(guest.page + 64, 8));
  }

  // The vCPU's state.

  private static final List<String> REGS =
      List.of(
          "pc", "cr", "ctr", "lr", "xer", "msr", "srr0", "srr1", "pid", "sprg0", "sprg1", "sprg2",
          "sprg3", "sprg4", "sprg5", "sprg6", "sprg7");

  private void state() throws KvmException {
    for (boolean papr : new boolean[] {false, true}) {
      fresh();
      int vcpu = guest.vcpu(0);
      if (papr) {
        guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0);
      }
      for (Map<String, Object> row : rows("vcpu_state_fresh")) {
        state(row, vcpu);
      }
    }
    rows("vcpu_state_with_papr");
    tally.check("answered as on a fresh vCPU", "compared above", "compared above");
  }

  private void state(Map<String, Object> row, int vcpu) throws KvmException {
    long page = guest.page;
    switch (row.get("call").toString()) {
      case "KVM_GET_REGS" -> {
        check(row, "result", ask(vcpu, Direction.READ, 0x81, 392, page));
        regs(row);
      }
      case "KVM_SET_REGS" -> {
        check(row, "same", ask(vcpu, Direction.WRITE, 0x82, 392, page));
        byte[] ones = new byte[392];
        Arrays.fill(ones, (byte) 0xff);
        guest.memory.write(page, ones, 0, ones.length);
        check(row, "all ones", ask(vcpu, Direction.WRITE, 0x82, 392, page));
        ask(vcpu, Direction.READ, 0x81, 392, page);
        regs(row);
      }
      case "KVM_GET_SREGS" -> {
        check(row, "result", ask(vcpu, Direction.READ, 0x83, 1232, page));
        tally.check(
            "sregs",
            row.get("data") + "00".repeat((int) Facts.number(row.get("zeros_after"))),
            guest.hex(page, 1232));
      }
      case "KVM_SET_SREGS" -> segments(row, vcpu);
      case "KVM_GET_FPU" -> {
        check(row, "result", ask(vcpu, Direction.READ, 0x8c, 256, page));
        check(row, "KVM_SET_FPU", ask(vcpu, Direction.WRITE, 0x8d, 256, page));
      }
      case "KVM_GET_MP_STATE" -> {
        check(row, "result", ask(vcpu, Direction.READ, 0x98, 4, page));
        for (int state = 0; state <= 5; state++) {
          guest.ints(page, state);
          check(row, "KVM_SET_MP_STATE " + state, ask(vcpu, Direction.WRITE, 0x99, 4, page));
        }
      }
      case "KVM_INTERRUPT" -> {
        for (String key : row.keySet()) {
          if (key.startsWith("irq ")) {
            guest.ints(page, Facts.number(key.substring(4)));
            check(row, key, guest.ask(vcpu, Request.INTERRUPT, page));
          }
        }
      }
      case "KVM_SET_GUEST_DEBUG" -> {
        for (String key : row.keySet()) {
          if (key.startsWith("control ")) {
            guest.ints(page, Facts.number(key.substring(8)));
            check(row, key, ask(vcpu, Direction.WRITE, 0x9b, 264, page));
          }
        }
      }
      case "KVM_TRANSLATE" -> check(row, "result", ask(vcpu, Direction.READ_WRITE, 0x85, 24, page));
      case "KVM_SET_SIGNAL_MASK" -> {
        for (String key : row.keySet()) {
          if (key.startsWith("len ")) {
            guest.ints(page, Facts.number(key.substring(4)));
            check(row, key, guest.ask(vcpu, Request.SET_SIGNAL_MASK, page));
          }
        }
        check(row, "NULL", guest.ask(vcpu, Request.SET_SIGNAL_MASK, 0));
      }
      default -> throw new IllegalArgumentException(row.toString());
    }
  }

  private void regs(Map<String, Object> row) throws KvmException {
    for (int i = 0; i < REGS.size(); i++) {
      check(row, REGS.get(i), "0x%x".formatted(guest.memory.readNumber(guest.page + 8L * i, 8)));
    }
    List<String> registers = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      registers.add(
          "0x%x".formatted(guest.memory.readNumber(guest.page + 8L * (REGS.size() + i), 8)));
    }
    check(row, "gpr", registers);
  }

  private void segments(Map<String, Object> row, int vcpu) throws KvmException {
    long page = guest.page;
    int get = number(Direction.READ, 0x83, 1232);
    int set = number(Direction.WRITE, 0x84, 1232);
    guest.ask(vcpu, get, page);
    check(row, "same", guest.ask(vcpu, set, page));
    long version = guest.memory.readNumber(page, 4);
    for (Map.Entry<String, Long> other :
        Map.of(
                "pvr 0x4e1202", 0x4e1202L,
                "pvr with bit 0 changed", version ^ 1,
                "pvr 0", 0L,
                "pvr 0xf000005", 0xf000005L)
            .entrySet()) {
      guest.ints(page, other.getValue());
      check(row, other.getKey(), guest.ask(vcpu, set, page));
    }
    guest.ask(vcpu, get, page);
    check(row, "pvr after", "0x%x".formatted(guest.memory.readNumber(page, 4)));
    guest.longs(page + 8, 0x12345);
    check(row, "sdr1 0x12345", guest.ask(vcpu, set, page));
    guest.ask(vcpu, get, page);
    check(row, "sdr1 after", "0x%x".formatted(guest.memory.readNumber(page + 8, 8)));
    HexFormat hex = HexFormat.of();
    byte[] recorded = hex.parseHex(row.get("sregs_after").toString());
    // The 32 entries that came back are the first of the 64 that were written.
    guest.memory.write(page + 16, recorded, 16, recorded.length - 16);
    check(row, "64 valid slb entries", guest.ask(vcpu, set, page));
    guest.zeros(page, 1232);
    guest.ask(vcpu, get, page);
    tally.check(
        "sregs after",
        row.get("sregs_after") + "00".repeat((int) Facts.number(row.get("zeros_after"))),
        guest.hex(page, 1232));
    guest.zeros(page + 16, 1216);
    guest.ask(vcpu, set, page);
  }

  // Capabilities.

  private void enabling() throws KvmException {
    for (Map<String, Object> row : rows("KVM_ENABLE_CAP")) {
      for (int argument = 0; argument <= 1; argument++) {
        fresh();
        int cap = (int) Facts.number(row.get("cap"));
        check(
            row,
            "vm, args " + argument,
            guest.enable(guest.vm, Request.ENABLE_CAP_VM, cap, 0, argument, 0, 0, 0));
        int vcpu = guest.vcpu(0);
        // A capability of a vCPU that is taken is refused afterwards, unless it is a partition's.
        guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0);
        check(
            row,
            "vcpu, args " + argument,
            guest.enable(vcpu, Request.ENABLE_CAP, cap, 0, argument, 0, 0, 0));
      }
    }
    List<Map<String, Object>> more = rows("KVM_ENABLE_CAP_more");
    fresh();
    int vcpu = guest.vcpu(0);
    Map<String, Object> papr = more.get(0);
    check(papr, "flags 1", guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 1, 0));
    check(papr, "first", guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0));
    check(papr, "second", guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0));
    check(papr, "args 5", guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 5));
    Map<String, Object> threads = more.get(1);
    for (String key : threads.keySet()) {
      if (key.matches("\\d+,\\d+")) {
        fresh();
        String[] words = key.split(",");
        check(
            threads,
            key,
            guest.enable(
                guest.vm,
                Request.ENABLE_CAP_VM,
                64,
                0,
                Long.parseLong(words[0]),
                Long.parseLong(words[1])));
        check(threads, key + " check", guest.ask(guest.vm, Request.CHECK_EXTENSION, 64));
      }
    }
    fresh();
    guest.vcpu(0);
    check(threads, "1,0 with a vCPU", guest.enable(guest.vm, Request.ENABLE_CAP_VM, 64, 0, 1, 0));
    Map<String, Object> further = more.get(2);
    for (String key : further.keySet()) {
      if (key.startsWith("cap ")) {
        fresh();
        String[] words = key.split(" ");
        check(
            further,
            key,
            guest.enable(
                guest.vm,
                Request.ENABLE_CAP_VM,
                Integer.parseInt(words[1]),
                0,
                Long.parseLong(words[3])));
      }
    }
    Map<String, Object> connecting = more.get(3);
    fresh();
    int device = xics();
    vcpu = guest.vcpu(0);
    check(
        connecting, "without PAPR", guest.enable(vcpu, Request.ENABLE_CAP, IRQ_XICS, 0, device, 0));
    int other = guest.vcpu(1);
    guest.enable(other, Request.ENABLE_CAP, PAPR, 0, 0);
    check(connecting, "PAPR then", guest.enable(other, Request.ENABLE_CAP, IRQ_XICS, 0, device, 1));
    check(connecting, "again", guest.enable(other, Request.ENABLE_CAP, IRQ_XICS, 0, device, 1));
    for (Map<String, Object> row : rows("KVM_CAP_PPC_ENABLE_HCALL")) {
      fresh();
      long call = Facts.number(row.get("hcall"));
      check(row, "enable", guest.enable(guest.vm, Request.ENABLE_CAP_VM, 104, 0, call, 1));
      check(row, "disable", guest.enable(guest.vm, Request.ENABLE_CAP_VM, 104, 0, call, 0));
      check(row, "args 2", guest.enable(guest.vm, Request.ENABLE_CAP_VM, 104, 0, call, 2));
    }
  }

  // Registers.

  private void oneRegs() throws KvmException {
    for (Map<String, Object> row : rows("ONE_REG_fresh_vcpu")) {
      fresh();
      oneReg(row, guest.vcpu(0));
    }
    for (Map<String, Object> row : rows("ONE_REG_with_papr_and_xics")) {
      if (row.containsKey("reg")) {
        fresh();
        oneReg(row, connected());
      } else {
        for (Map<String, Object> same : rows("ONE_REG_fresh_vcpu")) {
          if (!same.get("reg").equals("KVM_REG_PPC_ICP_STATE")) {
            fresh();
            oneReg(same, connected());
          }
        }
        tally.section("ONE_REG_with_papr_and_xics");
      }
    }
    fresh();
    int vcpu = guest.vcpu(0);
    for (Map<String, Object> row : rows("ONE_REG_odd_ids")) {
      if (row.containsKey("id")) {
        long id = Facts.number(row.get("id"));
        guest.longs(guest.page + 64, 0, 0);
        check(row, "get", guest.oneReg(vcpu, Request.GET_ONE_REG, id));
        guest.longs(guest.page + 64, 0, 0);
        check(row, "set zero", guest.oneReg(vcpu, Request.SET_ONE_REG, id));
        guest.longs(guest.page, id, 0);
        check(row, "get bad pointer", guest.ask(vcpu, Request.GET_ONE_REG, guest.page));
        check(row, "set bad pointer", guest.ask(vcpu, Request.SET_ONE_REG, guest.page));
      } else if (row.containsKey("n 0")) {
        guest.longs(guest.page, 0);
        check(row, "n 0", ask(vcpu, Direction.READ_WRITE, 0xb0, 8, guest.page));
        check(row, "n after", guest.memory.readNumber(guest.page, 8));
      } else {
        long id = 0x1030_0000_0000_000aL;
        guest.longs(guest.page, id, 0);
        check(row, "get bad pointer", guest.ask(vcpu, Request.GET_ONE_REG, guest.page));
        check(row, "set bad pointer", guest.ask(vcpu, Request.SET_ONE_REG, guest.page));
        guest.longs(guest.page, id, guest.page + 65);
        check(row, "get odd address", guest.ask(vcpu, Request.GET_ONE_REG, guest.page));
        check(row, "KVM_GET_ONE_REG NULL", guest.ask(vcpu, Request.GET_ONE_REG, 0));
        check(row, "KVM_GET_ONE_REG bad struct", guest.ask(vcpu, Request.GET_ONE_REG, 8));
      }
    }
    for (Map<String, Object> row : rows("ONE_REG_ARCH_COMPAT")) {
      fresh();
      int one = guest.vcpu(0);
      guest.ints(guest.page + 64, Facts.number(row.get("value")));
      check(row, "set", guest.oneReg(one, Request.SET_ONE_REG, 0x1020_0000_0000_00b7L));
      guest.oneReg(one, Request.GET_ONE_REG, 0x1020_0000_0000_00b7L);
      check(row, "reads", "0x%x".formatted(guest.memory.readNumber(guest.page + 64, 4)));
    }
  }

  private int connected() throws KvmException {
    int device = xics();
    int vcpu = guest.vcpu(0);
    guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0);
    guest.enable(vcpu, Request.ENABLE_CAP, IRQ_XICS, 0, device, 0);
    return vcpu;
  }

  private void oneReg(Map<String, Object> row, int vcpu) throws KvmException {
    long id = Facts.number(row.get("id"));
    int bytes = 1 << (int) (id >>> 52 & 0xf);
    guest.zeros(guest.page + 64, 16);
    check(row, "get", guest.oneReg(vcpu, Request.GET_ONE_REG, id));
    BigInteger first = value(bytes);
    if (row.containsKey("value")) {
      check(row, "value", text(first, bytes));
    }
    check(row, "set_same", set(vcpu, id, first, bytes));
    BigInteger ones = BigInteger.ONE.shiftLeft(8 * bytes).subtract(BigInteger.ONE);
    for (Map.Entry<String, BigInteger> write :
        Map.of(
                "set_low_bit_flipped",
                first.flipBit(0),
                "set_ones",
                ones,
                "set_zero",
                BigInteger.ZERO)
            .entrySet()) {
      check(row, write.getKey(), set(vcpu, id, write.getValue(), bytes));
      if (row.get("get").equals(0L)) {
        guest.oneReg(vcpu, Request.GET_ONE_REG, id);
        tally.check(
            row + " after " + write.getKey(),
            row.getOrDefault(write.getKey() + "_reads", text(write.getValue(), bytes)),
            text(value(bytes), bytes));
        set(vcpu, id, first, bytes);
      }
    }
  }

  private BigInteger value(int bytes) throws KvmException {
    BigInteger value = BigInteger.ZERO;
    for (int i = bytes - 1; i >= 0; i--) {
      value =
          value
              .shiftLeft(8)
              .add(BigInteger.valueOf(guest.memory.readNumber(guest.page + 64 + i, 1)));
    }
    return value;
  }

  private static String text(BigInteger value, int bytes) {
    String digits = value.toString(16);
    return "0x" + "0".repeat(2 * bytes - digits.length()) + digits;
  }

  private Object set(int vcpu, long id, BigInteger value, int bytes) throws KvmException {
    for (int i = 0; i < bytes; i++) {
      guest.memory.writeNumber(guest.page + 64 + i, 1, value.shiftRight(8 * i).intValue() & 0xff);
    }
    return guest.oneReg(vcpu, Request.SET_ONE_REG, id);
  }

  private void areas() throws KvmException {
    for (Map<String, Object> row : rows("ONE_REG_VPA")) {
      fresh();
      int vcpu = guest.vcpu(0);
      if (Facts.number(row.get("memory at 0..0xfffff")) != 0) {
        guest.slot(0, 0, 0, 0x10_0000, guest.memory.map(0x10_0000));
      }
      guest.longs(guest.page + 64, Facts.number(row.get("vpa")));
      check(row, "set VPA_ADDR", guest.oneReg(vcpu, Request.SET_ONE_REG, 0x1030_0000_0000_0082L));
      guest.oneReg(vcpu, Request.GET_ONE_REG, 0x1030_0000_0000_0082L);
      check(row, "VPA_ADDR reads", "0x%x".formatted(guest.memory.readNumber(guest.page + 64, 8)));
      for (String area : new String[] {"VPA_SLB", "VPA_DTL"}) {
        long id = area.equals("VPA_SLB") ? 0x1040_0000_0000_0083L : 0x1040_0000_0000_0084L;
        guest.longs(
            guest.page + 64, Facts.number(row.get("addr")), Facts.number(row.get("length")));
        check(row, "set " + area, guest.oneReg(vcpu, Request.SET_ONE_REG, id));
        guest.oneReg(vcpu, Request.GET_ONE_REG, id);
        check(
            row,
            area + " reads addr",
            "0x%x".formatted(guest.memory.readNumber(guest.page + 64, 8)));
        check(
            row,
            area + " reads length",
            "0x%x".formatted(guest.memory.readNumber(guest.page + 72, 8)));
      }
    }
  }

  // Files and their requests.

  private void attributes() throws KvmException {
    fresh();
    Map<String, Integer> files = Map.of("vm", guest.vm, "vcpu", guest.vcpu(0), "xics", xics());
    for (Map<String, Object> row : rows("DEVICE_ATTR")) {
      int fd = files.get(row.get("on").toString());
      if (row.containsKey("note")) {
        check(row, "has", guest.ask(fd, Request.HAS_DEVICE_ATTR, 0));
        check(row, "get", guest.ask(fd, Request.GET_DEVICE_ATTR, 0));
        check(row, "set", guest.ask(fd, Request.SET_DEVICE_ATTR, 0));
        continue;
      }
      int group = (int) Facts.number(row.get("group"));
      long attr = Facts.number(row.get("attr"));
      long data = guest.zeros(guest.page + 64, 8);
      check(row, "has", guest.attr(fd, Request.HAS_DEVICE_ATTR, group, attr, data));
      check(row, "get", guest.attr(fd, Request.GET_DEVICE_ATTR, group, attr, data));
      guest.zeros(data, 8);
      check(row, "set zero", guest.attr(fd, Request.SET_DEVICE_ATTR, group, attr, data));
      guest.ints(guest.page, 1, group);
      check(row, "has, flags 1", guest.ask(fd, Request.HAS_DEVICE_ATTR, guest.page));
    }
  }

  private void nullArguments() throws KvmException {
    for (Map<String, Object> row : rows("ioctls_with_NULL")) {
      fresh();
      int vcpu = guest.vcpu(0);
      int device = xics();
      int number = (int) Facts.number(row.get("number"));
      for (Map.Entry<String, Integer> file :
          Map.of("dev_kvm", guest.system, "vm", guest.vm, "vcpu", vcpu, "xics_device", device)
              .entrySet()) {
        if (row.get(file.getKey()).equals("not tried")) {
          tally.leaveOut(1, "KVM_RUN on a vCPU", "not recorded");
          continue;
        }
        Object answer = guest.ask(file.getValue(), number, 0);
        check(row, file.getKey(), row.get(file.getKey()).equals("fd") ? fdOf(answer) : answer);
      }
    }
  }

  private void otherCalls() throws KvmException {
    List<Map<String, Object>> rows = rows("other_calls");
    fresh();
    Map<String, Object> statistics = rows.get(0);
    int counted = guest.vcpu(0);
    check(statistics, "vm", fdOf(guest.ask(guest.vm, Request.GET_STATS_FD, 0)));
    check(statistics, "vcpu", fdOf(guest.ask(counted, Request.GET_STATS_FD, 0)));
    fresh();
    guest.zeros(guest.page, 64);
    Map<String, Object> zones = rows.get(1);
    check(zones, "register", guest.ask(guest.vm, Request.REGISTER_COALESCED_MMIO, guest.page));
    check(zones, "again", guest.ask(guest.vm, Request.REGISTER_COALESCED_MMIO, guest.page));
    check(zones, "unregister", guest.ask(guest.vm, Request.UNREGISTER_COALESCED_MMIO, guest.page));
    check(
        zones,
        "unregister again",
        guest.ask(guest.vm, Request.UNREGISTER_COALESCED_MMIO, guest.page));
    for (int pio = 1; pio <= 2; pio++) {
      guest.ints(guest.page + 12, pio);
      check(zones, "pio " + pio, guest.ask(guest.vm, Request.REGISTER_COALESCED_MMIO, guest.page));
    }
    for (Map<String, Object> row : rows.subList(2, 5)) {
      guest.zeros(guest.page, 64);
      guest.ints(guest.page, Facts.number(row.get("nr")), Facts.number(row.get("flags")));
      fresh();
      check(row, "without a controller", guest.ask(guest.vm, Request.SET_GSI_ROUTING, guest.page));
      xics();
      check(row, "with XICS", guest.ask(guest.vm, Request.SET_GSI_ROUTING, guest.page));
    }
    Map<String, Object> lines = rows.get(5);
    fresh();
    guest.zeros(guest.page, 64);
    check(lines, "KVM_SIGNAL_MSI", guest.ask(guest.vm, Request.SIGNAL_MSI, guest.page));
    check(lines, "KVM_IRQ_LINE", guest.ask(guest.vm, Request.IRQ_LINE, guest.page));
    check(lines, "KVM_IRQ_LINE_STATUS", guest.ask(guest.vm, Request.IRQ_LINE_STATUS, guest.page));
    xics();
    guest.zeros(guest.page, 64);
    check(lines, "KVM_SIGNAL_MSI with XICS", guest.ask(guest.vm, Request.SIGNAL_MSI, guest.page));
    check(
        lines,
        "KVM_IRQ_LINE with XICS, no such source",
        guest.ask(guest.vm, Request.IRQ_LINE, guest.page));
    Map<String, Object> window = rows.get(6);
    guest.longs(guest.page, 0x8000_0001L);
    guest.ints(guest.page + 8, Facts.number(window.get("window_size")));
    check(window, "result", fdOf(ask(guest.vm, Direction.WRITE, 0xa8, 16, guest.page)));
    for (Map<String, Object> row : rows("KVM_PPC_RTAS_DEFINE_TOKEN")) {
      fresh();
      guest.zeros(guest.page, 128);
      byte[] name = row.get("name").toString().getBytes(StandardCharsets.US_ASCII);
      guest.memory.write(guest.page, name, 0, name.length);
      guest.longs(guest.page + 120, 0x2000);
      check(row, "result", ask(guest.vm, Direction.WRITE, 0xac, 128, guest.page));
      check(row, "again", ask(guest.vm, Direction.WRITE, 0xac, 128, guest.page));
    }
  }

  private void windows() throws KvmException {
    for (Map<String, Object> row : rows("KVM_CREATE_SPAPR_TCE_64")) {
      fresh();
      guest.longs(guest.page, Facts.number(row.get("liobn")));
      guest.ints(
          guest.page + 8, Facts.number(row.get("page_shift")), Facts.number(row.get("flags")));
      guest.longs(guest.page + 16, Facts.number(row.get("offset")), Facts.number(row.get("size")));
      Object made = ask(guest.vm, Direction.WRITE, 0xa8, 32, guest.page);
      check(row, "result", fdOf(made));
      if (made instanceof Long fd) {
        check(row, "again", ask(guest.vm, Direction.WRITE, 0xa8, 32, guest.page));
        var table = guest.process.mmap(fd.intValue(), 0, Facts.number(row.get("size")) * 8);
        check(row, "mmap size*8", 0);
        check(row, "first entry", "0x%x".formatted(table.load(0, 8)));
      }
    }
  }

  private void slots() throws KvmException {
    for (boolean papr : new boolean[] {false, true}) {
      for (Map<String, Object> row : rows("KVM_SET_USER_MEMORY_REGION")) {
        fresh();
        if (papr) {
          guest.enable(guest.vcpu(0), Request.ENABLE_CAP, PAPR, 0, 0);
        }
        long ram = guest.memory.map(0x20_0000);
        if (row.get("case").equals("host address not mapped")) {
          check(row, "result", guest.slot(0, 0, 0, PAGE, 0x7fff_0000_0000L));
          check(row, "NULL", guest.slot(1, 0, 0x10_0000, PAGE, 0));
          check(row, "0xf000000000000000", guest.slot(2, 0, 0x20_0000, PAGE, 0xfL << 60));
          continue;
        }
        if (row.containsKey("first")) {
          tally.check(row + " first", row.get("first"), guest.slot(0, 0, 0, 0x10_0000, ram));
        }
        check(
            row,
            "result",
            guest.slot(
                Facts.number(row.get("slot")),
                Facts.number(row.get("flags")),
                Facts.number(row.get("gpa")),
                Facts.number(row.get("size")),
                ram + Facts.number(row.get("hva_offset"))));
      }
    }
    rows("KVM_SET_USER_MEMORY_REGION_with_papr_vcpu");
    tally.check("answered as without a vCPU", "compared above", "compared above");
    Map<String, Object> log = rows("KVM_GET_DIRTY_LOG").getFirst();
    fresh();
    long ram = guest.memory.map(0x10_0000);
    guest.slot(0, 1, 0, 0x10_0000, ram);
    guest.slot(1, 0, 0x10_0000, 0x10_0000, ram);
    check(log, "slot 0, logging, no vCPU", dirty(0, false));
    check(log, "bitmap (buffer was a5)", guest.hex(guest.page + 64, 16));
    check(log, "slot 1, not logging", dirty(1, false));
    check(log, "slot 2, no memory", dirty(2, false));
    check(log, "slot 40000", dirty(40000, false));
    check(log, "bad bitmap", dirty(0, true));
    check(log, "KVM_CLEAR_DIRTY_LOG", guest.ask(guest.vm, Request.CLEAR_DIRTY_LOG, guest.page));
    guest.vcpu(0);
    check(log, "slot 0, with a vCPU", dirty(0, false));
    check(log, "bitmap2", guest.hex(guest.page + 64, 16));
  }

  private Object dirty(int slot, boolean bad) throws KvmException {
    guest.memory.write(guest.page + 64, HexFormat.of().parseHex("a5".repeat(16)), 0, 16);
    guest.ints(guest.page, slot, 0);
    guest.longs(guest.page + 8, bad ? 8 : guest.page + 64);
    return guest.ask(guest.vm, Request.GET_DIRTY_LOG, guest.page);
  }

  // Eventfds.

  private Object irqfd(long fd, long gsi, int flags, long resample) throws KvmException {
    guest.zeros(guest.page, 32);
    guest.ints(guest.page, fd, gsi, flags, resample);
    return guest.ask(guest.vm, Request.IRQFD, guest.page);
  }

  private void events() throws KvmException {
    for (Map<String, Object> row : rows("KVM_IRQFD")) {
      fresh();
      if (row.get("note").equals("VM with an XICS")) {
        xics();
      }
      int one = guest.process.openEvent(0);
      int two = guest.process.openEvent(0);
      int other = guest.process.openOther("/dev/null");
      for (String key : row.keySet()) {
        Object answer =
            switch (key) {
              case "note" -> row.get("note");
              case "deassign before any", "deassign gsi 0x1000", "deassign again" ->
                  irqfd(one, 0x1000, 1, 0);
              case "assign gsi 0x1000", "same again" -> irqfd(one, 0x1000, 0, 0);
              case "same eventfd, gsi 0x1001" -> irqfd(one, 0x1001, 0, 0);
              case "deassign gsi 0x1001" -> irqfd(one, 0x1001, 1, 0);
              case "fd -1" -> irqfd(-1, 0x1000, 0, 0);
              case "fd not an eventfd" -> irqfd(other, 0x1000, 0, 0);
              case "flags 4" -> irqfd(one, 0x1000, 4, 0);
              case "resample", "resample, again" -> irqfd(one, 0x1000, 2, two);
              case "resample deassign" -> irqfd(one, 0x1000, 1, 0);
              case "resample, bad resamplefd" -> irqfd(one, 0x1000, 2, -1);
              case "flags 3" -> irqfd(one, 0x1000, 3, two);
              default ->
                  irqfd(one, Facts.number(key.split(" ")[1]), key.endsWith("deassign") ? 1 : 0, 0);
            };
        check(row, key, answer);
      }
    }
    delivery();
    doorbells();
  }

  private void delivery() throws KvmException {
    Map<String, Object> row = rows("KVM_IRQFD_delivery").getFirst();
    fresh();
    int device = xics();
    int vcpu = guest.vcpu(0);
    guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0);
    guest.enable(vcpu, Request.ENABLE_CAP, IRQ_XICS, 0, device, 0);
    long icp = 0x1030_0000_0000_008cL;
    guest.longs(guest.page + 64, 0xff00_0000_ffff_0000L);
    check(row, "ICP set", guest.oneReg(vcpu, Request.SET_ONE_REG, icp));
    guest.longs(guest.page + 64, 0x5_0000_0000L);
    check(
        row,
        "source 0x1000 = 0x500000000",
        guest.attr(device, Request.SET_DEVICE_ATTR, 1, 0x1000, guest.page + 64));
    int event = guest.process.openEvent(0);
    check(row, "assign gsi 0x1000", irqfd(event, 0x1000, 0, 0));
    check(
        row,
        "write eventfd",
        Guest.answer(
            () -> {
              guest.process.writeEvent(event, 1);
              return 8;
            }));
    guest.attr(device, Request.GET_DEVICE_ATTR, 1, 0x1000, guest.page + 64);
    check(row, "source after", "0x%x".formatted(guest.memory.readNumber(guest.page + 64, 8)));
    guest.oneReg(vcpu, Request.GET_ONE_REG, icp);
    check(row, "ICP after", "0x%x".formatted(guest.memory.readNumber(guest.page + 64, 8)));
    check(row, "read eventfd after", Guest.answer(() -> guest.process.readEvent(event)));
    check(row, "deassign", irqfd(event, 0x1000, 1, 0));
  }

  private Object doorbell(long fd, long address, int length, int flags, long data)
      throws KvmException {
    guest.zeros(guest.page, 64);
    guest.longs(guest.page, data, address);
    guest.ints(guest.page + 16, length, fd, flags);
    return guest.ask(guest.vm, Request.IOEVENTFD, guest.page);
  }

  private void doorbells() throws KvmException {
    Map<String, Object> row = rows("KVM_IOEVENTFD").getFirst();
    fresh();
    int one = guest.process.openEvent(0);
    int two = guest.process.openEvent(0);
    int other = guest.process.openOther("/dev/null");
    long at = 0x1_0000_0000L;
    long matched = at + 0x100;
    long fresh = at + 0x1000;
    for (String key : row.keySet()) {
      fresh += 0x10;
      Object answer =
          switch (key) {
            case "note" -> row.get("note");
            case "deassign before any", "deassign", "deassign again" -> doorbell(one, at, 4, 4, 0);
            case "assign len 4", "same again" -> doorbell(one, at, 4, 0, 0);
            case "same address, other eventfd" -> doorbell(two, at, 4, 0, 0);
            case "same address, len 2" -> doorbell(one, at, 2, 0, 0);
            case "same address, datamatch 5" -> doorbell(one, at, 4, 1, 5);
            case "deassign with another eventfd" -> doorbell(two, at, 4, 4, 0);
            case "len 0" -> doorbell(one, at + 0x80, 0, 0, 0);
            case "len 0 datamatch" -> doorbell(one, at + 0x90, 0, 1, 1);
            case "len 0 deassign" -> doorbell(one, at + 0x80, 0, 4, 0);
            case "datamatch 7, len 4", "datamatch 7 again" -> doorbell(one, matched, 4, 1, 7);
            case "datamatch 8" -> doorbell(one, matched, 4, 1, 8);
            case "no datamatch beside them" -> doorbell(one, matched, 4, 0, 0);
            case "datamatch 7 deassign without the datamatch flag" ->
                doorbell(one, matched, 4, 4, 7);
            case "datamatch 7 deassign" -> doorbell(one, matched, 4, 5, 7);
            case "datamatch 8 deassign with 9" -> doorbell(one, matched, 4, 5, 9);
            case "pio" -> doorbell(one, at + 0x200, 4, 2, 0);
            case "pio deassign" -> doorbell(one, at + 0x200, 4, 6, 0);
            case "ccw" -> doorbell(one, fresh, 4, 8, 0);
            case "flags 0x10" -> doorbell(one, fresh, 4, 0x10, 0);
            case "fd -1" -> doorbell(-1, fresh, 4, 0, 0);
            case "fd not an eventfd" -> doorbell(other, fresh, 4, 0, 0);
            case "address wraps" -> doorbell(one, -2, 4, 0, 0);
            default -> doorbell(one, fresh, Integer.parseInt(key.split(" ")[1]), 0, 0);
          };
      check(row, key, answer);
    }
  }

  private void running() throws KvmException {
    for (Map<String, Object> row : rows("immediate_exit")) {
      fresh();
      int vcpu = guest.vcpu(0);
      if (row.get("papr").equals(0L)) {
        tally.leaveOut(
            Facts.size(row) - 2,
            "without PAPR",
            "with the mapping's immediate_exit, of a client that has one: MappedFactsTest");
        continue;
      }
      guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0);
      check(row, "KVM_RUN", guest.ask(vcpu, Request.RUN, 0));
      check(row, "KVM_RUN arg 1", guest.ask(vcpu, Request.RUN, 1));
      check(row, "again", guest.ask(vcpu, Request.RUN, 0));
      tally.leaveOut(1, "exit_reason", "a field of the mapping");
    }
    for (Map<String, Object> row : rows("KVM_RUN")) {
      fresh();
      int vcpu = guest.vcpu(0);
      boolean papr = row.containsKey("note");
      if (papr) {
        guest.enable(vcpu, Request.ENABLE_CAP, PAPR, 0, 0);
      }
      check(row, "result", guest.ask(vcpu, Request.RUN, 0));
      tally.leaveOut(Facts.size(row) - 2, "exit_reason, pc, msr", "a guest's CPU");
    }
  }
}
