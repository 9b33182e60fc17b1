package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The bitmaps of waiting sources, against a sorted set. */
class WaitingSourcesTest {
  @Test
  void theFirstIsTheMostFavouredAndOfEqualsTheLowestNumber() {
    Random random = new Random(1);
    WaitingSources waiting = new WaitingSources();
    TreeSet<Long> expected = new TreeSet<>();
    for (int i = 0; i < 200_000; i++) {
      int source = random.nextInt(4) == 0 ? random.nextInt(Sources.END) : random.nextInt(2048);
      int priority = random.nextInt(4) == 0 ? random.nextInt(255) : 4 + random.nextInt(3);
      long key = (long) priority << 32 | source;
      assertEquals(expected.contains(key), waiting.contains(source, priority));
      if (random.nextInt(expected.size() > 300 ? 4 : 2) == 0) {
        waiting.add(source, priority);
        expected.add(key);
      } else {
        long gone = expected.isEmpty() || random.nextBoolean() ? key : expected.first();
        assertEquals(expected.remove(gone), waiting.remove((int) gone, (int) (gone >>> 32)));
      }
      assertEquals(expected.size(), waiting.size());
      assertEquals(expected.isEmpty(), waiting.isEmpty());
      if (random.nextInt(3) != 0) {
        continue;
      }
      if (expected.isEmpty()) {
        assertEquals(0xff, waiting.firstPriority());
      } else {
        long first = expected.first();
        assertEquals(first >>> 32, waiting.firstPriority());
        assertTrue(waiting.contains((int) first, (int) (first >>> 32)));
        assertTrue(waiting.hasController((int) first >>> SourceController.SHIFT));
        if (random.nextBoolean()) {
          assertEquals((int) first, waiting.removeFirst());
          expected.remove(first);
          if (random.nextBoolean()) {
            waiting.add((int) first, (int) (first >>> 32));
            expected.add(first);
          }
        }
      }
    }
  }
}
