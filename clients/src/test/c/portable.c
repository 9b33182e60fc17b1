/*
 * The same client for every architecture: makes a device, writes an attribute of 8 bytes and reads it back, is refused
 * where the kernel refuses; signals come to it between its requests, and while its CPU sleeps. Arguments: the device type, the group, the attribute, the value, all as numbers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

/* arm64's, which other machines' headers lack. */
#define ARM_VCPU_INIT _IOW(KVMIO, 0xae, char[32])
/* How many signals of each kind come. */
#define SIGNALS 500

static struct kvm_run *run;
static int device_fd;
static pthread_t told;
static sigset_t own_mask;
static volatile int asked_for;
static volatile sig_atomic_t handled;
static volatile sig_atomic_t wrong;

static void makes_request(int signal)
{
	struct kvm_device_attr attribute = {.group = 99};
	int error = errno;

	(void)signal;
	wrong |= ioctl(device_fd, KVM_HAS_DEVICE_ATTR, &attribute) != -1 || errno != ENXIO;
	errno = error;
	/* Then the program comes to its turn, on a machine that is slow too. */
	if (++handled >= SIGNALS)
		setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

static void is_told(int signal, siginfo_t *info, void *context)
{
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	wrong |= info->si_code != SI_QUEUE || info->si_pid != getpid() || info->si_value.sival_int != asked_for ? 2 : 0;
	wrong |= memcmp(&((ucontext_t *)context)->uc_sigmask, &own_mask, 8) != 0 ? 4 : 0;
	wrong |= sigismember(&now, signal) != 1 || sigismember(&now, SIGHUP) != 1 || sigismember(&now, SIGUSR1) != 1 ||
				 sigismember(&now, SIGRTMIN + 9) != 1 || sigismember(&now, SIGTERM) != 0
			 ? 8
			 : 0;
	run->immediate_exit = 1;
	makes_request(signal);
}

static void *sends(void *unused)
{
	for (int i = 1; i <= SIGNALS; i++) {
		while (asked_for < i)
			sched_yield();
		check(pthread_sigqueue(told, SIGRTMIN, (union sigval){.sival_int = i}) == 0);
	}
	return unused;
}

/* On each machine, sets of signals and what a handler finds look otherwise. */
static void signals(int kvm)
{
	struct sigaction action = {.sa_handler = makes_request};
	struct itimerval often = {{0, 200}, {0, 200}};
	sigset_t now;
	pthread_t sender;
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);

	check(vcpu >= 0);
#ifdef __aarch64__
	check(ioctl(vcpu, ARM_VCPU_INIT, (char[32]){5}) == 0);
#elif defined(__powerpc64__)
	check(ioctl(vcpu, KVM_ENABLE_CAP, &(struct kvm_enable_cap){.cap = KVM_CAP_PPC_PAPR}) == 0);
#endif
	run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	check(run != MAP_FAILED);
	check(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
	while (handled < SIGNALS)
		check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
	check(wrong == 0);

	told = pthread_self();
	sigaddset(&own_mask, SIGHUP);
	sigaddset(&own_mask, SIGRTMIN + 9);
	check(pthread_sigmask(SIG_SETMASK, &own_mask, NULL) == 0);
	action = (struct sigaction){.sa_sigaction = is_told, .sa_flags = SA_SIGINFO};
	sigaddset(&action.sa_mask, SIGUSR1);
	check(sigaction(SIGRTMIN, &action, NULL) == 0);
	handled = 0;
	check(pthread_create(&sender, NULL, sends, NULL) == 0);
	for (int i = 1; i <= SIGNALS; i++) {
		run->immediate_exit = 0;
		asked_for = i;
		if (i % 2 == 0)
			check(ioctl(vcpu, KVM_RUN, 0) == -1 && errno == EINTR);
		while (handled < i)
			check(ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL) == 1);
		check(wrong == 0);
		check(pthread_sigmask(SIG_SETMASK, NULL, &now) == 0 && memcmp(&now, &own_mask, 8) == 0);
	}
	check(pthread_join(sender, NULL) == 0);
}

int main(int count, char **arguments)
{
	unsigned long long numbers[4] = {0};
	unsigned long long back = 0;
	struct kvm_create_device device = {0};
	struct kvm_device_attr attribute = {0};
	int status;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	check(count == 5 && vm >= 0);
	for (int i = 0; i < 4; i++)
		numbers[i] = strtoull(arguments[i + 1], NULL, 0);
	check(ioctl(kvm, KVM_GET_API_VERSION, 0) == 12);
	device.type = (unsigned)numbers[0];
	check(ioctl(vm, KVM_CREATE_DEVICE, &device) == 0);
	attribute.group = (unsigned)numbers[1];
	attribute.attr = numbers[2];
	check(ioctl((int)device.fd, KVM_HAS_DEVICE_ATTR, &attribute) == 0);
	attribute.addr = (unsigned long)&numbers[3];
	check(ioctl((int)device.fd, KVM_SET_DEVICE_ATTR, &attribute) == 0);
	attribute.addr = (unsigned long)&back;
	check(ioctl((int)device.fd, KVM_GET_DEVICE_ATTR, &attribute) == 0);
	check(back == numbers[3]);
	attribute.addr = 8;
	check(ioctl((int)device.fd, KVM_GET_DEVICE_ATTR, &attribute) == -1 && errno == EFAULT);
	check(ioctl((int)device.fd, KVM_SET_DEVICE_ATTR, (void *)8) == -1 && errno == EFAULT);
	attribute.group = 99;
	check(ioctl((int)device.fd, KVM_HAS_DEVICE_ATTR, &attribute) == -1 && errno == ENXIO);
	device_fd = (int)device.fd;
	signals(kvm);
	if (fork() == 0)
		_exit(ioctl((int)device.fd, KVM_HAS_DEVICE_ATTR, &attribute) == -1 && errno == EIO ? 0 : 1);
	check(wait(&status) > 0 && status == 0);
	printf("%#llx\n", back);
	return 0;
}
