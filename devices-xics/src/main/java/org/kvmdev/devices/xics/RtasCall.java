package org.kvmdev.devices.xics;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The routines of RTAS that are answered here, once KVM_PPC_RTAS_DEFINE_TOKEN gave them a token
 * (Power Architecture Platform Reference, "Run-Time Abstraction Services").
 */
enum RtasCall {
  /** Sets where a source is sent. */
  SET_XIVE(
      "ibm,set-xive",
      3,
      1,
      "source, server, priority",
      "status",
      "Sets the server and the priority of a source; priority 0xff masks it."),
  /** Reads where a source is sent. */
  GET_XIVE(
      "ibm,get-xive",
      1,
      3,
      "source",
      "status, server, priority",
      "Reads the server and the priority of a source; 0xff where it is masked."),
  /** Masks a source. */
  INT_OFF("ibm,int-off", 1, 1, "source", "status", "Masks a source and keeps its priority."),
  /** Unmasks a source. */
  INT_ON("ibm,int-on", 1, 1, "source", "status", "Gives a source the priority back that was kept.");

  /** The status of a call that went well. */
  static final int SUCCESS = 0;

  /** The status of a call whose arguments are wrong: their count, a source, a server. */
  static final int PARAMETER_ERROR = -3;

  /** How long the field of a name is in KVM_PPC_RTAS_DEFINE_TOKEN. */
  static final int NAME_LENGTH = 120;

  final String routine;
  final int arguments;
  final int results;
  final String argumentNames;
  final String resultNames;
  final String meaning;
  private final byte[] bytes;

  RtasCall(
      String routine,
      int arguments,
      int results,
      String argumentNames,
      String resultNames,
      String meaning) {
    this.routine = routine;
    this.arguments = arguments;
    this.results = results;
    this.argumentNames = argumentNames;
    this.resultNames = resultNames;
    this.meaning = meaning;
    this.bytes = Arrays.copyOf(routine.getBytes(StandardCharsets.US_ASCII), routine.length() + 1);
  }

  /** The routine whose name a field holds, ended by a zero byte; null where it is none of these. */
  static @Nullable RtasCall named(byte[] field) {
    for (RtasCall call : values()) {
      if (Arrays.equals(field, 0, call.bytes.length, call.bytes, 0, call.bytes.length)) {
        return call;
      }
    }
    return null;
  }
}
