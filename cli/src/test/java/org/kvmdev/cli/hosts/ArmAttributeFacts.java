package org.kvmdev.cli.hosts;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Request;

/** A vCPU's attributes: performance monitors, timers, stolen time. */
final class ArmAttributeFacts {
  private static final int MONITORS = 0;
  private static final int TIMERS = 1;
  private static final int STEAL_TIME = 2;

  private final Kvm kvm;
  private final String host;
  private final Facts facts;
  private final Tally tally;

  ArmAttributeFacts(Kvm kvm, String host, Facts facts, Tally tally) {
    this.kvm = kvm;
    this.host = host;
    this.facts = facts;
    this.tally = tally;
  }

  void check() throws KvmException {
    all();
    timers();
    monitorInterrupts();
    monitors();
    stealTime();
  }

  /** A VM with vCPUs, and without a GIC, with one, or with one that is initialised. */
  private ArmGuest guest(String gic, int features, int[] vcpus) throws KvmException {
    ArmGuest arm = new ArmGuest(kvm, host);
    arm.memory();
    for (int i = 0; i < vcpus.length; i++) {
      vcpus[i] = arm.vcpu(i, features);
    }
    if (!gic.equals("without_gic")) {
      arm.createGic();
    }
    if (gic.equals("gic")) {
      arm.initialiseGic();
    }
    return arm;
  }

  private static Object set(ArmGuest arm, int vcpu, int group, long attr, long value)
      throws KvmException {
    arm.guest.longs(arm.guest.page + 64, value);
    return arm.guest.attr(vcpu, Request.SET_DEVICE_ATTR, group, attr, arm.guest.page + 64);
  }

  private static String get(ArmGuest arm, int vcpu, int group, long attr) throws KvmException {
    arm.guest.longs(arm.guest.page + 64, 0);
    Object answer = arm.guest.attr(vcpu, Request.GET_DEVICE_ATTR, group, attr, arm.guest.page + 64);
    return answer.equals(0L)
        ? "0x%x".formatted(arm.guest.memory.readNumber(arm.guest.page + 64, 8))
        : answer.toString();
  }

  private void all() throws KvmException {
    tally.section("vcpu_device_attr");
    for (Map.Entry<String, Object> entry : facts.map("vcpu_device_attr").entrySet()) {
      if (entry.getKey().equals("how_to_read")) {
        continue;
      }
      // They were asked in the order of their numbers, and some have effects on others.
      Map<String, String> recorded = new TreeMap<>();
      for (Map.Entry<String, Object> row : Facts.map(entry.getValue()).entrySet()) {
        for (String attribute : Facts.texts(row.getValue())) {
          recorded.put(attribute, row.getKey());
        }
      }
      String gic =
          entry.getKey().endsWith("gic_created")
              ? "created"
              : entry.getKey().endsWith("gic") ? "gic" : "without_gic";
      int features = entry.getKey().contains("pmu") ? 12 : 4;
      int[] vcpus = new int[1];
      try (ArmGuest arm = guest(gic, features, vcpus)) {
        int vcpu = vcpus[0];
        for (Map.Entry<String, String> row : recorded.entrySet()) {
          Matcher name = Pattern.compile("group_(\\d)_attr_(\\d)(_flags_1)?").matcher(row.getKey());
          name.matches();
          int group = Integer.parseInt(name.group(1));
          long attr = Long.parseLong(name.group(2));
          Object has = arm.guest.attr(vcpu, Request.HAS_DEVICE_ATTR, group, attr, 0);
          String text = "HAS " + has;
          if (name.group(3) == null) {
            text +=
                ", GET %s, GET at NULL %s, SET at NULL %s, SET of zero %s"
                    .formatted(
                        get(arm, vcpu, group, attr),
                        arm.guest.attr(vcpu, Request.GET_DEVICE_ATTR, group, attr, 0),
                        arm.guest.attr(vcpu, Request.SET_DEVICE_ATTR, group, attr, 0),
                        set(arm, vcpu, group, attr, 0));
          }
          tally.check(entry.getKey() + " " + row.getKey(), row.getValue(), text);
        }
      }
    }
  }

  private void timers() throws KvmException {
    tally.section("timer_irq");
    for (Map.Entry<String, Object> entry : facts.map("timer_irq").entrySet()) {
      String gic = entry.getKey();
      for (Map.Entry<String, Object> row : Facts.map(entry.getValue()).entrySet()) {
        int[] vcpus = new int[2];
        try (ArmGuest arm = guest(gic, 4, vcpus)) {
          Matcher one = Pattern.compile("([vp])timer=(\\d+)").matcher(row.getKey());
          if (one.matches()) {
            int timer = one.group(1).equals("v") ? 0 : 1;
            Object answer = set(arm, vcpus[0], TIMERS, timer, Long.parseLong(one.group(2)));
            tally.check(
                gic + " " + row.getKey(),
                row.getValue(),
                "%s, then vcpu0 %d, vcpu1 %d"
                    .formatted(
                        answer,
                        Facts.number(get(arm, vcpus[0], TIMERS, timer)),
                        Facts.number(get(arm, vcpus[1], TIMERS, timer))));
          } else if (row.getKey().equals("both_20")) {
            tally.check(
                row.getKey(),
                row.getValue(),
                set(arm, vcpus[0], TIMERS, 0, 20) + " " + set(arm, vcpus[0], TIMERS, 1, 20));
          } else if (row.getKey().equals("then KVM_RUN")) {
            set(arm, vcpus[0], TIMERS, 0, 20);
            set(arm, vcpus[0], TIMERS, 1, 20);
            tally.check("both 20, KVM_RUN", row.getValue(), arm.run(vcpus[0]));
          } else {
            afterRun(gic, arm, vcpus, Facts.map(row.getValue()));
          }
        }
      }
    }
  }

  private void afterRun(String gic, ArmGuest arm, int[] vcpus, Map<String, Object> rows)
      throws KvmException {
    Object run = arm.run(vcpus[0]);
    for (Map.Entry<String, Object> row : rows.entrySet()) {
      Object answer =
          switch (row.getKey()) {
            case "KVM_RUN" -> run;
            case "vtimer=20", "vtimer=20 on the vcpu that ran" -> set(arm, vcpus[0], TIMERS, 0, 20);
            case "vtimer=20 on the other" -> set(arm, vcpus[1], TIMERS, 0, 20);
            case "KVM_RUN of the other" -> arm.run(vcpus[1]);
            default -> throw new IllegalArgumentException(row.getKey());
          };
      tally.check(gic + " ran, " + row.getKey(), row.getValue(), answer);
    }
  }

  private void monitorInterrupts() throws KvmException {
    tally.section("pmu_irq");
    for (Map.Entry<String, Object> entry : facts.map("pmu_irq").entrySet()) {
      String gic = entry.getKey();
      Map<String, Object> rows = Facts.map(entry.getValue());
      for (Map.Entry<String, Object> row : Facts.map(rows.get("answers")).entrySet()) {
        for (String name : Facts.texts(row.getValue())) {
          long interrupt = Long.parseLong(name.substring(4));
          int[] vcpus = new int[2];
          try (ArmGuest arm = guest(gic, 12, vcpus)) {
            Object first = set(arm, vcpus[0], MONITORS, 0, interrupt);
            Object again = set(arm, vcpus[0], MONITORS, 0, interrupt);
            String got = get(arm, vcpus[0], MONITORS, 0);
            if (got.equals("0x%x".formatted(interrupt))) {
              got = "the same";
            }
            tally.check(
                gic + " " + name,
                row.getKey(),
                "%s, again %s, GET %s, same on vcpu1 %s, init %s, init again %s"
                    .formatted(
                        first,
                        again,
                        got,
                        set(arm, vcpus[1], MONITORS, 0, interrupt),
                        set(arm, vcpus[0], MONITORS, 1, 0),
                        set(arm, vcpus[0], MONITORS, 1, 0)));
          }
        }
      }
      if (rows.containsKey("KVM_RUN before pmu init")) {
        int[] vcpus = new int[1];
        try (ArmGuest arm = guest(gic, 12, vcpus)) {
          if (gic.equals("gic")) {
            set(arm, vcpus[0], MONITORS, 0, 23);
          }
          tally.check(
              gic + " KVM_RUN before", rows.get("KVM_RUN before pmu init"), arm.run(vcpus[0]));
          set(arm, vcpus[0], MONITORS, 1, 0);
          tally.check(
              gic + " KVM_RUN after", rows.get("KVM_RUN after pmu init"), arm.run(vcpus[0]));
        }
      }
    }
  }

  private void monitors() throws KvmException {
    tally.section("pmu_filter");
    for (Map.Entry<String, Object> row : facts.map("pmu_filter").entrySet()) {
      int[] vcpus = new int[1];
      try (ArmGuest arm = guest("gic", 12, vcpus)) {
        long first = row.getKey().startsWith("0xffff") ? 0xffff : 0x11;
        long count =
            row.getKey().startsWith("0xffff") ? 2 : row.getKey().equals("no events") ? 0 : 1;
        long action =
            row.getKey().startsWith("deny") ? 1 : row.getKey().startsWith("action") ? 2 : 0;
        tally.check(
            row.getKey(),
            row.getValue(),
            set(arm, vcpus[0], MONITORS, 2, first | count << 16 | action << 32));
      }
    }
    tally.section("pmu_set_pmu");
    for (Map.Entry<String, Object> row : facts.map("pmu_set_pmu").entrySet()) {
      int[] vcpus = new int[1];
      try (ArmGuest arm = guest("gic", 12, vcpus)) {
        tally.check(
            row.getKey(),
            row.getValue(),
            set(arm, vcpus[0], MONITORS, 3, Facts.number(row.getKey())));
      }
    }
  }

  private void stealTime() throws KvmException {
    tally.section("pvtime");
    for (Map.Entry<String, Object> row : facts.map("pvtime").entrySet()) {
      int[] vcpus = new int[1];
      try (ArmGuest arm = guest("gic", 4, vcpus)) {
        long address = Facts.number(row.getKey().substring(4));
        Object has = arm.guest.attr(vcpus[0], Request.HAS_DEVICE_ATTR, STEAL_TIME, 0, 0);
        tally.check(
            row.getKey(),
            row.getValue(),
            "HAS %s, SET %s, SET again %s, GET %s"
                .formatted(
                    has,
                    set(arm, vcpus[0], STEAL_TIME, 0, address),
                    set(arm, vcpus[0], STEAL_TIME, 0, address),
                    get(arm, vcpus[0], STEAL_TIME, 0)));
      }
    }
  }
}
