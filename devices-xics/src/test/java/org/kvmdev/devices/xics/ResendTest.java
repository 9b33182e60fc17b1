package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;

/**
 * Sending again finds the most favoured source at once, where Linux tries all in turn. Both ways,
 * side by side over random calls of guests and users, well-behaved and not, show the same.
 */
class ResendTest {
  private static final int SERVERS = 3;
  private static final int[] SOURCES = {0x10, 0x11, 0x12, 0x400, 0x401, 0x402, 0x403, 0xf_ffff};

  /** A device that always tries all that waits in turn. */
  private static final class OneByOne extends VariantProvider {
    int resends;

    @Override
    Xics device(Machine machine) {
      return new Xics(machine, Partition.of(machine)) {
        @Override
        boolean anyUnsettled(boolean butOne) {
          resends++;
          return true;
        }
      };
    }
  }

  @Test
  void atOnceAndOneByOneShowTheSame() throws KvmException {
    OneByOne slow = new OneByOne();
    for (int seed = 0; seed < 60; seed++) {
      try (XicsMachine one = new XicsMachine(SERVERS);
          XicsMachine other = new XicsMachine(slow, SERVERS)) {
        for (int source : SOURCES) {
          one.edge(source, 0, 5);
          other.edge(source, 0, 5);
        }
        boolean hostile = seed % 3 == 0;
        Random first = new Random(seed);
        Random second = new Random(seed);
        for (int step = 0; step < 300; step++) {
          String what = "seed " + seed + ", step " + step;
          assertEquals(act(one, first, hostile), act(other, second, hostile), what);
          assertEquals(view(one), view(other), what);
        }
      }
    }
    assertTrue(slow.resends > 1000, "too few were sent again to tell");
  }

  /** Makes one call; answers what it answers. */
  private static long act(XicsMachine machine, Random random, boolean hostile) throws KvmException {
    int server = random.nextInt(SERVERS);
    int source = SOURCES[random.nextInt(SOURCES.length)];
    int priority = 2 + random.nextInt(5);
    switch (random.nextInt(hostile ? 12 : 10)) {
      case 0, 1, 2 -> machine.raise(source);
      case 3 -> machine.lower(source);
      case 4 -> {
        return machine.accept(server);
      }
      case 5 -> {
        return machine.end(server, 0xff00_0000 | source);
      }
      case 6 -> machine.cppr(server, random.nextInt(3) == 0 ? 0xff : priority);
      case 7 ->
          machine.ipi(server, random.nextInt(SERVERS), random.nextBoolean() ? 0xff : priority);
      case 8 -> {
        boolean done =
            switch (random.nextInt(3)) {
              case 0 -> machine.xics().mask(source);
              case 1 -> machine.xics().unmask(source);
              default -> machine.xics().setRoute(source, server, priority);
            };
        assertTrue(done);
      }
      case 9 ->
          machine.set(source, server | (long) priority << 32 | (long) random.nextInt(32) << 40);
      case 10 -> {
        return machine.end(server, priority << 24 | source);
      }
      default -> {
        int cppr = random.nextBoolean() ? 0xff : priority + 1;
        int mfrr = random.nextBoolean() ? 0xff : priority + 2;
        boolean nothing = random.nextBoolean();
        machine.vcpus[server].setRegister(
            Partition.ICP_STATE,
            nothing
                ? XicsMachine.icp(cppr, 0, mfrr, 0xff)
                : XicsMachine.icp(cppr, source, mfrr, priority));
      }
    }
    return 0;
  }

  private static String view(XicsMachine machine) throws KvmException {
    StringBuilder view = new StringBuilder();
    for (int server = 0; server < SERVERS; server++) {
      view.append("%016x %b ".formatted(machine.icp(server), machine.pin(server)));
    }
    for (int source : SOURCES) {
      view.append("%x:%x ".formatted(source, machine.source(source)));
    }
    return view.toString();
  }
}
