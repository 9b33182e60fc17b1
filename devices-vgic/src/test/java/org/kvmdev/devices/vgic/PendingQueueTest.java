package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;

/**
 * The queue's order is that of a plain list which is sorted, stably and as a whole, whenever the
 * queue is.
 */
class PendingQueueTest {
  /** A plain list with the kernel's order: active, deliverable by priority, the rest. */
  private static int rank(Interrupt irq) {
    if (irq.active) {
      return -1;
    }
    return irq.enabled && irq.isPending() ? irq.priority : 256;
  }

  private static List<Integer> order(PendingQueue queue) {
    List<Integer> intids = new ArrayList<>();
    for (Interrupt irq = queue.first(); irq != null; irq = queue.after(irq)) {
      intids.add(irq.intid);
    }
    return intids;
  }

  private static List<Integer> order(List<Interrupt> plain) {
    return plain.stream().map(irq -> irq.intid).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 8, 40, 150})
  void sorted_as_a_plain_list_would_be(int interrupts) throws KvmException {
    Random random = new Random(interrupts);
    try (TestGic gic = new TestGic(true, 2)) {
      Vgic vgic = gic.vgic();
      VgicCpu cpu = vgic.cpu(0);
      VgicCpu other = vgic.cpu(1);
      PendingQueue queue = cpu.queue;
      List<Interrupt> plain = new ArrayList<>();
      List<Interrupt> all = new ArrayList<>();
      for (int intid = 32; intid < 32 + interrupts; intid++) {
        Interrupt irq = vgic.spi(intid);
        irq.edge = true;
        all.add(irq);
      }
      for (int step = 0; step < 20_000; step++) {
        Interrupt irq = all.get(random.nextInt(interrupts));
        switch (random.nextInt(9)) {
          case 0 -> irq.priority = random.nextInt(32) << 3;
          case 1 -> irq.priority = random.nextInt(3) << 3;
          case 2 -> irq.active = random.nextInt(6) == 0;
          case 3 -> irq.enabled = random.nextInt(4) != 0;
          case 4, 5 -> irq.latch = random.nextInt(4) != 0;
          case 6 -> irq.target = random.nextInt(8) == 0 ? other : cpu;
          case 7 -> {
            queue.sort();
            plain.sort((a, b) -> rank(a) - rank(b));
          }
          default -> {
            Interrupt chain = queue.prune();
            List<Integer> leaving = new ArrayList<>();
            for (Interrupt moved = chain; moved != null; moved = moved.next) {
              if (moved.queueWhenHome) {
                leaving.add(moved.intid);
              }
            }
            assertEquals(
                order(plain.stream().filter(i -> vgic.destination(i) == other).toList()),
                leaving,
                "what moves, in order");
            plain.removeIf(i -> !i.queued);
            for (Interrupt moved = chain; moved != null; ) {
              Interrupt next = moved.next;
              moved.next = null;
              moved = next;
            }
          }
        }
        if (irq.queued) {
          queue.changed(irq);
        } else if (vgic.destination(irq) == cpu) {
          queue.add(irq);
          plain.add(irq);
        }
        assertEquals(order(plain), order(queue), "step " + step);
        assertEquals(
            plain.stream().mapToInt(Interrupt::listRegisters).sum(), queue.weight(), "weight");
      }
    }
  }
}
