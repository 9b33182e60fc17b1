/**
 * The bridge to programs outside the JVM. {@link org.kvmdev.bridge.BridgeServer} answers on a Unix
 * socket; {@link org.kvmdev.bridge.ClientLibrary} is the C library that a program is started with,
 * so that it finds its /dev/kvm there:
 *
 * <pre>{@code
 * try (Kvm kvm = Kvm.load();
 *     BridgeServer server = BridgeServer.open(Path.of("kvm.sock"), kvm, BridgeOptions.DEFAULT)) {
 *   ProcessBuilder program = new ProcessBuilder("my-vmm");
 *   program.environment().put("KVMDEV_SOCKET", "kvm.sock");
 *   program.environment().put("LD_PRELOAD", library.toString());
 *   program.inheritIO().start().waitFor();
 * }
 * }</pre>
 *
 * <p>What the two say to each other is in {@code docs/bridge-protocol.md}.
 */
package org.kvmdev.bridge;
