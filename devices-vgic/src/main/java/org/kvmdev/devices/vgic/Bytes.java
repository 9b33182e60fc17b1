package org.kvmdev.devices.vgic;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Numbers of 64 bits as an ITS has them in guest memory: little-endian. */
final class Bytes {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN)
          .withInvokeExactBehavior();

  private Bytes() {}

  static long load(byte[] bytes, int at) {
    return (long) LONG.get(bytes, at);
  }

  static void store(byte[] bytes, int at, long value) {
    LONG.set(bytes, at, value);
  }
}
