package org.kvmdev.testkit.replay;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.testkit.trace.BrokenLine;
import org.kvmdev.testkit.trace.Call;
import org.kvmdev.testkit.trace.CallKind;
import org.kvmdev.testkit.trace.Field;
import org.kvmdev.testkit.trace.Header;
import org.kvmdev.testkit.trace.Trace;

/**
 * Replays recordings: makes the same calls with the same inputs in the same order, through the
 * ioctl face, and compares every output.
 *
 * <p>It knows no device: what there is to replay on, the given {@link Kvm} says.
 */
public final class Replayer {
  /** How many differences of a recording are told, unless asked otherwise. */
  public static final int DIFFERENCES = 10;

  private static final long NONE = -1;

  private final Kvm kvm;
  private final int differences;

  /**
   * A replayer that tells the first {@value #DIFFERENCES} differences of a recording.
   *
   * @param kvm what there is to replay on
   */
  public Replayer(Kvm kvm) {
    this(kvm, DIFFERENCES);
  }

  /**
   * A replayer.
   *
   * @param kvm what there is to replay on
   * @param differences how many differences of a recording are told, the first ones; all are
   *     counted
   */
  public Replayer(Kvm kvm, int differences) {
    this.kvm = kvm;
    this.differences = differences;
  }

  /**
   * Replays a recording.
   *
   * @param trace the recording
   * @return what came of it
   */
  public Replay replay(Trace trace) {
    Host host = host(trace.header().host());
    int calls = trace.calls().size() + trace.broken().size();
    if (host == null) {
      return notReplayed(trace, Replay.Status.NO_HOST, "host " + trace.header().host());
    }
    if (!isSameMachine(trace.header(), host)) {
      return contradiction(trace, host, calls);
    }
    long type = missingType(trace, host);
    if (type != NONE) {
      return notReplayed(
          trace, Replay.Status.NO_DEVICE, "device type " + type + " for host " + host);
    }
    List<Difference> told = new ArrayList<>();
    int different = 0;
    try (Session session = new Session(kvm, host)) {
      Words words = new Words(host.byteOrder(), session);
      for (Call call : trace.calls()) {
        Outcome outcome = session.replay(call);
        if (Comparison.equal(call, outcome)) {
          continue;
        }
        if (different++ < differences) {
          told.add(
              new Difference(
                  call.line(),
                  words.call(call),
                  words.expected(call, outcome),
                  words.got(call, outcome)));
        }
      }
    } catch (KvmException refusal) {
      throw new IllegalStateException(trace.name() + ": no process can be made", refusal);
    }
    return new Replay(
        trace.name(),
        host.name(),
        different == 0 && trace.broken().isEmpty() ? Replay.Status.EQUAL : Replay.Status.DIFFERENT,
        "",
        calls,
        trace.calls().size() - different,
        different,
        told,
        trace.broken());
  }

  /** A device type that the recorded machine made, and that no provider offers for it. */
  private long missingType(Trace trace, Host host) {
    List<DeviceType> types = kvm.types(host);
    for (Call call : trace.calls()) {
      if (call.kind() == CallKind.KVM_CREATE_DEVICE && call.has(Field.DEV)) {
        long type = call.number(Field.TYPE);
        if (types.stream().noneMatch(offered -> offered.number() == (int) type)) {
          return type;
        }
      }
    }
    return NONE;
  }

  private static Replay notReplayed(Trace trace, Replay.Status status, String missing) {
    return new Replay(
        trace.name(),
        trace.header().host(),
        status,
        missing,
        trace.calls().size() + trace.broken().size(),
        0,
        0,
        List.of(),
        trace.broken());
  }

  private @Nullable Host host(String name) {
    for (Host host : kvm.hosts()) {
      if (host.name().equals(name)) {
        return host;
      }
    }
    return null;
  }

  private static boolean isSameMachine(Header header, Host host) {
    return header.architecture().equals(host.architecture())
        && header.byteOrder() == host.byteOrder();
  }

  private static Replay contradiction(Trace trace, Host host, int calls) {
    Header header = trace.header();
    List<BrokenLine> broken = new ArrayList<>();
    broken.add(
        new BrokenLine(
            1,
            "the header says %s, %s; host %s is %s, %s; nothing was replayed"
                .formatted(
                    header.architecture(),
                    header.byteOrder(),
                    host.name(),
                    host.architecture(),
                    host.byteOrder())));
    broken.addAll(trace.broken());
    return new Replay(
        trace.name(), host.name(), Replay.Status.DIFFERENT, "", calls, 0, 0, List.of(), broken);
  }
}
