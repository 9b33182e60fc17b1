package org.kvmdev.cli.hosts;

import java.util.List;
import java.util.Map;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.FileOperation;
import org.kvmdev.runtime.ioctl.Request;

/** /dev/kvm, VMs, capabilities, devices, and requests that nobody has. */
final class ArmSystemFacts {
  private final Kvm kvm;
  private final String host;
  private final Facts facts;
  private final Tally tally;

  ArmSystemFacts(Kvm kvm, String host, Facts facts, Tally tally) {
    this.kvm = kvm;
    this.host = host;
    this.facts = facts;
    this.tally = tally;
  }

  void check() throws KvmException {
    capabilities();
    vmTypes();
    enabling();
    devices();
    otherTypes();
    byNumber();
    byName();
  }

  private void capabilities() throws KvmException {
    tally.section("KVM_CHECK_EXTENSION");
    Map<String, Object> caps = facts.map("KVM_CHECK_EXTENSION");
    try (ArmGuest bare = new ArmGuest(kvm, host);
        ArmGuest full = new ArmGuest(kvm, host)) {
      full.vcpu(0, 0);
      full.createGic();
      Facts.map(caps.get("nonzero"))
          .forEach(
              (number, entry) -> {
                long cap = Facts.number(number);
                Map<String, Object> answers = Facts.map(entry);
                Object everywhere = answers.get("everywhere");
                Guest guest = bare.guest;
                checkAt(
                    number,
                    guest,
                    guest.system,
                    cap,
                    answers.getOrDefault("on_dev_kvm", everywhere));
                checkAt(number, guest, guest.vm, cap, answers.getOrDefault("on_vm", everywhere));
                checkAt(
                    number,
                    full.guest,
                    full.guest.vm,
                    cap,
                    answers.getOrDefault("on_vm_with_gic", everywhere));
              });
      for (Object number : Facts.list(caps.get("zero_everywhere"))) {
        long cap = Facts.number(number);
        tally.check(
            "capability " + cap + " everywhere",
            "0 0 0",
            bare.guest.ask(bare.guest.system, Request.CHECK_EXTENSION, cap)
                + " "
                + bare.guest.ask(bare.guest.vm, Request.CHECK_EXTENSION, cap)
                + " "
                + full.guest.ask(full.guest.vm, Request.CHECK_EXTENSION, cap));
      }
    }
    tally.leaveOut(
        facts.size("KVM_CHECK_EXTENSION")
            - Facts.list(caps.get("zero_everywhere")).size()
            - Facts.map(caps.get("nonzero")).values().stream()
                .mapToInt(entry -> Facts.size(entry) - 1)
                .sum(),
        "names",
        "the capabilities' names, no answers");
  }

  private void checkAt(String number, Guest guest, int fd, long cap, Object recorded) {
    if (recorded != null) {
      tally.check(
          "capability " + number + " on fd " + fd,
          recorded,
          guest.ask(fd, Request.CHECK_EXTENSION, cap));
    }
  }

  private void vmTypes() throws KvmException {
    tally.section("KVM_CREATE_VM_types");
    Map<String, Object> types = facts.map("KVM_CREATE_VM_types");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      Guest guest = arm.guest;
      for (Map.Entry<String, Object> entry : types.entrySet()) {
        for (String type : Facts.texts(entry.getValue())) {
          tally.check(
              "type " + type,
              entry.getKey(),
              guest.fd(() -> guest.ioctl(guest.system, Request.CREATE_VM, Facts.number(type))));
        }
      }
      tally.section("dev_kvm");
      for (Request request : List.of(Request.GET_API_VERSION, Request.GET_VCPU_MMAP_SIZE)) {
        Facts.map(facts.map("dev_kvm").get(request.toString()))
            .forEach(
                (argument, answer) ->
                    tally.check(
                        request + " " + argument,
                        answer,
                        guest.ask(guest.system, request, Facts.number(argument))));
      }
      tally.section("mmap_of_vm");
      tally.check(
          "mmap",
          facts.text("mmap_of_vm"),
          Guest.answer(
              () -> {
                guest.process.mmap(guest.vm, 0, 4096);
                return 0;
              }));
      guest.process.operate(guest.vm, FileOperation.SEEK);
    }
  }

  private void enabling() throws KvmException {
    tally.section("KVM_ENABLE_CAP");
    Map<String, Object> rows = facts.map("KVM_ENABLE_CAP");
    List<String> allowed =
        Facts.texts(Facts.map(rows.get("on_vm")).get("0")).stream()
            .map(text -> text.split(" ")[0])
            .toList();
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      Guest guest = arm.guest;
      int vcpu = arm.vcpu(0, 0);
      for (int cap = 0; cap < 256; cap++) {
        tally.check(
            "capability " + cap + " on a VM, a vCPU, /dev/kvm",
            (allowed.contains(String.valueOf(cap)) ? "0" : "EINVAL") + " EINVAL EINVAL",
            guest.enable(guest.vm, Request.ENABLE_CAP_VM, cap, 0, 0)
                + " "
                + guest.enable(vcpu, Request.ENABLE_CAP, cap, 0, 0)
                + " "
                + guest.enable(guest.system, Request.ENABLE_CAP_VM, cap, 0, 0));
      }
    }
    for (Map.Entry<String, Object> entry :
        Facts.map(rows.get("manual_dirty_log_protect2")).entrySet()) {
      enable(168, entry);
    }
    for (Map.Entry<String, Object> entry : Facts.map(rows.get("arm_nisv_to_user")).entrySet()) {
      enable(177, entry);
    }
    // The numbered rows stand in the order of the dirty log's, which makes them.
    tally.section("SYSTEM_SUSPEND");
    Map<String, Object> suspend = facts.map("SYSTEM_SUSPEND");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      tally.check(
          "KVM_ENABLE_CAP",
          suspend.get("KVM_ENABLE_CAP"),
          arm.guest.enable(arm.guest.vm, Request.ENABLE_CAP_VM, 216, 0, 0));
    }
    tally.leaveOut(suspend.size() - 1, "guest calls it", "firmware calls of a guest's CPU");
  }

  private void enable(int cap, Map.Entry<String, Object> entry) throws KvmException {
    long value = Facts.number(entry.getKey().replaceFirst(".*=", ""));
    boolean flags = entry.getKey().startsWith("flags");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      tally.check(
          cap + " " + entry.getKey(),
          entry.getValue(),
          arm.guest.enable(
              arm.guest.vm,
              Request.ENABLE_CAP_VM,
              cap,
              flags ? (int) value : 0,
              flags ? 0 : value));
    }
  }

  private void devices() throws KvmException {
    String section = "KVM_CREATE_DEVICE with KVM_CREATE_DEVICE_TEST";
    tally.section(section);
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      Guest guest = arm.guest;
      for (Map.Entry<String, Object> entry : facts.map(section).entrySet()) {
        for (String type : Facts.texts(entry.getValue())) {
          if (type.endsWith("VFIO")) {
            tally.leaveOut(1, type, "no jar offers VFIO; its conformance is the testkit's");
            continue;
          }
          guest.ints(guest.page, Facts.number(type.split(" ")[0]), 0, 1);
          tally.check(type, entry.getKey(), guest.ask(guest.vm, Request.CREATE_DEVICE, guest.page));
        }
      }
    }
    tally.section("vm_device_attr");
    for (boolean gic : new boolean[] {false, true}) {
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        Guest guest = arm.guest;
        arm.vcpu(0, 0);
        if (gic) {
          arm.createGic();
          arm.initialiseGic();
        }
        for (Map.Entry<String, Object> entry :
            Facts.map(facts.map("vm_device_attr").get(gic ? "gic" : "without_gic")).entrySet()) {
          int group = (int) Facts.number(entry.getKey().replace("group_", ""));
          tally.check(
              entry.getKey(),
              entry.getValue(),
              "HAS %s, GET %s, SET %s"
                  .formatted(
                      guest.attr(guest.vm, Request.HAS_DEVICE_ATTR, group, 0, guest.page + 64),
                      guest.attr(guest.vm, Request.GET_DEVICE_ATTR, group, 0, guest.page + 64),
                      guest.attr(guest.vm, Request.SET_DEVICE_ATTR, group, 0, guest.page + 64)));
        }
      }
    }
    tally.section("KVM_ARM_SET_COUNTER_OFFSET");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      tally.check(
          "0x1000",
          facts.map("KVM_ARM_SET_COUNTER_OFFSET").get("0x1000"),
          arm.guest.ask(
              arm.guest.vm,
              arm.number(Direction.WRITE, 0xb5, 16),
              arm.guest.longs(arm.guest.page, 0x1000, 0)));
      tally.section("refused");
      int vcpu = arm.vcpu(0, 0);
      Map<String, Integer> numbers =
          Map.of(
              "KVM_GET_CLOCK", 0x8030ae7c,
              "KVM_SET_CLOCK", 0x4030ae7b,
              "KVM_GET_REGS", 0x8360ae81,
              "KVM_SET_REGS", 0x4360ae82,
              "KVM_GET_SREGS", 0x8000ae83,
              "KVM_SET_SREGS", 0x4000ae84,
              "KVM_GET_FPU", 0x8000ae8c,
              "KVM_SET_FPU", 0x4000ae8d,
              "KVM_TRANSLATE", 0xc018ae85);
      facts
          .map("refused")
          .forEach(
              (name, answer) ->
                  tally.check(
                      name,
                      answer,
                      arm.guest.ask(
                          name.endsWith("CLOCK") ? arm.guest.vm : vcpu,
                          numbers.get(name),
                          arm.guest.page)));
    }
  }

  private void otherTypes() throws KvmException {
    tally.section("ioctls_of_other_types");
    try (Files files = new Files(kvm, host)) {
      for (Map.Entry<String, Object> entry : facts.map("ioctls_of_other_types").entrySet()) {
        for (Map.Entry<String, Object> row : Facts.map(entry.getValue()).entrySet()) {
          tally.check(
              row.getKey() + " on " + entry.getKey(),
              row.getValue(),
              files.ask(entry.getKey(), (int) Facts.number(row.getKey()), files.zeroed()));
        }
      }
    }
  }

  private void byNumber() throws KvmException {
    String section = "ioctls_0xae00_to_0xaeff_null_argument";
    tally.section(section);
    Map<String, Object> answers = Facts.map(facts.map(section).get("answers"));
    for (Map.Entry<String, Object> file : answers.entrySet()) {
      Map<String, Object> byAnswer = Facts.map(file.getValue());
      for (int number = 0xae00; number <= 0xaeff; number++) {
        boolean leftOut =
            number == 0xae01 && file.getKey().equals("dev_kvm")
                || number == 0xae41 && file.getKey().startsWith("vm")
                || number == 0xae80 && file.getKey().startsWith("vcpu");
        String name = "0x%x".formatted(number);
        String recorded = "";
        for (Map.Entry<String, Object> each : byAnswer.entrySet()) {
          boolean others = each.getValue() instanceof String;
          if (others && recorded.isEmpty()
              || !others && Facts.texts(each.getValue()).contains(name)) {
            recorded = each.getKey();
          }
        }
        if (!leftOut) {
          try (Files files = new Files(kvm, host)) {
            tally.check(
                name + " on " + file.getKey(), recorded, files.ask(file.getKey(), number, 0));
          }
        }
      }
    }
  }

  private void byName() throws KvmException {
    tally.section("ioctls_by_name");
    Map<String, Object> rows = facts.map("ioctls_by_name");
    Map<String, Object> usual = Facts.map(rows.get("usual"));
    for (String row : Facts.texts(rows.get("same_as_usual_everywhere"))) {
      byName(row, (int) Facts.number(row.split(" ")[0]), usual, Map.of());
    }
    for (Object row : Facts.list(rows.get("answers"))) {
      Map<String, Object> answers = Facts.map(row);
      String name = answers.get("name").toString();
      byName(name, (int) Facts.number(answers.get("id")), usual, answers);
    }
  }

  private void byName(
      String name, int number, Map<String, Object> usual, Map<String, Object> answers)
      throws KvmException {
    for (Map.Entry<String, Object> file : usual.entrySet()) {
      String on = file.getKey();
      boolean same = name.endsWith("KVM_RUN") && on.startsWith("vcpu");
      boolean creates =
          name.endsWith("KVM_CREATE_VM") && on.equals("dev_kvm")
              || name.endsWith("KVM_CREATE_VCPU") && on.startsWith("vm");
      if (same || creates) {
        // Said to answer as usual, which they do not: the table leaves them out.
        tally.leaveOut(1, name + " on " + on, "left out of the recording");
        continue;
      }
      String recorded = answers.getOrDefault(on, file.getValue()).toString();
      String[] both =
          recorded.startsWith("NULL ")
              ? recorded.substring(5).split(", zeroed ")
              : new String[] {recorded, recorded};
      try (Files files = new Files(kvm, host)) {
        tally.check(name + " at NULL on " + on, both[0], files.ask(on, number, 0));
      }
      try (Files files = new Files(kvm, host)) {
        tally.check(name + " zeroed on " + on, both[1], files.ask(on, number, files.zeroed()));
      }
    }
  }

  /** Every kind of file, as the recording had them. */
  private static final class Files implements AutoCloseable {
    /** Makes a file wherever it is answered. */
    private static final int GET_STATS_FD = 0xaece;

    private final ArmGuest full;
    private final ArmGuest bare;
    private final int vcpu;
    private final int freshVcpu;

    Files(Kvm kvm, String host) throws KvmException {
      full = new ArmGuest(kvm, host);
      vcpu = full.vcpu(0, ArmGuest.PSCI_0_2);
      full.createGic();
      full.initialiseGic();
      bare = new ArmGuest(kvm, host);
      freshVcpu = bare.guest.vcpu(0);
    }

    long zeroed() throws KvmException {
      full.guest.zeros(full.guest.page, 4096);
      return bare.guest.zeros(bare.guest.page, 4096);
    }

    Object ask(String file, int number, long argument) {
      Object answer =
          switch (file) {
            case "dev_kvm" -> full.guest.ask(full.guest.system, number, argument);
            case "vm" -> full.guest.ask(full.guest.vm, number, argument);
            case "vcpu" -> full.guest.ask(vcpu, number, argument);
            case "device" -> full.guest.ask(full.gic, number, argument);
            case "vm_without_gic" -> bare.guest.ask(bare.guest.vm, number, argument);
            case "vcpu_before_init" -> bare.guest.ask(freshVcpu, number, argument);
            default -> throw new IllegalArgumentException(file);
          };
      return number == GET_STATS_FD && answer instanceof Long ? "fd" : answer;
    }

    @Override
    public void close() {
      full.close();
      bare.close();
    }
  }
}
