package org.kvmdev.runtime;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.SystemRegisters;

/** A system register of a VM, looked up once by its name ({@link Vm#systemRegister}). */
public final class SystemRegister {
  static final int CONSTANT = -2;
  static final int UNDEFINED = -3;

  final @Nullable SystemRegisters port;
  final int encoding;
  final long constant;
  private final String name;

  SystemRegister(String name, @Nullable SystemRegisters port, int encoding, long constant) {
    this.name = name;
    this.port = port;
    this.encoding = encoding;
    this.constant = constant;
  }

  /** {@return the manual's name} */
  @Override
  public String toString() {
    return name;
  }
}
