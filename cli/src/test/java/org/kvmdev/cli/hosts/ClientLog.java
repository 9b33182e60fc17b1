package org.kvmdev.cli.hosts;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.Request;

/**
 * All calls that a real VMM made to a real kernel, with the answers: made again here, and compared
 * one by one. The first line says whose they are; a note that speaks of the second client begins
 * another process.
 */
final class ClientLog {
  private static final String SECOND_CLIENT = "the second client";
  private static final int RTAS_NAME = 120;

  private final Kvm kvm;
  private final Tally tally;
  private final List<Map<String, Object>> lines = new ArrayList<>();
  private String host = "";

  /** The client under way: its process, its vCPUs, its device, its eventfds and windows. */
  private Guest guest;

  private final Map<String, Integer> files = new HashMap<>();
  private final Map<String, Integer> doorbells = new HashMap<>();
  private final Map<Long, Long> slots = new HashMap<>();

  private ClientLog(Kvm kvm, Tally tally) {
    this.kvm = kvm;
    this.tally = tally;
  }

  /** Replays a log. */
  static void replay(Kvm kvm, String file, Tally tally) throws KvmException {
    ClientLog log = new ClientLog(kvm, tally);
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(ClientLog.class.getResourceAsStream(file)),
                StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        log.lines.add(Facts.line(line));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file, e);
    }
    log.replay();
  }

  private void replay() throws KvmException {
    host = lines.getFirst().get("host").toString();
    begin();
    try {
      for (int i = 1; i < lines.size(); i++) {
        Map<String, Object> line = lines.get(i);
        if (line.containsKey("note")) {
          if (line.get("note").toString().startsWith(SECOND_CLIENT)) {
            guest.close();
            begin();
          }
          continue;
        }
        call(i + 1, line);
      }
    } finally {
      guest.close();
    }
  }

  private void begin() throws KvmException {
    files.clear();
    doorbells.clear();
    slots.clear();
    guest = Guest.withoutVm(kvm, host);
    files.put("kvm", guest.system);
  }

  private void call(int number, Map<String, Object> line) throws KvmException {
    String name = line.get("call").toString();
    tally.section(name);
    String what = "line " + number;
    if (name.equals("KVM_CHECK_EXTENSION") && line.get("cap").equals(9L)) {
      make(line, name);
      tally.leaveOut(1, "KVM_CAP_NR_VCPUS", "how many CPUs the machine had: this one had two");
      return;
    }
    Object answer = make(line, name);
    if (line.get("ret").equals("fd")) {
      answer = answer instanceof Long ? "fd" : answer;
    }
    tally.check(what, line.get("ret"), answer);
    if (name.startsWith("KVM_GET") || name.startsWith("KVM_PPC_GET")) {
      if (line.containsKey("data")) {
        String data = line.get("data").toString();
        long zeros = Facts.number(line.getOrDefault("zeros_after", 0L));
        tally.check(
            what + " data",
            data + "00".repeat((int) zeros),
            guest.hex(guest.page, data.length() / 2 + (int) zeros));
      }
      if (line.containsKey("value")) {
        int bytes = (line.get("value").toString().length() - 2) / 2;
        tally.check(what + " value", line.get("value"), value(guest.page + 128, bytes));
      }
    }
  }

  /** A value in memory, as the log writes it: its number, of this many bytes. */
  private String value(long address, int bytes) throws KvmException {
    StringBuilder text = new StringBuilder("0x");
    for (int i = bytes - 1; i >= 0; i--) {
      text.append("%02x".formatted(guest.memory.readNumber(address + i, 1)));
    }
    return text.toString();
  }

  private void putValue(String text, long address) throws KvmException {
    byte[] bytes = HexFormat.of().parseHex(text.substring(2));
    for (int i = 0; i < bytes.length; i++) {
      guest.memory.writeNumber(address + i, 1, bytes[bytes.length - 1 - i]);
    }
  }

  private long n(Map<String, Object> line, String key) {
    return Facts.number(line.get(key));
  }

  private int number(Direction direction, int request, int size) {
    return guest.process.requests().of(direction, request, size);
  }

  private Object make(Map<String, Object> line, String name) throws KvmException {
    int fd = files.getOrDefault(line.get("on").toString(), -1);
    long page = guest.page;
    guest.zeros(page, 2048);
    switch (name) {
      case "KVM_GET_API_VERSION" -> {
        return guest.ask(fd, Request.GET_API_VERSION, 0);
      }
      case "KVM_GET_VCPU_MMAP_SIZE" -> {
        return guest.ask(fd, Request.GET_VCPU_MMAP_SIZE, 0);
      }
      case "KVM_CHECK_EXTENSION" -> {
        return guest.ask(fd, Request.CHECK_EXTENSION, n(line, "cap"));
      }
      case "KVM_CREATE_VM" -> {
        return keep("vm", guest.ask(fd, Request.CREATE_VM, n(line, "type")));
      }
      case "KVM_CREATE_VCPU" -> {
        return keep("vcpu" + line.get("id"), guest.ask(fd, Request.CREATE_VCPU, n(line, "id")));
      }
      case "KVM_CREATE_DEVICE" -> {
        guest.ints(page, n(line, "type"), -1, n(line, "flags"));
        Object answer = guest.ask(fd, Request.CREATE_DEVICE, page);
        keep("xics", guest.memory.readNumber(page + 4, 4));
        return answer;
      }
      case "KVM_ENABLE_CAP" -> {
        List<String> arguments = Facts.texts(line.get("args"));
        long[] numbers = new long[4];
        for (int i = 0; i < 4; i++) {
          numbers[i] =
              arguments.get(i).equals("xics fd")
                  ? files.get("xics")
                  : Facts.number(arguments.get(i));
        }
        return guest.enable(
            fd,
            line.get("on").equals("vm") ? Request.ENABLE_CAP_VM : Request.ENABLE_CAP,
            (int) n(line, "cap"),
            (int) n(line, "flags"),
            numbers);
      }
      case "KVM_GET_ONE_REG", "KVM_SET_ONE_REG" -> {
        guest.longs(page, n(line, "id"), page + 128);
        boolean set = name.equals("KVM_SET_ONE_REG");
        if (set && line.containsKey("value")) {
          putValue(line.get("value").toString(), page + 128);
        }
        return guest.ask(fd, set ? Request.SET_ONE_REG : Request.GET_ONE_REG, page);
      }
      case "KVM_HAS_DEVICE_ATTR", "KVM_SET_DEVICE_ATTR", "KVM_GET_DEVICE_ATTR" -> {
        guest.ints(page, n(line, "flags"), n(line, "group"));
        guest.longs(page + 8, n(line, "attr"), page + 128);
        if (name.equals("KVM_SET_DEVICE_ATTR")) {
          putValue(line.get("value").toString(), page + 128);
        }
        return guest.ask(fd, Request.valueOf(name.substring(4)), page);
      }
      case "KVM_SET_USER_MEMORY_REGION" -> {
        long size = n(line, "size");
        long user = slots.computeIfAbsent(size, guest.memory::map);
        guest.ints(page, n(line, "slot"), n(line, "flags"));
        guest.longs(page + 8, n(line, "gpa"), size, user);
        return guest.ask(fd, Request.SET_USER_MEMORY_REGION, page);
      }
      case "KVM_GET_DIRTY_LOG" -> {
        guest.ints(page, n(line, "slot"), 0);
        guest.longs(page + 8, page + 4096);
        return guest.ask(fd, Request.GET_DIRTY_LOG, page);
      }
      case "KVM_IOEVENTFD" -> {
        String key = line.get("datamatch") + " " + line.get("addr") + " " + line.get("len");
        if (!doorbells.containsKey(key)) {
          doorbells.put(key, guest.process.openEvent(0));
        }
        guest.longs(page, n(line, "datamatch"), n(line, "addr"));
        guest.ints(page + 16, n(line, "len"), doorbells.get(key), n(line, "flags"));
        return guest.ask(fd, Request.IOEVENTFD, page);
      }
      case "KVM_INTERRUPT" -> {
        guest.ints(page, n(line, "irq"));
        return guest.ask(fd, Request.INTERRUPT, page);
      }
      case "KVM_PPC_RTAS_DEFINE_TOKEN" -> {
        byte[] routine = line.get("name").toString().getBytes(StandardCharsets.US_ASCII);
        guest.memory.write(page, routine, 0, routine.length);
        guest.longs(page + RTAS_NAME, n(line, "token"));
        return guest.ask(fd, number(Direction.WRITE, 0xac, 128), page);
      }
      case "KVM_CREATE_SPAPR_TCE_64" -> {
        guest.longs(page, n(line, "liobn"));
        guest.ints(page + 8, n(line, "page_shift"), n(line, "flags"));
        guest.longs(page + 16, n(line, "offset"), n(line, "size"));
        return guest.ask(fd, number(Direction.WRITE, 0xa8, 32), page);
      }
      case "KVM_PPC_CONFIGURE_V3_MMU" -> {
        guest.longs(page, n(line, "flags"), n(line, "process_table"));
        return guest.ask(fd, number(Direction.WRITE, 0xaf, 16), page);
      }
      case "KVM_GET_REGS" -> {
        return guest.ask(fd, number(Direction.READ, 0x81, 392), page);
      }
      case "KVM_SET_REGS" -> {
        return set(line, fd, number(Direction.WRITE, 0x82, 392));
      }
      case "KVM_GET_SREGS" -> {
        return guest.ask(fd, number(Direction.READ, 0x83, 1232), page);
      }
      case "KVM_SET_SREGS" -> {
        return set(line, fd, number(Direction.WRITE, 0x84, 1232));
      }
      case "KVM_PPC_GET_SMMU_INFO" -> {
        return guest.ask(fd, number(Direction.READ, 0xa6, 592), page);
      }
      case "KVM_PPC_GET_RMMU_INFO" -> {
        return guest.ask(fd, number(Direction.WRITE, 0xb0, 96), page);
      }
      case "KVM_PPC_GET_CPU_CHAR" -> {
        return guest.ask(fd, number(Direction.READ, 0xb1, 32), page);
      }
      default -> throw new IllegalArgumentException("the log has a call " + name);
    }
  }

  private Object set(Map<String, Object> line, int fd, int request) throws KvmException {
    byte[] data = HexFormat.of().parseHex(line.get("data").toString());
    guest.memory.write(guest.page, data, 0, data.length);
    return guest.ask(fd, request, guest.page);
  }

  private Object keep(String file, Object answer) {
    if (answer instanceof Long fd) {
      files.put(file, fd.intValue());
    }
    return answer;
  }
}
