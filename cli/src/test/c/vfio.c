/* A small client of a real machine's KVM: a VM, a VFIO device, its attributes, wrong requests, and the end of all. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void attribute(int fd, unsigned long request, unsigned group, unsigned long number, const void *data)
{
	struct kvm_device_attr attribute = {.group = group, .attr = number, .addr = (unsigned long)data};

	ioctl(fd, request, &attribute);
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	int none = -1;
	struct kvm_create_device test = {.type = KVM_DEV_TYPE_VFIO, .flags = KVM_CREATE_DEVICE_TEST};
	struct kvm_create_device device = {.type = KVM_DEV_TYPE_VFIO};
	struct kvm_create_device second = {.type = KVM_DEV_TYPE_VFIO};
	struct kvm_create_device unknown = {.type = KVM_DEV_TYPE_XICS};

	if (vm < 0) {
		perror("/dev/kvm");
		return 1;
	}
	ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DEVICE_CTRL);
	ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING);
	ioctl(vm, KVM_CREATE_DEVICE, &test);
	ioctl(vm, KVM_CREATE_DEVICE, &unknown);
	ioctl(vm, KVM_CREATE_DEVICE, (void *)8);
	if (ioctl(vm, KVM_CREATE_DEVICE, &device) != 0) {
		perror("KVM_DEV_TYPE_VFIO");
		return 1;
	}
	ioctl(vm, KVM_CREATE_DEVICE, &second);
	for (unsigned group = 0; group < 3; group++) {
		for (unsigned long number = 0; number < 4; number++)
			attribute((int)device.fd, KVM_HAS_DEVICE_ATTR, group, number, NULL);
	}
	attribute((int)device.fd, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_ADD, &none);
	attribute((int)device.fd, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_ADD, NULL);
	attribute((int)device.fd, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_DEL, (void *)8);
	attribute((int)device.fd, KVM_GET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_ADD, &none);
	attribute(vm, KVM_HAS_DEVICE_ATTR, 0, 0, NULL);
	ioctl((int)device.fd, KVM_CREATE_VCPU, 0);
	close((int)device.fd);
	second.fd = 0;
	ioctl(vm, KVM_CREATE_DEVICE, &second);
	close((int)second.fd);
	close(vm);
	close(kvm);
	return 0;
}
