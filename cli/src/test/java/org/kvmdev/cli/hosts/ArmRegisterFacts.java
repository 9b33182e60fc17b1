package org.kvmdev.cli.hosts;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Request;

/** KVM_GET_REG_LIST, KVM_GET_ONE_REG, KVM_SET_ONE_REG. */
final class ArmRegisterFacts {
  private static final Map<String, Integer> FEATURES =
      Map.of(
          "none", 0,
          "psci_0_2", 4,
          "psci_0_2+power_off", 5,
          "psci_0_2+gic", 4,
          "psci_0_2+pmu_v3", 12,
          "psci_0_2+el1_32bit", 6,
          "sve", 0x10,
          "ptrauth", 0x60);

  private final Kvm kvm;
  private final String host;
  private final Facts facts;
  private final Tally tally;

  ArmRegisterFacts(Kvm kvm, String host, Facts facts, Tally tally) {
    this.kvm = kvm;
    this.host = host;
    this.facts = facts;
    this.tally = tally;
  }

  void check() throws KvmException {
    lists();
    registers();
    ids();
    firmware();
  }

  private ArmGuest guest(String features) throws KvmException {
    ArmGuest arm = new ArmGuest(kvm, host);
    if (features.endsWith("gic")) {
      arm.createGic();
    }
    return arm;
  }

  private static Object list(ArmGuest arm, int vcpu, long room) throws KvmException {
    arm.guest.longs(arm.guest.page, room);
    return arm.guest.ask(vcpu, Request.GET_REG_LIST, arm.guest.page);
  }

  private void lists() throws KvmException {
    tally.section("KVM_GET_REG_LIST");
    for (Map.Entry<String, Object> entry : facts.map("KVM_GET_REG_LIST").entrySet()) {
      Map<String, Object> row = Facts.map(entry.getValue());
      int features = FEATURES.get(entry.getKey());
      try (ArmGuest arm = guest(entry.getKey())) {
        if (row.containsKey("init")) {
          tally.check(
              entry.getKey(),
              row.get("init"),
              arm.init(arm.guest.vcpu(0), ArmGuest.GENERIC_V8, features));
          continue;
        }
        int vcpu = arm.vcpu(0, features);
        Object none = list(arm, vcpu, 0);
        long count = arm.guest.memory.readNumber(arm.guest.page, 8);
        tally.check(entry.getKey() + " n 0", row.get("with_n=0"), none + " n=" + count);
        Object less = list(arm, vcpu, count - 1);
        tally.check(
            entry.getKey() + " n - 1",
            row.get("with_n-1"),
            less + " n=" + arm.guest.memory.readNumber(arm.guest.page, 8));
        list(arm, vcpu, count);
        tally.check(
            entry.getKey() + " n", row.get("n"), arm.guest.memory.readNumber(arm.guest.page, 8));
      }
    }
  }

  private List<String> ids(int features) throws KvmException {
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int vcpu = arm.vcpu(0, features);
      list(arm, vcpu, 400);
      List<String> ids = new ArrayList<>();
      for (long i = 1; i <= arm.guest.memory.readNumber(arm.guest.page, 8); i++) {
        ids.add("0x%x".formatted(arm.guest.memory.readNumber(arm.guest.page + 8 * i, 8)));
      }
      return ids;
    }
  }

  private void registers() throws KvmException {
    tally.section("registers");
    Map<String, Object> rows = facts.map("registers");
    List<Object> plain = Facts.list(rows.get("psci_0_2"));
    List<String> ids = plain.stream().map(row -> Facts.map(row).get("id").toString()).toList();
    tally.check("the list", ids, ids(4));
    for (Object row : plain) {
      register(Facts.map(row), ArmGuest.PSCI_0_2);
    }
    for (Map.Entry<String, Object> entry : Facts.map(rows.get("other_features")).entrySet()) {
      Map<String, Object> other = Facts.map(entry.getValue());
      int features = FEATURES.get(entry.getKey());
      List<String> expected = new ArrayList<>(ids);
      List<String> listed = ids(features);
      if (other.containsKey("added")) {
        for (Object row : Facts.list(other.get("added"))) {
          expected.add(Facts.map(row).get("id").toString());
          register(Facts.map(row), features);
        }
        tally.check(
            entry.getKey() + " list",
            expected.stream().sorted().toList(),
            listed.stream().sorted().toList());
      } else {
        tally.check(entry.getKey() + " list", expected, listed);
      }
      tally.check(entry.getKey() + " n", other.get("n"), listed.size());
      if (other.containsKey("other_values")) {
        for (Object row : Facts.list(other.get("other_values"))) {
          try (ArmGuest arm = new ArmGuest(kvm, host)) {
            String id = Facts.map(row).get("id").toString();
            tally.check(
                entry.getKey() + " " + Facts.map(row).get("name"),
                Facts.map(row).get("value"),
                arm.get(arm.vcpu(0, features), Facts.number(id)));
          }
        }
      }
    }
  }

  /** The values that were written: the one read, with changes. */
  private static Map<String, BigInteger> others(BigInteger value, int bytes) {
    Map<String, BigInteger> others = new LinkedHashMap<>();
    others.put("flip0", value.flipBit(0));
    others.put("fliptop", value.flipBit(8 * bytes - 1));
    others.put("zero", BigInteger.ZERO);
    others.put("ones", BigInteger.ONE.shiftLeft(8 * bytes).subtract(BigInteger.ONE));
    others.put("flip16_12", value.flipBit(16).flipBit(12));
    return others;
  }

  private void register(Map<String, Object> row, int features) throws KvmException {
    long id = Facts.number(row.get("id"));
    int bytes = (int) Facts.number(row.get("size"));
    String name = row.get("name").toString();
    try (ArmGuest arm = new ArmGuest(kvm, host)) {
      int[] vcpus = {arm.vcpu(0, features), arm.vcpu(1, features)};
      for (int i = 0; i < 2; i++) {
        Object recorded = row.getOrDefault("value", row.get("vcpu" + i));
        if (recorded.equals("varies")) {
          tally.leaveOut(1, name, "a counter's value");
        } else {
          tally.check(name + " of vCPU " + i, recorded, arm.get(vcpus[i], id));
        }
      }
      compareWrites(arm, vcpus, name, id, bytes, row, Map.of());
      if (row.containsKey("after_first_KVM_RUN")) {
        Map<String, Object> ran = Facts.map(row.get("after_first_KVM_RUN"));
        try (ArmGuest runs = new ArmGuest(kvm, host)) {
          int[] second = {runs.vcpu(0, features), runs.vcpu(1, features)};
          runs.run(second[0]);
          if (ran.containsKey("value")) {
            tally.check(name + ", ran", ran.get("value"), runs.get(second[0], id));
          }
          compareWrites(runs, second, name + ", ran", id, bytes, row, ran);
        }
      }
    }
  }

  private void compareWrites(
      ArmGuest arm,
      int[] vcpus,
      String name,
      long id,
      int bytes,
      Map<String, Object> row,
      Map<String, Object> ran)
      throws KvmException {
    String first = arm.get(vcpus[0], id);
    BigInteger value = new BigInteger(first.substring(2), 16);
    tally.check(
        name + " same",
        row.get("set_same").equals("ok") ? "0" : "?",
        set(arm, vcpus[0], id, value));
    String all = row.getOrDefault("set_other", "").toString();
    Map<String, Object> each = Facts.map(row.getOrDefault("set", Map.of()));
    for (Map.Entry<String, BigInteger> other : others(value, bytes).entrySet()) {
      String how = other.getKey();
      Object answer = set(arm, vcpus[0], id, other.getValue());
      String reads = answer.equals(0L) ? arm.get(vcpus[0], id) : answer.toString();
      String written = "0x" + other.getValue().toString(16);
      if (all.startsWith("accepted, counts on")) {
        // The count that was set, and a little more.
        BigInteger now = new BigInteger(reads.substring(2), 16);
        tally.check(
            name + " " + how,
            true,
            answer.equals(0L)
                && now.subtract(other.getValue()).mod(BigInteger.TWO.pow(64)).bitLength() < 40);
      } else {
        Object recorded =
            ran.containsKey(how)
                ? ran.get(how)
                : each.containsKey(how)
                    ? each.get(how)
                    : switch (all) {
                      case "accepted, reads back" -> written;
                      case "accepted, ignored" -> first;
                      case "EINVAL" -> other.getValue().equals(value) ? first : "EINVAL";
                      // A value that is not listed is the one that the register has.
                      default -> first;
                    };
        tally.check(name + " " + how, recorded, reads);
      }
      if (each.containsKey(how + ".vcpu1") && !ran.containsKey(how)) {
        tally.check(
            name + " " + how + ", other vCPU", each.get(how + ".vcpu1"), arm.get(vcpus[1], id));
      }
      set(arm, vcpus[0], id, value);
    }
  }

  private static Object set(ArmGuest arm, int vcpu, long id, BigInteger value) throws KvmException {
    return arm.set(vcpu, id, value.longValue(), value.shiftRight(64).longValue());
  }

  private void ids() throws KvmException {
    tally.section("ONE_REG_ids");
    for (Map.Entry<String, Object> row : facts.map("ONE_REG_ids").entrySet()) {
      try (ArmGuest arm = new ArmGuest(kvm, host)) {
        int vcpu = arm.vcpu(0, ArmGuest.PSCI_0_2);
        String key = row.getKey();
        String text;
        if (key.contains("NULL")) {
          long id = key.startsWith("pc") ? 0x6030_0000_0010_0040L : 0x6030_0000_0013_c000L;
          arm.guest.longs(arm.guest.page, id, 0);
          text =
              "GET %s, SET %s"
                  .formatted(
                      arm.guest.ask(vcpu, Request.GET_ONE_REG, arm.guest.page),
                      arm.guest.ask(vcpu, Request.SET_ONE_REG, arm.guest.page));
        } else {
          long id = Facts.number(key);
          String value = arm.get(vcpu, id);
          if (row.getValue().toString().contains("varies")) {
            value = "varies";
          }
          text = "GET %s, SET %s".formatted(value, arm.guest.oneReg(vcpu, Request.SET_ONE_REG, id));
        }
        tally.check(key, row.getValue(), text);
      }
    }
  }

  private void firmware() throws KvmException {
    tally.section("firmware_registers");
    for (Map.Entry<String, Object> entry : facts.map("firmware_registers").entrySet()) {
      boolean psci = !entry.getKey().startsWith("without");
      long id = Facts.number(entry.getKey().replace("without_psci_0_2 ", ""));
      for (Map.Entry<String, Object> row : Facts.map(entry.getValue()).entrySet()) {
        for (String how : Facts.texts(row.getValue())) {
          try (ArmGuest arm = new ArmGuest(kvm, host)) {
            int first = arm.vcpu(0, psci ? ArmGuest.PSCI_0_2 : 0);
            int second = arm.vcpu(1, psci ? ArmGuest.PSCI_0_2 : 0);
            Object answer = arm.set(first, id, Facts.number(how.substring(4)), 0);
            String text =
                psci
                    ? "%s, vcpu0 then %s, vcpu1 then %s"
                        .formatted(answer, arm.get(first, id), arm.get(second, id))
                    : "%s, then %s".formatted(answer, arm.get(first, id));
            tally.check(entry.getKey() + " " + how, row.getKey(), text);
          }
        }
      }
    }
  }
}
