package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** RTAS: tokens, argument blocks, and what its routines do. */
class RtasTest {
  private static final int SET_XIVE = 0x2000;
  private static final int GET_XIVE = 0x2001;
  private static final int INT_OFF = 0x2002;
  private static final int INT_ON = 0x2003;
  private static final long USER_SPACE = -1;

  private XicsMachine machine;

  @BeforeEach
  void make() throws KvmException {
    machine = new XicsMachine(2);
    machine.edge(0x1000, 0, 5);
  }

  @AfterEach
  void close() {
    machine.close();
  }

  private void defineAll() throws KvmException {
    machine.defineToken("ibm,set-xive", SET_XIVE);
    machine.defineToken("ibm,get-xive", GET_XIVE);
    machine.defineToken("ibm,int-off", INT_OFF);
    machine.defineToken("ibm,int-on", INT_ON);
  }

  private static void refused(Errno errno, Executable call) {
    KvmException refusal = assertThrows(KvmException.class, call);
    assertEquals(errno, refusal.errno(), refusal::getMessage);
  }

  @Test
  void withoutTokensTheCallGoesToUserSpace() throws KvmException {
    assertEquals(USER_SPACE, machine.call(0, Hypercall.H_RTAS, 0));
    defineAll();
    assertEquals(USER_SPACE, machine.rtas(0, 0x2004, 1, 0x1000));
    refused(Errno.EFAULT, () -> machine.call(0, Hypercall.H_RTAS, 0));
  }

  @Test
  void aRouteIsSetAndRead() throws KvmException {
    defineAll();
    assertEquals(0, machine.rtas(0, SET_XIVE, 1, 0x1000, 1, 3));
    assertEquals(0, machine.rtasResult(0));
    assertEquals(0, machine.rtas(1, GET_XIVE, 3, 0x1000));
    assertEquals(0, machine.rtasResult(0));
    assertEquals(1, machine.rtasResult(1));
    assertEquals(3, machine.rtasResult(2));
  }

  @Test
  void aSourceIsMaskedAndUnmasked() throws KvmException {
    defineAll();
    machine.rtas(0, INT_OFF, 1, 0x1000);
    assertEquals(5L << 32 | XicsMachine.MASKED, machine.source(0x1000));
    machine.rtas(0, GET_XIVE, 3, 0x1000);
    assertEquals(0xff, machine.rtasResult(2));
    machine.raise(0x1000);
    machine.rtas(0, INT_ON, 1, 0x1000);
    assertEquals(0, machine.rtasResult(0));
    assertTrue(machine.pin(0));
  }

  @Test
  void onlyPriority255ItselfKeepsBackWhatIsPending() throws KvmException {
    defineAll();
    machine.rtas(0, INT_OFF, 1, 0x1000);
    machine.raise(0x1000);
    machine.rtas(0, SET_XIVE, 1, 0x1000, 0, 0xff);
    assertFalse(machine.pin(0));
    machine.rtas(0, SET_XIVE, 1, 0x1000, 0, 0x1ff);
    assertFalse(machine.pin(0));
    machine.rtas(0, SET_XIVE, 1, 0x1000, 0, 0x104);
    assertEquals(XicsMachine.icp(0xff, 0x1000, 0xff, 4), machine.icp(0));
  }

  @Test
  void wrongArgumentsAreAStatus() throws KvmException {
    defineAll();
    int[][] calls = {
      {SET_XIVE, 1, 0x1000, 2, 3},
      {SET_XIVE, 1, 0x2000, 0, 3},
      {SET_XIVE, 2, 0x1000, 0, 3},
      {SET_XIVE, 1, 0x1000, 0},
      {GET_XIVE, 3, 0x2000},
      {GET_XIVE, 1, 0x1000},
      {INT_OFF, 1, 0x2000},
      {INT_OFF, 1, 0x1000, 0},
      {INT_ON, 1, 0x2000},
      {INT_ON, 0, 0x1000},
    };
    for (int[] call : calls) {
      assertEquals(0, machine.rtas(0, call[0], call[1], Arrays.copyOfRange(call, 2, call.length)));
      assertEquals(RtasCall.PARAMETER_ERROR, machine.rtasResult(0), Arrays.toString(call));
    }
    assertEquals(5L << 32, machine.source(0x1000));
  }

  @Test
  void aBlockHasRoomForFifteenArguments() throws KvmException {
    defineAll();
    assertEquals(0, machine.rtas(0, INT_ON, 1, new int[15]));
    assertEquals(RtasCall.PARAMETER_ERROR, machine.rtasResult(0));
    refused(Errno.EINVAL, () -> machine.rtas(0, INT_ON, 1, new int[16]));
    refused(Errno.EINVAL, () -> machine.rtas(0, 0x9999, 1, new int[16]));
    machine.ram[4] = (byte) 0x80;
    refused(Errno.EINVAL, () -> machine.call(0, Hypercall.H_RTAS, XicsMachine.RAM));
  }

  @Test
  void theAddressHasSixtyBits() throws KvmException {
    defineAll();
    machine.rtas(0, INT_OFF, 1, 0x1000);
    machine.ram[3] = 3;
    assertEquals(0, machine.call(0, Hypercall.H_RTAS, 0xf000_0000_0000_0000L | XicsMachine.RAM));
    assertEquals(5L << 32, machine.source(0x1000));
  }

  @Test
  void theRestOfTheBlockIsLeftAlone() throws KvmException {
    defineAll();
    Arrays.fill(machine.ram, 0, 128, (byte) 0xa5);
    machine.rtas(0, INT_OFF, 1, 0x1000);
    byte[] rest = new byte[128 - 20];
    Arrays.fill(rest, (byte) 0xa5);
    assertArrayEquals(rest, Arrays.copyOfRange(machine.ram, 20, 128));
  }

  @Test
  void aTokenNamesOneRoutineAndARoutineMayHaveSeveral() throws KvmException {
    machine.defineToken("ibm,int-on", 1);
    machine.defineToken("ibm,int-on", 0x1_0000_0001L);
    refused(Errno.EEXIST, () -> machine.defineToken("ibm,int-off", 1));
    refused(Errno.EEXIST, () -> machine.defineToken("nothing", 1));
    refused(Errno.ENOENT, () -> machine.defineToken("nothing", 2));
    refused(Errno.ENOENT, () -> machine.defineToken("ibm,int-on2", 2));
    refused(Errno.ENOENT, () -> machine.defineToken("ibm,int-o", 2));
    machine.defineToken("nothing", 0);
    machine.defineToken("ibm,int-on", 0);
    assertEquals(USER_SPACE, machine.rtas(0, 1, 1, 0x1000));
    refused(Errno.EEXIST, () -> machine.defineToken("ibm,int-off", 0x1_0000_0001L));
    machine.defineToken("ibm,int-on", 0);
    assertEquals(USER_SPACE, machine.call(0, Hypercall.H_RTAS, 0));
  }
}
