package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.VmTest.refused;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** The order of locks: the VM's, then its vCPUs'. */
class LockOrderTest {
  private Vm vm;
  private Vcpu vcpu;

  @BeforeEach
  void createVm() throws KvmException {
    vm = Kvm.of(List.of(new LatchProvider())).createVm("test-host");
    vcpu = vm.createVcpu(0);
  }

  @Test
  void aThreadInTheGuestMayNotWaitForTheVm() throws KvmException {
    vcpu.enter();
    assertThrows(AssertionError.class, () -> vm.createVcpu(1));
    vcpu.exit();
    vm.createVcpu(1);
  }

  @Test
  void aThreadInTheGuestIsRefusedBeforeTheVmsLock() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    VirtualMachine machine = (VirtualMachine) vm.machine();
    Device device = vm.createDevice(LatchProvider.KERNEL_TYPE);
    Thread owner =
        Thread.ofPlatform()
            .start(
                () -> {
                  machine.lock();
                  held.countDown();
                  await(done);
                  machine.unlock();
                });
    await(held);
    vcpu.enter();
    // Would wait for ever, were the VM's lock tried first.
    refused(Errno.EBUSY, () -> device.set(1, 0, 1));
    vcpu.exit();
    done.countDown();
    owner.join();
  }

  @Test
  @Timeout(10)
  void whoeverStopsTheVcpusWaitsForThem() throws Exception {
    VirtualMachine machine = (VirtualMachine) vm.machine();
    vcpu.enter();
    CountDownLatch stopped = new CountDownLatch(1);
    Thread other = Thread.ofPlatform().start(() -> machine.withVcpusStopped(stopped::countDown));
    assertEquals(false, stopped.await(50, TimeUnit.MILLISECONDS));
    vcpu.exit();
    other.join();
    assertTrue(stopped.await(0, TimeUnit.MILLISECONDS));
  }

  static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
