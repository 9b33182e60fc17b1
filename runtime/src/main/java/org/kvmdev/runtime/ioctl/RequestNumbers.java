package org.kvmdev.runtime.ioctl;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.HostTables;
import org.kvmdev.api.KvmException;

/**
 * The numbers of a host's requests: encoded as its architecture does, found by kind of file, since
 * one number can mean different requests on different files.
 */
public final class RequestNumbers {
  private static final Accessor[] ACCESSORS = Accessor.values();

  private final int setAttr;

  /** How the numbers are put together. */
  final Encoding encoding;

  private final Map<FileKind, Table> tables = new EnumMap<>(FileKind.class);

  private RequestNumbers(Host host) {
    encoding = Encoding.of(host);
    setAttr = of(Request.SET_DEVICE_ATTR);
    for (FileKind kind : FileKind.values()) {
      tables.put(kind, new Table(host, kind));
    }
  }

  /**
   * The numbers of a host.
   *
   * @param host the host
   * @return its requests
   * @throws IllegalArgumentException where its file names no encoding that there is
   */
  public static RequestNumbers of(Host host) {
    return new RequestNumbers(host);
  }

  /**
   * A request's number.
   *
   * @param request the request
   * @return the number that ioctl takes, as the architecture encodes it
   */
  public int of(Request request) {
    return of(request.direction(), request.number(), request.size());
  }

  /**
   * The number of a request that is an architecture's own.
   *
   * @param direction which way its structure is copied
   * @param number its number within KVM's requests
   * @param size its structure's size in bytes
   * @return the number that ioctl takes, as the architecture encodes it
   * @throws IllegalArgumentException where the number or the size has too many bits
   */
  public int of(Direction direction, int number, int size) {
    return encoding.encode(direction, number, size);
  }

  /**
   * Which way a request's structure is copied.
   *
   * @param number the encoded number
   * @return the direction that the number says
   */
  public Direction direction(int number) {
    return encoding.direction(number);
  }

  /**
   * Which request a number means.
   *
   * @param kind the kind of file that it is made on
   * @param number the encoded number
   * @return the request, or null where the host has none of that number that no architecture owns
   */
  public @Nullable Request find(FileKind kind, int number) {
    return table(kind).find(number);
  }

  /**
   * A request in words, for people.
   *
   * @param kind the kind of file that it is made on
   * @param number the encoded number
   * @return its name, or the number in hexadecimal
   */
  public String name(FileKind kind, int number) {
    Request request = find(kind, number);
    return request == null ? "0x" + Integer.toHexString(number) : request.toString();
  }

  /**
   * Which of the three requests that every device has a number is. Their numbers are one behind the
   * other, on every architecture.
   *
   * @param number the encoded number
   * @return which, or null
   */
  @Nullable Accessor accessor(int number) {
    int which = number - setAttr;
    return Integer.compareUnsigned(which, ACCESSORS.length) < 0 ? ACCESSORS[which] : null;
  }

  /**
   * Which request a number means that such a file answers itself.
   *
   * @param kind a kind of file that is no device's
   * @param number the encoded number
   * @return the request; null where it is a family's, if anybody's
   */
  @Nullable Request answered(FileKind kind, int number) {
    Request request = find(kind, number);
    return request == null || request.isOfAttributes() ? null : request;
  }

  /** What the host's tables answer to a number, or null where they do not have it. */
  @Nullable HostRequest ofHost(FileKind kind, int number) {
    return table(kind).ofHost.get(number);
  }

  /**
   * What a host answers to a request that nobody answers.
   *
   * @param kind the kind of file that it is made on
   * @param number the encoded number
   * @param argument its argument
   * @param memory the caller's memory
   * @return the refusal
   * @throws KvmException EFAULT, where the host reads the structure before it refuses
   */
  KvmException refusal(FileKind kind, int number, long argument, CallerMemory memory)
      throws KvmException {
    Table table = table(kind);
    Request request = table.find(number);
    if (request != null && request.isOfAttributes()) {
      memory.requireReadable(argument, Struct.DeviceAttr.SIZE);
      return table.attributes;
    }
    return new KvmException(table.unknown, table.unknownText, number & 0xffff_ffffL);
  }

  private Table table(FileKind kind) {
    Table table = tables.get(kind);
    if (table == null) {
      throw new AssertionError(kind);
    }
    return table;
  }

  /** The requests of one kind of file, by ascending number. */
  private final class Table {
    final Errno unknown;
    final String unknownText;
    final int[] numbers;
    final Request[] requests;

    /** What an attribute is refused with that nobody has. */
    final KvmException attributes;

    /** What the host's tables answer. */
    final Map<Integer, HostRequest> ofHost = new HashMap<>();

    Table(Host host, FileKind kind) {
      unknown = kind.unknownRequest(host);
      unknownText = "there is no request %#x on " + kind;
      fromTables(host.tables(), kind);
      List<Request> all =
          Stream.of(Request.values())
              .filter(request -> request.isOn(host, kind))
              .filter(request -> !ofHost.containsKey(RequestNumbers.this.of(request)))
              // The library's comparator would be one more class that the JVM makes at each start.
              .sorted((one, other) -> Integer.compare(of(one), of(other)))
              .toList();
      numbers = all.stream().mapToInt(RequestNumbers.this::of).toArray();
      requests = all.toArray(Request[]::new);
      attributes =
          KvmException.constant(
              kind.unknownAttribute(host), kind + " has no such attribute on this host");
    }

    private void fromTables(HostTables tables, FileKind kind) {
      for (HostTables.Refused refused : tables.refused()) {
        if (isOn(refused.target(), kind)) {
          KvmException refusal =
              KvmException.constant(
                  refused.errno(),
                  "this host refuses request 0x" + Integer.toHexString(refused.number()));
          put(refused.number(), null, isIn(refused), refusal);
        }
      }
      for (HostTables.Structure structure : tables.structures()) {
        if (isOn(structure.target(), kind)) {
          put(structure.get(), structure, false, null);
          put(structure.set(), structure, true, null);
        }
      }
    }

    private void put(
        int number,
        HostTables.@Nullable Structure structure,
        boolean in,
        @Nullable KvmException refusal) {
      if (number != 0) {
        ofHost.put(number, new HostRequest(number, encoding.size(number), structure, in, refusal));
      }
    }

    private boolean isIn(HostTables.Refused refused) {
      return switch (refused.reads()) {
        case BY_NUMBER -> encoding.isIn(refused.number());
        case IN -> true;
        case NOW -> false;
      };
    }

    private static boolean isOn(HostTables.Target target, FileKind kind) {
      return switch (target) {
        case KVM -> kind == FileKind.SYSTEM;
        case VM -> kind == FileKind.VM;
        case VCPU -> kind == FileKind.VCPU;
      };
    }

    int indexOf(int number) {
      return Arrays.binarySearch(numbers, number);
    }

    @Nullable Request find(int number) {
      int at = indexOf(number);
      return at < 0 ? null : requests[at];
    }
  }
}
