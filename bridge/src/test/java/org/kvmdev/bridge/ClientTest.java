package org.kvmdev.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.bridge.BridgeOptions.Run;
import org.kvmdev.bridge.Programs.Outcome;
import org.kvmdev.runtime.Kvm;

/** A program that knows nothing of kvmdev (src/test/c/client.c) sees a kernel's KVM. */
class ClientTest {
  private static final String HOST = "arm64-gicv3-6.1";

  @TempDir private Path folder;
  private Path socket;
  private Kvm kvm;
  private BridgeServer server;

  @BeforeEach
  void serve() throws IOException {
    socket = folder.resolve("kvm.sock");
    kvm = Kvm.load();
    server = BridgeServer.open(socket, kvm, new BridgeOptions(HOST, Run.WAIT, null));
  }

  @AfterEach
  void end() {
    server.close();
    kvm.close();
  }

  private static void passes(Outcome outcome) {
    assertEquals(0, outcome.status(), outcome.output());
    assertEquals("", outcome.output());
  }

  private void run(String test) {
    passes(Programs.finish(Programs.start(socket, Programs.program("client"), test)));
  }

  private void nobodyIsLeft() {
    waitUntil(
        () -> server.processes() == 0 && server.connections() == 0,
        "clients that ended are known no more");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "opening",
        "opening-by-how",
        "reopening",
        "streams",
        "attributes",
        "faults",
        "registers",
        "descriptors",
        "limits",
        "forking",
        "executing",
        "spawning",
        "passing",
        "mapping",
        "statistics",
        "threads",
        "many",
        "running",
        "masked",
        "events",
        "handlers",
        "jumping",
        "forking-handlers",
        "telling",
        "actions"
      })
  void aProgramSeesAKernel(String test) {
    run(test);
    nobodyIsLeft();
  }

  @Test
  void aHandlerThatTheLibraryDoesNotKnowMakesNoRequestWithinAnother() {
    Outcome outcome =
        Programs.finish(Programs.start(socket, Programs.program("client"), "raw-handler"));
    assertEquals(0, outcome.status(), outcome.output());
    assertTrue(
        outcome.output().startsWith("kvmdev: a handler that was not installed by sigaction"),
        outcome.output());
    nobodyIsLeft();
  }

  @Test
  void aRunCanExitAtOnce() throws IOException {
    Path other = folder.resolve("exit.sock");
    try (BridgeServer exits =
        BridgeServer.open(other, kvm, new BridgeOptions(HOST, Run.EXIT, null))) {
      passes(Programs.finish(Programs.start(other, Programs.program("client"), "exiting")));
      assertEquals(HOST, exits.options().host());
    }
  }

  @Test
  void aProgramFindsFilesOfItsHost() throws IOException {
    Path file = folder.resolve("files/proc/device-tree/cpus/cpu@0/clock-frequency");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "17d7");
    passes(
        Programs.finish(
            Programs.start(
                socket,
                Map.of(HostView.FILES_VARIABLE, folder.resolve("files").toString()),
                Programs.program("client"),
                "host-files")));
  }

  @Test
  void severalProgramsAtOnce() {
    List<Process> programs = new ArrayList<>();
    for (String test : List.of("threads", "many", "attributes", "running", "threads")) {
      programs.add(Programs.start(socket, Programs.program("client"), test));
    }
    programs.forEach(program -> passes(Programs.finish(program)));
    nobodyIsLeft();
  }

  @Test
  void aProgramKilledAtAnyMomentHarmsNobody() throws InterruptedException {
    Process bystander = Programs.start(socket, Programs.program("client"), "threads");
    for (int i = 0; i < 20; i++) {
      Process victim = Programs.start(socket, Programs.program("client"), "endless");
      LockSupport.parkNanos(i * 3_000_000L);
      victim.destroyForcibly().waitFor();
    }
    passes(Programs.finish(bystander));
    run("attributes");
    nobodyIsLeft();
  }

  @Test
  void ofAProgramThatIsKilledNoDeviceIsLeft() throws IOException, InterruptedException {
    Counted counted = new Counted();
    Path other = folder.resolve("counted.sock");
    try (Kvm own = Kvm.of(List.of(counted));
        BridgeServer server =
            BridgeServer.open(other, own, new BridgeOptions(Counted.HOST, Run.WAIT, null))) {
      for (int i = 0; i < 10; i++) {
        int before = counted.made.get();
        Process victim = Programs.start(other, Programs.program("client"), "endless");
        waitUntil(() -> counted.made.get() > before + 5, "devices are made");
        victim.destroyForcibly().waitFor();
      }
      waitUntil(() -> counted.alive.get() == 0, "all devices have ended");
      waitUntil(() -> server.connections() == 0, "all connections have ended");
    }
  }

  private static void waitUntil(BooleanSupplier condition, String what) {
    long patience = System.nanoTime() + Programs.PATIENCE_SECONDS * 1_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < patience, () -> "never: " + what);
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void aProgramKilledWhileItsVcpuSleepsTakesItAlong() throws IOException, InterruptedException {
    Process sleeper = Programs.start(socket, Programs.program("client"), "asleep");
    assertEquals("asleep", sleeper.inputReader().readLine());
    sleeper.destroyForcibly().waitFor();
    nobodyIsLeft();
  }

  @Test
  void aProgramWhoseServerGoesGetsErrorsAndGoesOn() throws IOException {
    Process program = Programs.start(socket, Programs.program("client"), "lost");
    assertEquals("ready", program.inputReader().readLine());
    server.close();
    Outcome outcome = Programs.finish(program);
    assertEquals(0, outcome.status(), outcome.output());
  }

  @Test
  void aProgramThatCannotRunOnTheHostIsToldWhy() throws IOException {
    Path other = folder.resolve("mpic.sock");
    try (BridgeServer big =
        BridgeServer.open(other, kvm, new BridgeOptions("powerpc-e500v2-6.12", Run.WAIT, null))) {
      Outcome outcome =
          Programs.finish(Programs.start(other, Programs.program("client"), "opening"));
      assertEquals(1, outcome.status());
      assertEquals(0, big.processes());
      assertTrue(outcome.output().contains("build it for powerpc"), outcome.output());
    }
  }

  @Test
  void aProgramWithoutAHostOfItsArchitectureIsToldWhichThereAre() throws IOException {
    Path other = folder.resolve("any.sock");
    try (BridgeServer any = BridgeServer.open(other, kvm, BridgeOptions.DEFAULT)) {
      Outcome outcome =
          Programs.finish(Programs.start(other, Programs.program("client"), "opening"));
      boolean hasHost =
          kvm.hosts().stream()
              .anyMatch(host -> host.architecture().equals(Programs.machine().architecture()));
      assertEquals(hasHost, outcome.status() == 0, outcome.output());
      String wanted = "architecture, " + Programs.machine().architecture() + ";";
      assertTrue(hasHost || outcome.output().contains(wanted), outcome.output());
      assertEquals(0, any.processes());
    }
  }

  @Test
  void withoutAServerTheProgramIsToldWhereItShouldBe() {
    Path nowhere = folder.resolve("nowhere.sock");
    Outcome outcome =
        Programs.finish(Programs.start(nowhere, Programs.program("client"), "opening"));
    assertEquals(1, outcome.status());
    assertTrue(outcome.output().contains("kvmdev: cannot reach the server at " + nowhere));
  }
}
