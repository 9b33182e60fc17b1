package org.kvmdev.cli.hosts;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Request;

/** What the recorded machines answered to clients with a vCPU's mapping, and what files held. */
class MappedFactsTest {
  private static final int PAPR = 68;
  private static final int IMMEDIATE_EXIT = 1;
  private static final int EXIT_REASON = 8;

  private static Kvm kvm;

  @BeforeAll
  static void load() {
    kvm = Kvm.load();
  }

  @AfterAll
  static void end() {
    kvm.close();
  }

  /** POWER looks at immediate_exit before it checks anything but the argument. */
  @Test
  void aPower9ExitsAtOnceWithoutPaprToo() throws KvmException {
    Facts facts = Facts.of("ppc64-xics-6.1");
    Tally tally = new Tally("ppc64-xics-6.1, immediate_exit");
    for (Object each : facts.list("immediate_exit")) {
      Map<String, Object> row = Facts.map(each);
      try (MappedGuest guest = new MappedGuest(kvm, "ppc64-xics-6.1")) {
        if (row.get("papr").equals(1L)) {
          guest.enable(PAPR);
        }
        guest.run.put(IMMEDIATE_EXIT, (byte) 1);
        guest.run.putInt(EXIT_REASON, 119);
        tally.check(row + "", row.get("KVM_RUN"), guest.ask(guest.vcpu, Request.RUN, 0));
        tally.check(row + ", reason", row.get("exit_reason"), guest.run.getInt(EXIT_REASON));
        Object arg1 = guest.ask(guest.vcpu, Request.RUN, 1);
        tally.check(row + ", argument", row.get("KVM_RUN arg 1"), arg1);
        tally.check(row + ", again", row.get("again"), guest.ask(guest.vcpu, Request.RUN, 0));
        if (row.get("papr").equals(0L)) {
          guest.run.put(IMMEDIATE_EXIT, (byte) 0);
          assertEquals(Errno.EINVAL, guest.ask(guest.vcpu, Request.RUN, 0));
        }
      }
    }
    tally.finish();
  }

  @Test
  void anE500ExitsAtOnceWithPaprToo() throws KvmException {
    Map<String, Object> rows =
        Facts.map(Facts.of("powerpc-e500v2-6.12").map("vcpu").get("KVM_RUN"));
    try (MappedGuest guest = new MappedGuest(kvm, "powerpc-e500v2-6.12")) {
      assertEquals(Errno.EINVAL, guest.enable(PAPR));
      guest.run.put(IMMEDIATE_EXIT, (byte) 1);
      assertEquals(
          rows.get("immediate_exit 1 after KVM_CAP_PPC_PAPR"),
          guest.ask(guest.vcpu, Request.RUN, 0).toString());
    }
  }

  /** ARM checks first: a vCPU that was not initialised is refused whatever the client asks for. */
  @Test
  void anArmChecksFirst() throws KvmException {
    Facts facts = Facts.of("arm64-gicv3-6.1");
    try (MappedGuest guest = new MappedGuest(kvm, "arm64-gicv3-6.1")) {
      guest.run.put(IMMEDIATE_EXIT, (byte) 1);
      assertEquals(
          facts.map("before_KVM_ARM_VCPU_INIT").get("KVM_RUN_immediate_exit"),
          guest.ask(guest.vcpu, Request.RUN, 0).toString());
    }
  }

  // KVM_GET_STATS_FD.

  /** A file of statistics, read as its header says. */
  private record Statistics(String header, String id, Map<String, String> all) {
    private static final String FORM = "flags 0x%x exponent %d size %d offset %d bucket_size %d";

    static Statistics of(ByteBuffer file) {
      int[] numbers = new int[6];
      file.slice().order(file.order()).asIntBuffer().get(numbers);
      int room = numbers[1];
      Map<String, String> all = new LinkedHashMap<>();
      for (int i = 0; i < numbers[2]; i++) {
        int at = numbers[4] + i * (16 + room);
        int size = file.getShort(at + 6);
        int offset = file.getInt(at + 8);
        all.put(
            name(file, at + 16, room),
            FORM.formatted(
                file.getInt(at), file.getShort(at + 4), size, offset, file.getInt(at + 12)));
        for (int value = 0; value < size; value++) {
          assertEquals(0, file.getLong(numbers[5] + offset + 8 * value), "of a CPU that never ran");
        }
      }
      String header =
          "flags %d name_size %d num_desc %d id_offset %d desc_offset %d data_offset %d"
              .formatted(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
      return new Statistics(header, name(file, numbers[3], room), all);
    }

    private static String name(ByteBuffer file, int at, int room) {
      byte[] bytes = new byte[room];
      file.get(at, bytes);
      return new String(bytes, StandardCharsets.US_ASCII).replaceFirst("\0.*", "");
    }
  }

  private static Statistics statistics(MappedGuest guest, int of, String name) throws KvmException {
    int fd = (int) guest.ioctl(of, Request.GET_STATS_FD, 0);
    assertEquals("anon_inode:" + name, guest.names.get(fd));
    byte[] content = guest.contents.get(fd);
    byte[] read = new byte[content.length + 1];
    assertEquals(content.length, guest.process.read(fd, read));
    assertEquals(0, guest.process.read(fd, read));
    return Statistics.of(ByteBuffer.wrap(content).order(guest.run.order()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"arm64-gicv2-6.1", "arm64-gicv3-6.1"})
  void anArmHasTheRecordedStatistics(String host) throws KvmException {
    Map<String, Object> facts = Facts.of(host).map("KVM_GET_STATS_FD");
    Tally tally = new Tally(host + ", KVM_GET_STATS_FD");
    try (MappedGuest guest = new MappedGuest(kvm, host)) {
      for (String kind : List.of("vm", "vcpu")) {
        boolean vm = kind.equals("vm");
        Statistics found =
            vm
                ? statistics(guest, guest.vm, "kvm-vm-stats")
                : statistics(guest, guest.vcpu, "kvm-vcpu-stats:0");
        assertEquals(vm ? "kvm-4711" : "kvm-4711/vcpu-0", found.id);
        Map<String, Object> rows = Facts.map(facts.get(kind));
        tally.check(kind + " header", rows.get("header"), found.header);
        assertEquals(rows.size() - 1, found.all.size());
        List<String> names = List.copyOf(found.all.keySet());
        rows.forEach(
            (key, recorded) -> {
              if (!key.equals("header")) {
                String[] words = key.split(" ");
                assertEquals(words[1], names.get(Integer.parseInt(words[0])));
                tally.check(kind + " " + key, recorded, found.all.get(words[1]));
              }
            });
      }
    }
    tally.finish();
  }

  @ParameterizedTest
  @ValueSource(strings = {"vm", "vcpu"})
  void anE500HasTheRecordedStatistics(String kind) throws KvmException {
    String host = "powerpc-e500v2-6.12";
    Map<String, Object> facts = Facts.map(Facts.of(host).map(kind).get("KVM_GET_STATS_FD"));
    Map<String, Object> rows = Facts.map(facts.get("descriptors and values"));
    Tally tally = new Tally(host + ", KVM_GET_STATS_FD of a " + kind);
    try (MappedGuest guest = new MappedGuest(kvm, host)) {
      int of = kind.equals("vm") ? guest.vm : guest.vcpu;
      String name = facts.get("link").toString().replace("anon_inode:", "");
      Statistics found = statistics(guest, of, name);
      List<String> header =
          Facts.texts(
              facts.get(
                  "header (flags, name_size, num_desc, id_offset, desc_offset, data_offset)"));
      ToIntFunction<String> number = text -> (int) Long.parseLong(text, 16);
      tally.check(
          "header",
          "flags %d name_size %d num_desc %d id_offset %d desc_offset %d data_offset %d"
              .formatted(header.stream().mapToInt(number).boxed().toArray()),
          found.header);
      rows.forEach(
          (key, value) -> {
            if (!key.equals("bytes")) {
              Map<String, Object> row = Facts.map(value);
              tally.check(
                  key,
                  Statistics.FORM.formatted(
                      number.applyAsInt(row.get("flags").toString()),
                      row.get("exponent"),
                      row.get("size"),
                      row.get("offset"),
                      row.get("bucket_size")),
                  String.valueOf(found.all.get(key)));
              assertEquals("0".repeat(row.get("values").toString().length()), row.get("values"));
            }
          });
      assertEquals(rows.size() - 1, found.all.size());
    }
    tally.finish();
  }

  /** Which statistics it has was not recorded. */
  @Test
  void aPower9HasStatistics() throws KvmException {
    try (MappedGuest guest = new MappedGuest(kvm, "ppc64-xics-6.1")) {
      assertEquals(4, statistics(guest, guest.vm, "kvm-vm-stats").all.size());
      assertEquals(40, statistics(guest, guest.vcpu, "kvm-vcpu-stats:0").all.size());
    }
  }
}
