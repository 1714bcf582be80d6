/* tcp_private.h - what the files behind tcp.h share: tcp.c has the server, its thread and
 * its listeners; tcp_connection.c what a connection holds, from its opening to its closing;
 * tcp_serve.c what it does in its turn; tcp_hand.c those that change hands. All of it is
 * used by the server's thread alone, or by control while that does not run; but any thread
 * may post to the mailbox and read the numbers of connections. */
#ifndef NET_TCP_PRIVATE_H
#define NET_TCP_PRIVATE_H

#include <sys/epoll.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/shares.h"
#include "net/tcp.h"

#define TCP_FRAME_MAX (2 + 65535)
#define TCP_BATCH 32
#define TCP_READ_MAX \
	(16 << 10) /* of one connection before the next has its turn */
#define TCP_FLUSH_AT (16 << 10) /* so much output is sent before more is made */
#define TCP_ROOM \
	(TCP_FRAME_MAX + TCP_READ_MAX) /* for what one connection keeps */
#define TCP_SPARES 16                  /* such rooms that are not given back */

struct handed_over;
struct ssl_st;

enum tcp_source_kind {
	TCP_STOP,
	TCP_LISTENER,
	TCP_LISTENER_TLS,
	TCP_MAIL,
	TCP_CONNECTION
};

/* What epoll names: the first member of what it belongs to. */
struct tcp_source {
	int fd;
	enum tcp_source_kind kind;
};

/* Between its turns a connection holds only what is left over: of the input
 * what is no whole query yet, or all of it while output waits. In the server's
 * list, the one without a whole query for longest first.
 *
 * While it is in that list, held is one connection of its peer's net. Between two turns
 * kept is what tcp_account() counts, and leaves is NULL. in is NULL when in_len is 0, and
 * out when out_len is 0; while output waits, out_at is less than out_len. A connection of
 * DNS over TLS has leaves NULL always. */
struct tcp_connection {
	struct tcp_source source; /* first */
	TAILQ_ENTRY(tcp_connection) entry;
	struct share held; /* one connection */
	struct share kept; /* of what all may keep */
	struct addr peer;  /* behind a proxy: its client, with the header */
	uint16_t port;
	bool awaits_header; /* of a proxy, that did not come whole yet */
	bool forgeable;     /* peer: it has no connection to the proxy */
	int64_t active_ms;  /* ascends along the list */
	bool ended; /* nothing more is read: close when all is written */
	uint8_t *in;
	size_t in_len;
	uint8_t *out; /* the peer does not take it now; NULL: nothing waits */
	size_t out_at, out_len; /* so far it was taken */
	uint32_t watched;       /* the events that epoll reports of it; 0: it
				   is not watched yet */
	bool encrypted;         /* it is of DNS over TLS */
	struct ssl_st *tls;     /* that; NULL: not, or not begun */
	bool handshake_done;    /* tls: the handshake is over */
	bool writes_first; /* tls: it has something to say before it reads */
	struct handed_over
		*leaves; /* for a transfer that it asked for; NULL: it
				       stays */
};

/* in, out and jobs are of the connection whose turn it is, and hold nothing between two
 * turns. */
struct tcp_server {
	struct net_thread thread;
	int epoll;
	struct tcp_source stop, mail, *listeners;
	struct mailbox *mailbox;     /* connections that come back */
	struct transfers *transfers; /* where they go to; NULL: nowhere */
	unsigned n_listeners;
	int64_t paused_ms; /* nothing is accepted until then; 0: not paused */
	struct log_fault no_room;
	unsigned max;
	unsigned idle_ms, tick_ms;
	int64_t swept_ms;
	_Atomic unsigned connections;     /* in oldest_first */
	_Atomic unsigned tls_connections; /* of them */
	struct ssl_ctx_st *certificate;   /* NULL: none, no such listener */
	int64_t tickets_ms;  /* when its keys for tickets were made */
	unsigned handshakes; /* worked at in this turn */
	unsigned turns;
	unsigned headless; /* connections of proxies before the header */
	TAILQ_HEAD(, tcp_connection) oldest_first;
	struct shares *held, *kept; /* of connections, of octets */
	uint8_t *spare[TCP_SPARES]; /* each TCP_ROOM */
	unsigned n_spares;
	struct answer_job jobs[TCP_BATCH];
	uint8_t in[TCP_ROOM]; /* of the one whose turn it is */
	uint8_t out[TCP_FRAME_MAX +
		TCP_FLUSH_AT]; /* a frame more fits while it is not
					      to be sent */
};

static inline bool tcp_watch(struct tcp_server *s, struct tcp_source *source,
	int operation, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = source};
	return epoll_ctl(s->epoll, operation, source->fd, &e) == 0;
}

/* -- tcp_connection.c -- */

/* A copy of len octets that a connection keeps, for tcp_kept_free() with the same len. */
uint8_t *tcp_kept_new(struct tcp_server *s, const uint8_t *from, size_t len);
void tcp_kept_free(struct tcp_server *s, uint8_t *p, size_t len);

/* Keeps a copy of input for the next turn. The connection keeps none yet. */
void tcp_keep(struct tcp_server *s, struct tcp_connection *c, const uint8_t *in,
	size_t len);

/* Counts what it keeps until its next turn. */
void tcp_account(struct tcp_server *s, struct tcp_connection *c);

/* Opens it, as the last of the list. It is not watched yet. */
struct tcp_connection *tcp_connection_of(
	struct tcp_server *s, int fd, const struct addr *peer, uint16_t port);

/* The connection comes from a proxy: its PROXY header is to be read first. */
void tcp_await_header(struct tcp_server *s, struct tcp_connection *c);

/* The events that epoll reports of it from now on. False: no memory. */
bool tcp_wait_for(
	struct tcp_server *s, struct tcp_connection *c, uint32_t events);

/* Takes the connection out of the server without closing its socket. Frees c. */
void tcp_connection_forget(struct tcp_server *s, struct tcp_connection *c);

/* Closes the socket. Frees c. */
void tcp_connection_close(struct tcp_server *s, struct tcp_connection *c);

/* Closes connections while there are more than the server's most. */
void tcp_make_room(struct tcp_server *s);

/* Closes connections while all of them keep more than they may. */
void tcp_give_memory_back(struct tcp_server *s);

/* -- tcp_serve.c -- */

/* Reads, answers, writes, each with one call where it fits. what: the events that epoll
 * reported. False: the connection is no longer here. */
bool tcp_serve(struct tcp_server *s, struct tcp_connection *c, uint32_t what);

/* What comes from now on is TLS. False: no memory. */
bool tcp_tls_begin(struct tcp_server *s, struct tcp_connection *c);

/* -- tcp_hand.c -- */

/* The connection asked for a zone transfer: it is handed over with that question as soon as
 * the answers before it are written. Acquires the snapshot. */
void tcp_leave(struct tcp_connection *c, const struct answer_job *job,
	struct transfer_source *source);

/* Hands the connection to the thread that sends zones, with the input that came after the
 * question. Frees c. */
void tcp_hand_over(struct tcp_server *s, struct tcp_connection *c,
	const uint8_t *in, size_t len);

#endif
