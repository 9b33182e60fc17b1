/*
 * The messages between a client process and its kvmdev server, as docs/bridge-protocol.md describes them. A message is
 * a header of two numbers, its type and the length of its body, and the body. Numbers are little-endian on every
 * machine.
 */
#ifndef KVMDEV_PROTOCOL_H
#define KVMDEV_PROTOCOL_H

#define KVMDEV_MAGIC 0x444d564bu /* "KVMD" */
#define KVMDEV_VERSION 2u

#define KVMDEV_HEADER 8u
/* Bytes of memory in one message at most. */
#define KVMDEV_CHUNK 65536u
/* The longest body: memory, and the fields before it. */
#define KVMDEV_BODY (KVMDEV_CHUNK + 64u)

/* A connection's role. */
#define KVMDEV_PROCESS 0u
#define KVMDEV_THREAD 1u

/* WELCOME's flags. */
#define KVMDEV_PASS_THROUGH 1u

/* How many values that structures point to WELCOME can want along, and the bytes of each at most. */
#define KVMDEV_ALONG 8u
#define KVMDEV_ALONG_BYTES 256u

enum kvmdev_message {
	/* How a connection begins. */
	KVMDEV_HELLO = 1,
	KVMDEV_WELCOME = 2,
	KVMDEV_REFUSED = 3,

	/* What a client asks for, each answered by DONE. */
	KVMDEV_ADOPT = 10,
	KVMDEV_IOCTL = 11,
	KVMDEV_CLOSE = 12,
	KVMDEV_DUP = 13,
	KVMDEV_MMAP = 14,
	KVMDEV_SIGNALLED = 15,

	/* What the server asks for before that, and the answers. */
	KVMDEV_READ = 20,
	KVMDEV_BYTES = 21,
	KVMDEV_WRITE = 22,
	KVMDEV_RESERVE = 23,
	KVMDEV_INSTALL = 24,
	KVMDEV_CANCEL = 25,
	KVMDEV_IS_OPEN = 26,
	KVMDEV_SLEEP = 27,
	KVMDEV_WRITE_RUN = 28,
	KVMDEV_CALL = 29,
	KVMDEV_TRACK = 30,
	KVMDEV_RESULT = 31,
	KVMDEV_EVENT = 32,

	/* What can be read of a file that was just installed; a byte of a vCPU's mapping. */
	KVMDEV_FILL = 37,
	KVMDEV_PEEK = 38,

	/* What the server tells over a process's own connection, unasked and without an answer. */
	KVMDEV_LISTEN = 33,
	KVMDEV_UNLISTEN = 34,
	KVMDEV_SIGNAL = 35,
	KVMDEV_FORGET = 36,

	KVMDEV_DONE = 40,
};

/* What SLEEP's RESULT says. */
#define KVMDEV_WOKEN_BY_SIGNAL 0
#define KVMDEV_WOKEN_AT_ONCE 1

/* Kinds of file: as INSTALL and TRACK name them. */
enum kvmdev_kind {
	KVMDEV_NONE = 0,
	KVMDEV_SYSTEM = 1,
	KVMDEV_VM = 2,
	KVMDEV_VCPU = 3,
	KVMDEV_DEVICE = 4,
	/* A file that a request has made and that has none of KVM's requests. */
	KVMDEV_OTHER = 5,

	/* A number that the server has reserved. */
	KVMDEV_RESERVED = 6,
	/* The library's own. */
	KVMDEV_OWN = 7,
};

#endif
