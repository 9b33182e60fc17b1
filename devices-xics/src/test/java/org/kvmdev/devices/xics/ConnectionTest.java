package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** The device's life, vCPUs that are connected to it, and the capabilities around. */
class ConnectionTest {
  private XicsMachine machine;

  @BeforeEach
  void make() throws KvmException {
    machine = new XicsMachine(2);
  }

  @AfterEach
  void close() {
    machine.close();
  }

  private static void refused(Errno errno, Executable call) {
    KvmException refusal = assertThrows(KvmException.class, call);
    assertEquals(errno, refusal.errno(), refusal::getMessage);
  }

  @Test
  void thereIsOneDevice() {
    refused(Errno.EEXIST, () -> machine.vm.createDevice(3));
  }

  @Test
  void aServerIsOneVcpuAndAVcpuOneServer() throws KvmException {
    refused(Errno.EBUSY, () -> machine.connect(0, 5));
    try (var third = machine.vm.createVcpu(2)) {
      third.enableCapability(68);
      refused(Errno.EEXIST, () -> third.connect(92, machine.device, 1));
      refused(Errno.EEXIST, () -> third.connect(92, machine.device, 0x7_0000_0001L));
      third.connect(92, machine.device, 0xffff_ffffL);
      assertEquals(XicsMachine.icp(0, 0, 0xff, 0xff), third.getRegister(Partition.ICP_STATE));
    }
    assertEquals(0, machine.ipi(0, -1, 4));
  }

  @Test
  void anotherVmsDeviceIsRefused() throws KvmException {
    try (XicsMachine other = new XicsMachine(0);
        var vcpu = machine.vm.createVcpu(2)) {
      vcpu.enableCapability(68);
      refused(Errno.EPERM, () -> vcpu.connect(92, other.device, 2));
    }
  }

  @Test
  void withoutPaprAVcpuIsConnectedAndRefusedAllTheSame() throws KvmException {
    try (var vcpu = machine.vm.createVcpu(2)) {
      refused(Errno.EINVAL, () -> vcpu.connect(92, machine.device, 2));
      refused(Errno.EINVAL, vcpu::run);
      assertEquals(XicsMachine.icp(0, 0, 0xff, 0xff), vcpu.getRegister(Partition.ICP_STATE));
      vcpu.enableCapability(68);
      refused(Errno.EBUSY, () -> vcpu.connect(92, machine.device, 2));
      vcpu.run();
    }
  }

  @Test
  void closingTheDeviceDisconnectsAndThePinStays() throws KvmException {
    machine.edge(0x1000, 0, 5);
    machine.raise(0x1000);
    machine.device.close();
    refused(Errno.ENXIO, () -> machine.raise(0x1000));
    refused(Errno.ENXIO, () -> machine.icp(0));
    assertEquals(-1, machine.call(0, Hypercall.H_XIRR));
    assertTrue(machine.pin(0));

    machine.device = machine.vm.createDevice(3);
    refused(Errno.ENOENT, () -> machine.source(0x1000));
    machine.connect(0, 1);
    machine.connect(1, 0);
    assertTrue(machine.pin(0));
    assertEquals(XicsMachine.icp(0, 0, 0xff, 0xff), machine.icp(0));
    machine.cppr(0, 0xff);
    machine.edge(0x1000, 1, 5);
    machine.raise(0x1000);
    assertEquals(0xff00_1000, machine.accept(0));
  }

  @Test
  void tokensAndDisabledHypercallsOutliveTheDevice() throws KvmException {
    machine.defineToken("ibm,int-off", 7);
    machine.vm.enableCapability(104, 0, Hypercall.H_XIRR.number, 0);
    machine.device.close();
    assertEquals(0, machine.rtas(0, 7, 1, 0x1000));
    assertEquals(RtasCall.PARAMETER_ERROR, machine.rtasResult(0));
    machine.device = machine.vm.createDevice(3);
    machine.connect(0, 0);
    assertEquals(-1, machine.call(0, Hypercall.H_XIRR));
    assertEquals(0, machine.call(0, Hypercall.H_CPPR, 0xff));
    machine.vm.enableCapability(104, 0, Hypercall.H_XIRR.number, 1);
    assertEquals(0, machine.call(0, Hypercall.H_XIRR));
  }

  @Test
  void onlyHypercallsOfTheHostCanBeEnabled() throws KvmException {
    machine.vm.enableCapability(104, 0, 0x448, 1);
    for (long number : new long[] {0, 3, 0x60, 0x75, 0x78, 0x460, 0xf000, -4}) {
      refused(Errno.EINVAL, () -> machine.vm.enableCapability(104, 0, number, 1));
    }
    refused(Errno.EINVAL, () -> machine.vm.enableCapability(104, 0, 0x74, 2));
    assertEquals(0, machine.call(0, Hypercall.H_XIRR));
  }

  @Test
  void aXiveIsNotThere() throws KvmException {
    assertEquals(0, machine.vm.checkExtension(169));
    refused(Errno.ENXIO, () -> machine.vcpus[0].connect(169, machine.device, 0));
  }

  @Test
  void everyHypercallIsFoundByItsNumber() {
    for (Hypercall call : Hypercall.values()) {
      assertEquals(call, Hypercall.of(call.number));
    }
    for (long number : new long[] {0, 0x60, 0x66, 0x78, 0x3fc, 0x464, 0xf004, -1, 0x1_0000_0074L}) {
      assertEquals(null, Hypercall.of(number));
    }
  }
}
