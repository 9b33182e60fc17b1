package org.kvmdev.bridge;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.AttributeNames;
import org.kvmdev.runtime.ioctl.FileKind;
import org.kvmdev.runtime.ioctl.FileStatus;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.Request;

/**
 * Requests in words: {@code SET vgic-v3 ADDR/REDIST_REGION = 0x10000080a0002 → EINVAL:
 * REDIST_REGION index 2: the next index is 1}.
 */
final class CallLog {
  private static final int SHOWN = 32;

  private final KvmProcess process;
  private final List<DeviceType> types;

  CallLog(KvmProcess process, List<DeviceType> types) {
    this.process = process;
    this.types = types;
  }

  /** A request, described before it is answered: its file may be gone afterwards. */
  final class Entry {
    private final int fd;
    private final int request;
    private final long argument;
    private final @Nullable FileStatus file;
    private final @Nullable DeviceType type;

    private Entry(int fd, int request, long argument) {
      this.fd = fd;
      this.request = request;
      this.argument = argument;
      FileStatus status = null;
      DeviceType device = null;
      try {
        status = process.status(fd);
        device = status.kind() == FileKind.DEVICE ? process.device(fd).type() : null;
      } catch (KvmException none) {
        // No file of KVM's, or another process's.
      }
      file = status;
      type = device;
    }

    /** The request and how it ended; its refusal has the reason. */
    String end(long result, @Nullable KvmException refusal, List<Transfer> transfers) {
      return words(transfers)
          + " → "
          + (refusal == null ? answer(result, transfers) : refusal.getMessage());
    }

    private @Nullable Request known() {
      return file == null ? null : process.requests().find(file.kind(), request);
    }

    private String name() {
      return file == null
          ? "request 0x" + Integer.toHexString(request) + " on " + fd
          : RequestNames.of(process.requests(), file.kind(), request);
    }

    /** What it is counted with: the same request on such a file, of an attribute's group. */
    CallSummary.Kind kind(List<Transfer> transfers) {
      if (file == null) {
        String number = "request 0x" + Integer.toHexString(request);
        return new CallSummary.Kind(FileKind.values().length, "no file of KVM's", number);
      }
      String on = shortName(file.name()).replaceFirst("^vcpu:.*", "vcpu");
      Request known = known();
      byte[] in = in(argument, transfers);
      String what =
          switch (known) {
            case SET_DEVICE_ATTR, GET_DEVICE_ATTR, HAS_DEVICE_ATTR ->
                known.name().substring(0, 3)
                    + (in.length < 24 ? "" : " " + groupName(type, int32(in, 4)));
            case ENABLE_CAP, ENABLE_CAP_VM -> name() + (in.length < 4 ? "" : " " + int32(in, 0));
            case null, default -> name();
          };
      return new CallSummary.Kind(file.kind().ordinal(), on, what);
    }

    private String words(List<Transfer> transfers) {
      Request known = known();
      if (known == null) {
        return name() + of() + (argument == 0 ? "" : " " + hex(argument));
      }
      byte[] in = in(argument, transfers);
      return switch (known) {
        case SET_DEVICE_ATTR, GET_DEVICE_ATTR, HAS_DEVICE_ATTR -> attribute(known, in, transfers);
        case CREATE_DEVICE -> name() + (in.length < 12 ? "" : " " + typeName(int32(in, 0)));
        case CHECK_EXTENSION, CREATE_VM, CREATE_VCPU -> name() + " " + argument;
        case IRQ_LINE, IRQ_LINE_STATUS ->
            name()
                + (in.length < 8
                    ? ""
                    : " line " + hex(int32(in, 0) & 0xffff_ffffL) + " level " + int32(in, 4));
        case ENABLE_CAP, ENABLE_CAP_VM -> name() + (in.length < 4 ? "" : " " + int32(in, 0)) + of();
        case GET_ONE_REG, SET_ONE_REG -> {
          if (in.length < 16) {
            yield name() + of();
          }
          String set = known == Request.SET_ONE_REG ? value(int64(in, 8), transfers) : "";
          yield name() + of() + " " + hex(int64(in, 0)) + (set.isEmpty() ? "" : " = " + set);
        }
        default -> name() + of() + (in.length == 0 ? "" : " " + bytes(in));
      };
    }

    private String of() {
      return file == null ? "" : " of " + shortName(file.name());
    }

    private String attribute(Request known, byte[] in, List<Transfer> transfers) {
      String verb = known.name().substring(0, 3);
      String on = file == null ? "" : shortName(file.name());
      if (in.length < 24) {
        return verb + " " + on;
      }
      int group = int32(in, 4);
      String value = known == Request.SET_DEVICE_ATTR ? value(int64(in, 16), transfers) : "";
      return verb
          + " "
          + on
          + " "
          + attributeName(type, group, int64(in, 8))
          + (value.isEmpty() ? "" : " = " + value);
    }

    private String answer(long result, List<Transfer> transfers) {
      Request known = known();
      byte[] in = in(argument, transfers);
      if (known == Request.GET_DEVICE_ATTR && in.length >= 24) {
        String got = out(int64(in, 16), transfers);
        return got.isEmpty() ? "0" : got;
      }
      if (known == Request.GET_ONE_REG && in.length >= 16) {
        String got = out(int64(in, 8), transfers);
        return got.isEmpty() ? "0" : got;
      }
      if (known == Request.CREATE_DEVICE) {
        for (Transfer each : transfers) {
          if (each.out() && each.bytes().length == 12 && (int32(each.bytes(), 8) & 1) == 0) {
            return "fd " + int32(each.bytes(), 4);
          }
        }
      }
      return known == Request.CREATE_VM
              || known == Request.CREATE_VCPU
              || known == Request.GET_STATS_FD
          ? "fd " + result
          : Long.toString(result);
    }
  }

  /** Begins a request. */
  Entry begin(int fd, int request, long argument) {
    return new Entry(fd, request, argument);
  }

  private String typeName(int number) {
    for (DeviceType type : types) {
      if (type.number() == number) {
        return type.name();
      }
    }
    return "type " + number;
  }

  /** An attribute in few words: {@code ADDR/REDIST_REGION}. */
  static String attributeName(@Nullable DeviceType type, int group, long attr) {
    String name = AttributeNames.attribute(type, group, attr);
    if (type != null) {
      for (AttributeGroup declared : type.groups()) {
        if (declared.number() == group) {
          return groupName(type, group)
              + "/"
              + shorten(AttributeNames.inGroup(type, declared, attr), declared);
        }
      }
    }
    return name;
  }

  /** A group in one word: {@code ADDR}. */
  private static String groupName(@Nullable DeviceType type, int group) {
    if (type != null) {
      for (AttributeGroup declared : type.groups()) {
        if (declared.number() == group) {
          return declared.name().replaceFirst("^.*_GRP_", "");
        }
      }
    }
    return "group " + group;
  }

  /** Leaves away what an attribute's name says of its group. */
  private static String shorten(String name, AttributeGroup group) {
    String ofGroup = group.name().replaceFirst("^.*_GRP_", "") + "_";
    String device = group.name().replaceFirst("_GRP_.*$", "_");
    int at = name.indexOf(ofGroup);
    String rest = name.startsWith("KVM_") && at >= 0 ? name.substring(at + ofGroup.length()) : name;
    return rest.replaceFirst("^" + device, "").replaceFirst("^TYPE_", "");
  }

  private static String shortName(String name) {
    return name.replaceFirst("^anon_inode:", "").replaceFirst("^kvm-(arm-)?", "");
  }

  /** What was copied in from an address; empty where nothing could be. */
  private static byte[] in(long address, List<Transfer> transfers) {
    for (Transfer each : transfers) {
      if (!each.out() && each.address() == address) {
        return each.bytes();
      }
    }
    return new byte[0];
  }

  private String value(long address, List<Transfer> transfers) {
    return bytes(in(address, transfers));
  }

  private String out(long address, List<Transfer> transfers) {
    for (Transfer each : transfers) {
      if (each.out() && each.address() == address) {
        return bytes(each.bytes());
      }
    }
    return "";
  }

  private int int32(byte[] bytes, int at) {
    return ByteBuffer.wrap(bytes).order(process.host().byteOrder()).getInt(at);
  }

  private long int64(byte[] bytes, int at) {
    return ByteBuffer.wrap(bytes).order(process.host().byteOrder()).getLong(at);
  }

  private static String hex(long value) {
    return value >= 0 && value < 10 ? Long.toString(value) : "0x" + Long.toHexString(value);
  }

  /** A number, or the bytes as they are. */
  private String bytes(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(process.host().byteOrder());
    return switch (bytes.length) {
      case 0 -> "";
      case 1 -> hex(bytes[0] & 0xff);
      case 2 -> hex(buffer.getShort(0) & 0xffff);
      case 4 -> hex(buffer.getInt(0) & 0xffff_ffffL);
      case 8 -> hex(buffer.getLong(0));
      default -> {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(bytes.length, SHOWN); i++) {
          text.append(String.format(Locale.ROOT, "%02x", bytes[i]));
        }
        yield text.append(bytes.length > SHOWN ? "…" : "").toString();
      }
    };
  }
}
