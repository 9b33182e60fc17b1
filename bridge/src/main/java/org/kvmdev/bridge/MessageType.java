package org.kvmdev.bridge;

/** The types of messages, by the numbers of {@code protocol.h}. */
final class MessageType {
  static final int HELLO = 1;
  static final int WELCOME = 2;
  static final int REFUSED = 3;

  static final int ADOPT = 10;
  static final int IOCTL = 11;
  static final int CLOSE = 12;
  static final int DUP = 13;
  static final int MMAP = 14;
  static final int SIGNALLED = 15;

  static final int READ = 20;
  static final int BYTES = 21;
  static final int WRITE = 22;
  static final int RESERVE = 23;
  static final int INSTALL = 24;
  static final int CANCEL = 25;
  static final int IS_OPEN = 26;
  static final int SLEEP = 27;
  static final int WRITE_RUN = 28;
  static final int CALL = 29;
  static final int TRACK = 30;
  static final int RESULT = 31;
  static final int EVENT = 32;

  static final int LISTEN = 33;
  static final int UNLISTEN = 34;
  static final int SIGNAL = 35;
  static final int FORGET = 36;

  static final int FILL = 37;
  static final int PEEK = 38;

  static final int DONE = 40;

  private MessageType() {}
}
