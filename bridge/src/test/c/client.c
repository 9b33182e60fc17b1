/*
 * A client of KVM's device-control API, as a VMM is one: each argument is a test, which ends with 0 where all is as a
 * kernel answers it. Built for any machine whose KVM has device type TYPE, and without knowing of kvmdev.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/kvm.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

/* A GICv3: the first redistributor region has to have index 0. Numbers, since other machines' headers lack the names. */
#define TYPE 7
#define GROUP_ADDR 0
#define ADDR_DIST 2
#define GROUP_NR_IRQS 3
#define ARM_VCPU_INIT _IOW(KVMIO, 0xae, char[32])
/* A general register of an arm64. */
#define ARM_X(n) (0x6030000000100000ull + 2 * (n))
#define ARM_PREFERRED_TARGET _IOR(KVMIO, 0xaf, char[32])
#define BAD_ADDRESS ((void *)8)

static char buffer[128];

#define refused(call, error) check((call) == -1 && errno == (error))

static int open_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	check(kvm >= 0);
	return kvm;
}

static int create_vm(int kvm)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	check(vm >= 0);
	return vm;
}

static int create_device(int vm)
{
	struct kvm_create_device device = {.type = TYPE, .fd = 12345};

	check(ioctl(vm, KVM_CREATE_DEVICE, &device) == 0);
	check(device.fd != 12345);
	return (int)device.fd;
}

static int create_vcpu(int vm, int id)
{
	char init[32] = {5};
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, id);

	check(vcpu >= 0);
	check(ioctl(vcpu, ARM_VCPU_INIT, init) == 0);
	return vcpu;
}

static int attr(int device, unsigned long request, unsigned group, unsigned long long number, void *value)
{
	struct kvm_device_attr attribute = {.group = group, .attr = number, .addr = (unsigned long)value};

	return ioctl(device, request, &attribute);
}

static void is_named(int fd, const char *name)
{
	char link[64];
	char found[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	check(readlink(link, found, sizeof(found) - 1) > 0);
	check(strcmp(found, name) == 0);
}

static bool answers(int kvm)
{
	return kvm >= 0 && ioctl(kvm, KVM_GET_API_VERSION, 0) == 12;
}

/* All the ways in which /dev/kvm is opened. */
static void opening(void)
{
	struct stat status;
	FILE *stream;
	int folder;
	int kvm = open_kvm();
#ifdef __x86_64__
	int (*old_stat)(int, const char *, struct stat *);
#endif

	check(answers(kvm));
	check(fcntl(kvm, F_GETFD) == FD_CLOEXEC);
	is_named(kvm, "/dev/kvm");
	check(close(kvm) == 0);
	refused(ioctl(kvm, KVM_GET_API_VERSION, 0), EBADF);

	kvm = open("/dev/../dev//kvm", O_RDWR);
	check(answers(kvm) && fcntl(kvm, F_GETFD) == 0);
	check(answers(open64("/dev/kvm", O_RDWR)));
	check(answers(open("/dev/kvm", O_RDONLY)));
	folder = open("/dev", O_RDONLY | O_DIRECTORY);
	check(folder >= 0);
	check(answers(openat(folder, "kvm", O_RDWR)));
	check(answers(openat64(folder, "./kvm", O_RDWR | O_CLOEXEC)));
	check(answers(openat(-1, "/dev/kvm", O_RDWR)));
	refused(openat(-1, "kvm", O_RDWR), EBADF);
	refused(open("kvm", O_RDWR), ENOENT);
	check(chdir("/dev") == 0);
	check(answers(open("kvm", O_RDWR)));
	check(answers(open64("../dev/kvm", O_RDWR)));
	/* Behind a link to the folder. */
	snprintf(buffer, sizeof(buffer), "/proc/self/fd/%d/kvm", folder);
	check(answers(open(buffer, O_RDWR)));
	check(answers(open("/proc/self/cwd/kvm", O_RDWR)));

	check(answers((int)syscall(SYS_openat, AT_FDCWD, "/dev/kvm", O_RDWR, 0)));
#ifdef SYS_open
	check(answers((int)syscall(SYS_open, "/dev/kvm", O_RDWR, 0)));
#endif
	check(syscall(SYS_ioctl, kvm, KVM_GET_API_VERSION, 0) == 12);
	stream = fopen("/dev/kvm", "r+");
	check(stream != NULL && answers(fileno(stream)));
	check(fclose(stream) == 0);
	stream = fopen64("/dev/kvm", "r+e");
	check(stream != NULL && answers(fileno(stream)) && fcntl(fileno(stream), F_GETFD) == FD_CLOEXEC);
	stream = freopen("/dev/kvm", "r+", stream);
	check(stream != NULL && answers(fileno(stream)));

	check(access("/dev/kvm", R_OK | W_OK) == 0);
	check(faccessat(folder, "kvm", R_OK | W_OK, 0) == 0);
	check(stat("/dev/kvm", &status) == 0 && S_ISCHR(status.st_mode));
	check(fstatat(folder, "kvm", &status, 0) == 0 && S_ISCHR(status.st_mode));
	check(lstat("/dev/kvm", &status) == 0 && S_ISCHR(status.st_mode));
#ifdef __x86_64__
	/* As programs for an older libc ask. */
	old_stat = (int (*)(int, const char *, struct stat *))(uintptr_t)dlsym(RTLD_DEFAULT, "__lxstat");
	memset(&status, 0, sizeof(status));
	check(old_stat != NULL && old_stat(1, "/dev/kvm", &status) == 0 && S_ISCHR(status.st_mode));
	check(old_stat(1, "/dev/there-is-none", &status) == -1 && errno == ENOENT);
#endif
	check(answers(creat("/dev/kvm", 0600)));
	check(open("/dev/null", O_RDWR) >= 0);
	refused(open("/dev/there-is-none", O_RDWR), ENOENT);
	refused(open("/dev/kvm", O_RDWR | O_DIRECTORY), ENOTDIR);
	refused(open("/dev/kvm", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	/* EBADF; under qemu-user ENOTTY. */
	check(ioctl(open("/dev/kvm", O_PATH), KVM_GET_API_VERSION, 0) == -1);
	refused(ioctl(open("/dev/null", O_RDWR), KVM_GET_API_VERSION, 0), ENOTTY);
}

/* The number of a stream that was closed is any file's. */
static void streams(void)
{
	FILE *stream = fopen("/dev/kvm", "r+");
	int fd = fileno(stream);
	int vm = create_vm(fd);

	check(answers(fd) && fclose(stream) == 0);
	refused(ioctl(fd, KVM_GET_API_VERSION, 0), EBADF);
	check(open("/dev/zero", O_RDWR) == fd);
	refused(ioctl(fd, KVM_GET_API_VERSION, 0), ENOTTY);
	check(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	stream = fdopen(dup(vm), "r+");
	check(stream != NULL && close(vm) == 0);
	vm = fileno(stream);
	check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	stream = freopen("/dev/zero", "r+", stream);
	check(stream != NULL);
	refused(ioctl(fileno(stream), KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL), ENOTTY);
	check(fclose(stream) == 0);
}

/* By openat2, which has no function in libc. */
static void opening_by_how(void)
{
	struct open_how how = {.flags = O_RDWR | O_CLOEXEC};
	int folder = open("/dev", O_RDONLY | O_DIRECTORY);
	int kvm = (int)syscall(SYS_openat2, AT_FDCWD, "/dev/kvm", &how, sizeof(how));

	if (kvm == -1 && errno == ENOSYS) {
		/* An emulator that does not know it. */
		return;
	}
	check(answers(kvm) && fcntl(kvm, F_GETFD) == FD_CLOEXEC);
	how.resolve = RESOLVE_BENEATH;
	refused((int)syscall(SYS_openat2, folder, "/dev/kvm", &how, sizeof(how)), EXDEV);
	check(answers((int)syscall(SYS_openat2, folder, "kvm", &how, sizeof(how))));
	how.mode = 0600;
	refused((int)syscall(SYS_openat2, folder, "kvm", &how, sizeof(how)), EINVAL);
	refused((int)syscall(SYS_openat2, folder, "kvm", BAD_ADDRESS, sizeof(how)), EFAULT);
	how.mode = 0;
	how.resolve = 0;
	check(syscall(SYS_openat2, folder, "null", &how, sizeof(how)) >= 0);
}

/* A file is opened anew by its number: /dev/kvm can be, an inode without a name cannot. */
static void reopening(void)
{
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	int again;

	snprintf(buffer, sizeof(buffer), "/proc/self/fd/%d", kvm);
	again = open(buffer, O_RDWR | O_CLOEXEC);
	check(again != kvm && answers(again));
	check(close(kvm) == 0 && answers(again));
	check(ioctl(create_vm(again), KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	snprintf(buffer, sizeof(buffer), "/proc/%d/fd/%d", getpid(), vm);
	refused(open(buffer, O_RDWR), ENXIO);
	snprintf(buffer, sizeof(buffer), "/dev/fd/%d", vm);
	refused(open(buffer, O_RDWR), ENXIO);
	check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	again = open("/dev/null", O_RDWR);
	snprintf(buffer, sizeof(buffer), "/dev/fd/%d", again);
	check(open(buffer, O_RDWR) >= 0);
}

static void attributes(void)
{
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	int device = create_device(vm);
	unsigned long long address = 0x8000000;
	unsigned int irqs = 96;
	struct kvm_create_device test = {.type = TYPE, .fd = 77, .flags = KVM_CREATE_DEVICE_TEST};

	is_named(vm, "anon_inode:kvm-vm");
	is_named(device, "anon_inode:kvm-arm-vgic-v3");
	check(fcntl(vm, F_GETFD) == FD_CLOEXEC && fcntl(device, F_GETFD) == FD_CLOEXEC);
	check(ioctl(vm, KVM_CREATE_DEVICE, &test) == 0 && test.fd == 77);
	refused(ioctl(vm, KVM_CREATE_DEVICE, BAD_ADDRESS), EFAULT);
	check(attr(device, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	refused(attr(device, KVM_HAS_DEVICE_ATTR, 99, 0, NULL), ENXIO);
	refused(ioctl(device, KVM_HAS_DEVICE_ATTR, BAD_ADDRESS), EFAULT);
	check(attr(device, KVM_SET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &address) == 0);
	refused(attr(device, KVM_SET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &address), EEXIST);
	address = 0;
	check(attr(device, KVM_GET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &address) == 0 && address == 0x8000000);
	check(attr(device, KVM_SET_DEVICE_ATTR, GROUP_NR_IRQS, 0, &irqs) == 0);
	refused(ioctl(device, KVM_CREATE_VCPU, 0), ENOTTY);
	check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	refused(ioctl(vm, 0xae99, 0), EINVAL);
}

/* Pointers to nothing are EFAULT, never a crash, and what lies before a hole is written. */
static void faults(void)
{
	int device = create_device(create_vm(open_kvm()));
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_device_attr *attribute;
	unsigned long long address = 0x8000000;

	check(memory != MAP_FAILED && munmap(memory + page, page) == 0);
	refused(attr(device, KVM_SET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL), EFAULT);
	refused(attr(device, KVM_SET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, memory + page - 4), EFAULT);
	check(attr(device, KVM_SET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &address) == 0);
	refused(attr(device, KVM_GET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, BAD_ADDRESS), EFAULT);
	/* A structure that ends with the page is read, one that ends behind it is not. */
	attribute = (struct kvm_device_attr *)(memory + page - sizeof(*attribute));
	attribute->group = GROUP_ADDR;
	attribute->attr = ADDR_DIST;
	check(ioctl(device, KVM_HAS_DEVICE_ATTR, attribute) == 0);
	refused(ioctl(device, KVM_HAS_DEVICE_ATTR, memory + page - 8), EFAULT);
	check(mprotect(memory, page, PROT_READ) == 0);
	refused(attr(device, KVM_GET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, memory), EFAULT);
}

/* A register's value travels with the request that sets it and the answer that gets it: faults are where they were. */
static void registers(void)
{
	int vm = create_vm(open_kvm());
	int vcpu = create_vcpu(vm, 0);
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int init[8] = {5};
	unsigned long long value;
	struct kvm_one_reg reg = {.id = ARM_X(0)};

	check(memory != MAP_FAILED && munmap(memory + page, page) == 0);
	check(ioctl(vcpu, ARM_VCPU_INIT, init) == 0);
	for (unsigned long long i = 0; i < 31; i++) {
		value = 0x1111111111111111ull * i;
		reg = (struct kvm_one_reg){ARM_X(i), (uintptr_t)&value};
		check(ioctl(vcpu, KVM_SET_ONE_REG, &reg) == 0);
	}
	for (unsigned long long i = 0; i < 31; i++) {
		reg = (struct kvm_one_reg){ARM_X(i), (uintptr_t)&value};
		check(ioctl(vcpu, KVM_GET_ONE_REG, &reg) == 0 && value == 0x1111111111111111ull * i);
	}
	/* The last 8 bytes that there are; 4 of them; none; one that there is no register for. */
	reg = (struct kvm_one_reg){ARM_X(1), (uintptr_t)memory + page - 8};
	check(ioctl(vcpu, KVM_GET_ONE_REG, &reg) == 0 && memory[page - 1] == 0x11);
	check(ioctl(vcpu, KVM_SET_ONE_REG, &reg) == 0);
	reg.addr += 4;
	refused(ioctl(vcpu, KVM_GET_ONE_REG, &reg), EFAULT);
	refused(ioctl(vcpu, KVM_SET_ONE_REG, &reg), EFAULT);
	reg.addr = (uintptr_t)BAD_ADDRESS;
	refused(ioctl(vcpu, KVM_GET_ONE_REG, &reg), EFAULT);
	refused(ioctl(vcpu, KVM_SET_ONE_REG, &reg), EFAULT);
	refused(ioctl(vcpu, KVM_GET_ONE_REG, BAD_ADDRESS), EFAULT);
	reg.id = ARM_X(0) + 0xffff;
	refused(ioctl(vcpu, KVM_GET_ONE_REG, &reg), ENOENT);
	/* To get is to write, what is at the address does not matter; to set is to read. */
	check(mprotect(memory, page, PROT_READ) == 0);
	reg = (struct kvm_one_reg){ARM_X(1), (uintptr_t)memory};
	refused(ioctl(vcpu, KVM_GET_ONE_REG, &reg), EFAULT);
	check(ioctl(vcpu, KVM_SET_ONE_REG, &reg) == 0);
	reg.addr = (uintptr_t)&value;
	check(ioctl(vcpu, KVM_GET_ONE_REG, &reg) == 0 && value == 0);
}

static void descriptors(void)
{
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	int device = create_device(vm);
	int copy = dup(device);
	int far = fcntl(device, F_DUPFD_CLOEXEC, 100);

	check(copy >= 0 && fcntl(copy, F_GETFD) == 0);
	check(far >= 100 && fcntl(far, F_GETFD) == FD_CLOEXEC);
	check(close(device) == 0);
	refused(attr(device, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL), EBADF);
	check(attr(copy, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	check(close(vm) == 0);
	check(attr(far, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	check(dup3(far, 201, O_CLOEXEC) == 201 && fcntl(201, F_GETFD) == FD_CLOEXEC);
	check(attr(201, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	refused(dup3(201, 201, 0), EINVAL);
	check(fcntl(201, F_DUPFD, 300) == 300 && fcntl(300, F_GETFD) == 0);
	check(attr(300, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	check(close(201) == 0 && syscall(SYS_dup, 300) >= 0 && syscall(SYS_dup3, 300, 202, 0) == 202);
	check(attr(202, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	check(syscall(SYS_close, 202) == 0 && close(300) == 0);
	check(dup2(far, 200) == 200 && attr(200, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	check(dup2(kvm, 200) == 200 && ioctl(200, KVM_GET_API_VERSION, 0) == 12);
	refused(dup2(9999, 200), EBADF);
	check(ioctl(200, KVM_GET_API_VERSION, 0) == 12);
	check(ioctl(200, FIOCLEX) == 0 && fcntl(200, F_GETFD) == FD_CLOEXEC);
	check(close_range(200, 200, CLOSE_RANGE_CLOEXEC) == 0 && answers(200));
	check(close_range(3, 150, 0) == 0);
	refused(ioctl(far, KVM_GET_API_VERSION, 0), EBADF);
	check(ioctl(200, KVM_GET_API_VERSION, 0) == 12);
	closefrom(3);
	refused(ioctl(200, KVM_GET_API_VERSION, 0), EBADF);
	/* A program that closes all it does not know begins anew. */
	kvm = open_kvm();
	check(kvm == 3 && ioctl(kvm, KVM_GET_API_VERSION, 0) == 12);
	vm = create_vm(kvm);
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vm, 0) == MAP_FAILED && errno == ENODEV);
}

/* The number of files runs out where the kernel's would. */
static void limits(void)
{
	struct rlimit limit = {1024, 1024};
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	int other = create_vm(kvm);
	int files[4096];
	int count = 0;
	struct kvm_create_device device = {.type = TYPE};

	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (;;) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0)
			break;
		files[count++] = fd;
	}
	check(errno == EMFILE);
	refused(ioctl(kvm, KVM_CREATE_VM, 0), EMFILE);
	refused(ioctl(vm, KVM_CREATE_DEVICE, &device), EMFILE);
	check(close(files[--count]) == 0);
	/* The device was made all the same. */
	refused(ioctl(vm, KVM_CREATE_DEVICE, &device), EEXIST);
	check(ioctl(other, KVM_CREATE_DEVICE, &device) == 0 && (int)device.fd == files[count]);
}

static void pass(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec byte = {"x", 1};
	struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	check(sendmsg(socket, &message, 0) == 1);
}

static int take(int socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec room = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &room, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int fd;

	check(recvmsg(socket, &message, 0) == 1 && control.header.cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* A child has the files, and none of the VMs. */
static void forking(void)
{
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	int device = create_device(vm);
	int status;
	pid_t child = fork();

	if (child == 0) {
		refused(attr(device, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL), EIO);
		refused(ioctl(device, KVM_HAS_DEVICE_ATTR, BAD_ADDRESS), EIO);
		refused(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL), EIO);
		check(ioctl(kvm, KVM_GET_API_VERSION, 0) == 12);
		check(attr(create_device(create_vm(kvm)), KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
		check(close(vm) == 0);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0);
	check(attr(device, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	child = vfork();
	if (child == 0) {
		close(vm);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0);
	check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
}

/* Files that came another way than by libc: through a socket, to this process and to another. */
static void passing(void)
{
	int ends[2];
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	int status;
	int passed;
	pid_t child;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	pass(ends[0], vm);
	passed = take(ends[1]);
	check(passed != vm && ioctl(passed, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	check(close(vm) == 0 && ioctl(passed, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	check(attr(create_device(passed), KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
	pass(ends[0], kvm);
	check(answers(take(ends[1])));

	child = fork();
	if (child == 0) {
		/* The parent's, from after the fork: /dev/kvm is anybody's, a VM is not. */
		int other = take(ends[1]);
		int theirs = take(ends[1]);

		check(answers(other) && ioctl(create_vm(other), KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
		is_named(theirs, "anon_inode:kvm-vm");
		refused(ioctl(theirs, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL), EIO);
		_exit(0);
	}
	pass(ends[0], kvm);
	pass(ends[0], create_vm(kvm));
	check(waitpid(child, &status, 0) == child && status == 0);
	check(ioctl(passed, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
}

/* Each vCPU has a mapping of its own, which stays when its file is closed. */
static void mapping(void)
{
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	size_t size = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *runs[8];
	int vcpus[8];

	for (int i = 0; i < 8; i++) {
		vcpus[i] = create_vcpu(vm, i);
		runs[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpus[i], 0);
		check(runs[i] != MAP_FAILED && runs[i]->exit_reason == 0);
		runs[i]->exit_reason = (unsigned)(100 + i);
		runs[i]->immediate_exit = i % 2 == 0;
	}
	for (int i = 0; i < 8; i += 2)
		refused(ioctl(vcpus[i], KVM_RUN, 0), EINTR);
	for (int i = 0; i < 8; i++) {
		struct kvm_run *second = mmap(NULL, size, PROT_READ, MAP_SHARED, vcpus[i], 0);

		check(runs[i]->exit_reason == (unsigned)(100 + i));
		check(second != MAP_FAILED && second->exit_reason == (unsigned)(100 + i));
		check(close(vcpus[i]) == 0);
		runs[i]->exit_reason = (unsigned)i;
		check(second->exit_reason == (unsigned)i && munmap(second, size) == 0);
	}
}

/* What KVM_GET_STATS_FD makes is read, and nothing else. */
static void statistics(void)
{
	int vm = create_vm(open_kvm());
	int vcpu = create_vcpu(vm, 0);
	int files[2] = {ioctl(vm, KVM_GET_STATS_FD, 0), ioctl(vcpu, KVM_GET_STATS_FD, 0)};
	unsigned int header[6];
	char id[48];

	is_named(files[0], "anon_inode:kvm-vm-stats");
	is_named(files[1], "anon_inode:kvm-vcpu-stats:0");
	for (int i = 0; i < 2; i++) {
		char name[48] = "";

		check(fcntl(files[i], F_GETFD) == FD_CLOEXEC);
		check(read(files[i], header, sizeof(header)) == sizeof(header));
		check(header[0] == 0 && header[1] == sizeof(name) && header[2] > 0 && header[3] == 24);
		check(pread(files[i], id, sizeof(id), header[3]) == sizeof(id));
		snprintf(buffer, sizeof(buffer), i == 0 ? "kvm-%d" : "kvm-%d/vcpu-0", getpid());
		check(strcmp(id, buffer) == 0);
		check(pread(files[i], name, sizeof(name), header[4] + 16) == sizeof(name));
		check(strcmp(name, i == 0 ? "remote_tlb_flush" : "halt_successful_poll") == 0);
		refused(write(files[i], header, 4), EBADF);
		check(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, files[i], 0) == MAP_FAILED);
		check(errno == EACCES);
		check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, files[i], 0) == MAP_FAILED && errno == ENODEV);
		refused(ioctl(files[i], KVM_GET_STATS_FD, 0), ENOTTY);
	}
	check(close(vcpu) == 0 && close(vm) == 0);
	check(pread(files[1], header, sizeof(header), 0) == sizeof(header));
}

/* Files of the host, of which the test has made one: proc/device-tree/cpus/cpu@0/clock-frequency, "17d7". */
static void host_files(void)
{
	static const char path[] = "/proc/device-tree/cpus/cpu@0/clock-frequency";
	struct stat status;
	struct dirent *entry;
	FILE *stream = fopen(path, "r");
	DIR *folder = opendir("/proc/device-tree/cpus");
	bool found = false;

	check(stream != NULL && fgets(buffer, sizeof(buffer), stream) != NULL && strcmp(buffer, "17d7") == 0);
	check(folder != NULL);
	while ((entry = readdir(folder)) != NULL)
		found |= strcmp(entry->d_name, "cpu@0") == 0;
	check(found);
	check(stat(path, &status) == 0 && status.st_size == 4);
	check(access(path, R_OK) == 0 && open(path, O_RDONLY) >= 0);
	/* All others are the machine's. */
	stream = fopen("/proc/self/stat", "r");
	check(stream != NULL && fscanf(stream, "%d", &(int){0}) == 1);
	refused(open("/proc/device-tree/cpus/cpu@0/there-is-none", O_RDONLY), ENOENT);
}

/* What goes over to another program: /dev/kvm works on, a VM is another process's. */
static void executing(char *self)
{
	char kvm_text[16];
	char vm_text[16];
	int kvm = open("/dev/kvm", O_RDWR);
	int vm = create_vm(kvm);

	check(fcntl(vm, F_SETFD, 0) == 0);
	snprintf(kvm_text, sizeof(kvm_text), "%d", kvm);
	snprintf(vm_text, sizeof(vm_text), "%d", vm);
	execl(self, self, "executed", kvm_text, vm_text, NULL);
	check(0);
}

/* The same by posix_spawn, which makes copies without libc's own functions. */
static void spawning(char *self)
{
	char kvm_text[16] = "300";
	char vm_text[16];
	char *arguments[] = {self, "executed", kvm_text, vm_text, NULL};
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	posix_spawn_file_actions_t actions;
	pid_t child;
	int status;

	check(fcntl(vm, F_SETFD, 0) == 0);
	snprintf(vm_text, sizeof(vm_text), "%d", vm);
	check(posix_spawn_file_actions_init(&actions) == 0);
	check(posix_spawn_file_actions_adddup2(&actions, kvm, 300) == 0);
	check(posix_spawn_file_actions_addopen(&actions, 301, "/dev/null", O_RDONLY, 0) == 0);
	check(posix_spawn(&child, self, &actions, NULL, arguments, environ) == 0);
	check(waitpid(child, &status, 0) == child && status == 0);
	/* What the child did to its files is no business of this process's. */
	check(answers(kvm) && ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	refused(ioctl(300, KVM_GET_API_VERSION, 0), EBADF);
	/* Closed on exec: the other program has neither. */
	snprintf(vm_text, sizeof(vm_text), "%d", kvm);
	arguments[1] = "closed";
	check(fcntl(vm, F_SETFD, FD_CLOEXEC) == 0);
	check(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0);
	check(waitpid(child, &status, 0) == child && status == 0);
}

static void closed(char **arguments)
{
	refused(ioctl(atoi(arguments[0]), KVM_GET_API_VERSION, 0), EBADF);
	refused(ioctl(atoi(arguments[1]), KVM_GET_API_VERSION, 0), EBADF);
	check(answers(open_kvm()));
}

static void executed(char **arguments)
{
	int kvm = atoi(arguments[0]);
	int vm = atoi(arguments[1]);

	check(ioctl(kvm, KVM_GET_API_VERSION, 0) == 12);
	refused(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL), EIO);
	check(ioctl(create_vm(kvm), KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
}

static int shared_kvm;

static void *one_of_many(void *number)
{
	for (int i = 0; i < 20; i++) {
		int vm = create_vm(shared_kvm);
		int device = create_device(vm);
		unsigned long long address = 0x8000000 + ((unsigned long)number << 20);
		unsigned long long back = 0;

		check(attr(device, KVM_SET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &address) == 0);
		check(attr(device, KVM_GET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &back) == 0 && back == address);
		check(close(device) == 0 && close(vm) == 0);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t all[16];

	shared_kvm = open_kvm();
	for (unsigned long i = 0; i < 16; i++)
		check(pthread_create(&all[i], NULL, one_of_many, (void *)i) == 0);
	for (int i = 0; i < 16; i++)
		check(pthread_join(all[i], NULL) == 0);
}

static void many_vms(void)
{
	int kvm = open_kvm();

	for (int i = 0; i < 1000; i++) {
		int vm = create_vm(kvm);
		int device = create_device(vm);

		check(attr(device, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
		/* Half of them are left open for a while. */
		if (i % 2 == 0 || i > 600) {
			check(close(vm) == 0);
			check(close(device) == 0);
		}
	}
}

/* Running: a CPU that sleeps. */

static struct kvm_run *run;

static void kick(int signal)
{
	(void)signal;
	run->immediate_exit = 1;
}

static int vcpu_that_runs(void)
{
	int kvm = open_kvm();
	int vm = create_vm(kvm);
	int vcpu = create_vcpu(vm, 0);
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	check(size > 0);
	is_named(vcpu, "anon_inode:kvm-vcpu:0");
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	check(run != MAP_FAILED);
	return vcpu;
}

static void running(void)
{
	struct sigaction action = {.sa_handler = kick};
	struct itimerval soon = {.it_value = {.tv_usec = 50000}};
	int vcpu = vcpu_that_runs();

	run->immediate_exit = 1;
	run->exit_reason = 99;
	refused(ioctl(vcpu, KVM_RUN, 0), EINTR);
	check(run->exit_reason == 99);
	run->immediate_exit = 0;
	action.sa_flags = SA_RESTART;
	check(sigaction(SIGALRM, &action, NULL) == 0);
	check(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	refused(ioctl(vcpu, KVM_RUN, 0), EINTR);
	check(run->immediate_exit == 1);
	check(run->exit_reason == KVM_EXIT_INTR);
	refused(ioctl(vcpu, KVM_RUN, 0), EINTR);
	refused(ioctl(vcpu, KVM_RUN, 1), EINVAL);
}

/* A signal that only KVM_SET_SIGNAL_MASK lets through ends the run, and stays pending. */
static void masked(void)
{
	char mask[12] = {8};
	struct kvm_signal_mask *none = (struct kvm_signal_mask *)mask;
	struct itimerval soon = {.it_value = {.tv_usec = 50000}};
	struct timespec now = {0, 0};
	sigset_t alarm_only;
	int vcpu = vcpu_that_runs();

	none->len = 8;
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	check(sigprocmask(SIG_BLOCK, &alarm_only, NULL) == 0);
	check(ioctl(vcpu, KVM_SET_SIGNAL_MASK, none) == 0);
	check(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	refused(ioctl(vcpu, KVM_RUN, 0), EINTR);
	check(run->exit_reason == KVM_EXIT_INTR);
	check(sigtimedwait(&alarm_only, NULL, &now) == SIGALRM);
	none->len = 4;
	refused(ioctl(vcpu, KVM_SET_SIGNAL_MASK, none), EINVAL);
	check(ioctl(vcpu, KVM_SET_SIGNAL_MASK, NULL) == 0);
}

static void exiting(void)
{
	int vcpu = vcpu_that_runs();

	check(ioctl(vcpu, KVM_RUN, 0) == 0);
	check(run->exit_reason == KVM_EXIT_SYSTEM_EVENT);
	check(run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN);
}

/* Signals: handlers run between requests. */

static int kvm_of_handlers;
static int device_of_handlers;
static volatile sig_atomic_t handled;

static void prepare_handlers(void)
{
	unsigned long long address = 0x8000000;

	kvm_of_handlers = open_kvm();
	device_of_handlers = create_device(create_vm(kvm_of_handlers));
	check(attr(device_of_handlers, KVM_SET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &address) == 0);
}

static void alarm_every(int microseconds)
{
	struct itimerval often = {{0, microseconds}, {0, microseconds}};

	check(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

/* How many signals come; then the timers end, so that the program comes to its turn on a machine that is slow. */
#define SIGNALS 2000
static timer_t timer;

static void makes_request(int signal)
{
	const struct itimerspec none = {0};
	unsigned long long address = 0;
	int error = errno;

	(void)signal;
	check(attr(device_of_handlers, KVM_GET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &address) == 0 && address == 0x8000000);
	if (++handled >= SIGNALS) {
		alarm_every(0);
		check(timer_settime(timer, 0, &none, NULL) == 0);
	}
	errno = error;
}

static void set_and_get_register(int vcpu, unsigned long long value)
{
	unsigned long long found = 0;
	struct kvm_one_reg set = {ARM_X(1), (uintptr_t)&value};
	struct kvm_one_reg get = {ARM_X(1), (uintptr_t)&found};

	check(ioctl(vcpu, KVM_SET_ONE_REG, &set) == 0);
	check(ioctl(vcpu, KVM_GET_ONE_REG, &get) == 0 && found == value);
}

static volatile bool ended;

static void *uses_vm(void *vm)
{
	while (!ended)
		check(ioctl(*(int *)vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	return NULL;
}

/* Two timers, whose handlers make requests and interrupt each other, and other threads that they interrupt too. */
static void handlers(void)
{
	struct sigaction action = {.sa_handler = makes_request};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec often = {{0, 300000}, {0, 300000}};
	pthread_t others[2];
	sigset_t before;
	sigset_t now;
	int vm;
	int vcpu;

	check(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
	prepare_handlers();
	vm = create_vm(kvm_of_handlers);
	vcpu = create_vcpu(vm, 0);
	for (int i = 0; i < 2; i++)
		check(pthread_create(&others[i], NULL, uses_vm, &vm) == 0);
	check(sigaction(SIGALRM, &action, NULL) == 0);
	action.sa_flags = SA_RESTART;
	check(sigaction(SIGRTMIN, &action, NULL) == 0);
	check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
	alarm_every(200);
	for (unsigned long long i = 0; handled < SIGNALS; i++) {
		set_and_get_register(vcpu, i);
		check(pthread_sigmask(SIG_SETMASK, NULL, &now) == 0 && memcmp(&now, &before, 8) == 0);
	}
	ended = true;
	for (int i = 0; i < 2; i++)
		check(pthread_join(others[i], NULL) == 0);
}

static sigjmp_buf away;
static volatile sig_atomic_t jumps;

static void jumps_away(int signal)
{
	(void)signal;
	if (jumps) {
		jumps = 0;
		siglongjmp(away, 1);
	}
}

/* A handler that does not return: out of requests, and out of a CPU's sleep. Its thread, and others, go on with the VM. */
static void jumping(void)
{
	struct sigaction action = {.sa_handler = jumps_away};
	int vcpu = vcpu_that_runs();
	static int vm;
	pthread_t other;
	sigset_t alarm_only;
	volatile unsigned long long value = 0;

	vm = create_vm(open_kvm());
	check(sigaction(SIGALRM, &action, NULL) == 0);
	/* This thread's alone. */
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	check(pthread_sigmask(SIG_BLOCK, &alarm_only, NULL) == 0);
	check(pthread_create(&other, NULL, uses_vm, &vm) == 0);
	check(pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL) == 0);
	alarm_every(300);
	for (volatile int i = 0; i < 400; i++) {
		if (sigsetjmp(away, 1) == 0) {
			jumps = 1;
			for (;;) {
				if (i % 4 == 0)
					ioctl(vcpu, KVM_RUN, 0);
				else
					set_and_get_register(vcpu, value++);
				check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
			}
		}
		set_and_get_register(vcpu, value++);
	}
	alarm_every(0);
	ended = true;
	check(pthread_join(other, NULL) == 0);
}

static void forks(int signal)
{
	int error = errno;
	int status;
	pid_t child = fork();

	(void)signal;
	if (child == 0) {
		refused(attr(device_of_handlers, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL), EIO);
		check(attr(create_device(create_vm(kvm_of_handlers)), KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0);
	handled++;
	run->immediate_exit = 1;
	errno = error;
}

static void forking_handlers(void)
{
	struct sigaction action = {.sa_handler = forks};
	int vcpu = vcpu_that_runs();

	prepare_handlers();
	check(sigaction(SIGALRM, &action, NULL) == 0);
	for (int i = 0; i < 30; i++) {
		run->immediate_exit = 0;
		check(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = 1000 + 30 * i}}, NULL) == 0);
		if (i % 3 == 0)
			refused(ioctl(vcpu, KVM_RUN, 0), EINTR);
		while (handled <= i)
			set_and_get_register(vcpu, (unsigned)i);
	}
}

/* What a handler is told, and what is blocked meanwhile. Sent by another thread, one after the other. */

#define ON_STACK SIGUSR2
#define NOT_DEFERRED SIGURG

static pthread_t told;
static char *other_stack;
static const size_t other_stack_size = 1 << 16;
static sigset_t own_mask;
static volatile int sent;
static volatile sig_atomic_t wrong;

static void is_told(int signal, siginfo_t *info, void *context)
{
	char here;
	sigset_t now;
	bool on_stack = &here >= other_stack && &here < other_stack + other_stack_size;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	wrong |= !pthread_equal(pthread_self(), told) ? 1 : 0;
	wrong |= info->si_signo != signal || info->si_pid != getpid() || info->si_uid != getuid() ? 2 : 0;
	wrong |= info->si_code != (signal == SIGRTMIN ? SI_QUEUE : SI_TKILL) ? 4 : 0;
	wrong |= signal == SIGRTMIN && info->si_value.sival_int != sent ? 8 : 0;
	wrong |= memcmp(&((ucontext_t *)context)->uc_sigmask, &own_mask, 8) != 0 ? 16 : 0;
	wrong |= sigismember(&now, SIGHUP) != 1 || sigismember(&now, SIGUSR1) != 1 || sigismember(&now, SIGTERM) != 0 ? 32 : 0;
	wrong |= sigismember(&now, signal) != (signal != NOT_DEFERRED) ? 64 : 0;
	wrong |= on_stack != (signal == ON_STACK) ? 128 : 0;
	run->immediate_exit = 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	handled++;
}

static volatile int asked_for;

static void *sends(void *unused)
{
	static const int signals[] = {0, ON_STACK, NOT_DEFERRED};

	for (int i = 1; i <= 3000; i++) {
		int signal = i % 3 == 0 ? SIGRTMIN : signals[i % 3];

		while (asked_for < i)
			sched_yield();
		for (volatile int spin = rand() % 20000; spin > 0; spin--)
			;
		sent = i;
		if (signal == SIGRTMIN)
			check(pthread_sigqueue(told, signal, (union sigval){.sival_int = i}) == 0);
		else
			check(pthread_kill(told, signal) == 0);
		while (handled < i)
			sched_yield();
	}
	return unused;
}

static void telling(void)
{
	struct sigaction action = {.sa_sigaction = is_told, .sa_flags = SA_SIGINFO};
	stack_t stack = {.ss_size = other_stack_size};
	sigset_t now;
	pthread_t sender;
	int vcpu = vcpu_that_runs();

	other_stack = stack.ss_sp = malloc(other_stack_size);
	check(sigaltstack(&stack, NULL) == 0);
	sigaddset(&own_mask, SIGHUP);
	check(pthread_sigmask(SIG_SETMASK, &own_mask, NULL) == 0);
	sigaddset(&action.sa_mask, SIGUSR1);
	check(sigaction(SIGRTMIN, &action, NULL) == 0);
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	check(sigaction(ON_STACK, &action, NULL) == 0);
	action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
	check(sigaction(NOT_DEFERRED, &action, NULL) == 0);
	told = pthread_self();
	check(pthread_create(&sender, NULL, sends, NULL) == 0);
	for (int i = 1; i <= 3000; i++) {
		run->immediate_exit = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		asked_for = i;
		/* Every second one comes to a CPU that falls asleep, and must not sleep on. */
		if (i % 2 == 0)
			refused(ioctl(vcpu, KVM_RUN, 0), EINTR);
		while (handled < i)
			set_and_get_register(vcpu, (unsigned)i);
		check(wrong == 0);
		check(pthread_sigmask(SIG_SETMASK, NULL, &now) == 0 && memcmp(&now, &own_mask, 8) == 0);
	}
	check(pthread_join(sender, NULL) == 0);
}

static void counts(int signal)
{
	(void)signal;
	handled++;
}

static void counts_too(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	counts(signal);
}

static void is_installed(int signal, void (*handler)(int), int flags)
{
	const int seen = SA_SIGINFO | SA_RESETHAND | SA_RESTART | SA_NODEFER | SA_ONSTACK | SA_NOCLDSTOP;
	struct sigaction found;

	check(sigaction(signal, NULL, &found) == 0);
	check(found.sa_handler == handler && (found.sa_flags & seen) == flags);
}

static void is_killed_by(int signal, void (*does)(int))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		does(signal);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == signal);
}

static void raises(int signal)
{
	raise(signal);
}

static void raises_twice(int signal)
{
	check(sysv_signal(signal, counts) != SIG_ERR);
	raise(signal);
	raise(signal);
}

/* What a program has installed is what it is told of, by whichever function; old programs call old ones. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void actions(void)
{
	struct sigaction action = {.sa_sigaction = counts_too, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction first;
	struct sigaction old;
	int vcpu = vcpu_that_runs();
	int status;
	pid_t child;

	sigaddset(&action.sa_mask, SIGHUP);
	is_installed(SIGUSR1, SIG_DFL, 0);
	check(sigaction(SIGUSR1, &action, NULL) == 0);
	is_installed(SIGUSR1, (void (*)(int))(uintptr_t)counts_too, SA_SIGINFO | SA_RESTART);
	check(signal(SIGUSR1, counts) == (void (*)(int))(uintptr_t)counts_too);
	is_installed(SIGUSR1, counts, SA_RESTART);
	check(sigaction(SIGUSR1, &action, &old) == 0 && old.sa_handler == counts && sigismember(&old.sa_mask, SIGUSR1) == 1);
	check(sigaction(SIGUSR1, &old, &first) == 0 && first.sa_sigaction == counts_too);
	check(sigismember(&first.sa_mask, SIGHUP) == 1 && sigismember(&first.sa_mask, SIGUSR1) == 0);
	check(siginterrupt(SIGUSR1, 1) == 0);
	is_installed(SIGUSR1, counts, 0);
	check(raise(SIGUSR1) == 0 && handled == 1);
	check(ssignal(SIGUSR1, SIG_IGN) == counts && raise(SIGUSR1) == 0 && handled == 1);
	check(signal(SIGUSR1, counts) == SIG_IGN);
	is_installed(SIGUSR1, counts, 0);
	check(siginterrupt(SIGUSR1, 0) == 0 && signal(SIGUSR1, counts) == counts);
	is_installed(SIGUSR1, counts, SA_RESTART);
	check(signal(SIGUSR1, SIG_DFL) == counts);
	is_killed_by(SIGUSR1, raises);

	check(sigaction(SIGCHLD, NULL, &old) == 0);
	old.sa_handler = counts;
	old.sa_flags |= SA_NOCLDSTOP;
	check(sigaction(SIGCHLD, &old, NULL) == 0);
	is_installed(SIGCHLD, counts, SA_NOCLDSTOP);
	check(signal(SIGCHLD, SIG_DFL) == counts);
	refused(sigaction(SIGKILL, &action, NULL), EINVAL);
	refused(sigaction(0, &action, NULL), EINVAL);
	refused(sigaction(NSIG, &action, NULL), EINVAL);
	check(signal(SIGSTOP, counts) == SIG_ERR && errno == EINVAL);
	check(signal(NSIG, counts) == SIG_ERR && errno == EINVAL);
	check(signal(SIGUSR1, SIG_ERR) == SIG_ERR && errno == EINVAL);
	is_installed(SIGSTOP, SIG_DFL, 0);

	/* For one signal: while a CPU sleeps, too. */
	handled = 0;
	check(sysv_signal(SIGUSR2, counts) == SIG_DFL);
	is_installed(SIGUSR2, counts, SA_RESETHAND | SA_NODEFER);
	check(raise(SIGUSR2) == 0 && handled == 1);
	check(sigaction(SIGUSR2, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
	is_killed_by(SIGUSR2, raises);
	is_killed_by(SIGUSR2, raises_twice);
	action.sa_flags = SA_SIGINFO | SA_RESETHAND;
	check(sigaction(SIGALRM, &action, NULL) == 0);
	is_installed(SIGALRM, (void (*)(int))(uintptr_t)counts_too, SA_SIGINFO | SA_RESETHAND);
	check(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = 200000}}, NULL) == 0);
	refused(ioctl(vcpu, KVM_RUN, 0), EINTR);
	check(handled == 2);
	check(sigaction(SIGALRM, NULL, &old) == 0 && old.sa_handler == SIG_DFL);

	/* System V's. */
	check(sigset(SIGUSR1, counts) == SIG_DFL && sigset(SIGUSR1, SIG_HOLD) == counts);
	handled = 0;
	check(raise(SIGUSR1) == 0 && handled == 0);
	check(sigset(SIGUSR1, counts) == SIG_HOLD && handled == 1);
	is_installed(SIGUSR1, counts, 0);
	check(sigset(SIGUSR1, SIG_ERR) == SIG_ERR && errno == EINVAL);

	/* A child of vfork shares the memory, not what is installed. */
	child = vfork();
	if (child == 0) {
		struct sigaction theirs = {.sa_handler = makes_request};

		sigaction(SIGUSR1, &theirs, NULL);
		signal(SIGUSR1, SIG_DFL);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0);
	is_installed(SIGUSR1, counts, 0);
	check(raise(SIGUSR1) == 0 && handled == 2);
}

#pragma GCC diagnostic pop

/* One that the kernel was told of without libc: its request within another is refused, and that one goes on. */

static volatile int said_to_raw;

static void is_raw(int signal)
{
	int result = attr(device_of_handlers, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL);

	(void)signal;
	said_to_raw = result == 0 ? 0 : errno;
	run->immediate_exit = 1;
}

static void raw_handler(void)
{
	/* As the kernel has it: the handler is first. */
	union {
		void (*handler)(int);
		char room[152];
	} action = {0};
	int vcpu = vcpu_that_runs();

	prepare_handlers();
	check(signal(SIGALRM, counts) != SIG_ERR);
	check(syscall(SYS_rt_sigaction, SIGALRM, NULL, &action, 8) == 0);
	action.handler = is_raw;
	check(syscall(SYS_rt_sigaction, SIGALRM, &action, NULL, 8) == 0);
	alarm_every(30000);
	while (said_to_raw == 0) {
		run->immediate_exit = 0;
		refused(ioctl(vcpu, KVM_RUN, 0), EINTR);
	}
	alarm_every(0);
	check(said_to_raw == EBUSY);
	set_and_get_register(vcpu, 5);
	raise(SIGALRM);
	check(said_to_raw == 0);
}

/* An eventfd that drives a line: its signal is pending in the GIC soon after. */
static void events(void)
{
	int vm = create_vm(open_kvm());
	int device = create_device(vm);
	int event = eventfd(0, EFD_CLOEXEC);
	int same = dup(event);
	unsigned long long dist = 0x8000000;
	unsigned long long redist = 0x80a0000;
	unsigned long long one = 1;
	unsigned int pending = 0;
	struct kvm_irqfd irqfd = {.fd = (unsigned)event, .gsi = 3};
	struct kvm_irqfd again = {.fd = (unsigned)same, .gsi = 4};
	struct kvm_irqfd none = {.fd = (unsigned)vm, .gsi = 3};
	struct kvm_ioeventfd doorbell = {.addr = 0x9000000, .len = 4, .fd = event};

	create_vcpu(vm, 0);
	refused(ioctl(vm, KVM_IRQFD, &irqfd), EAGAIN);
	check(attr(device, KVM_SET_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, &dist) == 0);
	check(attr(device, KVM_SET_DEVICE_ATTR, GROUP_ADDR, 3, &redist) == 0);
	check(attr(device, KVM_SET_DEVICE_ATTR, 4, 0, NULL) == 0);
	refused(ioctl(vm, KVM_IRQFD, &none), EINVAL);
	none.fd = 999;
	refused(ioctl(vm, KVM_IRQFD, &none), EBADF);
	check(ioctl(vm, KVM_IRQFD, &irqfd) == 0);
	refused(ioctl(vm, KVM_IRQFD, &again), EBUSY);
	check(write(event, &one, sizeof(one)) == sizeof(one));
	while (!(pending & 8))
		check(attr(device, KVM_GET_DEVICE_ATTR, 1, 0x204, &pending) == 0);
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	check(ioctl(vm, KVM_IRQFD, &irqfd) == 0);
	check(ioctl(vm, KVM_IRQFD, &again) == 0);
	check(close(event) == 0);
	/* The eventfd is the VM's too. */
	check(write(same, &one, sizeof(one)) == sizeof(one));
	while (!(pending & 16))
		check(attr(device, KVM_GET_DEVICE_ATTR, 1, 0x204, &pending) == 0);
	doorbell.fd = same;
	check(ioctl(vm, KVM_IOEVENTFD, &doorbell) == 0);
	refused(ioctl(vm, KVM_IOEVENTFD, &doorbell), EEXIST);
	doorbell.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
	check(ioctl(vm, KVM_IOEVENTFD, &doorbell) == 0);
	refused(ioctl(vm, KVM_IOEVENTFD, &doorbell), ENOENT);
	if (fork() == 0)
		_exit(ioctl(vm, KVM_IRQFD, &irqfd) == -1 && errno == EIO ? 0 : 1);
	wait(NULL);
}

/* Makes itself busy until it is killed. */
static void endless(void)
{
	shared_kvm = open_kvm();
	for (;;)
		one_of_many(NULL);
}

static void asleep(void)
{
	int vcpu = vcpu_that_runs();

	printf("asleep\n");
	fflush(stdout);
	ioctl(vcpu, KVM_RUN, 0);
}

/* The server goes away in the middle. */
static void lost(void)
{
	int device = create_device(create_vm(open_kvm()));

	printf("ready\n");
	fflush(stdout);
	while (attr(device, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL) == 0)
		;
	check(errno == EIO);
	refused(attr(device, KVM_HAS_DEVICE_ATTR, GROUP_ADDR, ADDR_DIST, NULL), EIO);
	check(close(device) == 0);
}

int main(int count, char **arguments)
{
	const char *name = count > 1 ? arguments[1] : "";
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"opening", opening}, {"attributes", attributes}, {"faults", faults}, {"descriptors", descriptors},
		{"limits", limits}, {"registers", registers}, {"forking", forking}, {"threads", threads}, {"many", many_vms},
		{"running", running}, {"masked", masked}, {"exiting", exiting}, {"endless", endless},
		{"asleep", asleep}, {"lost", lost}, {"events", events}, {"opening-by-how", opening_by_how},
		{"reopening", reopening}, {"streams", streams}, {"passing", passing}, {"mapping", mapping}, {"statistics", statistics},
		{"host-files", host_files}, {"handlers", handlers}, {"jumping", jumping}, {"forking-handlers", forking_handlers},
		{"telling", telling}, {"actions", actions}, {"raw-handler", raw_handler},
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		if (strcmp(tests[i].name, name) == 0) {
			tests[i].run();
			return 0;
		}
	}
	if (strcmp(name, "executing") == 0)
		executing(arguments[0]);
	if (strcmp(name, "spawning") == 0) {
		spawning(arguments[0]);
		return 0;
	}
	if (strcmp(name, "closed") == 0 && count == 4) {
		closed(arguments + 2);
		return 0;
	}
	if (strcmp(name, "executed") == 0 && count == 4) {
		executed(arguments + 2);
		return 0;
	}
	fprintf(stderr, "there is no test %s\n", name);
	return 2;
}
