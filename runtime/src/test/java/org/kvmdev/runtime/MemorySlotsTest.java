package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.VmTest.refused;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** Guest memory through its slots. */
class MemorySlotsTest {
  private final MemorySlots slots = new MemorySlots();
  private final byte[] user = new byte[0x4000];
  private final BytesMemory memory = new BytesMemory(user);

  private void map(int slot, long base, long size, long at) throws KvmException {
    slots.set(slot, 0, base, size, memory, at);
  }

  @Test
  void aCopyCrossesFromSlotToSlot() throws KvmException {
    map(0, 0x1000, 0x1000, 0);
    map(1, 0x2000, 0x1000, 0x2000);
    assertTrue(slots.write(0x1ffe, new byte[] {1, 2, 3, 4}, 0, 4));
    assertArrayEquals(new byte[] {1, 2}, Arrays.copyOfRange(user, 0xffe, 0x1000));
    assertArrayEquals(new byte[] {3, 4}, Arrays.copyOfRange(user, 0x2000, 0x2002));
    byte[] back = new byte[4];
    assertTrue(slots.read(0x1ffe, back, 0, 4));
    assertArrayEquals(new byte[] {1, 2, 3, 4}, back);
  }

  @Test
  void aFailingWriteHasWrittenThePagesBefore() throws KvmException {
    map(0, 0x1000, 0x1000, 0);
    assertFalse(slots.write(0x1ffe, new byte[] {1, 2, 3, 4}, 0, 4));
    assertArrayEquals(new byte[] {1, 2}, Arrays.copyOfRange(user, 0xffe, 0x1000));
    assertFalse(slots.isMapped(0x2000));
    assertTrue(slots.isMapped(0x1fff));
  }

  @Test
  void aReadOnlySlotIsReadAndNotWritten() throws KvmException {
    slots.set(0, MemorySlots.READ_ONLY, 0x1000, 0x1000, memory, 0);
    assertTrue(slots.read(0x1000, new byte[1], 0, 1));
    assertFalse(slots.write(0x1000, new byte[1], 0, 1));
  }

  @Test
  void slotsAreWholePagesAndDoNotOverlap() throws KvmException {
    map(0, 0x1000, 0x2000, 0);
    refused(Errno.EINVAL, () -> map(1, 0x5001, 0x1000, 0));
    refused(Errno.EINVAL, () -> map(1, 0x5000, 0x1001, 0));
    refused(Errno.EINVAL, () -> slots.set(1, 8, 0x5000, 0x1000, memory, 0));
    refused(Errno.EINVAL, () -> map(1 << 16, 0x5000, 0x1000, 0));
    refused(Errno.EINVAL, () -> map(1, -0x1000, 0x2000, 0));
    refused(Errno.EEXIST, () -> map(1, 0x2000, 0x1000, 0));
    refused(Errno.EINVAL, () -> map(0, 0x1000, 0x1000, 0));
    refused(Errno.EINVAL, () -> map(7, 0, 0, 0));
  }

  @Test
  void aSlotOfNoSizeIsGone() throws KvmException {
    map(0, 0x1000, 0x1000, 0);
    map(0, 0x1000, 0, 0);
    assertFalse(slots.isMapped(0x1000));
    map(3, 0x1000, 0x1000, 0);
    assertTrue(slots.isMapped(0x1000));
  }
}
