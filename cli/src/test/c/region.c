/* Places a GICv3's redistributors, and one region with an index that is not the next; ends with its argument. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

int main(int count, char **arguments)
{
	struct kvm_create_device device = {.type = 7};
	unsigned long long region = 0x100000080a0000;
	struct kvm_device_attr attribute = {.group = 0, .attr = 5, .addr = (unsigned long)&region};
	int vm = ioctl(open("/dev/kvm", O_RDWR), KVM_CREATE_VM, 0);

	if (ioctl(vm, KVM_CREATE_DEVICE, &device) != 0 || ioctl((int)device.fd, KVM_SET_DEVICE_ATTR, &attribute) != 0)
		return 100;
	region = 0x100000080c0002;
	if (ioctl((int)device.fd, KVM_SET_DEVICE_ATTR, &attribute) == 0)
		return 101;
	return count > 1 ? atoi(arguments[1]) : 0;
}
