/* What is not so ends a client, with where it is and the last error. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define check(condition)                                                                                              \
	do {                                                                                                          \
		if (!(condition)) {                                                                                   \
			fprintf(stderr, "%s:%d: %s: not so; errno %d (%s)\n", __FILE__, __LINE__, #condition, errno,   \
				strerror(errno));                                                                     \
			exit(1);                                                                                      \
		}                                                                                                     \
	} while (0)

#endif
