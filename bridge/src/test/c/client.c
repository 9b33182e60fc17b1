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
#include <unistd.h>

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

#define check(condition)                                                                                              \
	do {                                                                                                          \
		if (!(condition)) {                                                                                   \
			fprintf(stderr, "%s:%d: %s: not so; errno %d (%s)\n", __FILE__, __LINE__, #condition, errno,   \
				strerror(errno));                                                                     \
			exit(1);                                                                                      \
		}                                                                                                     \
	} while (0)

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
		{"host-files", host_files},
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
