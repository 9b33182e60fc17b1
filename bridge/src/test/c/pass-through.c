/*
 * The library before a server that has all requests made to the machine's own KVM, which is this file's: built from the
 * library's own sources, with the linker's --wrap=kvmdev_real_ioctl. Ends with 0 where signals come as to a program without
 * the library.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "kvmdev.h"

/* Answered by how often a handler has run. */
#define COUNT 1u
/* Ends with EINTR when a handler has run: as a run that sleeps. */
#define RUN 2u
/* The same; the server sends a signal before it has it made. */
#define RUN_SIGNALLED 3u

static int listener;
static pthread_t client;
static sigset_t own_mask;
static sigjmp_buf away;
static volatile sig_atomic_t jumps;
static volatile sig_atomic_t handled;
static volatile bool runs;

int __wrap_kvmdev_real_ioctl(int fd, unsigned long request, unsigned long argument);

static bool has_own_mask(void)
{
	sigset_t now;

	return pthread_sigmask(SIG_SETMASK, NULL, &now) == 0 && memcmp(&now, &own_mask, 8) == 0;
}

/* The machine's own KVM. */
int __wrap_kvmdev_real_ioctl(int fd, unsigned long request, unsigned long argument)
{
	(void)fd;
	if (request == COUNT)
		return handled;
	check(has_own_mask());
	runs = true;
	while (handled == (int)argument)
		usleep(100);
	runs = false;
	errno = EINTR;
	return -1;
}

static long ask(uint32_t request)
{
	struct call call = {.type = KVMDEV_IOCTL, .fd = 0, .request = request, .argument = (uint64_t)handled};

	return kvmdev_ask(&call);
}

static void handles(int signal)
{
	int error = errno;
	sigset_t now;

	check(pthread_sigmask(SIG_SETMASK, NULL, &now) == 0);
	check(sigismember(&now, signal) == 1 && sigismember(&now, SIGHUP) == 1 && sigismember(&now, SIGTERM) == 0);
	check(ask(COUNT) == handled);
	handled++;
	if (jumps)
		siglongjmp(away, 1);
	errno = error;
}

static void say(int connection, uint8_t *message, uint32_t type, uint32_t length)
{
	kvmdev_put32(message, type);
	kvmdev_put32(message + 4, length);
	check(send(connection, message, KVMDEV_HEADER + length, MSG_NOSIGNAL) == (ssize_t)(KVMDEV_HEADER + length));
}

static void *serve(void *accepted)
{
	int connection = *(int *)accepted;
	uint8_t heard[256];
	uint8_t said[64];

	free(accepted);
	while (recv(connection, heard, sizeof(heard), 0) > 0) {
		memset(said, 0, sizeof(said));
		if (kvmdev_get32(heard) == KVMDEV_HELLO) {
			kvmdev_put32(said + KVMDEV_HEADER + 4, KVMDEV_PASS_THROUGH);
			say(connection, said, KVMDEV_WELCOME, 16);
			continue;
		}
		check(kvmdev_get32(heard) == KVMDEV_IOCTL);
		if (kvmdev_get32(heard + KVMDEV_HEADER + 4) == RUN_SIGNALLED)
			pthread_kill(client, SIGUSR1);
		say(connection, said, KVMDEV_CALL, 0);
		/* The next message is this one's, or none where the request's thread has jumped away. */
		if (recv(connection, heard, sizeof(heard), 0) <= 0)
			break;
		check(kvmdev_get32(heard) == KVMDEV_RESULT);
		memcpy(said + KVMDEV_HEADER, heard + KVMDEV_HEADER, 12);
		say(connection, said, KVMDEV_DONE, 12);
	}
	close(connection);
	return NULL;
}

static void *accept_all(void *unused)
{
	pthread_t thread;

	for (;;) {
		int *accepted = malloc(sizeof(*accepted));

		*accepted = accept(listener, NULL, NULL);
		if (*accepted < 0 || pthread_create(&thread, NULL, serve, accepted) != 0)
			return unused;
		pthread_detach(thread);
	}
}

static volatile bool ended;

/* A signal whenever a run has begun; one that comes just before it is sent again. */
static void *wake(void *unused)
{
	while (!ended) {
		if (runs)
			pthread_kill(client, SIGUSR1);
		usleep(200);
	}
	return unused;
}

int main(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sigaction action = {.sa_handler = handles};
	sigset_t all;
	pthread_t thread;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv("KVMDEV_SOCKET"));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 100) == 0);
	client = pthread_self();
	/* Of all threads, this one alone has signals. */
	sigfillset(&all);
	check(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
	check(kvmdev_enabled() && pthread_create(&thread, NULL, accept_all, NULL) == 0);
	sigaddset(&own_mask, SIGHUP);
	check(sigaction(SIGUSR1, &action, NULL) == 0);
	check(kvmdev_passes_through() == 1);

	/* That came before the request was made: its handler has run when it is. */
	check(pthread_sigmask(SIG_SETMASK, &own_mask, NULL) == 0);
	for (int i = 0; i < 200; i++) {
		check(ask(RUN_SIGNALLED) == -1 && errno == EINTR && handled == i + 1);
		check(has_own_mask());
	}
	/* That comes while it lasts; then its handler jumps out of it. */
	check(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0 && pthread_create(&thread, NULL, wake, NULL) == 0);
	check(pthread_sigmask(SIG_SETMASK, &own_mask, NULL) == 0);
	for (int i = 0; i < 50; i++) {
		int before = handled;

		check(ask(RUN) == -1 && errno == EINTR && handled > before);
		check(has_own_mask());
	}
	for (volatile int i = 0; i < 5; i++) {
		jumps = 1;
		if (sigsetjmp(away, 1) == 0) {
			ask(RUN);
			check(false);
		}
		jumps = 0;
		runs = false;
		check(has_own_mask());
	}
	ended = true;
	check(pthread_join(thread, NULL) == 0);
	check(ask(COUNT) == handled);
	return 0;
}
