package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.VmTest.refused;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.VcpuLifecycle;

/** Stopping the vCPUs: EBUSY where one runs, and whoever else comes waits. */
@Timeout(60)
class QuiesceTest {
  private Vm vm;
  private VirtualMachine machine;

  @BeforeEach
  void createVm() throws KvmException {
    vm = Kvm.of(List.of(new LatchProvider())).createVm("test-host");
    machine = (VirtualMachine) vm.machine();
  }

  /** Something on a thread of its own, whose answer, or what it throws, is kept. */
  private static final class Other {
    private final FutureTask<Boolean> task;
    private final Thread thread;

    /** What another thread does. */
    private interface Action {
      void run() throws Exception;
    }

    Other(Action action) {
      task =
          new FutureTask<>(
              () -> {
                action.run();
                return true;
              });
      thread = Thread.ofPlatform().daemon().start(task);
    }

    /** Lets it run until it waits for somebody. */
    Other waits() {
      while (thread.getState() != Thread.State.TIMED_WAITING) {
        assertFalse(task.isDone(), "it does not wait");
        Thread.onSpinWait();
      }
      return this;
    }

    void ends() throws Exception {
      try {
        assertTrue(task.get());
      } catch (ExecutionException e) {
        throw new AssertionError(e.getCause());
      }
    }
  }

  @Test
  void isRefusedWhileAVcpuRunsAndNothingIsTaken() throws Exception {
    Vcpu vcpu = vm.createVcpu(0);
    vcpu.enter();
    new Other(() -> refused(Errno.EBUSY, machine::quiesce)).ends();
    refused(Errno.EBUSY, machine::quiesce);
    vcpu.exit();
    // Neither was left with the lock.
    new Other(() -> machine.quiesced(() -> 0)).ends();
    new Other(vcpu::run).ends();
  }

  @Test
  void isNotRefusedAfterARun() throws Exception {
    Vcpu vcpu = vm.createVcpu(0);
    for (int i = 0; i < 3; i++) {
      vcpu.run();
      int now = i;
      assertEquals(now, machine.quiesced(() -> now));
    }
  }

  @Test
  void isRefusedWhileAVcpuIsBusyWithARequestOfItsOwn() throws Exception {
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    machine.plug(
        new VcpuLifecycle() {
          @Override
          public void mayRun(org.kvmdev.api.machine.Vcpu vcpu) {
            busy.countDown();
            LockOrderTest.await(done);
          }
        });
    Vcpu vcpu = vm.createVcpu(0);
    Other run = new Other(vcpu::run);
    busy.await();
    refused(Errno.EBUSY, machine::quiesce);
    done.countDown();
    run.ends();
    machine.quiesce();
    machine.resume();
  }

  @Test
  void aSecondWaitsForTheFirst() throws Exception {
    machine.quiesce();
    Other second = new Other(() -> machine.quiesced(() -> 0)).waits();
    machine.resume();
    second.ends();
  }

  @Test
  void aVcpuWaitsToEnter() throws Exception {
    Vcpu vcpu = vm.createVcpu(0);
    machine.quiesce();
    Other run = new Other(vcpu::run).waits();
    // One that waits does not run: it makes nobody wait, and nobody is refused.
    machine.quiesce();
    machine.resume();
    machine.resume();
    run.ends();
  }

  @Test
  void aVcpuIsNotMadeMeanwhile() throws Exception {
    machine.quiesce();
    Other creation = new Other(() -> vm.createVcpu(0)).waits();
    assertEquals(0, machine.vcpuCount());
    machine.resume();
    creation.ends();
    assertEquals(1, machine.vcpuCount());
  }

  @Test
  void waitsForACreation() throws Exception {
    CountDownLatch creating = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    machine.plug(
        new VcpuLifecycle() {
          @Override
          public void creating(int id) {
            creating.countDown();
            LockOrderTest.await(done);
          }
        });
    Other creation = new Other(() -> vm.createVcpu(0));
    creating.await();
    Other quiescer = new Other(() -> machine.quiesced(() -> 0)).waits();
    done.countDown();
    creation.ends();
    quiescer.ends();
  }

  @Test
  void whoHasTheVmCanStopItAndHasItAfterwards() throws Exception {
    machine.lock();
    machine.quiesce();
    machine.quiesce();
    machine.resume();
    Vcpu vcpu = vm.createVcpu(0);
    Other run = new Other(vcpu::run).waits();
    machine.resume();
    // Entry is free again; the VM is not.
    run.ends();
    Other creation = new Other(() -> vm.createVcpu(1)).waits();
    machine.unlock();
    creation.ends();
  }

  @Test
  void whoHasStoppedItCanTakeTheVmAndItStaysStopped() throws Exception {
    Vcpu vcpu = vm.createVcpu(0);
    machine.quiesce();
    machine.lock();
    machine.unlock();
    Other run = new Other(vcpu::run).waits();
    machine.resume();
    run.ends();
  }

  @Test
  void whoHasStoppedTheVcpusMayEnterItself() throws Exception {
    Vcpu vcpu = vm.createVcpu(0);
    machine.quiesce();
    vcpu.enter();
    machine.resume();
    new Other(() -> refused(Errno.EBUSY, machine::quiesce)).ends();
    vcpu.exit();
    machine.quiesced(() -> 0);
  }

  @Test
  void aMistakeOfTheCallersIsToldAndTakesNothingFromOthers() throws Exception {
    Vcpu vcpu = vm.createVcpu(0);
    assertThrows(IllegalStateException.class, machine::resume);
    assertThrows(IllegalStateException.class, vcpu::exit);
    machine.quiesce();
    new Other(() -> assertThrows(IllegalStateException.class, machine::resume)).ends();
    assertThrows(IllegalStateException.class, machine::unlock);
    Other run = new Other(vcpu::run).waits();
    machine.resume();
    run.ends();
    vcpu.enter();
    refused(Errno.EBUSY, vcpu::enter);
    new Other(() -> assertThrows(IllegalStateException.class, vcpu::exit)).ends();
    vcpu.exit();
    machine.lock();
    assertThrows(IllegalStateException.class, machine::resume);
    machine.unlock();
  }

  /** vCPUs enter and leave, others are made, and whoever stops them sees neither. */
  @RepeatedTest(30)
  void nobodySlipsThrough() throws Exception {
    int runners = 3;
    int made = 8;
    AtomicIntegerArray inGuest = new AtomicIntegerArray(made);
    machine.plug(
        new VcpuLifecycle() {
          @Override
          public void enter(org.kvmdev.api.machine.Vcpu vcpu) {
            inGuest.set(vcpu.index(), 1);
          }

          @Override
          public void exit(org.kvmdev.api.machine.Vcpu vcpu) {
            inGuest.set(vcpu.index(), 0);
          }
        });
    List<Vcpu> vcpus = new ArrayList<>();
    for (int id = 0; id < runners; id++) {
      vcpus.add(vm.createVcpu(id));
    }
    AtomicInteger stopped = new AtomicInteger();
    AtomicInteger inside = new AtomicInteger();
    List<Other> others = new ArrayList<>();
    for (Vcpu vcpu : vcpus) {
      others.add(
          new Other(
              () -> {
                for (int i = 0; i < 1000; i++) {
                  vcpu.run();
                }
              }));
    }
    for (int quiescer = 0; quiescer < 2; quiescer++) {
      others.add(
          new Other(
              () -> {
                for (int i = 0; i < 1000; i++) {
                  try {
                    machine.quiesce();
                  } catch (KvmException e) {
                    assertEquals(Errno.EBUSY, e.errno());
                    continue;
                  }
                  try {
                    assertEquals(1, inside.incrementAndGet());
                    int count = machine.vcpuCount();
                    for (int vcpu = 0; vcpu < made; vcpu++) {
                      assertEquals(0, inGuest.get(vcpu));
                    }
                    assertEquals(count, machine.vcpuCount());
                    assertEquals(0, inside.decrementAndGet());
                  } finally {
                    machine.resume();
                  }
                  stopped.incrementAndGet();
                }
              }));
    }
    others.add(
        new Other(
            () -> {
              for (int id = runners; id < made; id++) {
                Vcpu vcpu = vm.createVcpu(id);
                for (int i = 0; i < 100; i++) {
                  vcpu.run();
                }
                machine.withVcpusStopped(
                    () -> {
                      for (int each = 0; each < made; each++) {
                        assertEquals(0, inGuest.get(each));
                      }
                    });
              }
            }));
    for (Other other : others) {
      other.ends();
    }
    machine.quiesced(stopped::incrementAndGet);
    assertTrue(stopped.get() > 0);
    assertEquals(made, machine.vcpuCount());
  }
}
