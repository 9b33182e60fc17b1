/*
 * The same client for every architecture: makes a device, writes an attribute of 8 bytes and reads it back, is refused
 * where the kernel refuses. Arguments: the device type, the group, the attribute, the value, all as numbers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define check(condition)                                                                                              \
	do {                                                                                                          \
		if (!(condition)) {                                                                                   \
			fprintf(stderr, "%d: %s: not so; %s\n", __LINE__, #condition, strerror(errno));               \
			exit(1);                                                                                      \
		}                                                                                                     \
	} while (0)

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
	if (fork() == 0)
		_exit(ioctl((int)device.fd, KVM_HAS_DEVICE_ATTR, &attribute) == -1 && errno == EIO ? 0 : 1);
	check(wait(&status) > 0 && status == 0);
	printf("%#llx\n", back);
	return 0;
}
