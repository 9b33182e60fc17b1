package org.kvmdev.runtime.ioctl;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Event;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/**
 * A client process that speaks bytes: file descriptors, memory, and {@link #ioctl}. It stands where
 * a Linux process stands that has opened /dev/kvm, and every call answers as there.
 *
 * <pre>{@code
 * try (KvmProcess process = new KvmProcess(kvm, kvm.host("arm64-gicv3-6.1"))) {
 *   RequestNumbers requests = process.requests();
 *   int system = process.openKvm();
 *   int vm = (int) process.ioctl(system, requests.of(Request.CREATE_VM), 0);
 * }
 * }</pre>
 *
 * <p>Files, VMs and devices end as in Linux: a file with its last descriptor, a VM with its last
 * file. A number refers to a file from the moment that a call answers it; the numbers 0, 1 and 2
 * are taken from the begin, by the standard streams.
 *
 * <p>It can be used from any thread. Closing a descriptor while another thread makes a request on
 * it lets that request run to its end, on a device that may have ended.
 */
public final class KvmProcess implements AutoCloseable {
  /** One more than the highest number that a file of a remote client can have (fs.nr_open). */
  public static final int REMOTE_FILE_LIMIT = 1 << 20;

  /** RLIMIT_NOFILE where nobody changed it. */
  public static final int DEFAULT_FILE_LIMIT = 1024;

  /** POLLIN and POLLOUT: all of KVM's files are always ready. */
  private static final int POLL_READY = 0x5;

  private static final VarHandle FILES =
      MethodHandles.arrayElementVarHandle(OpenFile[].class).withInvokeExactBehavior();
  private static final int TYPE_SHIFT = 8;
  private static final String[] STANDARD_STREAMS = {"stdin", "stdout", "stderr"};

  private static final KvmException NO_FILE =
      KvmException.constant(Errno.EBADF, "no open file has this number");
  private static final KvmException NO_NUMBER =
      KvmException.constant(
          Errno.EMFILE, "all file descriptors are in use; close one or raise the limit");
  private static final KvmException NO_DEVICE =
      KvmException.constant(Errno.EPERM, "the file is no device's");
  private static final KvmException NO_ROOM =
      KvmException.constant(
          Errno.EMFILE,
          "the number of the new file descriptor is beyond what the kernel gives out");
  private static final KvmException NO_EVENT =
      KvmException.constant(Errno.EINVAL, "the file is no eventfd");
  private static final KvmException BAD_MAPPING =
      KvmException.constant(
          Errno.EINVAL,
          "a mapping has at least one byte and begins at a multiple of the page size");

  private final Kvm kvm;
  private final Host host;
  private final RequestNumbers requests;
  private final CallerMemory memory;

  /** The process that this stands for; null where it lives in this JVM. */
  private final @Nullable RemoteClient remote;

  /** Where the client's eventfds are found. */
  private volatile Events events = this::eventFile;

  private volatile UnknownRequests unknownRequests = (kind, number) -> {};

  /** The bits that an argument has: a 32-bit kernel's have no more. */
  private final long word;

  /** The files by number. It is replaced to grow; elements change under the lock. */
  private volatile @Nullable OpenFile[] files = new OpenFile[16];

  /** Guarded by this: the numbers in use, those reserved for files being made included. */
  private final BitSet used;

  /** Guarded by this. */
  private final BitSet closeOnExec;

  /** Guarded by this. */
  private int limit = DEFAULT_FILE_LIMIT;

  /** Guarded by this. */
  private boolean ended;

  /**
   * A process that has no file open but its standard streams.
   *
   * @param kvm the device types and hosts that there are
   * @param host the machine that it runs on
   */
  public KvmProcess(Kvm kvm, Host host) {
    this.kvm = kvm;
    this.host = host;
    this.requests = RequestNumbers.of(host);
    this.memory = ProcessMemory.of(host);
    this.remote = null;
    this.word = -1L >>> 64 - host.number("word.bits", 64);
    this.used = new BitSet();
    this.closeOnExec = new BitSet();
    for (String stream : STANDARD_STREAMS) {
      int number = used.cardinality();
      used.set(number);
      install(number, new OtherFile(stream), false);
    }
  }

  /**
   * Stands for a process elsewhere, whose memory and file descriptors are its own. Of its files, it
   * knows those that are KVM's: {@link #adopt} and {@link #alias} tell it of them, and {@link
   * #close}.
   *
   * @param kvm the device types and hosts that there are
   * @param host the machine that it runs on
   * @param remote the process
   */
  public KvmProcess(Kvm kvm, Host host, RemoteClient remote) {
    this.kvm = kvm;
    this.host = host;
    this.requests = RequestNumbers.of(host);
    this.memory = new RemoteMemory(host, remote);
    this.remote = remote;
    this.word = -1L >>> 64 - host.number("word.bits", 64);
    this.used = new BitSet();
    this.closeOnExec = new BitSet();
  }

  /** A fork. */
  private KvmProcess(KvmProcess parent, @Nullable RemoteClient child) {
    kvm = parent.kvm;
    host = parent.host;
    requests = parent.requests;
    memory = child == null ? parent.memory().copy() : new RemoteMemory(host, child);
    remote = child;
    word = parent.word;
    used = (BitSet) parent.used.clone();
    closeOnExec = (BitSet) parent.closeOnExec.clone();
    limit = parent.limit;
    files = parent.files.clone();
    for (int number = 0; number < files.length; number++) {
      OpenFile file = files[number];
      if (file != null) {
        file.reference();
      } else {
        // A number that a thread of the parent has reserved is nobody's here.
        used.clear(number);
      }
    }
  }

  /**
   * Opens /dev/kvm.
   *
   * @return the file descriptor
   * @throws KvmException EMFILE
   */
  public int openKvm() throws KvmException {
    return open(new SystemFile());
  }

  /**
   * Opens a file that is not KVM's: it takes a number, and refuses KVM's requests as such a file
   * does.
   *
   * @param name what {@link #status} shows, {@code pipe:[1]}
   * @return the file descriptor
   * @throws KvmException EMFILE
   */
  public int openOther(String name) throws KvmException {
    return open(new OtherFile(name));
  }

  /**
   * A remote client has opened /dev/kvm, or has such a file from another process.
   *
   * @param number its file descriptor
   * @throws KvmException EMFILE where the number is beyond all that can be
   */
  public void adopt(int number) throws KvmException {
    requireRoom(number);
    put(number, new SystemFile(), false);
  }

  /**
   * A remote client has made another file descriptor of a file of KVM's.
   *
   * @param fd the file descriptor
   * @param number the new one
   * @throws KvmException EBADF; EMFILE where the number is beyond all that can be
   */
  public synchronized void alias(int fd, int number) throws KvmException {
    requireRoom(number);
    OpenFile file = file(fd);
    file.reference();
    put(number, file, false);
  }

  private static void requireRoom(int number) throws KvmException {
    if (number < 0 || number >= REMOTE_FILE_LIMIT) {
      throw NO_ROOM;
    }
  }

  /**
   * Makes an eventfd, for KVM_IRQFD and KVM_IOEVENTFD.
   *
   * @param initial what its count begins with
   * @return the file descriptor
   * @throws KvmException EMFILE
   */
  public int openEvent(long initial) throws KvmException {
    return open(new EventFile(initial));
  }

  /**
   * Adds to an eventfd's count, as {@code write} does.
   *
   * @param fd the eventfd's file descriptor
   * @param value what is added
   * @throws KvmException EBADF; EINVAL where it is no eventfd, or for 2^64 - 1; EAGAIN where the
   *     count would pass 2^64 - 2
   */
  public void writeEvent(int fd, long value) throws KvmException {
    eventFile(fd).write(value);
  }

  /**
   * Takes an eventfd's count out, as {@code read} does without waiting.
   *
   * @param fd the eventfd's file descriptor
   * @return the count
   * @throws KvmException EBADF; EINVAL where it is no eventfd; EAGAIN where the count is 0
   */
  public long readEvent(int fd) throws KvmException {
    return eventFile(fd).read();
  }

  /** Gives a file that a request has made a number; where there is none, the file is closed. */
  int install(OpenFile file) throws KvmException {
    FileNumber number = new FileNumber(this);
    try {
      number.reserve();
      return number.install(file);
    } catch (KvmException refusal) {
      file.unreference();
      throw refusal;
    }
  }

  /**
   * Reads from a file that a request has made.
   *
   * @param fd its file descriptor
   * @param to what receives the bytes
   * @return how many there were; 0 at the end
   * @throws KvmException EBADF where there is no such file, or it is not opened to be read; EINVAL
   *     where it cannot be read
   */
  public int read(int fd, byte[] to) throws KvmException {
    return file(fd) instanceof FamilyFile file
        ? file.read(to)
        : (int) FileOperation.READ.on(file(fd).kind);
  }

  /**
   * Writes to a file that a request has made.
   *
   * @param fd its file descriptor
   * @param from the bytes
   * @return how many were taken
   * @throws KvmException EBADF where there is no such file, or it is not opened to be written;
   *     EINVAL where it cannot be written
   */
  public int write(int fd, byte[] from) throws KvmException {
    return file(fd) instanceof FamilyFile file
        ? file.write(from)
        : (int) FileOperation.WRITE.on(file(fd).kind);
  }

  private EventFile eventFile(int fd) throws KvmException {
    if (file(fd) instanceof EventFile event) {
      return event;
    }
    throw NO_EVENT;
  }

  /**
   * Has KVM_IRQFD and KVM_IOEVENTFD look for eventfds elsewhere than among this process's files.
   *
   * @param source where the client's eventfds are found
   */
  public void events(Events source) {
    events = source;
  }

  /**
   * Has somebody told of requests that nobody here has.
   *
   * @param listener called on the thread that makes the request
   */
  public void unknownRequests(UnknownRequests listener) {
    unknownRequests = listener;
  }

  /** What a request is refused with that nobody has on such a file. */
  KvmException unknown(FileKind kind, int request, long argument) throws KvmException {
    KvmException refusal = requests.refusal(kind, request, argument, memory);
    if (requests.find(kind, request) == null) {
      unknownRequests.refused(kind, request);
    }
    return refusal;
  }

  /** The eventfd that a request's descriptor names. */
  Event event(int descriptor) throws KvmException {
    return events.find(descriptor);
  }

  /** Copies a structure of the host's tables out that has no vCPU's fields. */
  void copyOut(HostRequest request, long argument) throws KvmException {
    memory.write(argument, request.constant(), 0, request.size());
  }

  private int open(OpenFile file) throws KvmException {
    int number = reserve();
    install(number, file, false);
    return number;
  }

  /**
   * Makes a request on a file.
   *
   * @param fd the file descriptor
   * @param request the number of the request, as the host's architecture encodes it
   * @param argument a number, or an address in {@link #memory}
   * @return what the request returns, not negative
   * @throws KvmException EBADF; whatever the request is refused with
   */
  public long ioctl(int fd, int request, long argument) throws KvmException {
    OpenFile file = file(fd);
    if (memory instanceof RemoteMemory stale) {
      stale.forget();
    }
    Accessor accessor = requests.accessor(request);
    if (accessor != null && file instanceof DeviceFile device) {
      KvmException refusal = device.access(this, accessor, pointer(argument));
      if (refusal != null) {
        throw refusal;
      }
      return 0;
    }
    return answer(fd, file, request, pointer(argument));
  }

  private long answer(int fd, OpenFile file, int request, long argument) throws KvmException {
    if ((request >>> TYPE_SHIFT & 0xff) != Encoding.KVMIO
        && isOfAnyFile(fd, file, request, argument)) {
      return 0;
    }
    return file.ioctl(this, request, argument);
  }

  /** What the kernel sees of an address or argument of 64 bits. */
  long pointer(long address) {
    return address & word;
  }

  /** Does what every file can be asked, KVM's or not, whoever asks. */
  private boolean isOfAnyFile(int fd, OpenFile file, int request, long argument)
      throws KvmException {
    Encoding encoding = requests.encoding;
    if (request == encoding.closeOnExec || request == encoding.keepOnExec) {
      synchronized (this) {
        closeOnExec.set(fd, request == encoding.closeOnExec);
      }
      return true;
    }
    if (request == encoding.nonBlocking) {
      boolean on = memory.readNumber(argument, 4) != 0;
      file.flags =
          on ? file.flags | FileStatus.NON_BLOCKING : file.flags & ~FileStatus.NON_BLOCKING;
      return true;
    }
    return false;
  }

  /**
   * Closes a file descriptor. With the last one of a file, what the file stands for is closed.
   *
   * @param fd the file descriptor
   * @throws KvmException EBADF
   */
  public void close(int fd) throws KvmException {
    OpenFile file;
    synchronized (this) {
      file = file(fd);
      FILES.setRelease(files, fd, (OpenFile) null);
      used.clear(fd);
      closeOnExec.clear(fd);
    }
    file.unreference();
  }

  /**
   * Makes another file descriptor of the same file, which stays open on exec.
   *
   * @param fd the file descriptor
   * @return the new one
   * @throws KvmException EBADF, EMFILE
   */
  public synchronized int dup(int fd) throws KvmException {
    OpenFile file = file(fd);
    int number = reserve();
    file.reference();
    install(number, file, false);
    return number;
  }

  /**
   * Makes a child process, with the same files open under the same numbers and a copy of the
   * memory. It cannot use its parent's VMs: every request on their files is EIO, before all else.
   *
   * @return the child
   */
  public synchronized KvmProcess fork() {
    return new KvmProcess(this, null);
  }

  /**
   * The same, of a remote client.
   *
   * @param child the child
   * @return what stands for it here
   */
  public synchronized KvmProcess fork(RemoteClient child) {
    return new KvmProcess(this, child);
  }

  /**
   * Changes how many file descriptors there may be (RLIMIT_NOFILE); those in use stay.
   *
   * @param most one more than the highest number that is given out
   */
  public synchronized void setFileLimit(int most) {
    limit = most;
  }

  /**
   * What there is to know of a file descriptor.
   *
   * @param fd the file descriptor
   * @return its status
   * @throws KvmException EBADF
   */
  public synchronized FileStatus status(int fd) throws KvmException {
    OpenFile file = file(fd);
    return new FileStatus(
        file.kind, file.name(), FileStatus.MODE, 0, file.flags, closeOnExec.get(fd));
  }

  /**
   * A file's name, as {@code readlink} of /proc/self/fd answers it.
   *
   * @param fd the file descriptor
   * @return the name
   * @throws KvmException EBADF
   */
  public String fileName(int fd) throws KvmException {
    return file(fd).name();
  }

  /**
   * Sets a file's status flags ({@code F_SETFL}); of those that can be set, none has an effect.
   *
   * @param fd the file descriptor
   * @param flags {@link FileStatus#NON_BLOCKING} or 0; the access mode is left as it is
   * @throws KvmException EBADF
   */
  public void setFlags(int fd, int flags) throws KvmException {
    file(fd).flags = FileStatus.READ_WRITE | flags & FileStatus.NON_BLOCKING;
  }

  /**
   * Makes a call on a file that KVM's files do not have.
   *
   * @param fd the file descriptor
   * @param operation which
   * @return 0 where it does nothing and succeeds
   * @throws KvmException EBADF; what KVM's files answer
   */
  public long operate(int fd, FileOperation operation) throws KvmException {
    return operation.on(file(fd).kind);
  }

  /**
   * Asks without waiting whether a file is ready.
   *
   * @param fd the file descriptor
   * @param events what for: POLLIN is 1, POLLOUT is 4
   * @return what it is ready for
   * @throws KvmException EBADF
   */
  public int poll(int fd, int events) throws KvmException {
    file(fd);
    return events & POLL_READY;
  }

  /**
   * Maps a part of a device.
   *
   * @param fd the device's file descriptor
   * @param offset the byte offset of the first page
   * @param length the length in bytes
   * @return what loads and stores through the mapping reach
   * @throws KvmException EBADF; EINVAL for no length or an offset within a page; ENODEV where the
   *     file cannot be mapped; what the device refuses
   */
  public DeviceOps.Mapping mmap(int fd, long offset, long length) throws KvmException {
    OpenFile file = file(fd);
    if (length <= 0 || offset % page() != 0) {
      throw BAD_MAPPING;
    }
    return file.mmap(offset, length);
  }

  /**
   * The process's memory.
   *
   * @return the memory, where requests' structures are
   * @throws IllegalStateException where the process is a remote client: its memory is there
   */
  public ProcessMemory memory() {
    if (memory instanceof ProcessMemory here) {
      return here;
    }
    throw new IllegalStateException("the client's memory is in its own process");
  }

  /** The memory of whichever client. */
  CallerMemory callerMemory() {
    return memory;
  }

  /** The size of a page of the client's memory. */
  private long page() {
    return memory instanceof ProcessMemory here
        ? here.page()
        : host.number("page.size", ProcessMemory.PAGE);
  }

  /** Whether the vCPU that is run is not to run at all; a client here has no mapping to say so. */
  boolean immediateExit(int offset) {
    return remote != null && remote.immediateExit(offset);
  }

  /** What a vCPU does while it runs: nothing for long, where the client is in this JVM. */
  RemoteClient.Wakeup sleep(int immediateExit, byte[] signals) {
    return remote == null ? RemoteClient.Wakeup.SIGNAL : remote.sleep(immediateExit, signals);
  }

  /** Writes into the mapping of the vCPU that runs; there is none where the client is here. */
  void writeRun(int offset, byte[] bytes) {
    if (remote != null) {
      remote.writeRun(offset, bytes);
    }
  }

  /** The number of the client's process. */
  long pid() {
    return remote == null ? ProcessHandle.current().pid() : remote.pid();
  }

  /**
   * The numbers of the host's requests.
   *
   * @return the numbers that {@link #ioctl} takes
   */
  public RequestNumbers requests() {
    return requests;
  }

  /**
   * The machine that the process runs on.
   *
   * @return the host
   */
  public Host host() {
    return host;
  }

  Kvm kvm() {
    return kvm;
  }

  /**
   * The VM behind a file descriptor, for what has no request; closing it is the descriptor's
   * business.
   *
   * @param fd the VM's file descriptor
   * @return the VM
   * @throws KvmException EBADF; EIO where it is another process's; ENOTTY where it is no VM
   */
  public Vm vm(int fd) throws KvmException {
    if (owned(fd) instanceof VmFile file) {
      return file.vm();
    }
    throw otherKind(fd);
  }

  /**
   * The vCPU behind a file descriptor, for what its guest does; closing it is the descriptor's
   * business.
   *
   * @param fd the vCPU's file descriptor
   * @return the vCPU
   * @throws KvmException EBADF; EIO where it is another process's; what its kind of file answers to
   *     KVM_RUN where it is no vCPU
   */
  public Vcpu vcpu(int fd) throws KvmException {
    if (owned(fd) instanceof VcpuFile file) {
      return file.vcpu();
    }
    throw otherKind(fd);
  }

  /**
   * The device behind a file descriptor; closing it is the descriptor's business.
   *
   * @param fd the device's file descriptor
   * @return the device
   * @throws KvmException EBADF; EIO where it is another process's; what its kind of file answers
   *     where it is no device
   */
  public Device device(int fd) throws KvmException {
    if (owned(fd) instanceof DeviceFile file) {
      return file.device();
    }
    throw otherKind(fd);
  }

  private OpenFile owned(int fd) throws KvmException {
    OpenFile file = file(fd);
    if (file.owner != null) {
      file.requireOwner(this);
    }
    return file;
  }

  private KvmException otherKind(int fd) throws KvmException {
    return requests.refusal(file(fd).kind, 0, 0, memory);
  }

  /** Finds the device that an argument names; only the low 32 bits of it are a descriptor. */
  DeviceOps deviceOf(long descriptor) throws KvmException {
    int fd = (int) descriptor;
    if (remote != null && !has(fd) && remote.isOpen(fd)) {
      throw NO_DEVICE;
    }
    if (file(fd) instanceof DeviceFile file) {
      return file.device().ops();
    }
    throw NO_DEVICE;
  }

  private boolean has(int fd) {
    @Nullable OpenFile[] all = files;
    return fd >= 0 && fd < all.length && (OpenFile) FILES.getAcquire(all, fd) != null;
  }

  private OpenFile file(int fd) throws KvmException {
    @Nullable OpenFile[] all = files;
    if (fd >= 0 && fd < all.length) {
      OpenFile file = (OpenFile) FILES.getAcquire(all, fd);
      if (file != null) {
        return file;
      }
    }
    throw NO_FILE;
  }

  /** Takes a free number; until {@link #install} no file has it. */
  int reserve() throws KvmException {
    if (remote != null) {
      int number = remote.reserve();
      if (number < 0 || number >= REMOTE_FILE_LIMIT) {
        remote.cancel(number);
        throw NO_ROOM;
      }
      return number;
    }
    synchronized (this) {
      int number = used.nextClearBit(0);
      if (ended || number >= limit) {
        throw NO_NUMBER;
      }
      used.set(number);
      return number;
    }
  }

  /** From now on a reserved number refers to a file. */
  void install(int number, OpenFile file, boolean closedOnExec) {
    if (remote != null) {
      remote.install(number, file.kind, file.name(), file.size(this));
      byte[] content = file.content();
      if (content.length > 0) {
        remote.fill(number, content);
      }
    }
    put(number, file, closedOnExec);
  }

  /** A number refers to a file, and no longer to the one that a remote client lost unseen. */
  private void put(int number, OpenFile file, boolean closedOnExec) {
    OpenFile before = null;
    synchronized (this) {
      if (ended) {
        before = file;
      } else {
        if (number >= files.length) {
          files = Arrays.copyOf(files, Math.max(number + 1, 2 * files.length));
        }
        before = files[number];
        FILES.setRelease(files, number, file);
        used.set(number);
        closeOnExec.set(number, closedOnExec);
      }
    }
    if (before != null) {
      before.unreference();
    }
  }

  void cancel(int number) {
    if (remote != null) {
      remote.cancel(number);
      return;
    }
    synchronized (this) {
      used.clear(number);
    }
  }

  /** Ends the process: closes all its file descriptors. */
  @Override
  public void close() {
    @Nullable OpenFile[] open;
    synchronized (this) {
      open = files;
      files = new OpenFile[0];
      used.clear();
      closeOnExec.clear();
      ended = true;
    }
    for (OpenFile file : open) {
      if (file != null) {
        file.unreference();
      }
    }
  }
}
