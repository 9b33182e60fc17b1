/*
 * What a program calls: the functions of libc by which a process opens, uses, copies and closes files. Those that are
 * not KVM's go on to libc.
 */
#define _GNU_SOURCE
/* Their checked variants are defined here, and must not be used. */
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <linux/ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvmdev.h"

#define DEV_KVM "/dev/kvm"
/* Stands for /dev/kvm where the machine has none: a character device that everybody may use. */
#define STAND_IN "/dev/null"

static bool is_kvm(enum kvmdev_kind kind)
{
	return kind >= KVMDEV_SYSTEM && kind <= KVMDEV_OTHER;
}

/* The kind of a file by its name, whoever has opened it; a VM's for all but /dev/kvm. */
static enum kvmdev_kind name_of_file(int fd)
{
	char link[32];
	char name[64];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = KVMDEV_NEXT(readlink, ssize_t (*)(const char *, char *, size_t))(link, name, sizeof(name));
	return length > 0 ? kvmdev_kind_of_name(name, (size_t)length) : KVMDEV_NONE;
}

/* Whether a path is /dev/kvm, relative ones and those with links in them too. */
static bool is_dev_kvm(int directory, const char *path)
{
	char folder[4096];
	char link[32];
	char target[8];
	const char *name;
	ssize_t length;
	int fd;

	if (!kvmdev_enabled() || path == NULL)
		return false;
	if (strcmp(path, DEV_KVM) == 0)
		return true;
	name = strrchr(path, '/');
	name = name == NULL ? path : name + 1;
	if (strcmp(name, "kvm") != 0 || (size_t)(name - path) >= sizeof(folder) - 1)
		return false;
	memcpy(folder, path, (size_t)(name - path));
	strcpy(folder + (name - path), ".");
	fd = kvmdev_real_open(directory, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = KVMDEV_NEXT(readlink, ssize_t (*)(const char *, char *, size_t))(link, target, sizeof(target));
	kvmdev_real_close(fd);
	return length == 4 && memcmp(target, "/dev", 4) == 0;
}

/* Opening. */

static bool before_close(int fd);

/* A number that was given out anew belonged to a file that was closed unseen. */
static int fresh(int fd)
{
	if (fd >= 0 && is_kvm(kvmdev_file(fd)))
		before_close(fd);
	return fd;
}

/* Whether a path names one of a process's file descriptors, which opening it opens anew. */
static bool is_of_descriptors(const char *path)
{
	return path != NULL && kvmdev_enabled() &&
	       (strncmp(path, "/proc/", 6) == 0 ? strstr(path + 6, "/fd/") != NULL : strncmp(path, "/dev/fd/", 8) == 0);
}

/* An inode without a name cannot be opened: what was opened is closed again then. /dev/kvm is one file more. */
static int reopened(int fd)
{
	if (fd >= 0 && is_kvm(name_of_file(fd)) && name_of_file(fd) != KVMDEV_SYSTEM) {
		kvmdev_real_close(fd);
		errno = ENXIO;
		return -1;
	}
	return fd;
}

static int open_kvm(int open_flags, mode_t mode)
{
	struct call call = {.type = KVMDEV_ADOPT};
	int passes = kvmdev_passes_through();
	int saved = errno;

	if (passes < 0) {
		errno = ENODEV;
		return -1;
	}
	if (!passes && (open_flags & (O_CREAT | O_DIRECTORY | O_PATH))) {
		/* What is wrong with these of a device, or that nothing is opened by them. */
		int fd = kvmdev_real_open(AT_FDCWD, STAND_IN, open_flags, mode);

		if (fd < 0 || (open_flags & O_PATH))
			return fd;
		kvmdev_real_close(fd);
	}
	call.fd = passes ? kvmdev_real_open(AT_FDCWD, DEV_KVM, open_flags, mode) : kvmdev_make_file(DEV_KVM, 0);
	if (call.fd < 0)
		return -1;
	if (!passes && !(open_flags & O_CLOEXEC))
		kvmdev_real_fcntl(call.fd, F_SETFD, 0);
	if (kvmdev_ask(&call) < 0) {
		saved = errno;
		kvmdev_real_close(call.fd);
		errno = saved;
		return -1;
	}
	kvmdev_set_file(call.fd, KVMDEV_SYSTEM);
	errno = saved;
	return call.fd;
}

static int open_any(int directory, const char *path, int open_flags, mode_t mode)
{
	char room[PATH_MAX];
	int fd;

	if (is_dev_kvm(directory, path))
		return open_kvm(open_flags, mode);
	fd = fresh(kvmdev_real_open(directory, kvmdev_host_file(path, room), open_flags, mode));
	return is_of_descriptors(path) && !(open_flags & O_PATH) ? reopened(fd) : fd;
}

/*
 * openat2 has no function in libc. Whether what it asks for is right, the kernel says: of the null device, which is where
 * /dev/kvm is.
 */
static long open_by_how(long directory, const char *path, const struct open_how *how, size_t size)
{
	long (*real)(long, ...) = KVMDEV_NEXT(syscall, long (*)(long, ...));
	char beside[PATH_MAX];
	size_t length;
	long fd;

	if (!is_dev_kvm((int)directory, path)) {
		fd = real(SYS_openat2, directory, path, how, size);
		return is_of_descriptors(path) ? reopened((int)fd) : fd;
	}
	length = strlen(path) - strlen("kvm");
	if (length + sizeof("null") > sizeof(beside)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(beside, path, length);
	strcpy(beside + length, "null");
	fd = real(SYS_openat2, directory, beside, how, size);
	if (fd < 0)
		return -1;
	kvmdev_real_close((int)fd);
	return open_kvm((int)how->flags, (mode_t)how->mode);
}

/* Not through kvmdev_real_open, which is for large files. */
#define OPEN(name, directory, path, open_flags, more)                                                                 \
	do {                                                                                                          \
		mode_t mode = 0;                                                                                      \
		if (((open_flags) & O_CREAT) || ((open_flags) & O_TMPFILE) == O_TMPFILE) {                            \
			va_list arguments;                                                                            \
			va_start(arguments, open_flags);                                                              \
			mode = va_arg(arguments, mode_t);                                                             \
			va_end(arguments);                                                                            \
		}                                                                                                     \
		return open_any(directory, path, (open_flags) | (more), mode);                                        \
	} while (0)

/* On machines of 64 bits every file is a large one, and O_LARGEFILE is 0. */
#define LARGE (sizeof(long) == 8 ? 0 : O_LARGEFILE)

PUBLIC int open(const char *path, int open_flags, ...)
{
	OPEN(open, AT_FDCWD, path, open_flags, 0);
}

PUBLIC int open64(const char *path, int open_flags, ...)
{
	OPEN(open64, AT_FDCWD, path, open_flags, LARGE);
}

PUBLIC int openat(int directory, const char *path, int open_flags, ...)
{
	OPEN(openat, directory, path, open_flags, 0);
}

PUBLIC int openat64(int directory, const char *path, int open_flags, ...)
{
	OPEN(openat64, directory, path, open_flags, LARGE);
}

PUBLIC int __open_2(const char *path, int open_flags)
{
	return open_any(AT_FDCWD, path, open_flags, 0);
}

PUBLIC int __open64_2(const char *path, int open_flags)
{
	return open_any(AT_FDCWD, path, open_flags | LARGE, 0);
}

PUBLIC int __openat_2(int directory, const char *path, int open_flags)
{
	return open_any(directory, path, open_flags, 0);
}

PUBLIC int __openat64_2(int directory, const char *path, int open_flags)
{
	return open_any(directory, path, open_flags | LARGE, 0);
}

PUBLIC int creat(const char *path, mode_t mode)
{
	return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

PUBLIC int creat64(const char *path, mode_t mode)
{
	return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC | LARGE, mode);
}

static FILE *open_stream(const char *path, const char *mode, FILE *(*real)(const char *, const char *))
{
	char room[PATH_MAX];
	int fd;

	if (!is_dev_kvm(AT_FDCWD, path))
		return real(kvmdev_host_file(path, room), mode);
	fd = open_kvm(strchr(mode, 'e') != NULL ? O_RDWR | O_CLOEXEC : O_RDWR, 0);
	return fd < 0 ? NULL : fdopen(fd, mode);
}

PUBLIC FILE *fopen(const char *path, const char *mode)
{
	return open_stream(path, mode, KVMDEV_NEXT(fopen, FILE * (*)(const char *, const char *)));
}

PUBLIC FILE *fopen64(const char *path, const char *mode)
{
	return open_stream(path, mode, KVMDEV_NEXT(fopen64, FILE * (*)(const char *, const char *)));
}

static void before_close_of_stream(FILE *stream)
{
	int fd = stream == NULL ? -1 : fileno(stream);

	if (fd >= 0 && is_kvm(kvmdev_file(fd)))
		before_close(fd);
}

PUBLIC int fclose(FILE *stream)
{
	before_close_of_stream(stream);
	return KVMDEV_NEXT(fclose, int (*)(FILE *))(stream);
}

/* The stream's new file is the null device first, and then /dev/kvm under the same number. */
static FILE *open_again(const char *path, const char *mode, FILE *stream,
			FILE *(*real)(const char *, const char *, FILE *))
{
	char room[PATH_MAX];
	FILE *again;
	int fd;

	before_close_of_stream(stream);
	if (!is_dev_kvm(AT_FDCWD, path))
		return real(kvmdev_host_file(path, room), mode, stream);
	again = real(STAND_IN, mode, stream);
	fd = again == NULL ? -1 : open_kvm(O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	dup3(fd, fileno(again), strchr(mode, 'e') != NULL ? O_CLOEXEC : 0);
	close(fd);
	return again;
}

PUBLIC FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	return open_again(path, mode, stream, KVMDEV_NEXT(freopen, FILE * (*)(const char *, const char *, FILE *)));
}

PUBLIC FILE *freopen64(const char *path, const char *mode, FILE *stream)
{
	return open_again(path, mode, stream, KVMDEV_NEXT(freopen64, FILE * (*)(const char *, const char *, FILE *)));
}

PUBLIC DIR *opendir(const char *path)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(opendir, DIR * (*)(const char *))(kvmdev_host_file(path, room));
}

/* Looking, before it is opened. */

static const char *stand_in(int directory, const char *path, char *room)
{
	return is_dev_kvm(directory, path) && kvmdev_passes_through() == 0 ? STAND_IN : kvmdev_host_file(path, room);
}

PUBLIC int access(const char *path, int mode)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(access, int (*)(const char *, int))(stand_in(AT_FDCWD, path, room), mode);
}

PUBLIC int faccessat(int directory, const char *path, int mode, int at_flags)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(faccessat, int (*)(int, const char *, int, int))(directory, stand_in(directory, path, room), mode,
									   at_flags);
}

PUBLIC int stat(const char *path, struct stat *status)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(stat, int (*)(const char *, struct stat *))(stand_in(AT_FDCWD, path, room), status);
}

PUBLIC int stat64(const char *path, struct stat64 *status)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(stat64, int (*)(const char *, struct stat64 *))(stand_in(AT_FDCWD, path, room), status);
}

PUBLIC int lstat(const char *path, struct stat *status)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(lstat, int (*)(const char *, struct stat *))(stand_in(AT_FDCWD, path, room), status);
}

PUBLIC int lstat64(const char *path, struct stat64 *status)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(lstat64, int (*)(const char *, struct stat64 *))(stand_in(AT_FDCWD, path, room), status);
}

/* What they are called in programs that were built with a libc of before 2.33. */
#define OLD_STAT(name, type)                                                                                          \
	PUBLIC int name(int version, const char *path, type *status);                                                 \
	PUBLIC int name(int version, const char *path, type *status)                                                  \
	{                                                                                                             \
		char room[PATH_MAX];                                                                                  \
                                                                                                                      \
		return KVMDEV_NEXT(name, int (*)(int, const char *, type *))(version, stand_in(AT_FDCWD, path, room), \
									     status);                                 \
	}

OLD_STAT(__xstat, struct stat)
OLD_STAT(__xstat64, struct stat64)
OLD_STAT(__lxstat, struct stat)
OLD_STAT(__lxstat64, struct stat64)

PUBLIC int fstatat(int directory, const char *path, struct stat *status, int at_flags)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(fstatat, int (*)(int, const char *, struct stat *, int))(directory, stand_in(directory, path, room),
										  status, at_flags);
}

PUBLIC int fstatat64(int directory, const char *path, struct stat64 *status, int at_flags)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(fstatat64, int (*)(int, const char *, struct stat64 *, int))(
		directory, stand_in(directory, path, room), status, at_flags);
}

PUBLIC int statx(int directory, const char *path, int at_flags, unsigned int mask, struct statx *status)
{
	char room[PATH_MAX];

	return KVMDEV_NEXT(statx, int (*)(int, const char *, int, unsigned int, struct statx *))(
		directory, stand_in(directory, path, room), at_flags, mask, status);
}

/*
 * What a link says, into a buffer that is not written beyond it. The name of a file of KVM's is that of an inode without
 * a name, not of the memory that stands for it.
 */
static ssize_t read_link(int directory, const char *path, char *name, size_t size)
{
	static const char begin[] = "/memfd:";
	static const char end[] = " (deleted)";
	ssize_t (*real)(int, const char *, char *, size_t) =
		KVMDEV_NEXT(readlinkat, ssize_t (*)(int, const char *, char *, size_t));
	char found[4096];
	const char *shown = found;
	ssize_t length;

	if (!kvmdev_enabled())
		return real(directory, path, name, size);
	length = real(directory, path, found, sizeof(found));
	if (length > 0 && kvmdev_kind_of_name(found, (size_t)length) != KVMDEV_NONE) {
		shown = found + sizeof(begin) - 1;
		length -= (ssize_t)(sizeof(begin) - 1 + sizeof(end) - 1);
	}
	if (length > 0 && (size_t)length > size)
		length = (ssize_t)size;
	if (length > 0)
		memcpy(name, shown, (size_t)length);
	return length;
}

PUBLIC ssize_t readlink(const char *path, char *name, size_t size)
{
	return read_link(AT_FDCWD, path, name, size);
}

PUBLIC ssize_t readlinkat(int directory, const char *path, char *name, size_t size)
{
	return read_link(directory, path, name, size);
}

/* What they are called in programs that are built with checks. */
PUBLIC ssize_t __readlink_chk(const char *path, char *name, size_t size, size_t room)
{
	return read_link(AT_FDCWD, path, name, size < room ? size : room);
}

PUBLIC ssize_t __readlinkat_chk(int directory, const char *path, char *name, size_t size, size_t room)
{
	return read_link(directory, path, name, size < room ? size : room);
}

/* Requests. */

static int after_dup(int fd, int copy);

/* A file of KVM's that is open under this number too, and known under another; -1 where there is none. */
static int find_twin(int fd)
{
	struct stat64 wanted;
	struct stat64 found;

	if (fstat64(fd, &wanted) != 0)
		return -1;
	for (int other = kvmdev_next_file(0); other >= 0; other = kvmdev_next_file(other + 1)) {
		if (is_kvm(kvmdev_file(other)) && fstat64(other, &found) == 0 && found.st_ino == wanted.st_ino &&
		    found.st_dev == wanted.st_dev)
			return other;
	}
	return -1;
}

/*
 * A file that came in unseen: from the program that executed this one, through a socket, or by a copy that was made within
 * libc. It is one that this process has already, or /dev/kvm, or another process's.
 */
static enum kvmdev_kind find_file(int fd)
{
	struct call call = {.type = KVMDEV_ADOPT, .fd = fd};
	enum kvmdev_kind kind = kvmdev_file(fd);
	int twin;

	if (kind != KVMDEV_NONE)
		return kind;
	kind = name_of_file(fd);
	if (kind == KVMDEV_NONE)
		return kind;
	twin = find_twin(fd);
	if (twin >= 0) {
		after_dup(twin, fd);
	} else if (kind == KVMDEV_SYSTEM) {
		if (kvmdev_ask(&call) < 0)
			return KVMDEV_NONE;
		kvmdev_set_file(fd, KVMDEV_SYSTEM);
	}
	return kind;
}

/* A request of KVM's on a file that is none: qemu-user answers ENOSYS to what it does not know, whatever the file is. */
static int not_kvms(int fd, unsigned long request, unsigned long argument)
{
	int result = kvmdev_real_ioctl(fd, request, argument);

	if (result == -1 && errno == ENOSYS)
		errno = kvmdev_real_fcntl(fd, F_GETFD, 0) < 0 ? EBADF : ENOTTY;
	return result;
}

static int any_ioctl(int fd, unsigned long request, unsigned long argument)
{
	struct call call = {.type = KVMDEV_IOCTL, .fd = fd, .request = (uint32_t)request, .argument = argument};
	enum kvmdev_kind kind;

	if (!kvmdev_enabled() || request == FIOCLEX || request == FIONCLEX || request == FIONBIO || request == FIOASYNC)
		return kvmdev_real_ioctl(fd, request, argument);
	kind = _IOC_TYPE(request) == 0xae ? find_file(fd) : kvmdev_file(fd);
	if (kind == KVMDEV_RESERVED || kind == KVMDEV_OWN) {
		errno = EBADF;
		return -1;
	}
	if (!is_kvm(kind))
		return not_kvms(fd, request, argument);
	if (kvmdev_file(fd) == KVMDEV_NONE) {
		/* Another process's VM, from before an exec or through a socket. */
		errno = EIO;
		return -1;
	}
	return (int)kvmdev_ask(&call);
}

#define ONE_ARGUMENT(last, type, argument)                                                                            \
	type argument;                                                                                                \
	do {                                                                                                          \
		va_list arguments;                                                                                    \
		va_start(arguments, last);                                                                            \
		argument = va_arg(arguments, type);                                                                   \
		va_end(arguments);                                                                                    \
	} while (0)

PUBLIC int ioctl(int fd, unsigned long request, ...)
{
	ONE_ARGUMENT(request, unsigned long, argument);
	return any_ioctl(fd, request, argument);
}

/* What ioctl is called in programs of 32 bits with times of 64. */
PUBLIC int __ioctl_time64(int fd, unsigned long request, ...)
{
	ONE_ARGUMENT(request, unsigned long, argument);
	return any_ioctl(fd, request, argument);
}

/* Mapping. */

/* Whether a file is one to be read alone, as that of statistics. */
static bool is_read_only(int fd)
{
	return (kvmdev_real_fcntl(fd, F_GETFL, 0) & O_ACCMODE) == O_RDONLY;
}

/* Whether a file of KVM's refuses to be mapped, and sets errno. A vCPU's is mapped as any other, and what has a size. */
static bool is_unmappable(int fd, int protection, int map_flags, uint64_t offset, uint64_t length)
{
	struct call call = {.type = KVMDEV_MMAP, .fd = fd, .argument = offset, .length = length};
	enum kvmdev_kind kind = kvmdev_file(fd);
	struct stat64 status;

	if ((map_flags & MAP_ANONYMOUS) || !is_kvm(kind) || kind == KVMDEV_VCPU || kvmdev_passes_through() == 1)
		return false;
	if (name_of_file(fd) == KVMDEV_NONE) {
		/* Another file by now: KVM's was closed unseen. */
		fresh(fd);
		return false;
	}
	if (kind == KVMDEV_OTHER && is_read_only(fd)) {
		errno = (protection & PROT_WRITE) && !(map_flags & MAP_PRIVATE) ? EACCES : ENODEV;
		return true;
	}
	if (kind == KVMDEV_OTHER && fstat64(fd, &status) == 0 && status.st_size > 0)
		return false;
	if (kvmdev_ask(&call) >= 0)
		errno = ENODEV;
	return true;
}

PUBLIC void *mmap(void *address, size_t length, int protection, int map_flags, int fd, off_t offset)
{
	return is_unmappable(fd, protection, map_flags, (uint64_t)offset, length)
		       ? MAP_FAILED
		       : kvmdev_real_mmap(address, length, protection, map_flags, fd, offset);
}

PUBLIC void *mmap64(void *address, size_t length, int protection, int map_flags, int fd, off64_t offset)
{
	return is_unmappable(fd, protection, map_flags, (uint64_t)offset, length)
		       ? MAP_FAILED
		       : kvmdev_real_mmap(address, length, protection, map_flags, fd, offset);
}

/* Copying and closing. */

/* Before a file descriptor is closed; whether it may be. */
static bool before_close(int fd)
{
	struct call call = {.type = KVMDEV_CLOSE, .fd = fd};
	enum kvmdev_kind kind = kvmdev_file(fd);

	if (kind == KVMDEV_NONE || !kvmdev_is_owner())
		return true;
	if (!is_kvm(kind)) {
		/* Not the client's: as if it were not open. */
		errno = EBADF;
		return false;
	}
	/* Its number can be given out again as soon as it is closed: the server has to know before. */
	kvmdev_ask(&call);
	kvmdev_set_file(fd, KVMDEV_NONE);
	return true;
}

static int after_dup(int fd, int copy)
{
	struct call call = {.type = KVMDEV_DUP, .fd = fd, .request = (uint32_t)copy};
	enum kvmdev_kind kind = kvmdev_file(fd);

	if (copy >= 0 && copy != fd && is_kvm(kind) && kvmdev_is_owner()) {
		if (kvmdev_ask(&call) >= 0)
			kvmdev_set_file(copy, kind);
		errno = 0;
	}
	return copy;
}

PUBLIC int close(int fd)
{
	return before_close(fd) ? kvmdev_real_close(fd) : -1;
}

PUBLIC int dup(int fd)
{
	return after_dup(fd, KVMDEV_NEXT(dup, int (*)(int))(fd));
}

/* A file descriptor that is open already is closed by it; a wrong one leaves everything as it is. */
static bool before_dup_to(int fd, int copy)
{
	return fd == copy || kvmdev_real_fcntl(fd, F_GETFD, 0) < 0 || before_close(copy);
}

PUBLIC int dup2(int fd, int copy)
{
	return before_dup_to(fd, copy) ? after_dup(fd, KVMDEV_NEXT(dup2, int (*)(int, int))(fd, copy)) : -1;
}

PUBLIC int dup3(int fd, int copy, int dup_flags)
{
	return before_dup_to(fd, copy) ? after_dup(fd, kvmdev_real_dup3(fd, copy, dup_flags)) : -1;
}

static int any_fcntl(int fd, int command, unsigned long argument)
{
	int result = kvmdev_real_fcntl(fd, command, argument);

	return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? after_dup(fd, result) : result;
}

PUBLIC int fcntl(int fd, int command, ...)
{
	ONE_ARGUMENT(command, unsigned long, argument);
	return any_fcntl(fd, command, argument);
}

PUBLIC int fcntl64(int fd, int command, ...)
{
	ONE_ARGUMENT(command, unsigned long, argument);
	return any_fcntl(fd, command, argument);
}

/* What fcntl is called in programs of 32 bits with times of 64. */
PUBLIC int __fcntl_time64(int fd, int command, ...)
{
	ONE_ARGUMENT(command, unsigned long, argument);
	return any_fcntl(fd, command, argument);
}

static int real_close_range(unsigned int first, unsigned int last, int range_flags)
{
	return KVMDEV_NEXT(close_range, int (*)(unsigned int, unsigned int, int))(first, last, range_flags);
}

/* Goes round the library's own files. */
PUBLIC int close_range(unsigned int first, unsigned int last, int range_flags)
{
	int fd = first > KVMDEV_FILES ? -1 : kvmdev_next_file((int)first);

	if ((range_flags & CLOSE_RANGE_CLOEXEC) || first > last || !kvmdev_is_owner())
		return real_close_range(first, last, range_flags);
	for (; fd >= 0 && (unsigned int)fd <= last; fd = kvmdev_next_file(fd + 1)) {
		if (before_close(fd))
			continue;
		if ((unsigned int)fd > first && real_close_range(first, (unsigned int)fd - 1, range_flags) != 0)
			return -1;
		first = (unsigned int)fd + 1;
	}
	return first > last ? 0 : real_close_range(first, last, range_flags);
}

PUBLIC void closefrom(int lowest)
{
	close_range(lowest < 0 ? 0 : (unsigned int)lowest, ~0u, 0);
}

/* By number, as programs call that do not trust their libc to have a function. */
PUBLIC long syscall(long number, ...)
{
	long a[6];
	va_list arguments;

	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	switch (number) {
#ifdef SYS_open
	case SYS_open:
		return open((const char *)a[0], (int)a[1], (mode_t)a[2]);
#endif
	case SYS_openat2:
		return open_by_how(a[0], (const char *)a[1], (const struct open_how *)a[2], (size_t)a[3]);
	case SYS_openat:
		return openat((int)a[0], (const char *)a[1], (int)a[2], (mode_t)a[3]);
	case SYS_ioctl:
		return ioctl((int)a[0], (unsigned long)a[1], (unsigned long)a[2]);
	case SYS_close:
		return close((int)a[0]);
	case SYS_close_range:
		return close_range((unsigned int)a[0], (unsigned int)a[1], (int)a[2]);
	case SYS_dup:
		return dup((int)a[0]);
#ifdef SYS_dup2
	case SYS_dup2:
		return dup2((int)a[0], (int)a[1]);
#endif
	case SYS_dup3:
		return dup3((int)a[0], (int)a[1], (int)a[2]);
#ifdef SYS_fcntl64
	case SYS_fcntl64:
#else
	case SYS_fcntl:
#endif
		return any_fcntl((int)a[0], (int)a[1], (unsigned long)a[2]);
#ifdef SYS_mmap
	case SYS_mmap:
		return (long)mmap((void *)a[0], (size_t)a[1], (int)a[2], (int)a[3], (int)a[4], (off_t)a[5]);
#endif
	default:
		return KVMDEV_NEXT(syscall, long (*)(long, ...))(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}
