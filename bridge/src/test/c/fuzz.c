/*
 * The library against a server that says whatever comes: built from the library's own sources with the compiler's
 * sanitizers. Arguments: a seed, and how many connections. Every request has to end, most of them with EIO.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kvmdev.h"

/* KVM_SET_DEVICE_ATTR. */
#define REQUEST 0x4018aee1u

static uint64_t state;

static uint32_t random_number(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return below == 0 ? 0 : (uint32_t)(state >> 33) % below;
}

static void say(int client, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(client, bytes, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		length -= (size_t)sent;
	}
}

/* A header that is nearly right, with a body that is not. */
static void babble(int client)
{
	static const uint32_t types[] = {KVMDEV_READ,	KVMDEV_WRITE, KVMDEV_RESERVE,	KVMDEV_INSTALL, KVMDEV_CANCEL, KVMDEV_IS_OPEN,
					 KVMDEV_SLEEP, KVMDEV_TRACK, KVMDEV_WRITE_RUN, KVMDEV_FILL,	KVMDEV_PEEK,   KVMDEV_DONE,
					 KVMDEV_RESULT, 999};
	static const uint32_t lengths[] = {0, 3, 4, 8, 12, 13, 16, 20, 40, 90, 4096, KVMDEV_BODY, KVMDEV_BODY + 1, 0xffffffff};
	uint8_t message[KVMDEV_HEADER + 4096];
	uint32_t length = lengths[random_number(sizeof(lengths) / sizeof(*lengths))];
	uint32_t body = length < 4096 ? length : 4096;

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = random_number(3) == 0 ? 0 : (uint8_t)random_number(256);
	kvmdev_put32(message, types[random_number(sizeof(types) / sizeof(*types))]);
	kvmdev_put32(message + 4, length);
	/* The upper bits are set, of DONE's address too: none of this process is hit. */
	message[KVMDEV_HEADER + 7] |= 0x80;
	message[KVMDEV_HEADER + 12 + 7] |= 0x80;
	say(client, message, random_number(10) == 0 ? random_number(KVMDEV_HEADER + body) : KVMDEV_HEADER + body);
}

/* To a thread, what is wanted along is mostly nearly right: of the fuzzer's own request, near its end. Its length. */
static size_t put_welcome(uint8_t *welcome, bool thread)
{
	uint32_t alongs = thread ? random_number(KVMDEV_ALONG + 2) : 0;
	uint32_t length = 16 + 12 * alongs;

	if (alongs > 0 && random_number(10) == 0)
		length -= random_number(12);
	kvmdev_put32(welcome, KVMDEV_WELCOME);
	kvmdev_put32(welcome + 4, length);
	for (uint8_t *along = welcome + KVMDEV_HEADER + 16; alongs > 0; alongs--, along += 12) {
		kvmdev_put32(along, random_number(4) == 0 ? random_number(~0u) : REQUEST);
		kvmdev_put32(along + 4, random_number(20) == 0 ? random_number(~0u) : random_number(25));
		kvmdev_put32(along + 8, random_number(20) == 0 ? random_number(~0u) : random_number(257));
	}
	return KVMDEV_HEADER + length;
}

static void *serve(void *listener)
{
	for (;;) {
		uint8_t welcome[KVMDEV_HEADER + 16 + 12 * (KVMDEV_ALONG + 1)] = {0};
		uint8_t hello[256];
		int client = accept(*(int *)listener, NULL, NULL);
		bool thread;

		if (client < 0)
			return NULL;
		thread = recv(client, hello, sizeof(hello), 0) > 0 && kvmdev_get32(hello + KVMDEV_HEADER + 8) == KVMDEV_THREAD;
		if (!thread || random_number(8) != 0)
			say(client, welcome, put_welcome(welcome, thread));
		/* The link of the process stays; the threads' get what comes. */
		if (thread) {
			for (uint32_t i = random_number(6); i > 0; i--)
				babble(client);
			shutdown(client, SHUT_WR);
		}
		/* Read to the end, so that what was said is not taken back. */
		if (thread) {
			while (recv(client, hello, sizeof(hello), 0) > 0)
				;
			close(client);
		}
	}
}

static void *ask(void *unused)
{
	uint64_t argument[64] = {0};

	for (int i = 0; i < 3; i++) {
		struct call call = {.type = KVMDEV_IOCTL, .fd = -1, .request = REQUEST, .argument = (uintptr_t)argument};

		kvmdev_ask(&call);
	}
	return unused;
}

int main(int count, char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pthread_t server;
	unsigned long rounds = count > 2 ? strtoul(arguments[2], NULL, 0) : 1000;

	state = count > 1 ? strtoul(arguments[1], NULL, 0) : 1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv("KVMDEV_SOCKET"));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 100) != 0 ||
	    !kvmdev_enabled() || pthread_create(&server, NULL, serve, &listener) != 0) {
		perror("fuzz");
		return 2;
	}
	for (unsigned long i = 0; i < rounds; i++) {
		pthread_t client;

		if (pthread_create(&client, NULL, ask, NULL) != 0 || pthread_join(client, NULL) != 0)
			return 2;
	}
	printf("%lu connections\n", rounds);
	return 0;
}
