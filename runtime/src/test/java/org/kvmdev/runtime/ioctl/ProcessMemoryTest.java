package org.kvmdev.runtime.ioctl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** A client's address space. */
class ProcessMemoryTest {
  private static final int CHUNK = 1 << 16;

  private final ProcessMemory little = new ProcessMemory(ByteOrder.LITTLE_ENDIAN);
  private final ProcessMemory big = new ProcessMemory(ByteOrder.BIG_ENDIAN);

  private static void faults(Client.Call call) {
    Client.refused(Errno.EFAULT, call);
  }

  private static long write(ProcessMemory memory, long address, byte... bytes) throws KvmException {
    memory.write(address, bytes, 0, bytes.length);
    return 0;
  }

  private static byte[] read(ProcessMemory memory, long address, int length) throws KvmException {
    byte[] bytes = new byte[length];
    memory.read(address, bytes, 0, length);
    return bytes;
  }

  @Test
  void numbersAreInTheHostsOrder() throws KvmException {
    long at = little.map(100);
    little.writeNumber(at, 4, 0x11223344);
    assertArrayEquals(new byte[] {0x44, 0x33, 0x22, 0x11}, read(little, at, 4));
    long there = big.map(100);
    big.writeNumber(there, 4, 0x11223344);
    assertArrayEquals(new byte[] {0x11, 0x22, 0x33, 0x44}, read(big, there, 4));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8})
  void aNumberIsReadZeroExtendedWhereverItLies(int size) throws KvmException {
    long value = 0xf1e2_d3c4_b5a6_9788L;
    long expected = size == 8 ? value : value & (1L << 8 * size) - 1;
    for (ProcessMemory memory : List.of(little, big)) {
      long mapping = memory.map(3 * CHUNK);
      for (long at = mapping + CHUNK - 9; at < mapping + CHUNK + 9; at++) {
        memory.writeNumber(at, size, value);
        assertEquals(expected, memory.readNumber(at, size));
      }
      long untouched = mapping + 2 * CHUNK + 100;
      assertEquals(0, memory.readNumber(untouched, size));
      memory.writeNumber(untouched, size, value);
      assertEquals(expected, memory.readNumber(untouched, size));
      assertEquals(0, memory.readNumber(untouched + size, size));
    }
  }

  @Test
  void aNumberAcrossChunksHasItsBytesInOrder() throws KvmException {
    for (ProcessMemory memory : List.of(little, big)) {
      long at = memory.map(2 * CHUNK) + CHUNK - 3;
      write(memory, at, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
      long expected = memory == little ? 0x0807060504030201L : 0x0102030405060708L;
      assertEquals(expected, memory.readNumber(at, 8));
      memory.writeNumber(at, 8, 0x1122334455667788L);
      byte[] bytes = read(memory, at, 8);
      assertEquals(memory == little ? (byte) 0x88 : (byte) 0x11, bytes[0]);
      assertEquals(memory == little ? (byte) 0x11 : (byte) 0x88, bytes[7]);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 0x59, 0xc0000, 0xfff_fff0, Long.MIN_VALUE, -4096, -1})
  void nothingIsMappedThere(long address) {
    little.map(10 * CHUNK);
    faults(() -> little.readNumber(address, 1));
    faults(() -> little.readNumber(address, 8));
    faults(() -> write(little, address, (byte) 1));
    faults(() -> read(little, address, 1)[0]);
    faults(
        () -> {
          little.writeNumber(address, 4, 1);
          return 0;
        });
    faults(
        () -> {
          little.requireReadable(address, 24);
          return 0;
        });
    assertEquals(null, little.window(address, 24));
  }

  @Test
  void aCopyOutThatFaultsHasWrittenWhatIsMapped() throws KvmException {
    long end = little.map(4096) + 4096;
    faults(() -> write(little, end - 3, new byte[] {1, 2, 3, 4, 5}));
    assertArrayEquals(new byte[] {1, 2, 3}, read(little, end - 3, 3));
  }

  @Test
  void aNumberThatFaultsIsNotWrittenInPart() throws KvmException {
    long end = little.map(2 * CHUNK) + 2 * CHUNK;
    faults(
        () -> {
          little.writeNumber(end - 3, 4, -1);
          return 0;
        });
    assertEquals(0, little.readNumber(end - 3, 2));
    assertEquals(0, little.resident());
  }

  @Test
  void pagesBesideAMappingAreNotMapped() {
    for (int size : new int[] {1, 4096, CHUNK, CHUNK + 1}) {
      long begin = little.map(size);
      long end = begin + (size + 4095 & -4096);
      little.map(size);
      faults(() -> little.readNumber(begin - 1, 1));
      faults(() -> little.readNumber(end, 1));
      faults(() -> read(little, end - 1, 2)[0]);
    }
  }

  @Test
  void readOnlyMemoryFaultsOnWritesAlone() throws KvmException {
    long at = little.map(2 * CHUNK, true);
    assertEquals(0, little.readNumber(at, 8));
    faults(() -> write(little, at, (byte) 1));
    faults(
        () -> {
          little.writeNumber(at + CHUNK - 1, 8, 1);
          return 0;
        });
    little.protect(at, false);
    little.writeNumber(at, 8, 77);
    little.protect(at, true);
    assertEquals(77, little.readNumber(at, 8));
    faults(() -> write(little, at, (byte) 1));
  }

  @Test
  void whatIsUnmappedFaultsAndItsPlaceIsUsedAgain() throws KvmException {
    long at = little.map(CHUNK);
    little.writeNumber(at, 8, 1);
    little.unmap(at);
    faults(() -> little.readNumber(at, 8));
    faults(() -> write(little, at, (byte) 1));
    assertThrows(IllegalArgumentException.class, () -> little.unmap(at));
    assertEquals(at, little.map(10));
    assertEquals(0, little.readNumber(at, 8));
  }

  @Test
  void aLargeMappingTakesOnlyWhatIsTouched() throws KvmException {
    long guest = little.map(1L << 34);
    assertEquals(0, little.readNumber(guest + (1L << 33), 8));
    assertEquals(0, little.resident());
    little.writeNumber(guest + (1L << 33), 8, 5);
    write(little, guest + (1L << 34) - 4, new byte[4]);
    assertEquals(2 * CHUNK, little.resident());
    assertEquals(5, little.readNumber(guest + (1L << 33), 8));
  }

  @Test
  void sizesThatCannotBeMappedAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> little.map(0));
    assertThrows(IllegalArgumentException.class, () -> little.map(-1));
    assertThrows(IllegalArgumentException.class, () -> little.map(Long.MAX_VALUE));
  }

  @Test
  void aHostSaysWhatAPageIsAndWhereAddressesEnd() throws KvmException {
    ProcessMemory memory =
        ProcessMemory.of(
            ProbeProvider.host("wide", "endian=big", "page.size=65536", "user.end=0x20000000"));
    assertEquals(ByteOrder.BIG_ENDIAN, memory.order());
    long at = memory.map(1);
    assertEquals(0, memory.readNumber(at + 65528, 8));
    faults(() -> memory.readNumber(at + 65529, 8));
    assertThrows(IllegalArgumentException.class, () -> memory.map(0x1000_0000));
  }

  @Test
  void aCopyHasTheSameContentAndIsApart() throws KvmException {
    long at = little.map(4 * CHUNK);
    long readOnly = little.map(10, true);
    little.writeNumber(at, 8, 1);
    ProcessMemory copy = little.copy();
    little.writeNumber(at, 8, 2);
    copy.writeNumber(at + CHUNK, 8, 3);
    assertEquals(1, copy.readNumber(at, 8));
    assertEquals(0, little.readNumber(at + CHUNK, 8));
    faults(() -> write(copy, readOnly, (byte) 1));
    copy.unmap(at);
    assertEquals(2, little.readNumber(at, 8));
  }

  @Test
  void threadsThatTouchTheSameChunkLoseNothing() throws Exception {
    for (int round = 0; round < 50; round++) {
      long at = little.map(CHUNK);
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int mine = i;
        threads.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      try {
                        little.writeNumber(at + 8L * mine, 8, mine + 1);
                        little.map(CHUNK);
                      } catch (KvmException e) {
                        throw new AssertionError(e);
                      }
                    }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      for (int i = 0; i < 4; i++) {
        assertEquals(i + 1, little.readNumber(at + 8L * i, 8));
      }
    }
  }

  @Test
  void theMessageNamesTheAddress() {
    String message = Client.refused(Errno.EFAULT, () -> little.readNumber(0xc0000, 4)).getMessage();
    assertTrue(message.contains("0xc0000"), message);
  }
}
