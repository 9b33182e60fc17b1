package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.VmTest.refused;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;

/** Guest memory through its slots. */
class MemorySlotsTest {
  private static Host host(String... lines) {
    String text = "architecture=a\nendian=little\n" + String.join("\n", lines);
    return Host.read("test", new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
  }

  private final MemorySlots slots = new MemorySlots(host("cap.81=1"), 0);
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
  void pagesAndSlotsAreTheHosts() throws KvmException {
    MemorySlots large = new MemorySlots(host("page.size=65536", "cap.10=32767"), 0);
    refused(Errno.EINVAL, () -> large.set(0, 0, 0, 0x1000, memory, 0));
    refused(Errno.EINVAL, () -> large.set(0, 0, 0x1000, 0x10000, memory, 0));
    refused(Errno.EINVAL, () -> large.set(0, 0, 0, 0x10000, memory, 0x1000));
    refused(Errno.EINVAL, () -> large.set(32767, 0, 0, 0x10000, memory, 0));
    refused(Errno.EINVAL, () -> large.set(0, MemorySlots.READ_ONLY, 0, 0x10000, memory, 0));
    large.set(32766, 0, 0, 0x10000, memory, 0);
    assertTrue(large.isMapped(0xffff));
  }

  @Test
  void guestAddressesHaveTheBitsOfTheTypeElseOfTheHost() throws KvmException {
    Host host = host("guest.bits=40", "guest.bits.type=0xff");
    MemorySlots forty = new MemorySlots(host, 0);
    forty.set(0, 0, (1L << 40) - 0x1000, 0x1000, memory, 0);
    refused(Errno.EEXIST, () -> forty.set(1, 0, (1L << 40) - 0x1000, 0x2000, memory, 0));
    refused(Errno.EFAULT, () -> forty.set(1, 0, 1L << 40, 0x1000, memory, 0));
    MemorySlots thirtySix = new MemorySlots(host, 36);
    thirtySix.set(0, 0, (1L << 36) - 0x1000, 0x1000, memory, 0);
    refused(Errno.EFAULT, () -> thirtySix.set(1, 0, 1L << 36, 0x1000, memory, 0));
  }

  @Test
  void userMemoryEndsWhereTheHostSays() throws KvmException {
    MemorySlots small = new MemorySlots(host("word.bits=32", "user.end=0xc0000000"), 0);
    refused(Errno.EINVAL, () -> small.set(0, 0, 0, 0x1000, memory, 0xc000_0000L));
    refused(Errno.EINVAL, () -> small.set(0, 0, 0, 0x2000, memory, 0xbfff_f000L));
    refused(Errno.EINVAL, () -> small.set(0, 0, 0, 1L << 40, memory, 0));
    small.set(0, 0, 0, 0x1000, memory, 0xbfff_f000L);
    // The high half of an address is not looked at: this is address 0x1000.
    small.set(1, 0, 0x1000, 0x1000, memory, 0x5_0000_1000L);
    user[0x1000] = 42;
    byte[] back = new byte[1];
    assertTrue(small.read(0x1000, back, 0, 1));
    assertArrayEquals(new byte[] {42}, back);
  }

  @Test
  void aSlotHasFewerThanTwoToThe31Pages() throws KvmException {
    refused(Errno.EINVAL, () -> map(0, 0, 1L << 43, 0));
    map(0, 0, (1L << 43) - 0x1000, 0);
    assertTrue(slots.isMapped((1L << 43) - 0x1001));
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
