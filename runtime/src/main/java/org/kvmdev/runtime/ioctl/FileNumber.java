package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vm;

/** The number of a file that is being made: reserved, and then either installed or given back. */
final class FileNumber implements Vm.Reservation {
  private static final int NONE = -1;

  private final KvmProcess process;
  private int number = NONE;

  FileNumber(KvmProcess process) {
    this.process = process;
  }

  @Override
  public void reserve() throws KvmException {
    number = process.reserve();
  }

  /** From now on the number refers to the file. */
  int install(OpenFile file) {
    int installed = number;
    process.install(installed, file, true);
    number = NONE;
    return installed;
  }

  /** Gives the number back; after {@link #install} there is nothing to give back. */
  void cancelUnlessInstalled() {
    if (number != NONE) {
      process.cancel(number);
    }
  }
}
