package org.kvmdev.bridge;

import java.io.IOException;
import java.util.List;

/** A client process, as the server knows it. */
interface ServedProcess {
  /** What WELCOME tells the client of it. */
  int welcomeFlags();

  /** Which values WELCOME wants along with requests. */
  List<Along> along();

  /**
   * A value that a request's structure points to, and that is sent along with it.
   *
   * @param request the request's number
   * @param at where in the structure the address is, of 8 bytes
   * @param length how many bytes are sent at most
   */
  record Along(int request, int at, int length) {}

  /** Serves a thread of the client until it ends; on a thread of its own. */
  void serve(Connection connection) throws IOException;

  /** Serves the process's own connection, until the process ends. */
  void attend(Connection connection) throws IOException;

  /** A child of it, which has its files. */
  ServedProcess fork(int pid);

  /** The process has ended. */
  void end();
}
