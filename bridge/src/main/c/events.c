/*
 * Eventfds that a client has given to KVM_IRQFD or KVM_IOEVENTFD. The library has a descriptor of its own of each, since the
 * client may close its. They are told apart by the number that the kernel has for an eventfd: two descriptors of one
 * are one event.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kvmdev.h"

struct event {
	uint64_t id;
	int fd;
	struct event *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct event *events;

/* What the kernel calls the eventfd behind a descriptor; -1 with errno where it is none. */
static int64_t event_id(int fd)
{
	char path[48];
	char text[512] = "";
	const char *id;
	ssize_t length = -1;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = kvmdev_real_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (info >= 0) {
		length = read(info, text, sizeof(text) - 1);
		kvmdev_real_close(info);
	}
	if (length < 0) {
		errno = EBADF;
		return -1;
	}
	if (strstr(text, "eventfd-count:") == NULL) {
		errno = EINVAL;
		return -1;
	}
	id = strstr(text, "eventfd-id:");
	/* A kernel that does not tell: each descriptor is an event of its own. */
	return id != NULL ? strtoll(id + strlen("eventfd-id:"), NULL, 10) : (int64_t)1 << 32 | fd;
}

static struct event **find(uint64_t id)
{
	struct event **place = &events;

	while (*place != NULL && (*place)->id != id)
		place = &(*place)->next;
	return place;
}

int64_t kvmdev_find_event(int fd)
{
	int64_t id = event_id(fd);
	struct event **place;
	sigset_t before;

	if (id < 0)
		return -1;
	kvmdev_lock(&lock, &before);
	place = find((uint64_t)id);
	if (*place == NULL) {
		struct event *made = malloc(sizeof(*made));
		int copy = made == NULL ? -1 : kvmdev_real_fcntl(fd, F_DUPFD_CLOEXEC, 0);

		if (copy < 0) {
			free(made);
			id = -1;
		} else {
			*made = (struct event){.id = (uint64_t)id, .fd = kvmdev_move_away(copy)};
			*place = made;
		}
	}
	kvmdev_unlock(&lock, &before);
	return id;
}

int kvmdev_event(uint64_t id)
{
	struct event *found;
	sigset_t before;
	int fd;

	kvmdev_lock(&lock, &before);
	found = *find(id);
	fd = found == NULL ? -1 : found->fd;
	kvmdev_unlock(&lock, &before);
	return fd;
}

static void drop(struct event **place)
{
	struct event *gone = *place;

	*place = gone->next;
	kvmdev_drop_file(gone->fd);
	free(gone);
}

void kvmdev_forget_event(uint64_t id)
{
	struct event **place;
	sigset_t before;

	kvmdev_lock(&lock, &before);
	place = find(id);
	if (*place != NULL)
		drop(place);
	kvmdev_unlock(&lock, &before);
}

void kvmdev_drop_events(void)
{
	pthread_mutex_init(&lock, NULL);
	while (events != NULL)
		drop(&events);
}

void kvmdev_signal_event(uint64_t id)
{
	const uint64_t one = 1;
	int fd = kvmdev_event(id);

	/* A count that is full already is signalled all the same. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		errno = 0;
}
