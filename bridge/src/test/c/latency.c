/*
 * How long KVM_HAS_DEVICE_ATTR takes: arguments are the number of the device type (7: GICv3, 4: VFIO, which every KVM of
 * a real machine has) and how many requests are timed. Prints the minimum, the median and the 90th percentile in
 * nanoseconds.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int ascending(const void *one, const void *other)
{
	long a = *(const long *)one;
	long b = *(const long *)other;

	return (a > b) - (a < b);
}

int main(int count, char **arguments)
{
	struct kvm_create_device device = {.type = count > 1 ? (unsigned)atoi(arguments[1]) : 7};
	struct kvm_device_attr attribute = {.group = device.type == 4 ? 1 : 0, .attr = device.type == 4 ? 1 : 2};
	int times = count > 2 ? atoi(arguments[2]) : 20000;
	long *took = calloc((size_t)times, sizeof(long));
	int vm = ioctl(open("/dev/kvm", O_RDWR | O_CLOEXEC), KVM_CREATE_VM, 0);

	if (took == NULL || times < 10 || vm < 0 || ioctl(vm, KVM_CREATE_DEVICE, &device) != 0) {
		perror("no such device");
		return 1;
	}
	for (int i = -times / 2; i < times; i++) {
		long begin = now();

		if (ioctl((int)device.fd, KVM_HAS_DEVICE_ATTR, &attribute) != 0) {
			perror("KVM_HAS_DEVICE_ATTR");
			return 1;
		}
		if (i >= 0)
			took[i] = now() - begin;
	}
	qsort(took, (size_t)times, sizeof(*took), ascending);
	printf("%ld %ld %ld\n", took[0], took[times / 2], took[times * 9L / 10]);
	return 0;
}
