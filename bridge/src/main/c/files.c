/* Which file descriptors are KVM's. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvmdev.h"

/* The kind of each file, and one more than the highest number that ever had one. Pages never touched cost nothing. */
static uint8_t kinds[KVMDEV_FILES];
static int top;

enum kvmdev_kind kvmdev_file(int fd)
{
	return fd < 0 || fd >= KVMDEV_FILES ? KVMDEV_NONE : __atomic_load_n(&kinds[fd], __ATOMIC_ACQUIRE);
}

void kvmdev_set_file(int fd, enum kvmdev_kind kind)
{
	int seen = __atomic_load_n(&top, __ATOMIC_RELAXED);

	if (fd < 0 || fd >= KVMDEV_FILES)
		return;
	while (fd >= seen && !__atomic_compare_exchange_n(&top, &seen, fd + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	__atomic_store_n(&kinds[fd], kind, __ATOMIC_RELEASE);
}

int kvmdev_next_file(int from)
{
	int end = __atomic_load_n(&top, __ATOMIC_RELAXED);

	for (int fd = from < 0 ? 0 : from; fd < end; fd++) {
		if (kvmdev_file(fd) != KVMDEV_NONE)
			return fd;
	}
	return -1;
}

int kvmdev_make_file(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd >= 0 && size > 0 && ftruncate64(fd, (off64_t)size) != 0) {
		int error = errno;

		kvmdev_real_close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

enum kvmdev_kind kvmdev_kind_of_name(const char *name, size_t length)
{
	static const char system[] = "/memfd:/dev/kvm (deleted)";
	static const char begin[] = "/memfd:anon_inode:kvm-";
	static const char end[] = " (deleted)";
	const size_t from = sizeof(begin) - 1;
	const size_t behind = sizeof(end) - 1;

	if (length == sizeof(system) - 1 && memcmp(name, system, length) == 0)
		return KVMDEV_SYSTEM;
	return length > from + behind && memcmp(name, begin, from) == 0 && memcmp(name + length - behind, end, behind) == 0
		       ? KVMDEV_VM
		       : KVMDEV_NONE;
}
