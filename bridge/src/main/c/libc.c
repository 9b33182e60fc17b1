/* The functions of libc that this library stands before, found behind it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kvmdev.h"

void *kvmdev_next(void **place, const char *name)
{
	void *found = __atomic_load_n(place, __ATOMIC_RELAXED);

	if (found == NULL) {
		found = dlsym(RTLD_NEXT, name);
		if (found == NULL) {
			dprintf(STDERR_FILENO, "kvmdev: this libc has no function %s\n", name);
			abort();
		}
		__atomic_store_n(place, found, __ATOMIC_RELAXED);
	}
	return found;
}

int kvmdev_real_open(int directory, const char *path, int flags, mode_t mode)
{
	return KVMDEV_NEXT(openat64, int (*)(int, const char *, int, ...))(directory, path, flags, mode);
}

int kvmdev_real_close(int fd)
{
	return KVMDEV_NEXT(close, int (*)(int))(fd);
}

int kvmdev_real_ioctl(int fd, unsigned long request, unsigned long argument)
{
	return KVMDEV_NEXT(ioctl, int (*)(int, unsigned long, ...))(fd, request, argument);
}

int kvmdev_real_fcntl(int fd, int command, unsigned long argument)
{
	return KVMDEV_NEXT(fcntl64, int (*)(int, int, ...))(fd, command, argument);
}

int kvmdev_real_dup3(int fd, int copy, int flags)
{
	return KVMDEV_NEXT(dup3, int (*)(int, int, int))(fd, copy, flags);
}

void *kvmdev_real_mmap(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
{
	return KVMDEV_NEXT(mmap64, void *(*)(void *, size_t, int, int, int, off64_t))(address, length, protection, flags, fd,
									      offset);
}
