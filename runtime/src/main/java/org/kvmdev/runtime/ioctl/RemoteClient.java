package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.KvmException;

/**
 * A client that is another process, as a {@link KvmProcess} asks things of it while it answers a
 * request: its memory, its file descriptors, and to wait. A bridge implements it.
 *
 * <p>Every method is called on the thread that makes the request, so that a bridge can ask the very
 * thread of the client that waits for the answer. Some can come from another thread too, when a
 * device reaches for guest memory; a bridge finds itself a way to the client then.
 */
public interface RemoteClient {
  /**
   * Copies bytes in.
   *
   * @param address where the client has them
   * @param to what receives them
   * @param at the first index in {@code to}
   * @param length how many
   * @throws KvmException EFAULT where any of the bytes cannot be read, or the client is gone
   */
  void read(long address, byte[] to, int at, int length) throws KvmException;

  /**
   * Copies bytes out.
   *
   * @param address where the client wants them
   * @param from what is copied
   * @param at the first index in {@code from}
   * @param length how many
   * @throws KvmException EFAULT where any of the bytes cannot be written, or the client is gone;
   *     bytes before it may have been written
   */
  void write(long address, byte[] from, int at, int length) throws KvmException;

  /**
   * Takes a free file descriptor; until {@link #install} it is no file of KVM's.
   *
   * @return the number
   * @throws KvmException EMFILE
   */
  int reserve() throws KvmException;

  /**
   * From now on a reserved file descriptor is a file of KVM's, closed on exec.
   *
   * @param number what {@link #reserve} answered
   * @param kind what kind of file
   * @param name what {@code readlink} of /proc/self/fd answers
   * @param size how many bytes of it can be mapped and are the client's own; 0 for none
   */
  void install(int number, FileKind kind, String name, long size);

  /**
   * A file of KVM's that was just installed can be read, and not be written or mapped.
   *
   * @param number its file descriptor
   * @param content what is in it
   */
  void fill(int number, byte[] content);

  /**
   * Gives a reserved file descriptor back.
   *
   * @param number what {@link #reserve} answered
   */
  void cancel(int number);

  /**
   * Whether a file descriptor that is not of KVM's is open.
   *
   * @param number the file descriptor
   * @return true where it is
   */
  boolean isOpen(int number);

  /**
   * Whether the vCPU whose request is being answered is not to run at all.
   *
   * @param offset where in its mapping the byte is that says so, if it is not 0
   * @return true where it does
   */
  boolean immediateExit(int offset);

  /**
   * What a vCPU does while it runs: it waits, as one that sleeps.
   *
   * @param immediateExit where in the vCPU's mapping the byte is that says not to wait at all
   * @param signals which signals are blocked in the meantime, as the client gave them in
   *     KVM_SET_SIGNAL_MASK; empty for those that the thread has blocked anyway
   * @return why it waits no longer
   */
  Wakeup sleep(int immediateExit, byte[] signals);

  /**
   * Writes into the mapping of the vCPU whose request is being answered.
   *
   * @param offset the byte offset in it
   * @param bytes what is written
   */
  void writeRun(int offset, byte[] bytes);

  /**
   * The process's number, as it sees it itself.
   *
   * @return the process id
   */
  long pid();

  /** Why a vCPU that was run waits no longer. */
  enum Wakeup {
    /** A signal is pending for its thread. */
    SIGNAL,
    /** The client asked for it by {@code immediate_exit}. */
    IMMEDIATE_EXIT,
    /** The guest has switched itself off. */
    OFF
  }
}
