/* listen.h - the sockets, opened while we are still root.
 *
 * Each worker has a UDP socket of its own per listen address (SO_REUSEPORT),
 * so that the kernel deals packets and nothing is shared. The TCP thread has
 * one listening socket per address.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

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

/* Sockets that another process of this machine opened, with what they listen on as its
 * configuration had it. */
enum listen_kind {
	LISTEN_UDP, /* one for each address and worker */
	LISTEN_TCP,
	LISTEN_HTTP,
	LISTEN_PUBLIC,
	LISTEN_CONTROL,
	LISTEN_TLS,
	/* of an interface of AF_XDP (xdp/xdp.h): its program; of each queue: socket,
	 * memory */
	LISTEN_XDP_LINK,
	LISTEN_XDP_RULES,
	LISTEN_XDP_QUEUE,
	LISTEN_XDP_FRAMES
};
struct listen_given {
	uint32_t kind, worker; /* worker: of LISTEN_UDP; a queue */
	int32_t fd;            /* -1: taken */
	char text[108];
};
struct listen_handed {
	struct listen_given *one;
	unsigned n, workers;
};

/* Adds a socket, which stays the caller's. */
void listen_give(struct listen_handed *handed, enum listen_kind kind,
	unsigned worker, const char *text, int fd);

/* The socket, from now on the caller's; -1: there is none. handed may be NULL. */
int listen_take(struct listen_handed *handed, enum listen_kind kind,
	unsigned worker, const char *text);

struct listeners {
	char **text; /* of the addresses, by number */
	unsigned n;  /* listen addresses */
	unsigned workers;
	struct udp_socket *udp; /* workers x n */
	int *tcp;               /* n */
};

/* Opens all sockets that are not in the handed (NULL: none is); false with a message (and
 * nothing open) if one fails. An address that this machine has not is bound all the
 * same, with a warning. */
bool listen_open(struct listeners *l, const struct conf_texts *addresses,
	unsigned workers, struct listen_handed *handed, struct err *err);
void listen_close(struct listeners *l);

/* Warns of addresses that this machine has not; opens nothing. */
void listen_warn(const struct conf_texts *addresses, struct err *err);

/* Listening stream sockets for HTTP or TLS, of that kind in the handed: a malloc'd list ended by
 * -1. */
bool listen_streams(const struct conf_texts *addresses, int default_port,
	enum listen_kind kind, struct listen_handed *handed, int **fds,
	struct err *err);

#endif
