/*
 * The parts of the library that gives a process /dev/kvm: libc's own functions, the file descriptors that are KVM's,
 * and connections to the server.
 */
#ifndef KVMDEV_H
#define KVMDEV_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol.h"

/* The highest file descriptor that can be KVM's, and one more (fs.nr_open). */
#define KVMDEV_FILES (1 << 20)

/* What the program calls. */
#define PUBLIC __attribute__((visibility("default")))

/* A request, while the server asks for more before it is done. */
struct call {
	uint32_t type;
	int fd;
	uint32_t request;
	uint64_t argument;
	uint64_t length;
};

/* libc.c: the functions of libc that this library stands before. */
void *kvmdev_next(void **place, const char *name);

/* A function of libc by its name and type, looked for once. */
#define KVMDEV_NEXT(name, type)                                                                                       \
	({                                                                                                            \
		static void *place;                                                                                   \
		(type)(uintptr_t)kvmdev_next(&place, #name);                                                          \
	})

int kvmdev_real_open(int directory, const char *path, int flags, mode_t mode);
int kvmdev_real_close(int fd);
int kvmdev_real_ioctl(int fd, unsigned long request, unsigned long argument);
int kvmdev_real_fcntl(int fd, int command, unsigned long argument);
int kvmdev_real_dup3(int fd, int copy, int flags);
void *kvmdev_real_mmap(void *address, size_t length, int protection, int flags, int fd, off64_t offset);

/* files.c: which file descriptors are KVM's. */
enum kvmdev_kind kvmdev_file(int fd);
void kvmdev_set_file(int fd, enum kvmdev_kind kind);
/* The lowest file descriptor of KVM's from one on; -1 where there is none. */
int kvmdev_next_file(int from);
/* A file that has a name and a size, and nothing else of a file. */
int kvmdev_make_file(const char *name, uint64_t size);
/* Whether what readlink finds is such a file's name, and of which kind; a VM's for all but /dev/kvm. */
enum kvmdev_kind kvmdev_kind_of_name(const char *name, size_t length);

/* events.c: eventfds that the server knows, by their kernel's number for them. */

/* The event behind a file descriptor, kept until it is forgotten; -1 with errno. */
int64_t kvmdev_find_event(int fd);
/* The library's own descriptor of an event; -1 where there is none. */
int kvmdev_event(uint64_t id);
/* Adds 1. */
void kvmdev_signal_event(uint64_t id);
void kvmdev_forget_event(uint64_t id);
/* In a fork's child: they are the parent's. */
void kvmdev_drop_events(void);

/* signals.c: when signals' handlers run. */

/* What a thread's request has to do with signals. */
struct kvmdev_request {
	/* Whether all signals are blocked until it ends, since one was put off or it said so; what was blocked before. */
	volatile bool holds;
	sigset_t blocked;
	/* Whether it waits with these blocked instead. */
	volatile bool waits;
};

/* What this thread's request is, within which no handler runs; NULL where there is none. */
extern __thread struct kvmdev_request *kvmdev_current __attribute__((tls_model("initial-exec")));
void kvmdev_begin_request(struct kvmdev_request *request);
/* Handlers that were put off run here: they can make requests, and need not return. */
void kvmdev_end_request(struct kvmdev_request *request);
/* Blocks all signals until it ends; those that came since it began are pending. */
void kvmdev_hold_signals(struct kvmdev_request *request);
/* Locks with all signals blocked, also those whose handlers the library does not know; what was blocked before. */
void kvmdev_lock(pthread_mutex_t *mutex, sigset_t *before);
void kvmdev_unlock(pthread_mutex_t *mutex, const sigset_t *before);
/* This process's handlers are what the library knows. */
void kvmdev_own_signals(void);
/* Around a fork. */
void kvmdev_lock_actions(void);
void kvmdev_unlock_actions(void);

/* link.c: connections to the server. */

/* Takes a file descriptor for one of the library's own, out of the client's way. */
int kvmdev_move_away(int fd);
/* Closes it. */
void kvmdev_drop_file(int fd);

/* Whether there is a server for this process at all. */
bool kvmdev_enabled(void);
/* A file of the host's, where it has one of that path; else the path. The room has PATH_MAX bytes. */
const char *kvmdev_host_file(const char *path, char *room);
/* Whether requests go to the machine's own KVM and are only watched; connects. -1 where that fails. */
int kvmdev_passes_through(void);
/* Makes a request of the protocol and serves the server until it is done; the result, or -1 with errno. */
long kvmdev_ask(struct call *call);
/*
 * Whether this process owns what the library knows. One that was made by vfork or clone does not, until it runs another
 * program: what it does to its file descriptors is no business of its parent's.
 */
bool kvmdev_is_owner(void);

/* Little-endian numbers in a message. */
static inline void kvmdev_put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static inline void kvmdev_put64(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t kvmdev_get32(const uint8_t *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value |= (uint32_t)at[i] << 8 * i;
	return value;
}

static inline uint64_t kvmdev_get64(const uint8_t *at)
{
	return kvmdev_get32(at) | (uint64_t)kvmdev_get32(at + 4) << 32;
}

#endif
