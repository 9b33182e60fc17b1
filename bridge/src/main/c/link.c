/*
 * Connections to the server. One stands for the process: while it is open, the process's VMs live. Each thread has
 * another, over which it makes requests and, until a request is done, serves the server: it copies memory in and out, makes
 * file descriptors, and waits where a CPU would.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ioctl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "kvmdev.h"

/* Copies go page by page, as the kernel's do; the smallest page there is. */
#define PAGE 4096u
/* Of a structure that a request's number says is read, this much goes along with the request. */
#define AHEAD 256u
/* The architecture, as hosts are named by it. */
#if defined(__aarch64__)
#define ARCHITECTURE "arm64"
#elif defined(__powerpc64__)
#define ARCHITECTURE "ppc64"
#elif defined(__powerpc__)
#define ARCHITECTURE "powerpc"
#elif defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#else
#define ARCHITECTURE "unknown"
#endif
/* KVM_SET_DEVICE_ATTR: tells the server how this machine's request numbers are encoded. */
#define SAMPLE _IOC(_IOC_WRITE, 0xae, 0xe1, 24)

/* A value that the server wants along with a request: as many bytes of it, and where in the structure its address is. */
struct along {
	uint32_t request;
	uint32_t at;
	uint32_t length;
};

struct link {
	int socket;
	bool broken;
	/* Whether a request is under way, and when its thread's handlers run then. */
	volatile bool busy;
	struct kvmdev_request request;
	/* Another link of the same thread, for a handler's requests while this one is busy. */
	struct link *beside;
	/* Whether a fork's child keeps it, since it is in the midst of its request. */
	bool kept;
	struct along along[KVMDEV_ALONG];
	size_t alongs;
	/* For how many answers not to look, since another program has the processor, and how often in a row it was so. */
	unsigned int rest;
	unsigned int taken;
	/* Whether the server says something unasked: then one message is received at a time. */
	bool shared;
	uint64_t token;
	/* All links of the process, so that a fork's child can close them. */
	struct link *next;
	struct link **place;
	/* A message that came, and one that is made: in a file, which is mapped, so that memory can be copied by its reads and
	 * writes. */
	int messages;
	uint8_t *in;
	uint8_t *out;
};

#define MESSAGE (KVMDEV_HEADER + KVMDEV_BODY)

/* Most messages are shorter. qemu-user looks at each page that a message could be received to, each time. */
#define SHORT 512u
/* How long to look for an answer before waiting for it, in nanoseconds. */
#define LOOKING 200000
/* Whoever does not get the processor back within that shares it with another program. */
#define TAKEN 500000
/* For how many answers not to look then, and how often at most that is doubled. */
#define REST 64u
#define MOST_DOUBLED 6u
/* How many links a thread has at most. */
#define LINKS 16u

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sockaddr_un server;
/* The folder of the host's files, and how long its name is; 0 where there is none. */
static char files[PATH_MAX];
static size_t files_length;
static pthread_key_t at_exit;
/* The thread's link; others are beside it. */
static __thread struct link *mine __attribute__((tls_model("initial-exec")));

/* Guards what follows. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct link *links;
static struct link *process;
static uint32_t flags;
static pid_t owner;
/* Kept for when the client has used up its file descriptors all but one: a file is made beside its reserved number. */
static int spare = -1;
/* The link that a fork's child will have for its process's. */
static struct link *child;
/* What the process's own thread waits for: its link, and eventfds that the server listens to. */
static int waits = -1;
/* What was blocked before a fork. */
static sigset_t before_fork_blocked;

static void complain(const char *what)
{
	static bool done;

	if (!__atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		dprintf(STDERR_FILENO, "kvmdev: %s %s: %s\n", what, server.sun_path, strerror(errno));
}

/* Messages. */

static bool send_all(struct link *link, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t sent = send(link->socket, link->out + done, length - done, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return false;
		done += sent < 0 ? 0 : (size_t)sent;
	}
	return true;
}

/* Sends the message whose body is in link->out already. */
static bool send_message(struct link *link, uint32_t type, size_t length)
{
	if (link->broken)
		return false;
	kvmdev_put32(link->out, type);
	kvmdev_put32(link->out + 4, (uint32_t)length);
	return send_all(link, KVMDEV_HEADER + length);
}

static long nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

/*
 * An answer mostly comes within some microseconds, less than what it costs to fall asleep and be woken: so there are some
 * looks first. The server may be on the same processor, so it gets that between them; it looks for the next request
 * likewise. Two who are both awake are soon put on two processors, where there are two. But where another program wants
 * the processor too, it has it for milliseconds each time: then looking rests, the longer the more often it was so.
 */
static ssize_t receive_soon(struct link *link, void *to, size_t most)
{
	ssize_t got;
	long begin = 0;
	long before = 0;
	long now;

	if (link->rest > 0) {
		link->rest--;
		return recv(link->socket, to, most, 0);
	}
	while (before - begin < LOOKING) {
		got = recv(link->socket, to, most, MSG_DONTWAIT);
		if (got >= 0 || errno != EAGAIN) {
			link->taken -= begin != 0 && link->taken > 0;
			return got;
		}
		if (begin == 0)
			begin = before = nanoseconds();
		sched_yield();
		now = nanoseconds();
		if (now - before > TAKEN) {
			link->rest = REST << link->taken;
			link->taken += link->taken < MOST_DOUBLED;
			break;
		}
		before = now;
	}
	return recv(link->socket, to, most, 0);
}

static bool receive_to(struct link *link, size_t *done, size_t length)
{
	while (*done < length) {
		size_t most = link->shared || length > SHORT ? length : SHORT;
		ssize_t got = receive_soon(link, link->in + *done, most - *done);

		if (got == 0)
			errno = ECONNRESET;
		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		*done += got < 0 ? 0 : (size_t)got;
	}
	return true;
}

/* Receives one message. Where the link is not shared, the server never sends a second before it was answered. */
static bool receive(struct link *link, uint32_t *type, size_t *length)
{
	size_t done = 0;

	if (!receive_to(link, &done, KVMDEV_HEADER))
		return false;
	*type = kvmdev_get32(link->in);
	*length = kvmdev_get32(link->in + 4);
	if (*length <= KVMDEV_BODY && !receive_to(link, &done, KVMDEV_HEADER + *length))
		return false;
	if (done == KVMDEV_HEADER + *length)
		return true;
	errno = EPROTO;
	return false;
}

static bool send_result(struct link *link, int64_t result, int error)
{
	kvmdev_put64(link->out + KVMDEV_HEADER, (uint64_t)result);
	kvmdev_put32(link->out + KVMDEV_HEADER + 8, result < 0 ? (uint32_t)error : 0);
	return send_message(link, KVMDEV_RESULT, 12);
}

/*
 * Memory. A file answers EFAULT where a copy would be a crash, also where qemu-user runs the program. What is copied to or
 * from is a part of the link's messages.
 */

static off64_t place(const struct link *link, const uint8_t *at)
{
	return at - link->in;
}

static size_t step(uint64_t address, size_t left)
{
	size_t to_page_end = PAGE - (size_t)(address % PAGE);

	return left < to_page_end ? left : to_page_end;
}

/* How many of the bytes at an address could be copied. */
static size_t copy_in(struct link *link, uint8_t *to, uint64_t address, size_t length)
{
	size_t done = 0;

	while (done < length && address + done <= UINTPTR_MAX) {
		size_t part = step(address + done, length - done);

		if (pwrite64(link->messages, (const void *)(uintptr_t)(address + done), part, place(link, to + done)) !=
		    (ssize_t)part)
			break;
		done += part;
	}
	return done;
}

static size_t copy_out(struct link *link, uint64_t address, const uint8_t *from, size_t length)
{
	size_t done = 0;

	while (done < length && address + done <= UINTPTR_MAX) {
		size_t part = step(address + done, length - done);

		if (pread64(link->messages, (void *)(uintptr_t)(address + done), part, place(link, from + done)) != (ssize_t)part)
			break;
		done += part;
	}
	return done;
}

/* Files of the library's own. */

/* Moves a file descriptor out of the client's way, to a number near the end of those it may have. */
int kvmdev_move_away(int fd)
{
	struct rlimit limit;
	long from = 64;
	int moved;

	if (fd < 0)
		return fd;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		from = limit.rlim_cur > KVMDEV_FILES ? KVMDEV_FILES : (long)limit.rlim_cur;
		from -= from / 4;
	}
	moved = kvmdev_real_fcntl(fd, F_DUPFD_CLOEXEC, (unsigned long)from);
	if (moved >= 0 && moved < KVMDEV_FILES) {
		kvmdev_real_close(fd);
		fd = moved;
	}
	kvmdev_set_file(fd, KVMDEV_OWN);
	return fd;
}

void kvmdev_drop_file(int fd)
{
	if (fd >= 0) {
		kvmdev_set_file(fd, KVMDEV_NONE);
		kvmdev_real_close(fd);
	}
}

/* What the server asks for. Each answers whether the link goes on. */

static bool serve_read(struct link *link, const uint8_t *body)
{
	size_t length = kvmdev_get32(body + 8);

	return length <= KVMDEV_CHUNK &&
	       send_message(link, KVMDEV_BYTES,
			    copy_in(link, link->out + KVMDEV_HEADER, kvmdev_get64(body), length));
}

static bool serve_write(struct link *link, const uint8_t *body, size_t length)
{
	return send_result(link, (int64_t)copy_out(link, kvmdev_get64(body), body + 8, length - 8), 0);
}

static bool serve_reserve(struct link *link)
{
	int fd = kvmdev_real_open(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);

	if (fd >= KVMDEV_FILES) {
		kvmdev_real_close(fd);
		fd = -1;
		errno = EMFILE;
	}
	kvmdev_set_file(fd, KVMDEV_RESERVED);
	return send_result(link, fd, errno);
}

static int open_spare(void)
{
	return kvmdev_move_away(kvmdev_real_open(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0));
}

static bool serve_install(struct link *link, const uint8_t *body, size_t length)
{
	char name[64] = "";
	int fd = (int)kvmdev_get32(body);
	uint32_t kind = kvmdev_get32(body + 4);
	sigset_t before;
	int file;

	if (length - 16 >= sizeof(name) || kind < KVMDEV_VM || kind > KVMDEV_OTHER || kvmdev_file(fd) != KVMDEV_RESERVED)
		return false;
	memcpy(name, body + 16, length - 16);
	kvmdev_lock(&lock, &before);
	kvmdev_drop_file(spare);
	file = kvmdev_make_file(name, kvmdev_get64(body + 8));
	if (file >= 0 && kvmdev_real_dup3(file, fd, O_CLOEXEC) < 0)
		complain("cannot make a file for");
	if (file >= 0)
		kvmdev_real_close(file);
	spare = open_spare();
	kvmdev_unlock(&lock, &before);
	kvmdev_set_file(fd, kind);
	return send_result(link, 0, 0);
}

/* Writes into a file what can be read of it, and then opens it to be read alone. */
static bool serve_fill(struct link *link, const uint8_t *body, size_t length)
{
	char path[48];
	int fd = (int)kvmdev_get32(body);
	sigset_t before;
	ssize_t written;
	int readable;

	if (kvmdev_file(fd) != KVMDEV_OTHER)
		return false;
	written = pwrite64(fd, body + 4, length - 4, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	kvmdev_lock(&lock, &before);
	kvmdev_drop_file(spare);
	readable = kvmdev_real_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (readable < 0 || kvmdev_real_dup3(readable, fd, O_CLOEXEC) < 0)
		complain("cannot make a file to be read for");
	if (readable >= 0)
		kvmdev_real_close(readable);
	spare = open_spare();
	kvmdev_unlock(&lock, &before);
	return send_result(link, written, errno);
}

static bool serve_peek(struct link *link, const struct call *call, const uint8_t *body)
{
	uint8_t byte = 0;
	ssize_t got = pread64(call->fd, &byte, 1, kvmdev_get32(body));

	return send_result(link, got == 1 ? byte : 0, 0);
}

static bool serve_cancel(struct link *link, const uint8_t *body)
{
	int fd = (int)kvmdev_get32(body);

	if (kvmdev_file(fd) == KVMDEV_RESERVED) {
		kvmdev_set_file(fd, KVMDEV_NONE);
		kvmdev_real_close(fd);
	}
	return send_result(link, 0, 0);
}

static bool serve_track(struct link *link, const uint8_t *body)
{
	uint32_t kind = kvmdev_get32(body + 4);

	if (kind > KVMDEV_OTHER)
		return false;
	kvmdev_set_file((int)kvmdev_get32(body), kind);
	return send_result(link, 0, 0);
}

static bool serve_write_run(struct link *link, const struct call *call, const uint8_t *body, size_t length)
{
	ssize_t written = pwrite64(call->fd, body + 4, length - 4, kvmdev_get32(body));

	return send_result(link, written, errno);
}

/*
 * A CPU that sleeps: until a signal comes that is not blocked. One that came since the request began was put off: it is
 * pending when all are blocked, and ends the wait at once. Its handler runs when the request is done, as in the kernel. With
 * a set of KVM_SET_SIGNAL_MASK, signals that only the set lets through stay pending, as in the kernel too.
 */
static bool serve_sleep(struct link *link, const struct call *call, const uint8_t *body, size_t length)
{
	struct pollfd wakers[2] = {{link->socket, POLLIN, 0}, {-1, POLLIN, 0}};
	uint8_t immediate_exit = 0;

	kvmdev_hold_signals(&link->request);
	if (pread64(call->fd, &immediate_exit, 1, kvmdev_get32(body)) == 1 && immediate_exit != 0)
		return send_result(link, KVMDEV_WOKEN_AT_ONCE, 0);
	if (length == 4) {
		link->request.waits = true;
		ppoll(wakers, 1, NULL, &link->request.blocked);
		link->request.waits = false;
	} else {
		sigset_t awaited;
		unsigned char *bits = (unsigned char *)&awaited;

		sigemptyset(&awaited);
		for (size_t i = 4; i < length; i++)
			bits[i - 4] = (unsigned char)~body[i];
		wakers[1].fd = signalfd(-1, &awaited, SFD_CLOEXEC);
		ppoll(wakers, 2, NULL, NULL);
		kvmdev_real_close(wakers[1].fd);
	}
	return send_result(link, KVMDEV_WOKEN_BY_SIGNAL, 0);
}

/*
 * Makes the request to the machine's own KVM, with the signals as the client has them: handlers run, before it or by ending
 * it. Their own requests go over another link.
 */
static bool serve_call(struct link *link, struct call *call)
{
	int result;
	int error;

	kvmdev_end_request(&link->request);
	result = kvmdev_real_ioctl(call->fd, call->request, (unsigned long)call->argument);
	error = errno;
	kvmdev_begin_request(&link->request);
	return send_result(link, result, error);
}

/* Events: another thread of the process waits for those that the server listens to, and tells it. */

/* What the server tells unasked. */
static bool serve_event(uint32_t type, const uint8_t *body)
{
	uint64_t id = kvmdev_get64(body);
	struct epoll_event wanted = {.events = EPOLLIN, .data = {.u64 = id}};
	int fd = kvmdev_event(id);

	switch (type) {
	case KVMDEV_LISTEN:
		epoll_ctl(waits, EPOLL_CTL_ADD, fd, &wanted);
		break;
	case KVMDEV_UNLISTEN:
		epoll_ctl(waits, EPOLL_CTL_DEL, fd, NULL);
		break;
	case KVMDEV_SIGNAL:
		kvmdev_signal_event(id);
		break;
	default:
		kvmdev_forget_event(id);
	}
	errno = 0;
	return true;
}

static void *wait_for_events(void *link);

static bool start_waiting(void)
{
	struct epoll_event wanted = {.events = EPOLLIN, .data = {.u64 = UINT64_MAX}};
	pthread_t thread;
	sigset_t before;
	bool started = true;

	kvmdev_lock(&lock, &before);
	if (waits < 0) {
		waits = kvmdev_move_away(epoll_create1(EPOLL_CLOEXEC));
		/* All signals are blocked here, and so they are there. */
		started = waits >= 0 && epoll_ctl(waits, EPOLL_CTL_ADD, process->socket, &wanted) == 0 &&
			  pthread_create(&thread, NULL, wait_for_events, process) == 0;
		if (started)
			pthread_detach(thread);
	}
	kvmdev_unlock(&lock, &before);
	return started;
}

static bool serve_find_event(struct link *link, const uint8_t *body)
{
	int64_t id = kvmdev_find_event((int)kvmdev_get32(body));

	if (id >= 0 && !start_waiting())
		id = -1;
	return send_result(link, id, errno);
}

/* Serves one message that is not DONE. */
static bool serve(struct link *link, struct call *call, uint32_t type, size_t length)
{
	const uint8_t *body = link->in + KVMDEV_HEADER;

	errno = 0;
	switch (type) {
	case KVMDEV_READ:
		return length == 12 && serve_read(link, body);
	case KVMDEV_WRITE:
		return length >= 8 && serve_write(link, body, length);
	case KVMDEV_RESERVE:
		return length == 0 && serve_reserve(link);
	case KVMDEV_INSTALL:
		return length >= 16 && serve_install(link, body, length);
	case KVMDEV_FILL:
		return length >= 4 && serve_fill(link, body, length);
	case KVMDEV_PEEK:
		return length == 4 && serve_peek(link, call, body);
	case KVMDEV_CANCEL:
		return length == 4 && serve_cancel(link, body);
	case KVMDEV_IS_OPEN:
		return length == 4 &&
		       send_result(link, kvmdev_real_fcntl((int)kvmdev_get32(body), F_GETFD, 0) < 0 ? -1 : 0, errno);
	case KVMDEV_SLEEP:
		return (length == 4 || length == 12) && serve_sleep(link, call, body, length);
	case KVMDEV_WRITE_RUN:
		return length >= 4 && serve_write_run(link, call, body, length);
	case KVMDEV_CALL:
		return length == 0 && serve_call(link, call);
	case KVMDEV_TRACK:
		return length == 8 && serve_track(link, body);
	case KVMDEV_EVENT:
		return length == 4 && serve_find_event(link, body);
	case KVMDEV_LISTEN:
	case KVMDEV_UNLISTEN:
	case KVMDEV_SIGNAL:
	case KVMDEV_FORGET:
		return length == 8 && link->shared && serve_event(type, body);
	default:
		return false;
	}
}

/* The structure that a request's number says is read, and the value that it points to if the server wants that along. */
static size_t put_memory(struct link *link, const struct call *call, uint8_t *to)
{
	size_t size = _IOC_DIR(call->request) & _IOC_WRITE ? _IOC_SIZE(call->request) : 0;
	size_t got = copy_in(link, to + 4, call->argument, size < AHEAD ? size : AHEAD);
	uint8_t *value = to + 4 + got;
	uint64_t address;

	kvmdev_put32(to, (uint32_t)got);
	for (size_t i = 0; i < link->alongs; i++) {
		const struct along *wanted = &link->along[i];

		if (wanted->request != call->request || wanted->at + sizeof(address) > got)
			continue;
		memcpy(&address, to + 4 + wanted->at, sizeof(address));
		kvmdev_put64(value, address);
		return 4 + got + 8 + copy_in(link, value + 8, address, wanted->length);
	}
	return 4 + got;
}

/* The body of a request, in link->out; its length. */
static size_t put_request(struct link *link, const struct call *call)
{
	uint8_t *body = link->out + KVMDEV_HEADER;

	kvmdev_put32(body, (uint32_t)call->fd);
	switch (call->type) {
	case KVMDEV_SIGNALLED:
		kvmdev_put64(body, call->argument);
		return 8;
	case KVMDEV_IOCTL:
		kvmdev_put32(body + 4, call->request);
		kvmdev_put64(body + 8, call->argument);
		return 16 + put_memory(link, call, body + 16);
	case KVMDEV_DUP:
		kvmdev_put32(body + 4, call->request);
		return 8;
	case KVMDEV_MMAP:
		kvmdev_put64(body + 4, call->argument);
		kvmdev_put64(body + 12, call->length);
		return 20;
	default:
		return 4;
	}
}

/* What DONE says; the last copy of memory can be in it, and a fault is then the request's. */
static long finish(struct link *link, size_t length)
{
	const uint8_t *body = link->in + KVMDEV_HEADER;
	long result = (long)kvmdev_get64(body);

	if (length > 20 && copy_out(link, kvmdev_get64(body + 12), body + 20, length - 20) != length - 20) {
		errno = EFAULT;
		return -1;
	}
	if (result < 0)
		errno = (int)kvmdev_get32(body + 8);
	return result < 0 ? -1 : result;
}

static long ask_on(struct link *link, struct call *call)
{
	uint32_t type;
	size_t length;

	if (!link->broken && send_message(link, call->type, put_request(link, call))) {
		while (receive(link, &type, &length)) {
			if (type == KVMDEV_DONE && (length == 12 || length > 20))
				return finish(link, length);
			if (!serve(link, call, type, length)) {
				errno = errno != 0 ? errno : EPROTO;
				break;
			}
		}
		complain("lost the server at");
	}
	link->broken = true;
	errno = EIO;
	return -1;
}

static void *wait_for_events(void *link)
{
	struct link *own = link;
	struct epoll_event event;
	uint32_t type;
	size_t length;
	uint64_t count;

	while (!own->broken) {
		struct call call = {.type = KVMDEV_SIGNALLED, .fd = -1};

		if (epoll_wait(waits, &event, 1, -1) != 1)
			continue;
		if (event.data.u64 == UINT64_MAX) {
			own->broken = !receive(own, &type, &length) || !serve(own, &call, type, length);
			continue;
		}
		call.argument = event.data.u64;
		if (read(kvmdev_event(call.argument), &count, sizeof(count)) == sizeof(count))
			ask_on(own, &call);
	}
	return NULL;
}

/* Links. */

static void close_files(struct link *link)
{
	kvmdev_drop_file(link->socket);
	kvmdev_drop_file(link->messages);
}

/* With the lock held. */
static void free_link(struct link *link)
{
	if (link->next != NULL)
		link->next->place = link->place;
	*link->place = link->next;
	close_files(link);
	if (link->in != NULL)
		munmap(link->in, 2 * MESSAGE);
	munmap(link, sizeof(*link));
}

/* What the server wants along with requests. */
static bool take_alongs(struct link *link, const uint8_t *body, size_t length)
{
	if (length % 12 != 0 || length / 12 > KVMDEV_ALONG)
		return false;
	link->alongs = length / 12;
	for (size_t i = 0; i < link->alongs; i++, body += 12) {
		link->along[i] = (struct along){kvmdev_get32(body), kvmdev_get32(body + 4), kvmdev_get32(body + 8)};
		if (link->along[i].at > AHEAD || link->along[i].length > KVMDEV_ALONG_BYTES)
			return false;
	}
	return true;
}

static bool shake_hands(struct link *link, uint32_t role, uint64_t token)
{
	const uint32_t one = 1;
	const char architecture[16] = ARCHITECTURE;
	uint8_t *body = link->out + KVMDEV_HEADER;
	uint32_t type;
	size_t length;

	kvmdev_put32(body, KVMDEV_MAGIC);
	kvmdev_put32(body + 4, KVMDEV_VERSION);
	kvmdev_put32(body + 8, role);
	kvmdev_put32(body + 12, 8 * sizeof(long));
	kvmdev_put32(body + 16, *(const uint8_t *)&one == 1 ? 1 : 2);
	kvmdev_put32(body + 20, SAMPLE);
	kvmdev_put32(body + 24, (uint32_t)getpid());
	kvmdev_put64(body + 28, token);
	memcpy(body + 36, architecture, sizeof(architecture));
	if (!send_message(link, KVMDEV_HELLO, 36 + sizeof(architecture)) || !receive(link, &type, &length)) {
		complain("cannot use the server at");
		return false;
	}
	body = link->in + KVMDEV_HEADER;
	if (type != KVMDEV_WELCOME || length < 16 || !take_alongs(link, body + 16, length - 16)) {
		if (type == KVMDEV_REFUSED)
			dprintf(STDERR_FILENO, "kvmdev: %.*s\n", (int)length, (const char *)body);
		else
			dprintf(STDERR_FILENO, "kvmdev: %s is no kvmdev server's socket\n", server.sun_path);
		return false;
	}
	flags = kvmdev_get32(body + 4);
	link->token = kvmdev_get64(body + 8);
	link->shared = role == KVMDEV_PROCESS;
	return true;
}

static void map_messages(struct link *link)
{
	void *messages = kvmdev_real_mmap(NULL, 2 * MESSAGE, PROT_READ | PROT_WRITE, MAP_SHARED, link->messages, 0);

	if (messages == MAP_FAILED)
		return;
	link->in = messages;
	link->out = link->in + MESSAGE;
}

/* With the lock held. */
static struct link *open_link(uint32_t role, uint64_t token)
{
	struct link *link = kvmdev_real_mmap(NULL, sizeof(*link), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
					     -1, 0);

	if (link == MAP_FAILED)
		return NULL;
	link->socket = kvmdev_move_away(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	link->messages = kvmdev_move_away(kvmdev_make_file("kvmdev", 2 * MESSAGE));
	map_messages(link);
	link->next = links;
	if (links != NULL)
		links->place = &link->next;
	link->place = &links;
	links = link;
	if (link->in == NULL || connect(link->socket, (struct sockaddr *)&server, sizeof(server)) != 0) {
		complain("cannot reach the server at");
	} else if (shake_hands(link, role, token)) {
		return link;
	}
	free_link(link);
	return NULL;
}

static void thread_ends(void *unused)
{
	sigset_t before;
	struct link *next;

	(void)unused;
	kvmdev_lock(&lock, &before);
	for (struct link *link = mine; link != NULL; link = next) {
		next = link->beside;
		free_link(link);
	}
	mine = NULL;
	kvmdev_unlock(&lock, &before);
}

/* With the lock held: the link of the process, made where there is none. */
static struct link *of_process(void)
{
	if (process == NULL) {
		kvmdev_drop_file(spare);
		process = open_link(KVMDEV_PROCESS, 0);
		owner = getpid();
		kvmdev_own_signals();
		spare = open_spare();
	}
	return process;
}

/* A link of this thread on which no request is under way, made where there is none. */
static struct link *free_of_thread(void)
{
	struct link **place = &mine;
	unsigned int count = 0;
	sigset_t before;
	int cancel;

	for (; *place != NULL && (*place)->busy; place = &(*place)->beside)
		count++;
	if (*place != NULL)
		return *place;
	if (count == LINKS) {
		errno = EBUSY;
		complain("too many requests within each other to");
		return NULL;
	}
	kvmdev_lock(&lock, &before);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (of_process() != NULL)
		*place = open_link(KVMDEV_THREAD, process->token);
	pthread_setcancelstate(cancel, NULL);
	if (*place != NULL)
		pthread_setspecific(at_exit, mine);
	kvmdev_unlock(&lock, &before);
	return *place;
}

static struct link *of_thread(void)
{
	return mine != NULL && !mine->busy ? mine : free_of_thread();
}

/* Forks: the child is a process of its own, whose link is made before it is. */

static void before_fork(void)
{
	sigset_t before;

	kvmdev_lock(&lock, &before);
	before_fork_blocked = before;
	kvmdev_lock_actions();
	if (process != NULL && kvmdev_is_owner() && !process->broken)
		child = open_link(KVMDEV_PROCESS, process->token);
}

static void after_fork(void)
{
	sigset_t before = before_fork_blocked;

	kvmdev_unlock_actions();
	kvmdev_unlock(&lock, &before);
}

static void after_fork_in_parent(void)
{
	if (child != NULL)
		free_link(child);
	child = NULL;
	after_fork();
}

/* A handler has forked, within the request on this link: that goes on, and finds that it cannot. */
static void forsake(struct link *link)
{
	link->broken = true;
	close_files(link);
	link->socket = -1;
	link->messages = -1;
}

static void after_fork_in_child(void)
{
	struct link *next;

	for (struct link *link = mine; link != NULL; link = link->beside)
		link->kept = link->busy;
	for (struct link *link = links; link != NULL; link = next) {
		next = link->next;
		if (link != child)
			(link->kept ? forsake : free_link)(link);
	}
	kvmdev_drop_events();
	kvmdev_drop_file(waits);
	waits = -1;
	mine = NULL;
	process = child;
	child = NULL;
	owner = getpid();
	kvmdev_own_signals();
	after_fork();
}

static void begin(void)
{
	const char *path = getenv("KVMDEV_SOCKET");
	const char *folder = getenv("KVMDEV_FILES");

	if (folder != NULL && strlen(folder) < sizeof(files)) {
		strcpy(files, folder);
		files_length = strlen(folder);
	}
	if (path == NULL || *path == '\0')
		return;
	if (strlen(path) >= sizeof(server.sun_path)) {
		dprintf(STDERR_FILENO, "kvmdev: the path of a socket has at most %zu bytes: KVMDEV_SOCKET=%s\n",
			sizeof(server.sun_path) - 1, path);
		return;
	}
	strcpy(server.sun_path, path);
	server.sun_family = AF_UNIX;
	pthread_key_create(&at_exit, thread_ends);
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	kvmdev_own_signals();
}

/* Not in a child of vfork, where it could be for the first time else. */
__attribute__((constructor)) static void begin_early(void)
{
	kvmdev_enabled();
}

bool kvmdev_enabled(void)
{
	pthread_once(&once, begin);
	return server.sun_family == AF_UNIX;
}

const char *kvmdev_host_file(const char *path, char *room)
{
	struct stat status;

	/* Where such files are; all others are not looked for twice. */
	if (path == NULL || strncmp(path, "/proc/", 6) != 0 || !kvmdev_enabled() || files_length == 0 ||
	    files_length + strlen(path) >= PATH_MAX)
		return path;
	memcpy(room, files, files_length);
	strcpy(room + files_length, path);
	return lstat(room, &status) == 0 ? room : path;
}

bool kvmdev_is_owner(void)
{
	return owner == getpid();
}

int kvmdev_passes_through(void)
{
	struct link *link;
	sigset_t before;

	kvmdev_lock(&lock, &before);
	link = of_process();
	kvmdev_unlock(&lock, &before);
	return link == NULL ? -1 : (flags & KVMDEV_PASS_THROUGH) != 0;
}

/*
 * A handler that was installed by a system call itself is not put off. Within a request it makes none: the server waits for
 * what that one has to say.
 */
static long refuse(void)
{
	static bool done;

	if (!__atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		dprintf(STDERR_FILENO, "kvmdev: a handler that was not installed by sigaction, signal or sigset makes a "
				       "request within another one of its thread\n");
	errno = EBUSY;
	return -1;
}

long kvmdev_ask(struct call *call)
{
	int error = errno;
	int cancel;
	struct link *link;
	long result;

	if (owner != 0 && !kvmdev_is_owner()) {
		errno = EIO;
		return -1;
	}
	if (kvmdev_current != NULL)
		return refuse();
	link = of_thread();
	if (link == NULL) {
		errno = EIO;
		return -1;
	}
	kvmdev_begin_request(&link->request);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	link->busy = true;
	result = ask_on(link, call);
	if (result < 0)
		error = errno;
	link->busy = false;
	pthread_setcancelstate(cancel, NULL);
	kvmdev_end_request(&link->request);
	errno = error;
	return result;
}
