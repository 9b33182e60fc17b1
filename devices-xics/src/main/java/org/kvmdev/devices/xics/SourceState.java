package org.kvmdev.devices.xics;

/**
 * What is known of one source, in one {@code long}, so that it can be looked at without a lock. The
 * lower half is as in the word that users see ({@link SourceField}).
 */
final class SourceState {
  /** The priority that masks. */
  static final int MASKED = 0xff;

  static final long SERVER = 0xffff_ffffL;
  static final long PRIORITY = 0xffL << 32;
  static final long LEVEL = 1L << 40;

  /** It arrived while masked. */
  static final long MASKED_PENDING = 1L << 42;

  static final long PRESENTED = 1L << 43;
  static final long QUEUED = 1L << 44;

  /** A user has set it; sources that only RTAS touched do not exist for users. */
  static final long EXISTS = 1L << 45;

  /** The priority to be restored when it is unmasked. */
  static final long SAVED_PRIORITY = 0xffL << 48;

  /** A source that nobody has touched: masked, and sent to server 0. */
  static final long INITIAL = PRIORITY | SAVED_PRIORITY;

  private static final long WORD_MASKED = 1L << SourceField.MASKED.low;
  private static final long WORD_PENDING = 1L << SourceField.PENDING.low;

  private SourceState() {}

  static int server(long state) {
    return (int) state;
  }

  static int priority(long state) {
    return (int) (state >>> 32) & 0xff;
  }

  static int savedPriority(long state) {
    return (int) (state >>> 48) & 0xff;
  }

  /** The bits that say where and how it is sent; of the priorities, the low 8 bits count. */
  static long route(int server, int priority, int savedPriority) {
    return server & SERVER | (priority & 0xffL) << 32 | (savedPriority & 0xffL) << 48;
  }

  /** The state that a user's word describes. */
  static long ofWord(long word) {
    int priority = priority(word);
    long state = EXISTS | word & (LEVEL | PRESENTED | QUEUED);
    if (isPending(word)) {
      state |= PRESENTED;
    }
    return state | route(server(word), (word & WORD_MASKED) != 0 ? MASKED : priority, priority);
  }

  /**
   * The word that users see.
   *
   * @param state the state
   * @param waits whether it waits for its server
   */
  static long toWord(long state, boolean waits) {
    boolean masked = priority(state) == MASKED;
    long word = state & (SERVER | LEVEL | PRESENTED | QUEUED);
    word |= (long) (masked ? savedPriority(state) : priority(state)) << SourceField.PRIORITY.low;
    if (masked) {
      word |= WORD_MASKED;
    }
    boolean pending =
        (state & LEVEL) != 0 ? (state & PRESENTED) != 0 : waits || (state & MASKED_PENDING) != 0;
    return pending ? word | WORD_PENDING : word;
  }

  /** Whether a user's word says that the source is pending. */
  static boolean isPending(long word) {
    return (word & WORD_PENDING) != 0;
  }
}
