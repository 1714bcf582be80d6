/* listen.h - the sockets, opened while we are still root.
 *
 * Each worker has a UDP socket of its own per listen address (SO_REUSEPORT),
 * so that the kernel deals packets and nothing is shared. The TCP thread has
 * one listening socket per address.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

/* Octets of a TCP connection in the kernel, which doubles them for its own needs:
 * the largest DNS message fits, and 200 ms away it still sends 2.5 Mbit/s. */
#define LISTEN_SEND_BUFFER (64 << 10)
#define LISTEN_RECEIVE_BUFFER (32 << 10)

struct udp_socket {
	int fd;
	bool wildcard; /* answers must name the address to leave from */
	bool v6;
};

struct listeners {
	unsigned n; /* listen addresses */
	unsigned workers;
	struct udp_socket *udp; /* workers x n */
	int *tcp;               /* n */
};

/* Opens all sockets; false with a message (and nothing open) if one fails. An address
 * that this machine has not is bound all the same, with a warning. */
bool listen_open(struct listeners *l, const struct conf_texts *addresses,
	unsigned workers, struct err *err);
void listen_close(struct listeners *l);

/* Warns of addresses that this machine has not; opens nothing. */
void listen_warn(const struct conf_texts *addresses, struct err *err);

/* Listening stream sockets for HTTP: a malloc'd list ended by -1. */
bool listen_streams(const struct conf_texts *addresses, int default_port,
	int **fds, struct err *err);

#endif
