/* tcp.h - DNS over TCP (RFC 7766) and TLS (RFC 7858, dot.h) on a thread of its own.
 *
 * Pipelined queries are answered in the order they come, which is the order
 * they are ready. A connection that brings no whole query for the idle time is
 * closed. Beyond the cap the client net with the most connections (base/shares.h)
 * loses the one that was of use longest ago; a proxy's connection is its client's, once
 * the header has come. No question of a connection is
 * answered while its output waits, and what all of them keep between their turns
 * has a bound: beyond, the client net that keeps most loses a connection. One that asks
 * for a zone goes to the thread of transfer/transfer.h, and comes back; over TLS it is
 * refused. A handshake is no question: one that is not over in the idle time is closed,
 * and few of them are worked at between two looks at all sockets.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "base/sections.h"
#include "net/listen.h"
#include "net/thread.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct tcp_server;
struct transfers;

/* fds: n listening sockets (borrowed), the last n_tls of them for TLS. Does not run yet. */
struct tcp_server *tcp_server_new(const int *fds, unsigned n, unsigned n_tls,
	unsigned max_connections, unsigned idle_ms,
	const struct net_shared *shared);

/* Where connections go that ask for a zone, which outlives the server; before the
 * start. */
void tcp_server_transfers(
	struct tcp_server *server, struct transfers *transfers);

/* What connections over TLS are shown from now on, made by dot_load(): with listeners
 * for TLS there must be one before the start. Takes a reference. Any thread. */
void tcp_server_certificate(
	struct tcp_server *server, struct ssl_ctx_st *certificate);

void tcp_server_start(struct tcp_server *server);
/* Its connections stay, and it may be started again. */
void tcp_server_stop(struct tcp_server *server);
void tcp_server_free(struct tcp_server *server);

/* Its connections, but those of TLS, with what they have sent and not yet got, as sections, for the process
 * that takes over, and their descriptors, which are malloc'd and stay the server's. It
 * has stopped. How many. */
unsigned tcp_server_hand(struct tcp_server *server, int **fds, struct buf *out);

/* Another process has them: they are closed here without an end for the peer, those of
 * TLS with one. It has stopped. */
void tcp_server_forget(struct tcp_server *server);

/* Takes them, with their descriptors. It does not run yet. */
void tcp_server_take(struct tcp_server *server, struct sections *in,
	const int *fds, unsigned n);

/* Its accounts and counters, for control to read. */
struct net_thread *tcp_server_thread(struct tcp_server *server);

/* Connections now; any thread. */
unsigned tcp_server_connections(const struct tcp_server *server);
unsigned tcp_server_tls_connections(const struct tcp_server *server);

#endif
