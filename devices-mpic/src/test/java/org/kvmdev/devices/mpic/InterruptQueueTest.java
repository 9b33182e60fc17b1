package org.kvmdev.devices.mpic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Comparator;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class InterruptQueueTest {
  private record Entry(int source, int priority) {}

  private final InterruptQueue queue = new InterruptQueue();

  @Test
  void anEmptyQueueIsBelowEveryPriority() {
    assertEquals(InterruptQueue.EMPTY, queue.priority());
    queue.add(263, 0);
    assertEquals(0, queue.priority());
    assertEquals(263, queue.first());
    queue.clear();
    assertEquals(InterruptQueue.EMPTY, queue.priority());
  }

  @Test
  void theFirstIsOfTheHighestPriorityAndOfEqualOnesTheLowest() {
    TreeSet<Entry> expected =
        new TreeSet<>(
            Comparator.comparingInt((Entry entry) -> -entry.priority)
                .thenComparingInt(Entry::source));
    Random random = new Random(1);
    int[] priorities = random.ints(Source.COUNT, 0, 16).toArray();
    for (int step = 0; step < 20_000; step++) {
      int source = random.nextInt(Source.COUNT);
      Entry entry = new Entry(source, priorities[source]);
      if (random.nextInt(100) < step / 200) {
        queue.remove(source, priorities[source]);
        expected.remove(entry);
      } else {
        queue.add(source, priorities[source]);
        expected.add(entry);
      }
      if (expected.isEmpty()) {
        assertEquals(InterruptQueue.EMPTY, queue.priority());
      } else {
        assertEquals(expected.first().priority, queue.priority());
        assertEquals(expected.first().source, queue.first());
      }
    }
  }
}
