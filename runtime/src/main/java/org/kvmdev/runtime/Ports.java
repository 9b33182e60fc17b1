package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.FileRequests;
import org.kvmdev.api.machine.Hypercalls;
import org.kvmdev.api.machine.InterruptTaken;
import org.kvmdev.api.machine.LineEncoding;
import org.kvmdev.api.machine.Port;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.StateSource;
import org.kvmdev.api.machine.SystemRegisters;
import org.kvmdev.api.machine.VcpuAttributes;
import org.kvmdev.api.machine.VcpuLifecycle;
import org.kvmdev.api.machine.VcpuRegisters;

/** The ports of one VM, by kind. Filled while the VM is made, read without a lock thereafter. */
final class Ports {
  /** The first that was plugged in says what lines mean. */
  @Nullable LineEncoding lines;

  VcpuLifecycle[] lifecycles = {};
  VcpuRegisters[] registers = {};
  VcpuAttributes[] attributes = {};
  SystemRegisters[] systemRegisters = {};
  Hypercalls[] hypercalls = {};
  InterruptTaken[] taken = {};
  StateSource[] states = {};
  private final Map<Integer, Requests> vmRequests = new HashMap<>();
  private final Map<Integer, Requests> vcpuRequests = new HashMap<>();
  private final Map<Integer, FileRequests> vmFiles = new HashMap<>();
  private final Map<Integer, FileRequests> vcpuFiles = new HashMap<>();
  private final List<Port> all = new ArrayList<>();

  /** Enters a port under every kind that it implements; the first to claim a request has it. */
  void add(Port port) {
    all.add(port);
    lines = of(LineEncoding.class).stream().findFirst().orElse(null);
    lifecycles = of(VcpuLifecycle.class).toArray(VcpuLifecycle[]::new);
    registers = of(VcpuRegisters.class).toArray(VcpuRegisters[]::new);
    attributes = of(VcpuAttributes.class).toArray(VcpuAttributes[]::new);
    systemRegisters = of(SystemRegisters.class).toArray(SystemRegisters[]::new);
    hypercalls = of(Hypercalls.class).toArray(Hypercalls[]::new);
    taken = of(InterruptTaken.class).toArray(InterruptTaken[]::new);
    states = of(StateSource.class).toArray(StateSource[]::new);
    if (port instanceof FileRequests files) {
      files.fileRequests(Requests.Target.VM).forEach(number -> vmFiles.putIfAbsent(number, files));
      files
          .fileRequests(Requests.Target.VCPU)
          .forEach(number -> vcpuFiles.putIfAbsent(number, files));
    }
    if (port instanceof Requests requests) {
      requests
          .requests(Requests.Target.VM)
          .forEach(number -> vmRequests.putIfAbsent(number, requests));
      requests
          .requests(Requests.Target.VCPU)
          .forEach(number -> vcpuRequests.putIfAbsent(number, requests));
    }
  }

  /** Who answers a request on a kind of file, or null. */
  @Nullable Requests request(Requests.Target target, int number) {
    return (target == Requests.Target.VM ? vmRequests : vcpuRequests).get(number);
  }

  /** Who makes a file by a request on a kind of file, or null. */
  @Nullable FileRequests fileRequest(Requests.Target target, int number) {
    return (target == Requests.Target.VM ? vmFiles : vcpuFiles).get(number);
  }

  private <P> List<P> of(Class<P> kind) {
    return all.stream().filter(kind::isInstance).map(kind::cast).toList();
  }
}
