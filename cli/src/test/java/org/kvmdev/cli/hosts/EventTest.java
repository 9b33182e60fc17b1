package org.kvmdev.cli.hosts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.ioctl.Request;

/** Eventfds that drive lines and are signalled by stores, as a guest and its client see them. */
class EventTest {
  private static final long BASE = 0xe004_0000L;
  private static final long IACK = BASE + 0xa0;
  private static final long EOI = BASE + 0xb0;
  private static final int SOURCE = 16;
  private static final int VECTOR = 0x42;
  private static final long DOORBELL = 0x9000_0000L;

  private final Kvm kvm = Kvm.load();
  private Guest guest;
  private int device;
  private Vcpu vcpu;

  @BeforeEach
  void bringUp() throws KvmException {
    guest = new Guest(kvm, "powerpc-e500v2-6.12");
    device = guest.device(1);
    int fd = guest.vcpu(0);
    vcpu = guest.process.vcpu(fd);
    assertEquals(0L, guest.enable(fd, Request.ENABLE_CAP, 90, 0, device, 0));
    guest.longs(guest.page + 64, BASE);
    guest.attr(device, Request.SET_DEVICE_ATTR, 1, 0, guest.page + 64);
    register(0x20080, 0); // CTPR: takes interrupts of any priority
    register(0x10000 + 0x20 * SOURCE + 0x10, 1); // EIDR: to this CPU
    register(0x10000 + 0x20 * SOURCE, 0x8_0000 | VECTOR); // EIVPR
    guest.zeros(guest.page, 56);
    guest.ints(guest.page, 1, 0, SOURCE, 1, 0, 0, 0, SOURCE);
    assertEquals(0L, guest.ask(guest.vm, Request.SET_GSI_ROUTING, guest.page));
  }

  @AfterEach
  void end() {
    guest.close();
    kvm.close();
  }

  private void register(long offset, long value) throws KvmException {
    guest.ints(guest.page + 64, value);
    assertEquals(0L, guest.attr(device, Request.SET_DEVICE_ATTR, 2, offset, guest.page + 64));
  }

  private long active() throws KvmException {
    guest.attr(device, Request.GET_DEVICE_ATTR, 3, SOURCE, guest.page + 64);
    return guest.memory.readNumber(guest.page + 64, 4);
  }

  private Object irqfd(int fd, int flags, int resample) throws KvmException {
    guest.zeros(guest.page, 32);
    guest.ints(guest.page, fd, SOURCE, flags, resample);
    return guest.ask(guest.vm, Request.IRQFD, guest.page);
  }

  private Object doorbell(int fd, int length, int flags, long data) throws KvmException {
    guest.zeros(guest.page, 64);
    guest.longs(guest.page, data, DOORBELL);
    guest.ints(guest.page + 16, length, fd, flags);
    return guest.ask(guest.vm, Request.IOEVENTFD, guest.page);
  }

  private long load(long address) throws KvmException {
    vcpu.enter();
    try {
      return vcpu.read(address, 4);
    } finally {
      vcpu.exit();
    }
  }

  /** A store; whether it exits to the client. */
  private boolean store(long address, int size, long value) throws KvmException {
    vcpu.enter();
    try {
      vcpu.write(address, size, value);
      return vcpu.exited();
    } finally {
      vcpu.exit();
    }
  }

  private void nothingIn(int event) {
    assertEquals(Errno.EAGAIN, Guest.answer(() -> guest.process.readEvent(event)));
  }

  @Test
  void aLineIsSampledAgainWhenItsInterruptEnds() throws KvmException {
    int event = guest.process.openEvent(0);
    int again = guest.process.openEvent(0);
    assertEquals(0L, irqfd(event, 2, again));
    guest.process.writeEvent(event, 1);
    assertEquals(1, active(), "the line stays raised");
    assertTrue(vcpu.pin(0));
    nothingIn(event);
    nothingIn(again);

    assertEquals(VECTOR, load(IACK));
    assertFalse(store(EOI, 4, 0));
    assertEquals(0, active(), "the end of the interrupt lowers the line");
    assertEquals(1, guest.process.readEvent(again), "and the client is told");

    guest.process.writeEvent(event, 1);
    assertEquals(1, active(), "its device still wants it");
    assertEquals(0L, irqfd(event, 1, 0));
    assertEquals(0, active(), "deassigning lowers the line");
  }

  @Test
  void aCountThatIsThereDrivesTheLineAtOnceAndACloseEndsIt() throws KvmException {
    int event = guest.process.openEvent(3);
    int again = guest.process.openEvent(0);
    assertEquals(0L, irqfd(event, 2, again));
    assertEquals(1, active());
    guest.process.close(event);
    assertEquals(0, active(), "with its last descriptor the event ends");
    int other = guest.process.openEvent(0);
    assertEquals(0L, irqfd(other, 2, again));
  }

  @Test
  void aStoreSignalsInsteadOfExiting() throws KvmException {
    int any = guest.process.openEvent(0);
    assertTrue(store(DOORBELL, 4, 7), "nobody is there yet");
    assertEquals(0L, doorbell(any, 4, 0, 0));
    assertFalse(store(DOORBELL, 4, 7));
    assertFalse(store(DOORBELL, 4, 8));
    assertEquals(2, guest.process.readEvent(any));
    assertTrue(store(DOORBELL, 2, 7), "another width exits");
    assertTrue(store(DOORBELL + 4, 4, 7), "so does another address");
    nothingIn(any);

    assertEquals(0L, doorbell(any, 4, 4, 0));
    assertTrue(store(DOORBELL, 4, 7));
    assertEquals(0L, doorbell(any, 4, 1, 7));
    assertTrue(store(DOORBELL, 4, 8), "other data exits");
    assertFalse(store(DOORBELL, 4, 7));
    assertEquals(1, guest.process.readEvent(any));
  }

  @Test
  void aDoorbellOfAnyWidth() throws KvmException {
    int event = guest.process.openEvent(0);
    assertEquals(0L, doorbell(event, 0, 0, 0));
    for (int size = 1; size <= 8; size *= 2) {
      assertFalse(store(DOORBELL, size, 1), "width " + size);
    }
    assertEquals(4, guest.process.readEvent(event));
  }
}
