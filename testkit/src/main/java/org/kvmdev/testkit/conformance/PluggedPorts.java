package org.kvmdev.testkit.conformance;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Hypercalls;
import org.kvmdev.api.machine.InterruptTaken;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Port;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.SystemRegisters;
import org.kvmdev.runtime.Vcpu;

/**
 * What a family plugs into each VM, by the numbers and names under which a guest and a client reach
 * it.
 *
 * @param systemRegisters names of registers that a guest reaches by instructions of its own
 * @param hypercalls numbers that the family answers, of those that a guest was seen to use
 * @param vmRequests encoded numbers of requests of its own on a VM
 * @param vcpuRequests the same, on a vCPU
 * @param registers ids of vCPU registers that are in the state
 * @param isTold whether the family is told when a guest takes its interrupt
 */
record PluggedPorts(
    List<String> systemRegisters,
    List<Integer> hypercalls,
    List<Integer> vmRequests,
    List<Integer> vcpuRequests,
    List<Long> registers,
    boolean isTold) {
  private static final int HIGHEST_CALL = 0xffff;
  private static final int CALL_STEP = 4;
  private static final int REGISTERS = 16;

  /** Finds them. */
  static PluggedPorts of(Subject subject) {
    Journal journal = new Journal();
    try (Bench bench = subject.bench(journal)) {
      return new PluggedPorts(
          journal.ports(SystemRegisters.class).stream().flatMap(p -> p.names().stream()).toList(),
          journal.ports(Hypercalls.class).isEmpty() || !subject.guestRuns()
              ? List.of()
              : answered(bench.typedVcpu(0)),
          requests(journal, Requests.Target.VM),
          requests(journal, Requests.Target.VCPU),
          registers(subject),
          !journal.ports(InterruptTaken.class).isEmpty());
    } catch (KvmException e) {
      throw new IllegalStateException("the device cannot be brought up: " + e.getMessage(), e);
    }
  }

  private static List<Integer> requests(Journal journal, Requests.Target target) {
    return journal.ports(Requests.class).stream()
        .flatMap(port -> port.requests(target).stream())
        .toList();
  }

  private static List<Long> registers(Subject subject) throws KvmException {
    if (!subject.declaresState()) {
      return List.of();
    }
    try (Bench bench = subject.bench()) {
      return bench
          .typedVm()
          .save()
          .toString()
          .lines()
          .filter(line -> line.startsWith("register "))
          .map(line -> Long.parseUnsignedLong(line.split(" ")[2].substring(2), 16))
          .distinct()
          .toList();
    }
  }

  private static List<Integer> answered(Vcpu vcpu) throws KvmException {
    List<Integer> answered = new ArrayList<>();
    vcpu.enter();
    try {
      for (int number = 0; number <= HIGHEST_CALL; number += CALL_STEP) {
        try {
          if (vcpu.hypercall(number, new long[REGISTERS]) != Hypercalls.NOT_MINE) {
            answered.add(number);
          }
        } catch (KvmException refusal) {
          answered.add(number);
        }
      }
    } finally {
      vcpu.exit();
    }
    return answered;
  }

  /** A VM that notes what is plugged into it. */
  static Machine watching(Machine machine, Journal journal) {
    return (Machine)
        Proxy.newProxyInstance(
            Machine.class.getClassLoader(),
            new Class<?>[] {Machine.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("plug") && arguments[0] instanceof Port port) {
                journal.port(port);
              }
              try {
                return method.invoke(machine, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
