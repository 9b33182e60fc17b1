package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/**
 * What holds of a VM's GIC whatever its guest and its client did, while nobody does anything. It
 * looks into the model, with no lock.
 */
final class Invariants {
  private Invariants() {}

  /** Lets every vCPU enter and leave the guest, which settles what is queued, and checks all. */
  static void check(TestGic gic) throws KvmException {
    for (int twice = 0; twice < 2; twice++) {
      // What leaves the last vCPU's queue may arrive at the first.
      for (Vcpu vcpu : gic.vcpus) {
        vcpu.run();
      }
    }
    Vgic vgic = gic.vgic();
    Set<Interrupt> queued = queued(vgic);
    interrupts(vgic, queued);
    banks(vgic);
    lpis(vgic, queued);
    for (Its its : vgic.itss) {
      mappings(vgic, its.mappings);
    }
  }

  /** Each queued interrupt is in one queue, once, is due there, and has its home there. */
  private static Set<Interrupt> queued(Vgic vgic) {
    Set<Interrupt> all = Collections.newSetFromMap(new IdentityHashMap<>());
    Map<Integer, Interrupt> shared = new HashMap<>();
    for (int index = 0; index < vgic.cpuCount(); index++) {
      VgicCpu cpu = vgic.cpu(index);
      for (Interrupt irq = cpu.queue.first(); irq != null; irq = cpu.queue.after(irq)) {
        String name = irq + " in the queue of vCPU " + index;
        assertTrue(all.add(irq), () -> name + " is queued twice");
        assertTrue(irq.queued, name);
        assertSame(cpu, irq.home, name);
        assertSame(cpu, vgic.destination(irq), () -> name + " is not due there");
        assertTrue(irq.active || irq.isPending(), () -> name + " is neither pending nor active");
        assertEquals(ListRegisters.NONE, irq.register, name);
        assertFalse(irq.moving || irq.queueWhenHome, name);
        if (irq.intid < 0 || irq.intid >= Interrupt.PRIVATE) {
          assertTrue(shared.put(irq.intid, irq) == null, () -> name + ": two of one INTID");
        }
      }
    }
    return all;
  }

  /** What is in no queue says so. */
  private static void interrupts(Vgic vgic, Set<Interrupt> queued) {
    for (int index = 0; index < vgic.cpuCount(); index++) {
      for (Interrupt irq : vgic.cpu(index).own) {
        settled(irq, queued);
      }
    }
    for (int intid = Interrupt.PRIVATE; intid < vgic.interruptCount(); intid++) {
      Interrupt irq = vgic.spi(intid);
      if (irq != null) {
        settled(irq, queued);
      }
    }
  }

  /** The words that registers read are what the interrupts are. */
  private static void banks(Vgic vgic) {
    for (int intid = Interrupt.PRIVATE; intid < vgic.interruptCount(); intid += 32) {
      InterruptBank bank = vgic.bank(intid);
      int enabled = 0;
      int group1 = 0;
      int edge = 0;
      for (int i = 0; i < InterruptBank.SIZE; i++) {
        Interrupt irq = bank.interrupts[i];
        enabled |= irq.enabled ? 1 << i : 0;
        group1 |= irq.group1 ? 1 << i : 0;
        edge |= irq.edge ? 1 << i : 0;
      }
      assertEquals(enabled, bank.enabled(), "enabled from " + intid);
      assertEquals(group1, bank.group1(), "in group 1 from " + intid);
      assertEquals(edge, bank.edge(), "edge-triggered from " + intid);
    }
  }

  private static void settled(Interrupt irq, Set<Interrupt> queued) {
    assertEquals(queued.contains(irq), irq.queued, () -> irq + " and its queue");
    assertFalse(irq.moving || irq.queueWhenHome, () -> irq + " is on its way for ever");
  }

  /** Each LPI counts its references; one that nobody has is pending; a queue has none else. */
  private static void lpis(Vgic vgic, Set<Interrupt> queued) {
    Map<Lpis.Lpi, Integer> references = new HashMap<>();
    for (Its its : vgic.itss) {
      for (ItsMappings.Device device : its.mappings.devices.values()) {
        for (ItsMappings.Event event = device.events; event != null; event = event.next) {
          assertNotNull(event.lpi);
          references.merge(event.lpi, 1, Integer::sum);
        }
      }
    }
    int events = references.values().stream().mapToInt(Integer::intValue).sum();
    assertEquals(events, vgic.lpis.eventCount(), "events");
    assertTrue(events <= Lpis.MAX_EVENTS);
    int cached = 0;
    for (Lpis.Lpi lpi : vgic.lpis.cache.cached()) {
      references.merge(lpi, 1, Integer::sum);
      cached++;
    }
    assertTrue(cached <= 16 * vgic.cpuCount(), "translations");
    Set<Interrupt> known = Collections.newSetFromMap(new IdentityHashMap<>());
    int unmapped = 0;
    synchronized (vgic.lpis) {
      for (Lpis.Lpi lpi : vgic.lpis.all()) {
        assertEquals(references.getOrDefault(lpi, 0), lpi.references, () -> lpi.irq + "");
        settled(lpi.irq, queued);
        known.add(lpi.irq);
        unmapped += lpi.references == 0 ? 1 : 0;
      }
    }
    for (Lpis.Lpi lpi : references.keySet()) {
      assertTrue(known.contains(lpi.irq), () -> lpi.irq + " is mapped and not known");
    }
    for (Interrupt irq : queued) {
      assertTrue(!irq.isLpi() || known.contains(irq), () -> irq + " is queued and not known");
    }
    assertTrue(unmapped <= 1025 + queued.size(), "LPIs that nobody maps are kept");
  }

  /** Ids are those that fit; events lie with their device, and are found. */
  private static void mappings(Vgic vgic, ItsMappings mappings) {
    assertTrue(mappings.devices.size() <= 1 << 16);
    assertTrue(mappings.collections.size() <= 1 << 16);
    mappings.devices.forEach(
        (id, device) -> {
          assertEquals(id, device.id);
          assertTrue(id >= 0 && id < 1 << 16 && device.eventBits >= 1 && device.eventBits <= 16);
          for (ItsMappings.Event event = device.events; event != null; event = event.next) {
            assertSame(event, mappings.find(id, event.id));
            assertTrue(event.id >= 0 && event.id < 1 << device.eventBits);
            assertTrue(
                event.collection.removed
                    || mappings.collection(event.collection.id) == event.collection);
          }
        });
    mappings.collections.forEach(
        (id, collection) -> {
          assertEquals(id, collection.id);
          assertTrue(collection.target >= -1 && collection.target < vgic.cpuCount());
        });
  }

  /** The mappings of an ITS as text, in the order of their ids. */
  static String mappings(Its its) {
    StringBuilder text = new StringBuilder();
    its.mappings.collections.values().stream()
        .sorted((a, b) -> a.id - b.id)
        .forEach(c -> text.append("C%d→%d ".formatted(c.id, c.target)));
    for (ItsMappings.Device device : its.mappings.devices.values()) {
      text.append("%nD%d %#x/%d:".formatted(device.id, device.table, device.eventBits));
      Map<Integer, String> events = new java.util.TreeMap<>();
      for (ItsMappings.Event event = device.events; event != null; event = event.next) {
        events.put(event.id, event.interrupt().intid + "/" + event.collection.id);
      }
      text.append(events);
    }
    return text.toString();
  }
}
