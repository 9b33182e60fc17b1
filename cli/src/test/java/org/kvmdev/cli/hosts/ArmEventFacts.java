package org.kvmdev.cli.hosts;

import java.util.Map;
import java.util.TreeMap;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Request;

/** Lines, routes, messages, eventfds, zones. */
final class ArmEventFacts {
  private static final int DEASSIGN = 1;
  private static final int RESAMPLE = 2;
  private static final int IO_DATAMATCH = 1;
  private static final int IO_PIO = 2;
  private static final int IO_DEASSIGN = 4;
  private static final long DOORBELL = 0x900_0000L;

  private final Kvm kvm;
  private final String host;
  private final Facts facts;
  private final Tally tally;

  ArmEventFacts(Kvm kvm, String host, Facts facts, Tally tally) {
    this.kvm = kvm;
    this.host = host;
    this.facts = facts;
    this.tally = tally;
  }

  void check() throws KvmException {
    for (String gic : new String[] {"without_gic", "gic_created", "gic"}) {
      irqfd(gic);
      lines(gic);
      routing(gic);
      messages(gic);
    }
    ioeventfd();
    zones();
  }

  private ArmGuest guest(String gic) throws KvmException {
    ArmGuest arm = new ArmGuest(kvm, host);
    arm.vcpu(0, 0);
    arm.vcpu(1, 0);
    if (!gic.equals("without_gic")) {
      arm.createGic();
    }
    if (gic.equals("gic")) {
      arm.initialiseGic();
    }
    return arm;
  }

  private static Object irqfd(Guest guest, int fd, long gsi, int flags, int resample)
      throws KvmException {
    guest.zeros(guest.page, 32);
    guest.ints(guest.page, fd, gsi, flags, resample);
    return guest.ask(guest.vm, Request.IRQFD, guest.page);
  }

  private void irqfd(String gic) throws KvmException {
    tally.section("KVM_IRQFD");
    try (ArmGuest arm = guest(gic)) {
      Guest guest = arm.guest;
      int one = guest.process.openEvent(0);
      int two = guest.process.openEvent(0);
      int resample = guest.process.openEvent(0);
      int other = guest.process.openOther("/dev/null");
      for (Map.Entry<String, Object> row :
          new TreeMap<>(Facts.map(facts.map("KVM_IRQFD").get(gic))).entrySet()) {
        String what = row.getKey();
        Object answer =
            switch (what.replaceFirst("^\\d\\d ", "")) {
              case "assign gsi 5", "assign again same fd, gsi 5" -> irqfd(guest, one, 5, 0, 0);
              case "same fd, gsi 6" -> irqfd(guest, one, 6, 0, 0);
              case "other fd, gsi 5" -> irqfd(guest, two, 5, 0, 0);
              case "deassign, wrong gsi" -> irqfd(guest, one, 7, DEASSIGN, 0);
              case "deassign", "deassign again" -> irqfd(guest, one, 5, DEASSIGN, 0);
              case "deassign other" -> irqfd(guest, two, 5, DEASSIGN, 0);
              case "fd -1" -> irqfd(guest, -1, 5, 0, 0);
              case "fd not an eventfd" -> irqfd(guest, other, 5, 0, 0);
              case "fd 4000" -> irqfd(guest, 4000, 5, 0, 0);
              case "flags 4" -> irqfd(guest, one, 5, 4, 0);
              case "resample gsi 8", "resample same fd again" ->
                  irqfd(guest, one, 8, RESAMPLE, resample);
              case "deassign resample" -> irqfd(guest, one, 8, DEASSIGN, 0);
              case "resample with bad resamplefd" -> irqfd(guest, one, 8, RESAMPLE, -1);
              case "resample with resamplefd not an eventfd" ->
                  irqfd(guest, one, 8, RESAMPLE, other);
              case "deassign|resample" -> irqfd(guest, one, 8, DEASSIGN | RESAMPLE, resample);
              case "NULL" -> guest.ask(guest.vm, Request.IRQFD, 0);
              default -> {
                String[] words = what.replaceFirst(" \\(.*", "").split(" ");
                long gsi = Facts.number(words[words.length - 1]);
                yield irqfd(guest, one, gsi, what.contains("deassign") ? DEASSIGN : 0, 0);
              }
            };
        tally.check(gic + " " + what, row.getValue(), answer);
      }
    }
  }

  private void lines(String gic) throws KvmException {
    tally.section("KVM_IRQ_LINE");
    Map<String, Integer> lines =
        Map.ofEntries(
            Map.entry("SPI 40", 1 << 24 | 40),
            Map.entry("PPI 20", 2 << 24 | 20),
            Map.entry("CPU IRQ", 0),
            Map.entry("CPU FIQ", 1),
            Map.entry("CPU irq 2", 2),
            Map.entry("CPU IRQ of vcpu 2", 2 << 16),
            Map.entry("type 3", 3 << 24),
            Map.entry("PPI 32", 2 << 24 | 32),
            Map.entry("PPI 15", 2 << 24 | 15),
            Map.entry("SPI 31", 1 << 24 | 31),
            Map.entry("SPI 96 (of 96)", 1 << 24 | 96),
            Map.entry("KVM_IRQ_LINE_STATUS", 1 << 24 | 96));
    try (ArmGuest arm = guest(gic)) {
      Guest guest = arm.guest;
      for (Map.Entry<String, Object> row :
          Facts.map(facts.map("KVM_IRQ_LINE").get(gic)).entrySet()) {
        guest.ints(guest.page, lines.get(row.getKey()), 1);
        Request request =
            row.getKey().endsWith("STATUS") ? Request.IRQ_LINE_STATUS : Request.IRQ_LINE;
        tally.check(
            gic + " " + row.getKey(), row.getValue(), guest.ask(guest.vm, request, guest.page));
      }
    }
  }

  private void routing(String gic) throws KvmException {
    tally.section("KVM_SET_GSI_ROUTING");
    try (ArmGuest arm = guest(gic)) {
      Guest guest = arm.guest;
      for (Map.Entry<String, Object> row :
          Facts.map(facts.map("KVM_SET_GSI_ROUTING").get(gic)).entrySet()) {
        guest.zeros(guest.page, 56);
        switch (row.getKey()) {
          case "no entries" -> {}
          case "irqchip 0 pin 8" -> guest.ints(guest.page, 1, 0, 8, 1, 0, 0, 0, 8);
          case "irqchip 1 pin 8" -> guest.ints(guest.page, 1, 0, 8, 1, 0, 0, 1, 8);
          case "msi" -> guest.ints(guest.page, 1, 0, 8, 2, 0, 0, 0x808_0040, 0, 1);
          case "msi with devid" -> guest.ints(guest.page, 1, 0, 8, 2, 1, 0, 0x808_0040, 0, 1, 2);
          case "flags 1" -> guest.ints(guest.page, 0, 1);
          case "4097 entries" -> guest.ints(guest.page, 4097, 0);
          default -> throw new IllegalArgumentException(row.getKey());
        }
        tally.check(
            gic + " " + row.getKey(),
            row.getValue(),
            guest.ask(guest.vm, Request.SET_GSI_ROUTING, guest.page));
      }
    }
  }

  private void messages(String gic) throws KvmException {
    tally.section("KVM_SIGNAL_MSI");
    try (ArmGuest arm = guest(gic)) {
      Guest guest = arm.guest;
      for (Map.Entry<String, Object> row :
          Facts.map(facts.map("KVM_SIGNAL_MSI").get(gic)).entrySet()) {
        guest.zeros(guest.page, 32);
        guest.ints(guest.page, 0x808_0040, 0, 1, row.getKey().equals("devid") ? 1 : 0, 2);
        tally.check(
            gic + " " + row.getKey(),
            row.getValue(),
            guest.ask(guest.vm, Request.SIGNAL_MSI, guest.page));
      }
    }
  }

  private static Object ioeventfd(
      Guest guest, int fd, long address, int length, long flags, long data) throws KvmException {
    guest.zeros(guest.page, 64);
    guest.longs(guest.page, data, address);
    guest.ints(guest.page + 16, length, fd, flags);
    return guest.ask(guest.vm, Request.IOEVENTFD, guest.page);
  }

  private void ioeventfd() throws KvmException {
    tally.section("KVM_IOEVENTFD");
    try (ArmGuest arm = guest("gic")) {
      Guest guest = arm.guest;
      int one = guest.process.openEvent(0);
      int two = guest.process.openEvent(0);
      int other = guest.process.openOther("/dev/null");
      long fresh = DOORBELL + 0x1000;
      for (Map.Entry<String, Object> row : new TreeMap<>(facts.map("KVM_IOEVENTFD")).entrySet()) {
        fresh += 0x10;
        String what = row.getKey().replaceFirst("^\\d\\d ", "");
        Object answer =
            switch (what) {
              case "len 4", "the same again" -> ioeventfd(guest, one, DOORBELL, 4, 0, 0);
              case "the same with another fd" -> ioeventfd(guest, two, DOORBELL, 4, 0, 0);
              case "len 2 at that address" -> ioeventfd(guest, one, DOORBELL, 2, 0, 0);
              case "len 0 at that address" -> ioeventfd(guest, one, DOORBELL, 0, 0, 0);
              case "datamatch 1 at that address", "datamatch 1" ->
                  ioeventfd(guest, one, DOORBELL, 4, IO_DATAMATCH, 1);
              case "datamatch 2" -> ioeventfd(guest, one, DOORBELL, 4, IO_DATAMATCH, 2);
              case "datamatch 1, other fd" -> ioeventfd(guest, two, DOORBELL, 4, IO_DATAMATCH, 1);
              case "no datamatch there" -> ioeventfd(guest, one, DOORBELL, 4, 0, 0);
              case "deassign", "deassign again", "deassign without datamatch" ->
                  ioeventfd(guest, one, DOORBELL, 4, IO_DEASSIGN, 0);
              case "deassign with wrong datamatch" ->
                  ioeventfd(guest, one, DOORBELL, 4, IO_DEASSIGN | IO_DATAMATCH, 3);
              case "deassign datamatch 1" ->
                  ioeventfd(guest, one, DOORBELL, 4, IO_DEASSIGN | IO_DATAMATCH, 1);
              case "PIO flag" -> ioeventfd(guest, one, fresh, 4, IO_PIO, 0);
              case "PIO flag and datamatch" ->
                  ioeventfd(guest, one, fresh, 4, IO_PIO | IO_DATAMATCH, 1);
              case "flags 8 (virtio-ccw)" -> ioeventfd(guest, one, fresh, 4, 8, 0);
              case "flags 16" -> ioeventfd(guest, one, fresh, 4, 16, 0);
              case "flags 0x80000000" -> ioeventfd(guest, one, fresh, 4, 0x8000_0000L, 0);
              case "fd -1" -> ioeventfd(guest, -1, fresh, 4, 0, 0);
              case "fd not an eventfd" -> ioeventfd(guest, other, fresh, 4, 0, 0);
              case "range wraps" -> ioeventfd(guest, one, -2, 4, 0, 0);
              case "inside the GIC's distributor" -> ioeventfd(guest, one, 0x800_0100L, 4, 0, 0);
              case "unaligned address" -> ioeventfd(guest, one, fresh + 1, 4, 0, 0);
              case "NULL" -> guest.ask(guest.vm, Request.IOEVENTFD, 0);
              default -> {
                // "len N at a fresh address", "len N with datamatch"
                int length = Integer.parseInt(what.split(" ")[1]);
                yield ioeventfd(
                    guest, one, fresh, length, what.contains("datamatch") ? IO_DATAMATCH : 0, 1);
              }
            };
        tally.check(row.getKey(), row.getValue(), answer);
      }
    }
  }

  private void zones() throws KvmException {
    try (ArmGuest arm = guest("without_gic")) {
      Guest guest = arm.guest;
      for (Request request :
          new Request[] {Request.REGISTER_COALESCED_MMIO, Request.UNREGISTER_COALESCED_MMIO}) {
        tally.section(request.toString());
        for (Map.Entry<String, Object> row : facts.map(request.toString()).entrySet()) {
          guest.longs(guest.page, DOORBELL);
          guest.ints(
              guest.page + 8,
              4096,
              row.getKey().startsWith("pio") ? Facts.number(row.getKey().substring(4)) : 0);
          tally.check(row.getKey(), row.getValue(), guest.ask(guest.vm, request, guest.page));
        }
      }
    }
  }
}
