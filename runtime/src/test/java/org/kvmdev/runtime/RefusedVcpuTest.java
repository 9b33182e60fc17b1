package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.kvmdev.runtime.VmTest.refused;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.VcpuLifecycle;

/** A vCPU that one refuses when others know of it already. */
class RefusedVcpuTest {
  private final List<String> told = new ArrayList<>();

  /** Writes down what it is told. */
  private final class Witness implements VcpuLifecycle {
    private final String name;

    Witness(String name) {
      this.name = name;
    }

    @Override
    public void created(org.kvmdev.api.machine.Vcpu vcpu) {
      told.add(name + " created " + vcpu.id());
    }

    @Override
    public void destroyed(org.kvmdev.api.machine.Vcpu vcpu) {
      told.add(name + " destroyed " + vcpu.id() + " of " + vcpu.machine().vcpuCount());
    }
  }

  /** Refuses vCPU 1. */
  private static final class Refusing implements VcpuLifecycle {
    @Override
    public void created(org.kvmdev.api.machine.Vcpu vcpu) throws KvmException {
      if (vcpu.id() == 1) {
        throw KvmException.constant(Errno.ENOSPC, "no vCPU 1");
      }
    }
  }

  /** Fails with vCPU 2. */
  private static final class Failing implements VcpuLifecycle {
    @Override
    public void created(org.kvmdev.api.machine.Vcpu vcpu) {
      if (vcpu.id() == 2) {
        throw new IllegalStateException("a mistake");
      }
    }
  }

  @Test
  void those_that_know_of_it_are_told_that_it_ended() throws KvmException {
    Vm vm = Kvm.of(List.of(new LatchProvider())).createVm("test-host");
    vm.machine().plug(new Witness("first"));
    vm.machine().plug(new Witness("second"));
    vm.machine().plug(new Refusing());
    vm.machine().plug(new Failing());
    vm.machine().plug(new Witness("last"));
    vm.createVcpu(0);
    told.clear();
    refused(Errno.ENOSPC, () -> vm.createVcpu(1));
    assertEquals(
        List.of(
            "first created 1",
            "second created 1",
            "second destroyed 1 of 1",
            "first destroyed 1 of 1"),
        told);
    told.clear();
    refused(Errno.EIO, () -> vm.createVcpu(2));
    assertEquals("first destroyed 2 of 1", told.getLast());
    vm.createVcpu(3);
    assertEquals("last created 3", told.getLast());
    assertEquals(2, vm.machine().vcpuCount());
  }
}
