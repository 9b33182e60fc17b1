package org.kvmdev.devices.xics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.GuestMemory;

/**
 * The block by which a guest calls RTAS: token, count of arguments, count of results, then the
 * arguments and behind them the results, 16 words in all. It is big-endian whatever the guest is.
 * One a vCPU, which makes one call at a time.
 */
final class RtasArguments {
  /** The block with all that Linux copies: 3 words, 16 words, and a pointer of its own. */
  static final int SIZE = 88;

  private static final int WORDS = 16;

  /** Real addresses have 60 bits. */
  private static final long ADDRESS = 0x0fff_ffff_ffff_ffffL;

  private static final KvmException NOT_IN_MEMORY =
      KvmException.constant(
          Errno.EFAULT, "H_RTAS: the 88 bytes of the argument block are not in guest memory");

  private final byte[] bytes = new byte[SIZE];
  private final ByteBuffer block = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);

  /**
   * Reads a block.
   *
   * @throws KvmException EFAULT where it is not in memory, EINVAL where no result would fit
   */
  void read(GuestMemory memory, long address) throws KvmException {
    if (!memory.read(address & ADDRESS, bytes, 0, SIZE)) {
      throw NOT_IN_MEMORY;
    }
    if (Integer.compareUnsigned(count(), WORDS) >= 0) {
      throw new KvmException(
          Errno.EINVAL,
          "H_RTAS: %d arguments leave no room for a result; there can be 15",
          count() & 0xffff_ffffL);
    }
  }

  /**
   * Writes the whole block back.
   *
   * @throws KvmException EFAULT where it is not in memory that can be written
   */
  void write(GuestMemory memory, long address) throws KvmException {
    if (!memory.write(address & ADDRESS, bytes, 0, SIZE)) {
      throw NOT_IN_MEMORY;
    }
  }

  long token() {
    return block.getInt(0) & 0xffff_ffffL;
  }

  /** Whether the counts are as a routine wants them. */
  boolean fits(RtasCall call) {
    return count() == call.arguments && block.getInt(8) == call.results;
  }

  int argument(int index) {
    return block.getInt(12 + 4 * index);
  }

  void result(int index, int value) {
    block.putInt(12 + 4 * (count() + index), value);
  }

  private int count() {
    return block.getInt(4);
  }
}
