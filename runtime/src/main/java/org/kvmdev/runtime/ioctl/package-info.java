/**
 * The ioctl face, for whatever speaks bytes: recordings, and bridges to other processes. It is a
 * thin layer over the typed face and the only place that knows structures and request numbers.
 *
 * <p>A {@link org.kvmdev.runtime.ioctl.KvmProcess} is a client: its file descriptors, its
 * {@linkplain org.kvmdev.runtime.ioctl.ProcessMemory memory}, and {@code ioctl}, which takes the
 * {@linkplain org.kvmdev.runtime.ioctl.RequestNumbers numbers} of the host that the client was made
 * on. A structure is put into the memory, and its address is the argument:
 *
 * <pre>{@code
 * KvmProcess process = new KvmProcess(kvm, kvm.host("powerpc-e500v2-6.12"));
 * ProcessMemory memory = process.memory();
 * RequestNumbers requests = process.requests();
 *
 * int system = process.openKvm();
 * int vm = (int) process.ioctl(system, requests.of(Request.CREATE_VM), 0);
 *
 * long create = memory.map(12);          // struct kvm_create_device
 * memory.writeNumber(create, 4, 2);      // .type
 * process.ioctl(vm, requests.of(Request.CREATE_DEVICE), create);
 * int device = (int) memory.readNumber(create + 4, 4);
 *
 * long attr = memory.map(24);            // struct kvm_device_attr
 * memory.writeNumber(attr + 4, 4, 2);    // .group
 * memory.writeNumber(attr + 8, 8, 0x1020);
 * memory.writeNumber(attr + 16, 8, memory.map(4));
 * process.ioctl(device, requests.of(Request.GET_DEVICE_ATTR), attr);
 * }</pre>
 *
 * <p>What is refused is a {@link org.kvmdev.api.KvmException}, with the errno that Linux answers in
 * this place, in the order in which Linux checks.
 */
package org.kvmdev.runtime.ioctl;
