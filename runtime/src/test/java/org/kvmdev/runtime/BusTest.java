package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.VmTest.refused;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/** The MMIO bus's regions. */
class BusTest {
  private final Bus bus = new Bus();

  /** A handler that is only looked up. */
  private record Named(int number) implements MmioHandler {
    @Override
    public long read(Vcpu vcpu, long offset, int size) {
      return number;
    }

    @Override
    public long write(Vcpu vcpu, long offset, int size, long value) {
      return 0;
    }
  }

  @Test
  void theBusIsFullAboveAThousandRegions() throws KvmException {
    for (int i = 0; i < 1000; i++) {
      bus.add(i * 0x1000L, 0x1000, new Named(i));
    }
    refused(Errno.ENOSPC, () -> bus.add(1 << 30, 0x1000, new Named(1000)));
    assertEquals(new Named(999), bus.find(999 * 0x1000L + 5));
  }

  @Test
  void aRegionAtTheTopOfTheAddressesIsFound() throws KvmException {
    bus.add(-0x1000, 0x1000, new Named(1));
    bus.add(0, 0x1000, new Named(2));
    assertEquals(new Named(1), bus.find(-1));
    assertEquals(new Named(2), bus.find(0));
    assertNull(bus.find(0x1000));
  }

  @Test
  void findsWhatAScanOfAllRegionsFinds() throws KvmException {
    Random random = new Random(7);
    List<MmioBus.Region> regions = new ArrayList<>();
    List<Named> handlers = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      if (i % 3 == 2) {
        int gone = random.nextInt(regions.size());
        bus.remove(regions.remove(gone));
        handlers.remove(gone);
      } else {
        Named handler = new Named(i);
        regions.add(bus.add(random.nextInt(1 << 12), 1 + random.nextInt(1 << 9), handler));
        handlers.add(handler);
      }
      long address = random.nextInt(1 << 13);
      MmioHandler expected = null;
      long lowest = Long.MAX_VALUE;
      for (int j = 0; j < regions.size(); j++) {
        MmioBus.Region region = regions.get(j);
        boolean inside = address >= region.base() && address < region.base() + region.size();
        if (inside && region.base() < lowest) {
          lowest = region.base();
          expected = handlers.get(j);
        }
      }
      assertSame(expected, bus.find(address));
    }
  }

  private static VirtualCpu vcpu() throws KvmException {
    Vm vm = Kvm.of(List.of(new LatchProvider())).createVm("test-host");
    return new VirtualCpu((VirtualMachine) vm.machine(), 0, 0);
  }

  @Test
  void accessesReachWhatAScanOfAllRegionsReachesHoweverTheyChange() throws KvmException {
    VirtualCpu vcpu = vcpu();
    Random random = new Random(11);
    List<MmioBus.Region> regions = new ArrayList<>();
    List<Named> handlers = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      if (i % 3 == 2) {
        int gone = random.nextInt(regions.size());
        bus.remove(regions.remove(gone));
        handlers.remove(gone);
      } else {
        Named handler = new Named(i);
        regions.add(bus.add(random.nextInt(1 << 14), 1 + random.nextInt(1 << 8), handler));
        handlers.add(handler);
      }
      // So near each other that most reach the same region as the one before.
      long address = random.nextInt(1 << 14);
      for (int access = 0; access < 40; access++) {
        int size = 2 << random.nextInt(3);
        Named expected = null;
        long lowest = Long.MAX_VALUE;
        for (int j = 0; j < regions.size(); j++) {
          MmioBus.Region region = regions.get(j);
          boolean inside =
              address >= region.base() && address + size <= region.base() + region.size();
          if (inside && region.base() < lowest) {
            lowest = region.base();
            expected = handlers.get(j);
          }
        }
        long value = bus.read(vcpu, address, size);
        assertEquals(expected == null, vcpu.declined);
        assertEquals(expected == null ? 0 : expected.number(), value);
        address += random.nextInt(16);
      }
    }
  }

  @Test
  void aRegionThatIsGoneIsNotReachedAgain() throws KvmException {
    VirtualCpu vcpu = vcpu();
    MmioBus.Region region = bus.add(0x1000, 0x100, new Named(1));
    assertEquals(1, bus.read(vcpu, 0x1000, 4));
    bus.remove(region);
    bus.read(vcpu, 0x1000, 4);
    assertTrue(vcpu.declined);
    bus.write(vcpu, 0x1000, 4, 0);
    assertTrue(vcpu.declined);
  }

  @Test
  void aRegionThatIsAddedBeforeAnotherIsReachedFirst() throws KvmException {
    VirtualCpu vcpu = vcpu();
    bus.add(0x1000, 0x100, new Named(1));
    assertEquals(1, bus.read(vcpu, 0x1010, 4));
    MmioBus.Region first = bus.add(0xff0, 0x100, new Named(2));
    assertEquals(2, bus.read(vcpu, 0x1010, 4));
    assertEquals(1, bus.read(vcpu, 0x10f0, 4));
    assertEquals(2, bus.read(vcpu, 0x1010, 4));
    bus.remove(first);
    assertEquals(1, bus.read(vcpu, 0x1010, 4));
  }
}
