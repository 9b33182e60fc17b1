package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.Kvm;

/** What the distributions have, and what is said where one lacks something. */
class DistributionTest {
  private static final String MPIC = "org.kvmdev.devices.mpic";
  private static final String VGIC = "org.kvmdev.devices.vgic";
  private static final String XICS = "org.kvmdev.devices.xics";

  @Test
  void whatIsWrittenOfTheDeviceModulesIsWhatTheyHave() {
    Distribution distribution = Distribution.here();
    var written = new TreeMap<String, Set<String>>();
    for (String module : distribution.modules()) {
      written.put(module, new TreeSet<>(distribution.words(module)));
    }
    var there = new TreeMap<String, Set<String>>();
    Kvm.load()
        .plugins()
        .forEach(
            plugin ->
                there.put(
                    plugin.provider().getClass().getPackageName(),
                    new TreeSet<>(
                        Stream.concat(
                                plugin.hosts().stream().map(Host::name),
                                plugin.types().stream().map(DeviceType::name))
                            .toList())));
    assertEquals(there, written);
    assertEquals(Set.of(MPIC, VGIC, XICS), Set.copyOf(distribution.words("kvmdev")));
  }

  @Test
  void anImageForOneArchitectureSaysWhichHasTheOthers() {
    Distribution arm64 = Distribution.with(Set.of(VGIC));
    assertEquals(
        "; this is kvmdev-arm64, and powerpc-e500v2-6.12 is in kvmdev, kvmdev-powerpc",
        arm64.elsewhere("powerpc-e500v2-6.12"));
    assertEquals(
        "; this is kvmdev-arm64, and xics is in kvmdev, kvmdev-powerpc", arm64.elsewhere("xics"));
    assertEquals(
        "; this is kvmdev-arm64, and ppc64 is in kvmdev, kvmdev-powerpc", arm64.elsewhere("ppc64"));
    assertEquals("", arm64.elsewhere("arm64-gicv2-6.1"));
    assertEquals("", arm64.elsewhere("ppc64-xive-6.1"));
    assertEquals(
        "; this is kvmdev-powerpc, and arm64-gicv3-6.1 is in kvmdev, kvmdev-arm64",
        Distribution.with(Set.of(MPIC, XICS)).elsewhere("arm64-gicv3-6.1"));
    assertEquals(
        "; this is a kvmdev of its own with [org.kvmdev.devices.xics], and FSL_MPIC_20 is in"
            + " kvmdev, kvmdev-powerpc",
        Distribution.with(Set.of(XICS)).elsewhere("FSL_MPIC_20"));
    assertEquals("", Distribution.with(Set.of(MPIC, VGIC, XICS)).elsewhere("XICS"));
  }
}
