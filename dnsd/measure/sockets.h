/* sockets.h - what the kernel knows of this machine's TCP connections: their round
 * trip and the segments that were sent again.
 *
 * Reads NETLINK_SOCK_DIAG (sock_diag(7), the source of `ss -ti`), which any user may.
 * sockets_parse() is pure; sockets_read() blocks until the kernel has answered.
 */
#ifndef MEASURE_SOCKETS_H
#define MEASURE_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

/* An established connection. */
struct tcp_socket {
	uint64_t cookie;    /* the kernel's number of it */
	struct addr peer;   /* IPv4 is IPv4, whatever the listener's family */
	uint16_t port;      /* ours */
	float rtt_ms;       /* smoothed; 0: nothing was acknowledged yet */
	float rtt_least_ms; /* the least since it began; 0: not known */
	uint64_t sent,
		sent_again; /* segments since it began; those sent again */
};

typedef void sockets_each(void *arg, const struct tcp_socket *socket);

/* Calls each() for all established connections of both families. False with a
 * message if the kernel does not answer. */
bool sockets_read(sockets_each *each, void *arg, struct err *err);

enum sockets_part {
	SOCKETS_MORE, /* more parts follow */
	SOCKETS_END,
	SOCKETS_BAD /* an error, or no answer of that kind */
};

/* Reads one part of an answer, as it comes from the socket. bytes are aligned to 4. */
enum sockets_part sockets_parse(
	const void *bytes, size_t len, sockets_each *each, void *arg);

#endif
