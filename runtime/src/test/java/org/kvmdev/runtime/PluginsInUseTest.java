package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.VmTest.refused;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.MethodModel;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.ref.WeakReference;
import java.lang.reflect.AccessFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** Devices of plug-ins in VMs: loaded anew, made for another api, and misbehaving. */
class PluginsInUseTest {
  private static final int TYPE = 0x4000_0001;

  @TempDir Path plugins;
  @TempDir Path temp;

  @BeforeEach
  void aHostToMakeVmsOn() {
    new PluginBuilder()
        .provider(
            "com.host.Machines",
            "List.of()",
            "public List<Host> hosts() { return List.of(Host.read(\"pc\","
                + " Machines.class.getResourceAsStream(\"pc.properties\"))); }")
        .service("com.host.Machines")
        .resource("com/host/pc.properties", "architecture=pc\nendian=little\n")
        .jar(plugins.resolve("a-machines.jar"));
  }

  /** A counter whose device has one attribute of 8 bytes; texts stand for its methods' bodies. */
  private static PluginBuilder counter(String create, String get) {
    return new PluginBuilder()
        .source(
            "com.example.Count",
            """
            package com.example;
            import org.kvmdev.api.*;
            enum Count implements AttributeId {
              COUNT;
              static final AttributeGroup GROUP = AttributeGroup.of(1, "GROUP", "A group.").build();
              private final Attribute attribute =
                  Attribute.of(AttributeGroup.of(1, "GROUP", "A group.").build(), 0, "COUNT", "How often.")
                      .size(8).build();
              public Attribute attribute() { return attribute; }
            }
            """)
        .source(
            "com.example.Counter",
            """
            package com.example;
            import java.util.*;
            import org.kvmdev.api.*;
            import org.kvmdev.api.machine.*;
            public class Counter implements DeviceProvider {
              static final AttributeTable<Count> TABLE = AttributeTable.of(List.of(Count.values()));
              public List<DeviceType> types() {
                return List.of(
                    DeviceType.of(0x40000001, "COUNTER", "kvm-counter", "It counts.")
                        .attributes(TABLE).lifetime(Lifetime.REFERENCES).build());
              }
              public Set<String> architectures() { return Set.of("pc"); }
              public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
                %s
                return new Device();
              }
              static final class Device extends AttributeDevice<Count> {
                long count;
                Device() { super(TABLE); }
                static int deep(int n) { return deep(n + 1) + 1; }
                protected long get(Count attribute, long attr) throws KvmException {
                  %s
                  return count++;
                }
                protected void set(Count attribute, long attr, long value) { count = value; }
              }
            }
            """
                .formatted(create, get))
        .service("com.example.Counter");
  }

  private Path jar() {
    return plugins.resolve("counter.jar");
  }

  /** A class loader, or what else should be garbage, is. */
  static void isCollected(WeakReference<?> what) throws InterruptedException {
    for (int i = 0; i < 100 && what.get() != null; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertNull(what.get(), "something holds the plug-in");
  }

  private static @Nullable ClassLoader loader(Kvm kvm) {
    return kvm.plugins().getLast().provider().getClass().getClassLoader();
  }

  @Test
  void aPlugInIsLoadedAgainAndTheOldOneGoesWithItsLastDevice() throws Exception {
    Path second = counter("", "count += 100;").jar(temp.resolve("second.jar"));
    counter("", "").jar(jar());
    Kvm old = Kvm.load(plugins);
    WeakReference<ClassLoader> loaded = new WeakReference<>(loader(old));
    Vm vm = old.createVm("pc");
    Device device = vm.createDevice(TYPE);
    device.set(1, 0, 7);

    Files.copy(second, jar(), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    try (Kvm now = Kvm.load(plugins);
        Vm other = now.createVm("pc");
        Device newer = other.createDevice(TYPE)) {
      assertNotSame(loader(old), loader(now));
      assertEquals(100, newer.get(1, 0));
      // The old one works on, also for what it has not loaded yet, until it goes.
      assertEquals(7, device.get(1, 0));
      assertEquals(0, vm.createDevice(TYPE).get(1, 0));
      old = null;
      System.gc();
      assertTrue(loaded.get() != null, "a device of it lives");
      vm.close();
      vm = null;
      device.close();
      device = null;
      isCollected(loaded);
      assertEquals(201, newer.get(1, 0));
    }
  }

  @Test
  void whatADeviceThrowsIsAnErrnoThatNamesTheJarAndTheRestWorks() throws Exception {
    for (String thrown :
        List.of(
            "if (true) throw new IllegalStateException(\"oh\");",
            "count = deep(0);",
            "if (true) throw new NoSuchMethodError(\"DeviceType.flavour()\");",
            "count = new int[Integer.MAX_VALUE].length;")) {
      counter("", thrown).jar(jar());
      try (Kvm kvm = Kvm.load(plugins);
          Vm vm = kvm.createVm("pc");
          Device device = vm.createDevice(TYPE)) {
        KvmException refusal = refused(Errno.EIO, () -> device.get(1, 0));
        assertTrue(refusal.getMessage().contains("counter.jar"), refusal::getMessage);
        device.set(1, 0, 3);
      }
      counter(thrown.replace("count", "int n").replace("deep", "Device.deep"), "").jar(jar());
      try (Kvm kvm = Kvm.load(plugins);
          Vm vm = kvm.createVm("pc")) {
        KvmException refusal = refused(Errno.EIO, () -> vm.createDevice(TYPE));
        assertTrue(refusal.getMessage().contains("counter.jar"), refusal::getMessage);
        vm.createVcpu(0).close();
      }
    }
  }

  @Test
  @Timeout(60)
  void oneThatHangsInCreateHoldsItsOwnVmAlone() throws Exception {
    String hangs =
        "if (machine.vcpuCount() == 1) { try { Thread.sleep(1L << 40); }"
            + " catch (InterruptedException e) { } }";
    counter(hangs, "").jar(jar());
    try (Kvm kvm = Kvm.load(plugins);
        Vm held = kvm.createVm("pc");
        Vm free = kvm.createVm("pc")) {
      held.createVcpu(0);
      Thread waits =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      held.createDevice(TYPE);
                    } catch (KvmException e) {
                      throw new IllegalStateException(e);
                    }
                  });
      while (waits.getState() != Thread.State.TIMED_WAITING) {
        Thread.sleep(1);
      }
      try (Device device = free.createDevice(TYPE)) {
        assertEquals(0, device.get(1, 0));
      }
      assertTrue(SlowCall.place(waits).contains("com.example.Counter.create"));
      waits.interrupt();
      waits.join();
    }
  }

  @Test
  @Timeout(60)
  void aCallThatIsSlowIsToldInTheLog() throws Exception {
    counter("", "").jar(jar());
    try (Kvm kvm = Kvm.load(plugins);
        var _ =
            SlowCall.watch(
                kvm.plugins().getLast().provider(), "making a COUNTER", Duration.ofMillis(1))) {
      Path log = Path.of("target/test.log");
      String line = "counter.jar: making a COUNTER takes more than 0.001 s, at ";
      while (!Files.readString(log).contains(line)) {
        Thread.sleep(10);
      }
    }
  }

  // Jars that were compiled for another api.

  /** The api's classes, each changed. */
  private Path api(UnaryOperator<byte[]> change) throws IOException {
    Path classes = PluginBuilder.place(DeviceProvider.class);
    assertTrue(Files.isDirectory(classes) || classes.toString().endsWith(".jar"));
    Path changed = Files.createTempDirectory(temp, "api");
    try (java.nio.file.FileSystem jar =
            Files.isDirectory(classes) ? null : java.nio.file.FileSystems.newFileSystem(classes);
        Stream<Path> files = Files.walk(jar == null ? classes : jar.getPath("/"))) {
      Path root = jar == null ? classes : jar.getPath("/");
      for (Path file : files.filter(each -> each.toString().endsWith(".class")).toList()) {
        Path to = changed.resolve(root.relativize(file).toString());
        Files.createDirectories(to.getParent());
        Files.write(to, change.apply(Files.readAllBytes(file)));
      }
    }
    return changed;
  }

  /** An interface without its methods that have a body: as it was before they were added. */
  private static byte[] withoutDefaults(byte[] file) {
    ClassModel type = ClassFile.of().parse(file);
    if (!type.flags().has(AccessFlag.INTERFACE)) {
      return file;
    }
    return ClassFile.of()
        .transformClass(
            type,
            ClassTransform.dropping(
                element ->
                    element instanceof MethodModel method
                        && !method.flags().has(AccessFlag.ABSTRACT)
                        && !method.flags().has(AccessFlag.STATIC)));
  }

  @Test
  void aJarForAnOlderApiWorks() throws Exception {
    Path older = api(PluginsInUseTest::withoutDefaults);
    counter("", "").api(older).jar(jar());
    try (Kvm kvm = Kvm.load(plugins);
        Vm vm = kvm.createVm("pc");
        Device device = vm.createDevice(TYPE)) {
      assertEquals(List.of(), kvm.faults());
      // The older api had neither join nor init, neither ioctl nor hosts.
      device.set(1, 0, 5);
      assertEquals(5, device.get(1, 0));
      assertEquals(6, device.get(1, 0));
    }
  }

  /** A class that has one method more, {@code static int flavour()}. */
  private static byte[] withFlavour(byte[] file) {
    ClassModel type = ClassFile.of().parse(file);
    if (!type.thisClass().asInternalName().equals("org/kvmdev/api/DeviceType")) {
      return file;
    }
    return ClassFile.of()
        .transformClass(
            type,
            ClassTransform.endHandler(
                builder ->
                    builder.withMethodBody(
                        "flavour",
                        MethodTypeDesc.of(ConstantDescs.CD_int),
                        ClassFile.ACC_PUBLIC | ClassFile.ACC_STATIC,
                        code -> code.iconst_1().ireturn())));
  }

  @Test
  void aJarForANewerApiIsRefusedWhereItNeedsIt() throws Exception {
    Path newer = api(PluginsInUseTest::withFlavour);
    counter("", "count = DeviceType.flavour();").api(newer).jar(jar());
    new PluginBuilder()
        .api(newer)
        .provider("com.eager.Eager", 0x4000_0002, "int flavour = DeviceType.flavour();")
        .service("com.eager.Eager")
        .jar(plugins.resolve("eager.jar"));
    try (Kvm kvm = Kvm.load(plugins);
        Vm vm = kvm.createVm("pc");
        Device device = vm.createDevice(TYPE)) {
      assertEquals(1, kvm.faults().size(), kvm.faults()::toString);
      String fault = kvm.faults().getFirst().message();
      assertTrue(fault.startsWith("eager.jar: "), fault);
      assertTrue(fault.contains("DeviceType.flavour()"), fault);
      assertTrue(fault.contains("Compile it against this version of org.kvmdev.api"), fault);
      KvmException refusal = refused(Errno.EIO, () -> device.get(1, 0));
      assertTrue(refusal.getMessage().contains("counter.jar"), refusal::getMessage);
    }
  }
}
