package org.kvmdev.cli.hosts;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Request;

/** Memory slots and their dirty logs. */
final class ArmMemoryFacts {
  private static final long MIB = 0x10_0000;
  private static final long BASE = 0x4000_0000L;
  private static final int LOG = 1;
  private static final int READ_ONLY = 2;

  private final Kvm kvm;
  private final String host;
  private final Facts facts;
  private final Tally tally;

  ArmMemoryFacts(Kvm kvm, String host, Facts facts, Tally tally) {
    this.kvm = kvm;
    this.host = host;
    this.facts = facts;
    this.tally = tally;
  }

  void check() throws KvmException {
    slots();
    dirtyLog();
    tally.section("mmap_of_vcpu");
    tally.leaveOut(facts.size("mmap_of_vcpu"), "all", "a vCPU's file cannot be mapped in this JVM");
    tally.section("KVM_GET_STATS_FD");
    tally.leaveOut(facts.size("KVM_GET_STATS_FD"), "all", "compared by MappedFactsTest");
  }

  /** A slot: its number, flags, guest address, size and user address. */
  private record Slot(long number, long flags, long base, long size, long user) {}

  private void slots() throws KvmException {
    tally.section("KVM_SET_USER_MEMORY_REGION");
    try (Guest guest = new Guest(kvm, host);
        Guest narrow = new Guest(kvm, host, 36)) {
      long ram = guest.memory.map(4 * MIB);
      long end = 1L << 40;
      List<Slot> slots = new ArrayList<>();
      slots.add(new Slot(0, 0, BASE, MIB, ram));
      slots.add(new Slot(0, 0, BASE, MIB, ram));
      slots.add(new Slot(0, LOG, BASE, MIB, ram));
      slots.add(new Slot(0, 0, BASE, MIB, ram));
      slots.add(new Slot(0, 0, BASE, MIB, ram + MIB));
      slots.add(new Slot(0, 0, BASE, 2 * MIB, ram));
      slots.add(new Slot(0, READ_ONLY, BASE, MIB, ram));
      slots.add(new Slot(0, 0, 0x5000_0000, MIB, ram));
      slots.add(new Slot(1, 0, 0x500f_f000, MIB, ram + MIB));
      slots.add(new Slot(1, 0, 0x5010_0000, MIB, ram + MIB));
      slots.add(new Slot(1, 0, 0x5000_0000, MIB, ram + MIB));
      slots.add(new Slot(2, 0, 0x6000_0000, MIB, ram));
      slots.add(new Slot(3, READ_ONLY, 0x7000_0000, MIB, ram));
      slots.add(new Slot(3, READ_ONLY, 0x7000_0000, MIB, ram));
      slots.add(new Slot(3, 0, 0x7000_0000, MIB, ram));
      slots.add(new Slot(3, READ_ONLY | LOG, 0x7000_0000, MIB, ram));
      slots.add(new Slot(4, 4, 0x8000_0000L, MIB, ram));
      slots.add(new Slot(4, 0x8000_0000L, 0x8000_0000L, MIB, ram));
      slots.add(new Slot(4, 0, 0x8000_0000L, 0x1001, ram));
      slots.add(new Slot(4, 0, 0x8000_0000L, 1, ram));
      slots.add(new Slot(4, 0, 0x8000_0001L, MIB, ram));
      slots.add(new Slot(4, 0, 0x8000_0000L, MIB, ram + 1));
      slots.add(new Slot(4, 0, 0x8000_0000L, 0, ram));
      slots.add(new Slot(2, 0, 0x6000_0000, 0, ram));
      slots.add(new Slot(2, 0, 0x6000_0000, 0, ram));
      slots.add(new Slot(1, LOG, 0x5010_0000, 0, ram));
      slots.add(new Slot(4, 0, 0x8000_0000L, MIB, 0));
      slots.add(new Slot(5, 0, 0x9000_0000L, MIB, 0xffff_0000_0000_0000L));
      slots.add(new Slot(5, 0, 0x9000_0000L, MIB, 0x7000_0000_0000L));
      slots.add(new Slot(6, 0, 0xa000_0000L, MIB, 0xffff_ffff_ffff_f000L));
      slots.add(new Slot(6, 0, 0xffff_ffff_ffff_f000L, MIB, ram));
      slots.add(new Slot(6, 0, end, MIB, ram));
      slots.add(new Slot(6, 0, end - 0x1000, 0x1000, ram));
      slots.add(new Slot(7, 0, end - 0x1000, 0x2000, ram));
      slots.add(new Slot(7, 0, end - 0x2000, 0x3000, ram));
      long free = 0xb000_0000L;
      for (long number : new long[] {32763, 32764, 32766, 32767, 32768, 65535, 0x10000, 0x10001}) {
        slots.add(new Slot(number, 0, free, MIB, ram));
        free += MIB;
      }
      slots.add(new Slot(8, 0, 0, 1L << 43, ram));
      slots.add(new Slot(8, 0, 0, 1L << 44, ram));
      Map<String, Object> rows = new TreeMap<>(facts.map("KVM_SET_USER_MEMORY_REGION"));
      rows.forEach(
          (row, recorded) -> {
            if (Character.isDigit(row.charAt(0)) && !row.startsWith("9")) {
              Slot slot = slots.get(Integer.parseInt(row.substring(0, 2)));
              tally.check(row, recorded, set(guest, slot));
            }
          });
      tally.check("NULL", rows.get("NULL"), guest.ask(guest.vm, Request.SET_USER_MEMORY_REGION, 0));
      long small = narrow.memory.map(MIB);
      tally.check(
          "90",
          rows.get("90 36-bit machine: last page"),
          set(narrow, new Slot(0, 0, (1L << 36) - 0x1000, 0x1000, small)));
      tally.check(
          "91",
          rows.get("91 36-bit machine: beyond"),
          set(narrow, new Slot(1, 0, 1L << 36, 0x1000, small)));
    }
  }

  private static Object set(Guest guest, Slot slot) {
    try {
      return guest.slot(slot.number, slot.flags, slot.base, slot.size, slot.user);
    } catch (KvmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The rows of several sections, in the order of their numbers, are one story. */
  private void dirtyLog() throws KvmException {
    Map<String, Object> story = new TreeMap<>();
    Map<String, String> sections = new TreeMap<>();
    for (String section :
        new String[] {"KVM_GET_DIRTY_LOG", "KVM_CLEAR_DIRTY_LOG", "KVM_RUN", "KVM_ENABLE_CAP"}) {
      facts
          .map(section)
          .forEach(
              (row, answer) -> {
                if (Character.isDigit(row.charAt(0))) {
                  story.put(row, answer);
                  sections.put(row, section);
                }
              });
    }
    try (Guest guest = new Guest(kvm, host)) {
      long ram = guest.memory.map(MIB);
      long bitmap = guest.page + 4096;
      for (Map.Entry<String, Object> row : story.entrySet()) {
        String section = sections.get(row.getKey());
        int step = Integer.parseInt(row.getKey().substring(0, 2));
        if (section.equals("KVM_RUN")) {
          if (row.getKey().contains("guest writes") && step < 35) {
            // The guest's store, as a device makes one for it.
            long address = Facts.number(row.getKey().replaceFirst(".* at ", ""));
            guest.process.vm(guest.vm).machine().memory().write(address, new byte[8], 0, 8);
          }
          continue;
        }
        tally.section(section);
        Object answer =
            switch (section) {
              case "KVM_GET_DIRTY_LOG" -> get(guest, step, ram, bitmap);
              case "KVM_CLEAR_DIRTY_LOG" -> clear(guest, step, bitmap);
              default -> guest.enable(guest.vm, Request.ENABLE_CAP_VM, 168, 0, step == 21 ? 1 : 3);
            };
        tally.check(row.getKey(), row.getValue(), answer);
      }
    }
  }

  private static Object get(Guest guest, int step, long ram, long bitmap) throws KvmException {
    switch (step) {
      case 1 -> guest.slot(0, 0, BASE, MIB, ram);
      case 2, 16 -> guest.slot(0, LOG, BASE, MIB, ram);
      case 15 -> guest.slot(0, 0, BASE, MIB, ram);
      case 19 -> guest.memory.writeNumber(ram + 9 * 4096, 8, 1);
      case 34 -> {
        guest.slot(0, 0, BASE, 0, ram);
        guest.slot(0, LOG, BASE, MIB, ram);
      }
      default -> {}
    }
    int slot =
        switch (step) {
          case 11 -> 32767;
          case 12 -> 0x10000;
          case 13 -> 1;
          default -> 0;
        };
    guest.ints(guest.page, slot, 0);
    guest.longs(guest.page + 8, step == 10 ? 0 : bitmap);
    Object answer = guest.ask(guest.vm, Request.GET_DIRTY_LOG, guest.page);
    return answer.equals(0L) ? "0 bitmap " + guest.hex(bitmap, 32) : answer;
  }

  private static Object clear(Guest guest, int step, long bitmap) throws KvmException {
    guest.zeros(bitmap, 32);
    long first = 0;
    int pages = 256;
    int slot = 0;
    switch (step) {
      case 25 -> {
        pages = 64;
        guest.longs(bitmap, 1 << 6);
      }
      case 27 -> {
        first = 1;
        pages = 64;
      }
      case 28 -> {
        first = 64;
        pages = 64;
      }
      case 29 -> {
        first = 64;
        pages = 63;
      }
      case 30 -> {
        first = 256;
        pages = 64;
      }
      case 31 -> pages = 0;
      case 32 -> slot = 1;
      default -> {}
    }
    guest.ints(guest.page, slot, pages);
    guest.longs(guest.page + 8, first, bitmap);
    return guest.ask(guest.vm, Request.CLEAR_DIRTY_LOG, guest.page);
  }
}
