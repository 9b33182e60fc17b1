package org.kvmdev.bridge;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/**
 * How often programs made each request, and how often it was refused with which errno. Several
 * servers' threads can count at once.
 */
public final class CallSummary {
  /** More kinds than any program has reason for: one that tries all numbers is counted together. */
  private static final int MOST_KINDS = 1000;

  private static final String OTHERS = "other requests";

  private final Map<Kind, Counted> all = new TreeMap<>();
  private final Map<String, Integer> unknown = new TreeMap<>();

  /** Nothing is counted yet. */
  public CallSummary() {}

  /** What requests are counted together; in the order of a table. */
  record Kind(int order, String on, String request) implements Comparable<Kind> {
    @Override
    public int compareTo(Kind other) {
      int byFile = Integer.compare(order, other.order);
      int byName = on.compareTo(other.on);
      return byFile != 0 ? byFile : byName != 0 ? byName : request.compareTo(other.request);
    }
  }

  private static final class Counted {
    int calls;
    final EnumMap<Errno, Integer> refusals = new EnumMap<>(Errno.class);
  }

  /**
   * Requests of one kind.
   *
   * @param on the file that they were made on: {@code vm}, {@code vgic-v3}
   * @param request the request: {@code KVM_CREATE_VCPU}, {@code SET ADDR} (an attribute of group
   *     ADDR)
   * @param calls how many there were
   * @param refusals how many of them were refused, by errno
   */
  public record Row(String on, String request, int calls, Map<Errno, Integer> refusals) {
    /** A row of the table. */
    public Row {
      refusals = java.util.Collections.unmodifiableMap(new TreeMap<>(refusals));
    }

    /**
     * How many were refused.
     *
     * @return their number
     */
    public int refused() {
      return refusals.values().stream().mapToInt(Integer::intValue).sum();
    }
  }

  synchronized void count(Kind kind, @Nullable KvmException refusal) {
    boolean room = all.size() < MOST_KINDS || all.containsKey(kind);
    Kind counts = room ? kind : new Kind(Integer.MAX_VALUE, "", OTHERS);
    Counted counted = all.computeIfAbsent(counts, fresh -> new Counted());
    counted.calls++;
    if (refusal != null) {
      counted.refusals.merge(refusal.errno(), 1, Integer::sum);
    }
  }

  /** A request that nobody here has; it is counted with the others too. */
  synchronized void countUnknown(String request) {
    boolean room = unknown.size() < MOST_KINDS || unknown.containsKey(request);
    unknown.merge(room ? request : OTHERS, 1, Integer::sum);
  }

  /**
   * The requests of each kind.
   *
   * @return /dev/kvm's first, then the VMs', the vCPUs', the devices'
   */
  public synchronized List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    all.forEach(
        (kind, counted) ->
            rows.add(new Row(kind.on, kind.request, counted.calls, counted.refusals)));
    return rows;
  }

  /**
   * The requests that neither the host nor a device has, and so were refused.
   *
   * @return each in words ({@code KVM_SMI on a vCPU}), and how often it was made
   */
  public synchronized Map<String, Integer> unknown() {
    return new TreeMap<>(unknown);
  }
}
