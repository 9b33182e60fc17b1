package org.kvmdev.runtime.course;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Snapshot;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** What the package pages of the api show is compiled here, and does what they say. */
class CourseTest {
  private final Board board = new Board();
  private final Kvm kvm = Kvm.of(List.of(new MeterProvider(), board));

  /** A host to make VMs on, with a controller that notes its pins. */
  private static final class Board implements DeviceProvider {
    final boolean[] pins = new boolean[16];

    @Override
    public List<DeviceType> types() {
      return List.of();
    }

    @Override
    public Set<String> architectures() {
      return Set.of();
    }

    @Override
    public List<Host> hosts() {
      InputStream in = Kvm.class.getResourceAsStream("test-host.properties");
      return List.of(Host.read("test-host", in));
    }

    @Override
    public void join(Machine machine) {
      machine.controller(
          (InterruptController)
              (chip, pin, level) -> {
                pins[pin] = level != 0;
                return 1;
              });
    }

    @Override
    public DeviceOps create(DeviceType type, Machine machine) {
      throw new AssertionError("it has no types");
    }
  }

  private Vm board() throws KvmException {
    Vm vm = kvm.createVm("test-host");
    vm.setGsiRouting(List.of(new Routing.Route.Pin(5, 0, 5)));
    return vm;
  }

  @Test
  void theCoursesDeviceDoesWhatTheCourseSays() throws KvmException {
    // @start region="client"
    try (Vm vm = board();
        Device meter = vm.createDevice("KVM_DEV_TYPE_METER");
        Vcpu cpu = vm.createVcpu(0)) {
      meter.set(meter.attribute("BASE_ADDR"), 0x1000_0000L);
      meter.set(meter.attribute("LINE"), 5);
      meter.set(1, 0x4, 3); // LIMIT

      cpu.enter();
      cpu.write(0x1000_0000L, 4, 3); // the guest counts to 3
      cpu.exit();
      assertEquals(3, meter.get(1, 0x0));

      Snapshot saved = vm.save();
      // @end
      assertEquals(true, board.pins[5]);
      assertEquals(
          Errno.EINVAL, assertThrows(KvmException.class, () -> meter.set(0, 0, 0x1001L)).errno());
      assertEquals(Errno.ENXIO, assertThrows(KvmException.class, () -> meter.get(1, 0x2)).errno());
      assertEquals(
          Errno.EEXIST,
          assertThrows(KvmException.class, () -> vm.createDevice("KVM_DEV_TYPE_METER")).errno());
      try (Vm other = board();
          Device restored = other.createDevice("KVM_DEV_TYPE_METER")) {
        other.createVcpu(0);
        other.restore(saved);
        assertEquals(saved, other.save());
        restored.set(1, 0x0, 2);
        assertEquals(false, board.pins[5]);
      }
    }
  }

  @Test
  void everySnippetOfThePagesIsThere() throws IOException {
    Path api = Path.of("..", "api", "src", "main", "java", "org", "kvmdev", "api");
    int snippets = 0;
    for (String page : List.of("", "machine", "register")) {
      String text = Files.readString(api.resolve(page).resolve("package-info.java"));
      Matcher each = Pattern.compile("@snippet file=\"(.*?)\" region=\"(\\w+)\"").matcher(text);
      while (each.find()) {
        String source = Files.readString(Path.of("src/test/java").resolve(each.group(1)));
        String start = "// @" + "start region=\"" + each.group(2) + "\"";
        assertEquals(
            1,
            source
                .lines()
                .filter(line -> line.strip().equals(start))
                .collect(Collectors.counting()),
            each.group());
        snippets++;
      }
      assertEquals(-1, text.indexOf("<pre>"), page + ": a snippet that nobody compiles");
    }
    assertEquals(12, snippets);
  }
}
