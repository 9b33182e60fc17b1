package org.kvmdev.cli.hosts;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.Request;

/** vCPUs: making and initialising them, their state beside the registers, running them. */
final class ArmVcpuFacts {
  private static final long PC = 0x6030_0000_0010_0040L;
  private static final long MIDR = 0x6030_0000_0013_c000L;
  private static final long MPIDR = 0x6030_0000_0013_c005L;

  private final Kvm kvm;
  private final String host;
  private final Facts facts;
  private final Tally tally;

  ArmVcpuFacts(Kvm kvm, String host, Facts facts, Tally tally) {
    this.kvm = kvm;
    this.host = host;
    this.facts = facts;
    this.tally = tally;
  }

  void check() throws KvmException {
    preferredTarget();
    creating();
    initialising();
    beforeInitialising();
    mpState();
    events();
    guestDebug();
    signalMask();
    finalize("KVM_ARM_VCPU_FINALIZE");
    affinities();
    running();
    afterFirstRun();
  }

  private void preferredTarget() throws KvmException {
    tally.section("KVM_ARM_PREFERRED_TARGET");
    Map<String, Object> row = facts.map("KVM_ARM_PREFERRED_TARGET");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      Guest guest = arm.guest;
      tally.check(
          "ret",
          row.get("ret"),
          guest.ask(guest.vm, arm.number(Direction.READ, 0xaf, 32), guest.page));
      tally.check("target", row.get("target"), guest.memory.readNumber(guest.page, 4));
      for (Map.Entry<String, Object> word : Facts.map(row.get("features")).entrySet()) {
        tally.check(
            "features " + word.getKey(),
            word.getValue(),
            "0x%x"
                .formatted(
                    guest.memory.readNumber(guest.page + 4 + 4 * Facts.number(word.getKey()), 4)));
      }
    }
  }

  private void creating() throws KvmException {
    tally.section("KVM_CREATE_VCPU");
    Map<String, Object> rows = facts.map("KVM_CREATE_VCPU");
    for (String state : new String[] {"without_gic", "after_gic_created"}) {
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        if (!state.equals("without_gic")) {
          arm.createGic();
        }
        for (Map.Entry<String, Object> row : Facts.map(rows.get(state)).entrySet()) {
          long id = Facts.number(row.getKey().replaceFirst(".*id_", ""));
          tally.check(state + " " + row.getKey(), row.getValue(), create(arm, id));
        }
      }
    }
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      arm.vcpu(0, 0);
      arm.vcpu(1, 0);
      arm.createGic();
      arm.initialiseGic();
      tally.check(
          "initialised, id 2",
          Facts.map(rows.get("after_gic_initialised")).get("id_2"),
          create(arm, 2));
      arm.run(arm.gic);
    }
    for (int count : new int[] {8, 9}) {
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        for (int id = 0; id < count; id++) {
          create(arm, id);
        }
        tally.check(
            "GIC after " + count,
            rows.get("gic_after_" + count + "_vcpus"),
            Guest.answer(
                        () -> {
                          arm.createGic();
                          return 0;
                        })
                    .equals(0L)
                ? "fd"
                : "refused");
        if (count == 8) {
          tally.check("9th after the GIC", rows.get("9th_after_gic"), create(arm, 8));
        }
      }
    }
    Map<String, Object> ran = Facts.map(rows.get("after_first_KVM_RUN"));
    for (boolean gic : new boolean[] {true, false}) {
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        int vcpu = arm.vcpu(0, 0);
        if (gic) {
          arm.createGic();
          arm.initialiseGic();
        }
        arm.run(vcpu);
        tally.check(
            "ran, GIC " + gic,
            ran.get(gic ? "id_2 (with a GIC)" : "id_2 (without a GIC)"),
            create(arm, 2));
      }
    }
  }

  private static Object create(ArmGuest arm, long id) {
    Object answer = arm.guest.ask(arm.guest.vm, Request.CREATE_VCPU, id);
    return answer instanceof Long ? "fd" : answer;
  }

  private void initialising() throws KvmException {
    tally.section("KVM_ARM_VCPU_INIT");
    Map<String, Object> rows = facts.map("KVM_ARM_VCPU_INIT");
    for (Map.Entry<String, Object> row : Facts.map(rows.get("target")).entrySet()) {
      for (String target : Facts.texts(row.getValue())) {
        tally.check("target " + target, row.getKey(), init(Facts.number(target), 0));
      }
    }
    for (Map.Entry<String, Object> row : Facts.map(rows.get("single_feature")).entrySet()) {
      for (String bit : Facts.texts(row.getValue())) {
        tally.check(
            "feature " + bit, row.getKey(), init(ArmGuest.GENERIC_V8, 1L << Facts.number(bit)));
      }
    }
    for (Map.Entry<String, Object> row : Facts.map(rows.get("features")).entrySet()) {
      for (String bits : Facts.texts(row.getValue())) {
        tally.check(
            "features " + bits, row.getKey(), init(ArmGuest.GENERIC_V8, Facts.number(bits)));
      }
    }
    for (int word = 1; word <= 6; word++) {
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        Guest guest = arm.guest;
        int vcpu = guest.vcpu(0);
        guest.zeros(guest.page, 32);
        guest.ints(guest.page, ArmGuest.GENERIC_V8);
        guest.ints(guest.page + 4 + 4L * word, 1);
        tally.check(
            "features word " + word,
            rows.get("features_word_" + word + "=1"),
            guest.ask(vcpu, arm.number(Direction.WRITE, 0xae, 32), guest.page));
        if (word == 1) {
          tally.check(
              "NULL", rows.get("null"), guest.ask(vcpu, arm.number(Direction.WRITE, 0xae, 32), 0));
        }
      }
    }
    for (Map.Entry<String, Object> row : Facts.map(rows.get("again_same_vcpu")).entrySet()) {
      for (String how : Facts.texts(row.getValue())) {
        again(row.getKey(), how, false);
      }
    }
    for (Map.Entry<String, Object> row : Facts.map(rows.get("other_vcpu")).entrySet()) {
      for (String how : Facts.texts(row.getValue())) {
        again(row.getKey(), how, true);
      }
    }
    Map<String, Object> ran = Facts.map(rows.get("after_first_KVM_RUN"));
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int vcpu = arm.vcpu(0, ArmGuest.PSCI_0_2);
      arm.run(vcpu);
      tally.check("ran, same", ran.get("same features"), arm.init(vcpu, 5, ArmGuest.PSCI_0_2));
      tally.check("ran, other", ran.get("other features"), arm.init(vcpu, 5, 0));
    }
  }

  private Object init(long target, long features) throws KvmException {
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      return arm.init(arm.guest.vcpu(0), target, features);
    }
  }

  private static final Pattern TWICE =
      Pattern.compile("(0x\\w+?)_(?:on_0_)?then_(0x\\w+?)(?:_on_1)?");

  private void again(String recorded, String how, boolean other) throws KvmException {
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int first = arm.guest.vcpu(0);
      int second = other ? arm.guest.vcpu(1) : first;
      Matcher twice = TWICE.matcher(how);
      if (twice.matches()) {
        arm.init(first, ArmGuest.GENERIC_V8, Facts.number(twice.group(1)));
        tally.check(
            how, recorded, arm.init(second, ArmGuest.GENERIC_V8, Facts.number(twice.group(2))));
      } else if (how.contains("target_")) {
        arm.init(first, ArmGuest.GENERIC_V8, 0);
        tally.check(
            how, recorded, arm.init(second, Facts.number(how.replaceFirst(".*target_", "")), 0));
      } else if (how.equals("after_refused_target")) {
        arm.init(first, 1, 0);
        tally.check(how, recorded, arm.init(first, ArmGuest.GENERIC_V8, 0));
      } else if (how.startsWith("pc_")) {
        arm.init(first, ArmGuest.GENERIC_V8, 0);
        arm.set(first, PC, 0x12345678, 0);
        arm.init(first, ArmGuest.GENERIC_V8, 0);
        tally.check(how, recorded, arm.get(first, PC));
      } else {
        throw new IllegalArgumentException(how);
      }
    }
  }

  private void beforeInitialising() throws KvmException {
    tally.section("before_KVM_ARM_VCPU_INIT");
    Map<String, Object> rows = facts.map("before_KVM_ARM_VCPU_INIT");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      Guest guest = arm.guest;
      int vcpu = guest.vcpu(0);
      for (Map.Entry<String, Object> row : rows.entrySet()) {
        guest.zeros(guest.page, 4096);
        Object answer =
            switch (row.getKey()) {
              case "KVM_GET_REG_LIST" -> guest.ask(vcpu, Request.GET_REG_LIST, guest.page);
              case "KVM_GET_ONE_REG_pc" -> guest.oneReg(vcpu, Request.GET_ONE_REG, PC);
              case "KVM_SET_ONE_REG_pc" -> guest.oneReg(vcpu, Request.SET_ONE_REG, PC);
              case "KVM_GET_ONE_REG_midr" -> guest.oneReg(vcpu, Request.GET_ONE_REG, MIDR);
              case "KVM_GET_MP_STATE", "KVM_GET_MP_STATE_value" ->
                  guest.ask(vcpu, arm.number(Direction.READ, 0x98, 4), guest.page);
              case "KVM_SET_MP_STATE" ->
                  guest.ask(vcpu, arm.number(Direction.WRITE, 0x99, 4), guest.page);
              case "KVM_GET_VCPU_EVENTS" ->
                  guest.ask(vcpu, arm.number(Direction.READ, 0x9f, 64), guest.page);
              case "KVM_SET_VCPU_EVENTS" ->
                  guest.ask(vcpu, arm.number(Direction.WRITE, 0xa0, 64), guest.page);
              case "KVM_ENABLE_CAP_1" -> guest.enable(vcpu, Request.ENABLE_CAP, 1, 0, 0);
              case "KVM_RUN_immediate_exit", "KVM_RUN" -> arm.run(vcpu);
              default -> {
                Matcher group =
                    Pattern.compile("KVM_HAS_DEVICE_ATTR_group_(\\d)_attr_0").matcher(row.getKey());
                if (!group.matches()) {
                  throw new IllegalArgumentException(row.getKey());
                }
                yield guest.attr(
                    vcpu, Request.HAS_DEVICE_ATTR, Integer.parseInt(group.group(1)), 0, 0);
              }
            };
        if (row.getKey().equals("KVM_GET_MP_STATE_value")) {
          answer = guest.memory.readNumber(guest.page, 4);
        }
        tally.check(row.getKey(), row.getValue(), answer);
      }
    }
  }

  private void mpState() throws KvmException {
    tally.section("KVM_GET_MP_STATE");
    for (Map.Entry<String, Object> row : facts.map("KVM_GET_MP_STATE").entrySet()) {
      Matcher how = Pattern.compile("features_(0x\\w+)_vcpu(\\d)").matcher(row.getKey());
      how.matches();
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        arm.guest.vcpu(7);
        int vcpu = arm.vcpu(Facts.number(how.group(2)), Facts.number(how.group(1)));
        tally.check(row.getKey(), row.getValue(), getMpState(arm, vcpu, "%s, mp_state %d"));
      }
    }
    tally.section("KVM_SET_MP_STATE");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int vcpu = arm.vcpu(0, 0);
      for (Map.Entry<String, Object> row : facts.map("KVM_SET_MP_STATE").entrySet()) {
        arm.guest.ints(arm.guest.page, Facts.number(row.getKey()));
        Object answer = arm.guest.ask(vcpu, arm.number(Direction.WRITE, 0x99, 4), arm.guest.page);
        String text =
            row.getValue().toString().contains("GET")
                ? getMpState(arm, vcpu, answer + " then GET %2$d")
                : answer.toString();
        tally.check(row.getKey(), row.getValue(), text);
      }
    }
  }

  private static String getMpState(ArmGuest arm, int vcpu, String form) throws KvmException {
    Object answer = arm.guest.ask(vcpu, arm.number(Direction.READ, 0x98, 4), arm.guest.page);
    return form.formatted(answer, arm.guest.memory.readNumber(arm.guest.page, 4));
  }

  private void events() throws KvmException {
    tally.section("KVM_GET_VCPU_EVENTS");
    Map<String, Object> fresh = facts.map("KVM_GET_VCPU_EVENTS");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int vcpu = arm.vcpu(0, 0);
      tally.check(
          "ret",
          fresh.get("ret"),
          arm.guest.ask(vcpu, arm.number(Direction.READ, 0x9f, 64), arm.guest.page));
      tally.check("bytes", fresh.get("bytes"), arm.guest.hex(arm.guest.page, 64));
      tally.check("size", fresh.get("size"), 64);
    }
    tally.section("KVM_SET_VCPU_EVENTS");
    Pattern form = Pattern.compile("pending=(\\d) has_esr=(\\d) ext_dabt=(\\d) esr=(0x\\w+)");
    for (Map.Entry<String, Object> row : facts.map("KVM_SET_VCPU_EVENTS").entrySet()) {
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        Guest guest = arm.guest;
        int vcpu = arm.vcpu(0, 0);
        guest.zeros(guest.page, 64);
        Matcher full = form.matcher(row.getKey());
        if (full.matches()) {
          for (int i = 0; i < 3; i++) {
            guest.memory.writeNumber(guest.page + i, 1, Facts.number(full.group(i + 1)));
          }
          guest.longs(guest.page + 8, Facts.number(full.group(4)));
        } else if (row.getKey().startsWith("byte_")) {
          int at = Integer.parseInt(row.getKey().replaceAll("byte_|=1", ""));
          guest.memory.writeNumber(guest.page + at, 1, 1);
        } else {
          guest.memory.writeNumber(guest.page, 1, Facts.number(row.getKey().split("=")[1]));
        }
        Object answer = guest.ask(vcpu, arm.number(Direction.WRITE, 0xa0, 64), guest.page);
        String text = answer.toString();
        if (row.getValue().toString().contains("GET")) {
          guest.ask(vcpu, arm.number(Direction.READ, 0x9f, 64), guest.page);
          text += " then GET " + guest.hex(guest.page, 16);
        }
        tally.check(row.getKey(), row.getValue(), text);
      }
    }
  }

  private void guestDebug() throws KvmException {
    tally.section("KVM_SET_GUEST_DEBUG");
    for (Map.Entry<String, Object> row : facts.map("KVM_SET_GUEST_DEBUG").entrySet()) {
      for (String control : Facts.texts(row.getValue())) {
        try (ArmGuest arm = new ArmGuest(kvm, host)) {
          int vcpu = arm.vcpu(0, 0);
          arm.guest.ints(arm.guest.page, Facts.number(control.split("=")[1]));
          tally.check(
              control,
              row.getKey(),
              arm.guest.ask(vcpu, arm.number(Direction.WRITE, 0x9b, 0x208), arm.guest.page));
        }
      }
    }
  }

  private void signalMask() throws KvmException {
    tally.section("KVM_SET_SIGNAL_MASK");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      Guest guest = arm.guest;
      int vcpu = arm.vcpu(0, 0);
      for (Map.Entry<String, Object> row : facts.map("KVM_SET_SIGNAL_MASK").entrySet()) {
        long argument = 0;
        if (row.getKey().startsWith("len")) {
          guest.ints(guest.page, Facts.number(row.getKey().split("[ ,]")[1]), 0, 0);
          argument = guest.page;
        }
        tally.check(
            row.getKey(), row.getValue(), guest.ask(vcpu, Request.SET_SIGNAL_MASK, argument));
      }
    }
  }

  private void finalize(String section) throws KvmException {
    tally.section(section);
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int vcpu = arm.vcpu(0, 0);
      for (Map.Entry<String, Object> row : facts.map(section).entrySet()) {
        arm.guest.ints(arm.guest.page, Facts.number(row.getKey()));
        tally.check(
            row.getKey(),
            row.getValue(),
            arm.guest.ask(vcpu, arm.number(Direction.WRITE, 0xc2, 4), arm.guest.page));
      }
    }
  }

  private void affinities() throws KvmException {
    tally.section("MPIDR_EL1_by_vcpu_id");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      for (Map.Entry<String, Object> row : facts.map("MPIDR_EL1_by_vcpu_id").entrySet()) {
        int vcpu = arm.vcpu(Facts.number(row.getKey()), 0);
        tally.check(row.getKey(), row.getValue(), arm.get(vcpu, MPIDR));
      }
    }
  }

  private void running() throws KvmException {
    tally.section("KVM_RUN");
    Map<String, Object> rows = facts.map("KVM_RUN");
    for (Map.Entry<String, Object> row : Facts.map(rows.get("immediate_exit")).entrySet()) {
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        int vcpu = arm.vcpu(0, 0);
        if (!row.getKey().equals("without_gic")) {
          arm.createGic();
        }
        if (row.getKey().equals("gic")) {
          arm.initialiseGic();
        }
        // What follows the errno is a field of the mapping that the run leaves alone.
        tally.check(row.getKey(), row.getValue().toString().split(" ")[0], arm.run(vcpu));
      }
    }
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int vcpu = arm.vcpu(0, 0);
      arm.guest.vcpu(1);
      for (String how :
          new String[] {
            "immediate_exit=1",
            "immediate_exit=255",
            "immediate_exit with a GIC, the other vcpu without KVM_ARM_VCPU_INIT"
          }) {
        tally.check(how, rows.get(how).toString().split(" ")[0], arm.run(vcpu));
      }
      tally.check("argument 1", rows.get("argument 1"), arm.guest.ask(vcpu, Request.RUN, 1));
      for (String how :
          new String[] {
            "signal while the guest loops",
            "signal while the guest waits (wfi)",
            "signal while stopped (mp_state 5)"
          }) {
        tally.check(how, rows.get(how).toString().split(" ")[0], arm.run(vcpu));
      }
    }
    tally.leaveOut(
        (int) rows.keySet().stream().filter(key -> Character.isDigit(key.charAt(0))).count(),
        "guest writes",
        "instructions of a guest's CPU; what they do to the dirty log is compared there");
  }

  private void afterFirstRun() throws KvmException {
    tally.section("after_first_KVM_RUN");
    Map<String, Object> rows = facts.map("after_first_KVM_RUN");
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int vcpu = arm.vcpu(0, 0);
      arm.createGic();
      arm.initialiseGic();
      arm.run(vcpu);
      arm.guest.ints(arm.guest.page, 7, -1, 0);
      tally.check(
          "a second v3",
          rows.get("KVM_CREATE_DEVICE of a second v3"),
          arm.guest.ask(arm.guest.vm, Request.CREATE_DEVICE, arm.guest.page));
    }
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      arm.run(arm.vcpu(0, 0));
      arm.guest.ints(arm.guest.page, arm.gicType, -1, 0);
      tally.check(
          "creating the GIC",
          rows.get("creating the GIC"),
          arm.guest.ask(arm.guest.vm, Request.CREATE_DEVICE, arm.guest.page));
      tally.check(
          "KVM_CREATE_IRQCHIP",
          rows.get("KVM_CREATE_IRQCHIP"),
          arm.guest.ask(arm.guest.vm, arm.number(Direction.NONE, 0x60, 0), 0));
    }
  }
}
