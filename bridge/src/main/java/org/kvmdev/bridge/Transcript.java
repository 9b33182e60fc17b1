package org.kvmdev.bridge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.bridge.ClientThread.Result;
import org.kvmdev.bridge.Recorder.Line;
import org.kvmdev.runtime.ioctl.FileKind;

/**
 * Writes a process's calls down: before a request is made, its inputs are copied in, and afterwards
 * its outputs. Who answers the requests does not matter here.
 */
final class Transcript {
  private static final int KVMIO = 0xae;
  private static final int NUMBER = 0xff;
  private static final int SIZE_SHIFT = 16;

  /** All encodings have at least that many bits of size. */
  private static final int SIZE = 0x1fff;

  private static final int LONGEST_DATA = 8;
  private static final int ROUTE = 48;
  private static final int MOST_ROUTES = 4096;
  private static final int NO_FILE = -2;

  private final ByteOrder order;
  private final Recorder recorder;

  /** What requests are called, for those that the format has no call for. */
  private final Names names;

  /** Guarded by this: what each file descriptor of KVM's refers to. */
  private final Map<Integer, Handle> files = new HashMap<>();

  private final Map<FileKind, Integer> made = new EnumMap<>(FileKind.class);

  Transcript(ByteOrder order, Recorder recorder, Names names) {
    this.order = order;
    this.recorder = recorder;
    this.names = names;
  }

  /** The name of a request on a kind of file. */
  @FunctionalInterface
  interface Names {
    String of(FileKind kind, int request);
  }

  /** Bytes of the client; null where not all are there. */
  @FunctionalInterface
  interface After {
    byte @Nullable [] bytes(long address, int length) throws KvmException;
  }

  /** A file that a request has made. */
  record Made(int fd, FileKind kind) {}

  /** A file, by the name that the recording gives it. */
  private static final class Handle {
    final FileKind kind;
    final String name;
    final int type;
    int references = 1;

    Handle(FileKind kind, String name, int type) {
      this.kind = kind;
      this.name = name;
      this.type = type;
    }
  }

  /** The process has /dev/kvm under a number. */
  void opened(int fd) {
    put(fd, new Handle(FileKind.SYSTEM, "", 0));
  }

  private synchronized void put(int fd, Handle handle) {
    files.put(fd, handle);
  }

  private synchronized @Nullable Handle file(int fd) {
    return files.get(fd);
  }

  synchronized void copied(int fd, int number) {
    Handle handle = files.get(fd);
    if (handle != null) {
      handle.references++;
      files.put(number, handle);
    }
  }

  /** A recording closes files; what is closed here is one of its descriptors. */
  void closed(int fd) {
    Handle handle;
    synchronized (this) {
      handle = files.remove(fd);
    }
    if (handle != null && --handle.references == 0 && handle.kind != FileKind.SYSTEM) {
      recorder.call(new Line().text("call", "close").text("fd", handle.name).number("ret", 0));
    }
  }

  /** A request, with what goes in; null where its file is not known. */
  @Nullable Call begin(ClientThread thread, int fd, int request, long argument)
      throws KvmException {
    Handle on = file(fd);
    if (on == null) {
      return null;
    }
    Call call = new Call(thread, on, request, argument);
    call.read();
    return call;
  }

  private String name(FileKind kind) {
    String begin =
        switch (kind) {
          case VM -> "vm";
          case VCPU -> "cpu";
          default -> "dev";
        };
    synchronized (this) {
      return begin + (made.merge(kind, 1, Integer::sum) - 1);
    }
  }

  /** A request: what goes in, and then what came out, as a line. */
  final class Call {
    private final ClientThread thread;
    private final Handle on;
    private final int request;
    private final long argument;
    private final int number;

    /** Its structure; null where there is none, or it cannot be read. */
    private byte @Nullable [] struct;

    private Line line = new Line();

    /** Whether {@link #line} tells the request. */
    private boolean told = true;

    /** The buffer that the structure points to, and what it held. */
    private long dataAddress;

    private byte @Nullable [] data;

    private Call(ClientThread thread, Handle on, int request, long argument) {
      this.thread = thread;
      this.on = on;
      this.request = request;
      this.argument = argument;
      this.number = (request >>> 8 & NUMBER) == KVMIO ? request & NUMBER : -1;
    }

    private int size() {
      return request >>> SIZE_SHIFT & SIZE;
    }

    /** Bytes of the client; null where not all can be read. */
    private byte @Nullable [] bytes(long address, int length) throws KvmException {
      byte[] bytes = new byte[length];
      return thread.tryRead(address, bytes, 0, length) == length ? bytes : null;
    }

    private int int32(int at) {
      return struct == null ? 0 : ByteBuffer.wrap(struct).order(order).getInt(at);
    }

    private long int64(int at) {
      return struct == null ? 0 : ByteBuffer.wrap(struct).order(order).getLong(at);
    }

    private void begin(String call, String handle) {
      line.text("call", call).text(handle, on.name);
    }

    private void read() throws KvmException {
      if (size() > 0) {
        struct = bytes(argument, size());
      }
      boolean vm = on.kind == FileKind.VM;
      boolean vcpu = on.kind == FileKind.VCPU;
      if (on.kind == FileKind.SYSTEM) {
        switch (number) {
          case 0x01 -> line.text("call", "KVM_CREATE_VM").number("type", argument);
          case 0x03 -> line.text("call", "KVM_CHECK_EXTENSION").number("cap", argument);
          default -> told = false;
        }
      } else if (size() > 0 && struct == null) {
        // A pointer to nothing: the request is told as it is.
        raw();
      } else if (number == 0xe1 || number == 0xe2 || number == 0xe3) {
        attribute();
      } else if (vm && number == 0x03) {
        begin("KVM_CHECK_EXTENSION", "vm");
        line.number("cap", argument);
      } else if (vm && number == 0x41) {
        begin("KVM_CREATE_VCPU", "vm");
        line.number("id", argument);
      } else if (vm && number == 0xe0) {
        begin("KVM_CREATE_DEVICE", "vm");
        line.number("type", int32(0)).number("flags", int32(8));
      } else if (vm && number == 0x46) {
        begin("KVM_SET_USER_MEMORY_REGION", "vm");
        line.number("slot", int32(0)).number("flags", int32(4));
        line.wide("gpa", int64(8)).wide("size", int64(16));
      } else if (vm && (number == 0x61 || number == 0x67 && size() == 8)) {
        begin(number == 0x61 ? "KVM_IRQ_LINE" : "KVM_IRQ_LINE_STATUS", "vm");
        line.number("irq", int32(0) & 0xffff_ffffL).number("level", int32(4));
      } else if (vm && number == 0xa5) {
        begin("KVM_SIGNAL_MSI", "vm");
        line.wide("address", (int32(4) & 0xffff_ffffL) << 32 | int32(0) & 0xffff_ffffL);
        line.number("data", int32(8) & 0xffff_ffffL).number("flags", int32(12));
        line.number("devid", int32(16) & 0xffff_ffffL);
      } else if (vm && number == 0x6a) {
        routing();
      } else if (vm && number == 0xab && size() == 16) {
        begin("KVM_ARM_SET_DEVICE_ADDR", "vm");
        line.wide("id", int64(0)).wide("gpa", int64(8));
      } else if (vm && number == 0xac && size() == 128) {
        String name = new String(struct, 0, 120, StandardCharsets.ISO_8859_1);
        begin("KVM_PPC_RTAS_DEFINE_TOKEN", "vm");
        line.text("name", name.substring(0, Math.max(name.indexOf(0), 0)));
        line.wide("token", int64(120));
      } else if ((vm || vcpu) && number == 0xa3) {
        begin("KVM_ENABLE_CAP", vm ? "vm" : "vcpu");
        line.number("cap", int32(0)).number("flags", int32(4));
        line.json("args", "[" + enableArgument() + "]");
      } else if (vcpu && (number == 0xab || number == 0xac) && size() == 16) {
        register();
      } else if (vcpu && number == 0xae && size() == 32) {
        begin("KVM_ARM_VCPU_INIT", "vcpu");
        line.bytes("in", struct);
      } else if (vcpu && number == 0x80 && argument == 0) {
        begin("KVM_RUN", "vcpu");
      } else if (size() == 0) {
        raw();
      } else {
        told = false;
      }
    }

    private void raw() {
      begin("ioctl", "on");
      line.wide("request", request & 0xffff_ffffL).wide("arg", argument);
    }

    private void attribute() throws KvmException {
      String call =
          number == 0xe1
              ? "KVM_SET_DEVICE_ATTR"
              : number == 0xe2 ? "KVM_GET_DEVICE_ATTR" : "KVM_HAS_DEVICE_ATTR";
      begin(call, "dev");
      line.number("flags", int32(0)).number("group", int32(4) & 0xffff_ffffL);
      line.wide("attr", int64(8));
      if (number != 0xe3) {
        Attribute known = declared(int32(4), int64(8));
        data(int64(16), known == null ? LONGEST_DATA : known.size(), known != null);
      }
    }

    /** An attribute as the file's device declares it; null where it is not known. */
    private @Nullable Attribute declared(int group, long attr) {
      for (DeviceType type : recorder.types) {
        if (type.number() == on.type) {
          for (Attribute each : type.attributes()) {
            if (each.group().number() == group && (each.isKeyed() || each.number() == attr)) {
              return each;
            }
          }
        }
      }
      return null;
    }

    private void register() throws KvmException {
      begin(number == 0xab ? "KVM_GET_ONE_REG" : "KVM_SET_ONE_REG", "vcpu");
      line.wide("id", int64(0));
      data(int64(8), 1 << (int) (int64(0) >>> 52 & 0xf), true);
    }

    /** What is at an address that the structure has; where not all can be read, it is bad. */
    private void data(long address, int length, boolean exact) throws KvmException {
      dataAddress = address;
      if (length == 0) {
        return;
      }
      byte[] bytes = new byte[length];
      int readable = address == 0 ? 0 : thread.tryRead(address, bytes, 0, length);
      if (readable == 0 || exact && readable < length) {
        line.text("addr", address == 0 ? "null" : "bad");
      } else {
        data = Arrays.copyOf(bytes, readable);
      }
    }

    /** What was at that address, and what is there now; one that cannot be written is bad too. */
    private void endData(Result result, After after) throws KvmException {
      boolean register = number == 0xab;
      boolean get = register || number == 0xe2;
      if (data == null) {
        return;
      }
      if (get && result.value() < 0 && result.error() == Errno.EFAULT.number()) {
        line.text("addr", "bad");
        return;
      }
      if (!register) {
        line.bytes("in", data);
      }
      if (get && (!register || result.value() >= 0)) {
        byte[] out = after.bytes(dataAddress, data.length);
        line.bytes("out", out == null ? data : out);
      }
    }

    private String enableArgument() {
      List<String> arguments = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        long value = int64(8 + 8 * i);
        Handle device = i == 0 && value > 2 ? file((int) value) : null;
        arguments.add(
            device != null && device.kind == FileKind.DEVICE
                ? "\"" + device.name + "\""
                : "\"0x" + Long.toHexString(value) + "\"");
      }
      return String.join(",", arguments);
    }

    private void routing() throws KvmException {
      begin("KVM_SET_GSI_ROUTING", "vm");
      int count = int32(0);
      byte[] entries = count < 0 || count > MOST_ROUTES ? null : bytes(argument + 8, count * ROUTE);
      if (entries == null) {
        line = new Line();
        raw();
        return;
      }
      List<String> all = new ArrayList<>();
      ByteBuffer from = ByteBuffer.wrap(entries).order(order);
      for (int at = 0; at < entries.length; at += ROUTE) {
        Line entry = new Line();
        int type = from.getInt(at + 4);
        entry
            .number("gsi", from.getInt(at))
            .number("type", type)
            .number("flags", from.getInt(at + 8));
        if (type == 1) {
          entry.number("irqchip", from.getInt(at + 16)).number("pin", from.getInt(at + 20));
        } else {
          long low = from.getInt(at + 16) & 0xffff_ffffL;
          entry.wide("address", (long) from.getInt(at + 20) << 32 | low);
          entry.number("data", from.getInt(at + 24) & 0xffff_ffffL);
          entry.number("devid", from.getInt(at + 28) & 0xffff_ffffL);
        }
        all.add(entry.end().strip());
      }
      line.number("flags", int32(4)).json("entries", "[" + String.join(",", all) + "]");
    }

    /** What came out; the file that the request has made, or null. */
    @Nullable Made end(Result result, After after) throws KvmException {
      boolean failed = result.value() < 0;
      Made made = failed ? null : made(result, after);
      Handle file = made == null ? null : file(made.fd);
      if (!told) {
        recorder.skip(names.of(on.kind, request) + " on " + on.kind);
        return made;
      }
      endData(result, after);
      if (!failed && number == 0x67 && on.kind == FileKind.VM && size() == 8) {
        struct = after.bytes(argument, size());
        line.number("status", int32(0));
      }
      if (file != null) {
        line.text(
            switch (file.kind) {
              case VM -> "vm";
              case VCPU -> "vcpu";
              default -> "dev";
            },
            file.name);
      }
      if (failed && !(number == 0x80 && result.error() == Errno.EINTR.number())) {
        line.number("ret", -1).text("errno", errno(result.error()));
      } else if (file == null || file.kind == FileKind.DEVICE) {
        line.number("ret", Math.max(result.value(), 0));
      }
      recorder.call(line);
      return made;
    }

    private @Nullable Made made(Result result, After after) throws KvmException {
      FileKind kind = null;
      int fd = (int) result.value();
      int type = 0;
      if (on.kind == FileKind.SYSTEM && number == 0x01) {
        kind = FileKind.VM;
      } else if (on.kind == FileKind.VM && number == 0x41) {
        kind = FileKind.VCPU;
      } else if (on.kind == FileKind.VM && number == 0xe0 && (int32(8) & 1) == 0) {
        kind = FileKind.DEVICE;
        struct = after.bytes(argument, size());
        type = int32(0);
        fd = struct == null ? NO_FILE : int32(4);
      }
      if (kind == null || fd < 0) {
        return null;
      }
      put(fd, new Handle(kind, name(kind), type));
      return new Made(fd, kind);
    }

    private static String errno(int number) {
      try {
        return Errno.of(number).name();
      } catch (IllegalArgumentException unknown) {
        return "E" + number;
      }
    }
  }
}
