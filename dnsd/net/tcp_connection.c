/* What a connection holds, from its opening to its closing: its place among the others,
 * memory between its turns; and which one is closed when all hold too much. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/sockets.h"
#include "net/dot.h"
#include "net/tcp_private.h"

#define SMALL 4096 /* kept octets for which malloc does; a room for more */
/* Octets that all connections may keep between their turns. A connection whose
 * output waits counts with the kernel's buffers, which it fills. */
#define KEPT_MAX ((size_t)64 << 20)
#define KERNEL_KEEPS (2 * (LISTEN_SEND_BUFFER + LISTEN_RECEIVE_BUFFER))

/* -- what it keeps -- */

_Static_assert(TCP_FLUSH_AT <= TCP_READ_MAX, "output fits into a room");

/* What is kept for len octets. */
static size_t kept_size(size_t len)
{
	return len > SMALL ? TCP_ROOM : len;
}

/* Rooms go back to the system but for a few: to get one anew for each answer
 * that waits costs more than the answer. */
uint8_t *tcp_kept_new(struct tcp_server *s, const uint8_t *from, size_t len)
{
	uint8_t *p;
	if (len <= SMALL)
		p = mem_alloc(len);
	else if (s->n_spares)
		p = s->spare[--s->n_spares];
	else
		p = mem_pages(TCP_ROOM, false);
	memcpy(p, from, len);
	return p;
}

void tcp_kept_free(struct tcp_server *s, uint8_t *p, size_t len)
{
	if (len <= SMALL)
		free(p);
	else if (s->n_spares < TCP_SPARES)
		s->spare[s->n_spares++] = p;
	else
		mem_pages_free(p, TCP_ROOM);
}

void tcp_keep(struct tcp_server *s, struct tcp_connection *c, const uint8_t *in,
	size_t len)
{
	if (!len)
		return;
	c->in = tcp_kept_new(s, in, len);
	c->in_len = len;
}

static size_t tls_keeps(const struct tcp_connection *c)
{
	if (!c->tls)
		return 0;
	return !c->handshake_done   ? DOT_HANDSHAKE_KEEPS
		: dot_holds(c->tls) ? DOT_RECORD_KEEPS
				    : 0;
}

void tcp_account(struct tcp_server *s, struct tcp_connection *c)
{
	shares_hold(s->kept, &c->kept, &c->peer,
		kept_size(c->in_len) + kept_size(c->out_len) +
			(c->out ? KERNEL_KEEPS : 0) + tls_keeps(c));
}

/* -- opening and closing -- */

struct tcp_connection *tcp_connection_of(
	struct tcp_server *s, int fd, const struct addr *peer, uint16_t port)
{
	struct tcp_connection *c = mem_zero(1, sizeof *c);

	c->source = (struct tcp_source){fd, TCP_CONNECTION};
	c->peer = *peer;
	c->port = port;
	c->active_ms = s->thread.answerer.now_ms;
	TAILQ_INSERT_TAIL(&s->oldest_first, c, entry);
	shares_hold(s->held, &c->held, &c->peer, 1);
	s->connections++;
	return c;
}

void tcp_await_header(struct tcp_server *s, struct tcp_connection *c)
{
	c->awaits_header = true;
	s->headless++;
}

bool tcp_wait_for(
	struct tcp_server *s, struct tcp_connection *c, uint32_t events)
{
	if (c->watched == events)
		return true;
	int operation = c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	c->watched = events;
	return tcp_watch(s, &c->source, operation, events);
}

void tcp_connection_forget(struct tcp_server *s, struct tcp_connection *c)
{
	TAILQ_REMOVE(&s->oldest_first, c, entry);
	shares_hold(s->held, &c->held, &c->peer, 0);
	shares_hold(s->kept, &c->kept, &c->peer, 0);
	s->connections--;
	s->tls_connections -= c->encrypted;
	s->headless -= c->awaits_header;
	tcp_kept_free(s, c->in, c->in_len);
	tcp_kept_free(s, c->out, c->out_len);
	free(c);
}

void tcp_connection_close(struct tcp_server *s, struct tcp_connection *c)
{
	int fd = c->source.fd;
	if (c->tls && !c->handshake_done)
		count(&s->thread.answerer.counters.tls_failed);
	if (c->tls)
		dot_free(c->tls);
	if (c->out)
		sockets_forget_output(fd);
	tcp_connection_forget(s, c);
	close(fd);
}

/* -- those that give way -- */

/* The connection that a share is a part of. */
static struct tcp_connection *holder(struct share *share, size_t offset)
{
	return (struct tcp_connection *)(void *)((char *)share - offset);
}

/* The client net with the most connections gives way, be it the newcomer's: that is
 * not known before the header of a proxy, so that a few of these may be too many. */
void tcp_make_room(struct tcp_server *s)
{
	unsigned few = s->max / 16 + 1;
	while (s->connections >
		s->max + (s->headless < few ? s->headless : few))
		tcp_connection_close(s,
			holder(shares_largest(s->held),
				offsetof(struct tcp_connection, held)));
}

void tcp_give_memory_back(struct tcp_server *s)
{
	while (shares_sum(s->kept) > KEPT_MAX)
		tcp_connection_close(s,
			holder(shares_largest(s->kept),
				offsetof(struct tcp_connection, kept)));
}
