package org.kvmdev.devices.xics;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/** Which tokens a VM's guest calls which routines of RTAS by (KVM_PPC_RTAS_DEFINE_TOKEN). */
final class RtasTokens {
  private static final KvmException UNKNOWN_NAME =
      KvmException.constant(
          Errno.ENOENT,
          "the name is of no routine that is answered here: ibm,set-xive, ibm,get-xive,"
              + " ibm,int-off, ibm,int-on");

  private volatile List<Token> tokens = List.of();

  /** A token of a routine; a routine may have several. */
  record Token(long token, RtasCall call) {}

  /** The tokens, in the order in which they were defined. */
  List<Token> all() {
    return tokens;
  }

  /** The routine of a token, or null. */
  @Nullable RtasCall find(long token) {
    List<Token> all = tokens;
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).token == token) {
        return all.get(i).call;
      }
    }
    return null;
  }

  /**
   * Answers the request: {@code struct kvm_rtas_token_args}, a name of 120 bytes and a 64-bit
   * token. Token 0 takes the routine's first token away.
   *
   * @throws KvmException EFAULT; EEXIST where the token is a routine's; ENOENT for another name
   */
  synchronized void define(UserMemory memory, long address) throws KvmException {
    byte[] name = new byte[RtasCall.NAME_LENGTH];
    memory.read(address, name, 0, name.length);
    long token = memory.readNumber(address + name.length, Long.BYTES);
    RtasCall call = RtasCall.named(name);
    List<Token> next = new ArrayList<>(tokens);
    if (token == 0) {
      for (int i = 0; i < next.size(); i++) {
        if (next.get(i).call == call) {
          next.remove(i);
          break;
        }
      }
    } else {
      if (find(token) != null) {
        throw new KvmException(
            Errno.EEXIST, "token %#x is a routine's already; define one that is free", token);
      }
      if (call == null) {
        throw UNKNOWN_NAME;
      }
      next.add(new Token(token, call));
    }
    tokens = List.copyOf(next);
  }
}
