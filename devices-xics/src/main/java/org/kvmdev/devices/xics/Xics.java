package org.kvmdev.devices.xics;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.StateSource;
import org.kvmdev.api.machine.Vcpu;

/**
 * The device: the sources, the servers, and how interrupts get from the ones to the others. As
 * Linux's own emulation (KVM_DEV_TYPE_XICS on hosts whose interrupt controller is a XICS, or that
 * are guests themselves).
 *
 * <p>There is no lock of the whole device. What happens to a source takes the lock of the one
 * server that it is sent to; what happens to a server takes its own.
 */
class Xics extends AttributeDevice<XicsAttribute> implements InterruptController {
  static final DeviceType TYPE =
      DeviceType.of(
              3,
              "KVM_DEV_TYPE_XICS",
              "kvm-xics",
              "POWER's interrupt controller (PAPR XICS): sources, and a presentation controller for"
                  + " each vCPU.")
          .limit("KVM_DEV_TYPE_XICS", 1, Errno.EEXIST)
          .lifetime(Lifetime.REFERENCES)
          .state(Completeness.COMPLETE)
          .attributes(XicsAttribute.TABLE)
          .departs(
              "documented_attributes_exist",
              "KVM_DEV_XICS_GRP_CTRL (2) with KVM_DEV_XICS_NR_SERVERS (1) is documented, and ENXIO:"
                  + " only the XICS that is emulated by a XIVE has it.",
              "recorded: core-attrs")
          .source("Documentation/virt/kvm/devices/xics.rst")
          .build();

  /** What {@link #route} answers for a source that is in no controller. */
  static final long NO_STATE = -1;

  private static final int SET = 0;
  private static final int NO_SUCH_SOURCE = -Errno.EINVAL.number();

  /** KVM_INTERRUPT_UNSET: a level that means "low", as 0 does. */
  private static final int UNSET = -2;

  private static final KvmException CONNECTED_ALREADY =
      KvmException.constant(
          Errno.EBUSY, "the vCPU is connected to an interrupt controller; a vCPU can be to one");

  private final Machine machine;
  private final Partition partition;
  private final Sources sources = new Sources();
  private final Servers servers = new Servers();

  /** Guards the routes of sources whose server does not exist, and the making of servers. */
  private final ReentrantLock nowhere = new ReentrantLock();

  private final AtomicInteger unsettled = new AtomicInteger();

  Xics(Machine machine, Partition partition) {
    super(XicsAttribute.TABLE);
    this.machine = machine;
    this.partition = partition;
  }

  Machine machine() {
    return machine;
  }

  Sources sources() {
    return sources;
  }

  Servers servers() {
    return servers;
  }

  @Override
  public void release() {
    machine.withVcpusStopped(
        () -> {
          for (PresentationController server : servers.all()) {
            partition.processor(server.vcpu()).connect(null);
            server.vcpu().disown(this);
            server.disconnect();
          }
          servers.clear();
        });
    machine.controller(null);
    partition.device(null);
  }

  /**
   * Makes a vCPU a server.
   *
   * @param number the server's number
   * @throws KvmException EBUSY where the vCPU is connected already, EEXIST where the number is
   *     taken
   */
  void connect(Vcpu vcpu, int number) throws KvmException {
    nowhere.lock();
    try {
      if (vcpu.owner() != null) {
        throw CONNECTED_ALREADY;
      }
      if (servers.find(number) != null) {
        throw new KvmException(
            Errno.EEXIST, "server %d is another vCPU; a number names one", number & 0xffff_ffffL);
      }
      if (!vcpu.own(this)) {
        throw CONNECTED_ALREADY;
      }
      PresentationController server = present(vcpu, number);
      servers.add(server);
      partition.processor(vcpu).connect(server);
    } finally {
      nowhere.unlock();
    }
  }

  /** Makes the presentation controller of a vCPU. */
  PresentationController present(Vcpu vcpu, int number) {
    return new PresentationController(this, vcpu, number);
  }

  // Attributes: there is one, so that no switch is needed, which would be loads to wait for.

  @Override
  protected void unreadable(XicsAttribute attribute, long attr) {
    sources.make((int) attr);
  }

  @Override
  protected long get(XicsAttribute attribute, long attr) throws KvmException {
    return source((int) attr);
  }

  @Override
  protected void set(XicsAttribute attribute, long attr, long value) throws KvmException {
    setSource((int) attr, value);
  }

  private long source(int source) throws KvmException {
    SourceController controller = sources.find(source);
    if (controller != null) {
      PresentationController server = lockRoute(controller, source);
      long state = controller.state(source);
      boolean waits = server != null && server.isWaiting(source, SourceState.priority(state));
      unlockRoute(server);
      if ((state & SourceState.EXISTS) != 0) {
        return SourceState.toWord(state, waits);
      }
    }
    throw new KvmException(Errno.ENOENT, "source %#x does not exist; SET makes it", source);
  }

  private void setSource(int source, long word) throws KvmException {
    int destination = SourceState.server(word);
    SourceController controller = sources.make(source);
    PresentationController server = lockRoute(controller, source);
    boolean exists =
        SourceState.priority(word) == SourceState.MASKED
            || server != null && server.number() == destination
            || servers.find(destination) != null;
    if (exists) {
      if (server != null) {
        server.leave(source, SourceState.priority(controller.state(source)));
      }
      controller.set(source, SourceState.ofWord(word));
    }
    unlockRoute(server);
    if (!exists) {
      throw new KvmException(
          Errno.EINVAL,
          "source %#x: server %d does not exist; KVM_CAP_IRQ_XICS makes a vCPU a server",
          source,
          destination & 0xffff_ffffL);
    }
    if (SourceState.isPending(word)) {
      PresentationController route = lockRoute(controller, source);
      // Another SET may have come between: what it wrote as not pending is not to be sent.
      boolean send = (controller.state(source) & SourceState.PRESENTED) != 0;
      deliver(send ? source : 0, route);
    }
  }

  // Lines and messages.

  @Override
  public int set(int chip, int pin, int level) {
    return line(pin, level);
  }

  @Override
  public boolean numbersLines() {
    return true;
  }

  @Override
  public int line(int number, int level) {
    SourceController controller = sources.find(number);
    if (controller == null) {
      return NO_SUCH_SOURCE;
    }
    PresentationController server = lockRoute(controller, number);
    long old = controller.state(number);
    if ((old & SourceState.EXISTS) == 0) {
      unlockRoute(server);
      return NO_SUCH_SOURCE;
    }
    long state = event(old, level != 0 && level != UNSET);
    if (state == old) {
      unlockRoute(server);
      return SET;
    }
    controller.set(number, state);
    boolean send = (state & (SourceState.PRESENTED | SourceState.QUEUED)) == SourceState.PRESENTED;
    deliver(send ? number : 0, server);
    return SET;
  }

  /** A source's state after its line was driven; the same where nothing happens. */
  private static long event(long state, boolean high) {
    boolean presented = (state & SourceState.PRESENTED) != 0;
    long idle = state & ~(SourceState.PRESENTED | SourceState.QUEUED);
    if ((state & SourceState.LEVEL) != 0) {
      return !high ? idle : presented ? state : idle | SourceState.PRESENTED;
    }
    if (!high) {
      return state;
    }
    return idle | SourceState.PRESENTED | (presented ? SourceState.QUEUED : 0);
  }

  /**
   * Ends an interrupt of a source: of an edge, the event that was queued is sent; a level that is
   * still high is sent again.
   *
   * @param by the server that ends it, whose lock is held and given back
   * @return whether the source is in a controller
   */
  boolean end(int source, PresentationController by) {
    SourceController controller = sources.find(source);
    if (controller == null) {
      by.unlock();
      return false;
    }
    PresentationController server = by;
    if (SourceState.server(controller.state(source)) != by.number()) {
      by.unlock();
      server = lockRoute(controller, source);
    }
    long state = controller.state(source);
    if ((state & SourceState.LEVEL) == 0) {
      boolean queued = (state & SourceState.QUEUED) != 0;
      state &= ~(SourceState.PRESENTED | SourceState.QUEUED);
      if (queued) {
        state |= SourceState.PRESENTED;
      }
      controller.set(source, state);
    }
    deliver((state & SourceState.PRESENTED) != 0 ? source : 0, server);
    machine.routing().acked(0, source);
    return true;
  }

  // Routes, as RTAS sees them.

  /**
   * Sets where a source is sent (ibm,set-xive).
   *
   * @param priority its low 8 bits are kept; only 0xff itself masks what is pending
   * @return whether there are such a source and such a server
   */
  boolean setRoute(int source, int server, int priority) {
    SourceController controller = sources.find(source);
    if (controller == null || servers.find(server) == null) {
      return false;
    }
    PresentationController old = lockRoute(controller, source);
    boolean send =
        change(old, controller, source, SourceState.route(server, priority, priority), priority);
    unlockRoute(old);
    if (send) {
      deliver(source);
    }
    return true;
  }

  /** Where a source is sent (ibm,get-xive): its state, or {@link #NO_STATE}. */
  long route(int source) {
    SourceController controller = sources.find(source);
    return controller == null ? NO_STATE : controller.state(source);
  }

  /** Unmasks a source (ibm,int-on); answers whether it and its server are there. */
  boolean unmask(int source) {
    SourceController controller = sources.find(source);
    if (controller == null) {
      return false;
    }
    PresentationController server = lockRoute(controller, source);
    boolean send = false;
    if (server != null) {
      int priority = SourceState.savedPriority(controller.state(source));
      long route = SourceState.route(server.number(), priority, priority);
      send = change(server, controller, source, route, priority);
    }
    unlockRoute(server);
    if (send) {
      deliver(source);
    }
    return server != null;
  }

  /** Masks a source (ibm,int-off); answers whether it is there. */
  boolean mask(int source) {
    SourceController controller = sources.find(source);
    if (controller == null) {
      return false;
    }
    PresentationController server = lockRoute(controller, source);
    long state = controller.state(source);
    long route =
        SourceState.route(
            SourceState.server(state), SourceState.MASKED, SourceState.priority(state));
    change(server, controller, source, route, SourceState.MASKED);
    unlockRoute(server);
    return true;
  }

  /** Changes a route that is locked; answers whether the source must be delivered then. */
  private static boolean change(
      @Nullable PresentationController server,
      SourceController controller,
      int source,
      long route,
      int priority) {
    long old = controller.state(source);
    boolean waited = server != null && server.leave(source, SourceState.priority(old));
    boolean pending = waited || (old & SourceState.MASKED_PENDING) != 0;
    boolean masked = priority == SourceState.MASKED;
    long state =
        old & (SourceState.LEVEL | SourceState.PRESENTED | SourceState.QUEUED | SourceState.EXISTS)
            | route;
    controller.set(source, pending && masked ? state | SourceState.MASKED_PENDING : state);
    return pending && !masked;
  }

  /**
   * Locks a source's route: its server, or what stands for servers that do not exist.
   *
   * @return the server, or null
   */
  private @Nullable PresentationController lockRoute(SourceController controller, int source) {
    while (true) {
      PresentationController server = servers.find(SourceState.server(controller.state(source)));
      if (server == null) {
        nowhere.lock();
        if (servers.find(SourceState.server(controller.state(source))) == null) {
          return null;
        }
      } else {
        server.lock();
        if (SourceState.server(controller.state(source)) == server.number()) {
          return server;
        }
      }
      unlockRoute(server);
    }
  }

  private void unlockRoute(@Nullable PresentationController server) {
    if (server == null) {
      nowhere.unlock();
    } else {
      server.unlock();
    }
  }

  // Delivery.

  /**
   * Delivers a source's interrupt; then the one that it displaces, and so on. No lock is held.
   *
   * @param source the source; 0 for none
   */
  void deliver(int source) {
    SourceController controller = source == 0 ? null : sources.find(source);
    if (controller != null) {
      deliver(source, lockRoute(controller, source));
    }
  }

  /**
   * Delivers a source's interrupt; then the one that it displaces, and so on.
   *
   * @param source the source; 0 for none
   * @param route its route, which is locked and given back
   */
  void deliver(int source, @Nullable PresentationController route) {
    PresentationController server = route;
    boolean locked = true;
    try {
      int next = source;
      while (next != 0 && server != null) {
        SourceController controller = sources.find(next);
        if (controller == null) {
          break;
        }
        if (SourceState.server(controller.state(next)) != server.number()) {
          locked = false;
          server.unlock();
          server = lockRoute(controller, next);
          locked = true;
        } else {
          next = server.offer(controller, next);
        }
      }
    } finally {
      // A pin's listener may throw; the device goes on.
      if (locked) {
        unlockRoute(server);
      }
    }
  }

  /**
   * Sends again, one by one, what waits for a server, and what waits for others in the same source
   * controllers.
   */
  void resend(PresentationController server) {
    int size = SourceController.SIZE;
    for (int index = 0; index < Sources.END / size; index++) {
      server.lock();
      boolean visit = server.beginResend(index);
      server.unlock();
      SourceController controller = visit ? sources.find(index * size) : null;
      if (controller != null) {
        for (int source = index * size; source < (index + 1) * size; source++) {
          resend(server, controller, source);
        }
      }
    }
    server.lock();
    server.settle();
    server.unlock();
  }

  private void resend(PresentationController on, SourceController controller, int source) {
    PresentationController server = lockRoute(controller, source);
    boolean waited = false;
    if (server != null) {
      int priority = SourceState.priority(controller.state(source));
      waited = server == on ? server.leaveInTurn(source, priority) : server.leave(source, priority);
    }
    deliver(waited ? source : 0, server);
  }

  /** Whether at any server a source waits that would be taken. */
  boolean anyUnsettled(boolean butOne) {
    return unsettled.get() > (butOne ? 1 : 0);
  }

  void countUnsettled(int change) {
    unsettled.addAndGet(change);
  }

  // State.

  /** Tells the device's state: the sources, which name servers, before the servers' registers. */
  void enumerate(StateSource.State state) {
    for (PresentationController server : servers.all()) {
      state.shape(
          "vCPU %d is server %d"
              .formatted(server.vcpu().id(), Integer.toUnsignedLong(server.number())));
    }
    int group = XicsAttribute.SOURCE.attribute().group().number();
    for (int source = Sources.FIRST; source < Sources.END; source++) {
      SourceController controller = sources.find(source);
      if (controller == null) {
        source |= SourceController.SIZE - 1;
      } else if ((controller.state(source) & SourceState.EXISTS) != 0) {
        state.value(this, group, source);
      }
    }
    for (PresentationController server : servers.all()) {
      state.vcpuRegister(server.vcpu(), Partition.ICP_STATE);
    }
  }
}
