package org.kvmdev.bridge;

import java.io.IOException;

/** A client process, as the server knows it. */
interface ServedProcess {
  /** What WELCOME tells the client of it. */
  int welcomeFlags();

  /** Serves a thread of the client until it ends; on a thread of its own. */
  void serve(Connection connection) throws IOException;

  /** Serves the process's own connection, until the process ends. */
  void attend(Connection connection) throws IOException;

  /** A child of it, which has its files. */
  ServedProcess fork(int pid);

  /** The process has ended. */
  void end();
}
