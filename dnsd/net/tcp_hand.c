/* Connections that change hands: to the thread that sends zones and back, and from one
 * process to the next. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mailbox.h"
#include "net/tcp_private.h"
#include "transfer/transfer.h"

/* -- to the thread that sends zones -- */

static void *octets_of(const void *from, size_t len)
{
	return len ? memcpy(mem_alloc(len), from, len) : NULL;
}

void tcp_leave(struct tcp_connection *c, const struct answer_job *job,
	struct transfer_source *source)
{
	c->leaves = mem_zero(1, sizeof *c->leaves);
	c->leaves->source = transfer_source_take(source);
	c->leaves->zone = job->transfer;
	c->leaves->key = job->key;
	c->leaves->request = octets_of(job->query, job->query_len);
	c->leaves->request_len = job->query_len;
}

void tcp_hand_over(struct tcp_server *s, struct tcp_connection *c,
	const uint8_t *in, size_t len)
{
	struct handed_over *h = c->leaves;

	assert(!c->encrypted);
	if (c->watched)
		tcp_watch(s, &c->source, EPOLL_CTL_DEL, 0);
	h->fd = c->source.fd;
	h->peer = c->peer;
	h->port = c->port;
	h->forgeable = c->forgeable;
	h->ended = c->ended;
	h->in = octets_of(in, len);
	h->in_len = len;
	h->out_len = c->out ? c->out_len - c->out_at : 0;
	h->out = octets_of(c->out ? c->out + c->out_at : NULL, h->out_len);
	tcp_connection_forget(s, c);
	transfers_hand(s->transfers, h);
}

/* -- connections that come back after a transfer -- */

struct comes_back {
	struct tcp_server *server;
	struct handed_over *h;
};

/* As if it had just been accepted, but for what it has sent meanwhile. */
static void on_back(void *arg)
{
	struct comes_back *b = arg;
	struct tcp_server *s = b->server;
	struct handed_over *h = b->h;
	struct tcp_connection *c =
		tcp_connection_of(s, h->fd, &h->peer, h->port);

	c->forgeable = h->forgeable;
	c->ended = h->ended;
	tcp_keep(s, c, h->in, h->in_len);
	free(h->in);
	free(h);
	free(b);
	if (tcp_serve(s, c, 0))
		tcp_make_room(s);
}

static void drop_back(void *arg)
{
	struct comes_back *b = arg;
	handed_over_free(b->h);
	free(b);
}

static void tcp_back(void *arg, struct handed_over *h)
{
	struct tcp_server *s = arg;
	struct comes_back *b = mem_alloc(sizeof *b);
	*b = (struct comes_back){s, h};
	mailbox_post_owned(s->mailbox, on_back, drop_back, b);
}

void tcp_server_transfers(struct tcp_server *s, struct transfers *transfers)
{
	s->transfers = transfers;
	transfers_give_back(transfers, tcp_back, s);
}

/* -- the process that takes over -- */

#define CONNECTIONS_VERSION 2 /* of what the struct means */

struct handed_connection {
	struct addr peer;
	uint16_t port;
	int64_t active_ms;
	uint32_t in, out; /* octets in the section of octets, in this order */
	bool ended, awaits_header, forgeable;
};

unsigned tcp_server_hand(struct tcp_server *s, int **fds, struct buf *out)
{
	struct tcp_connection *c;
	struct buf octets = {0};
	unsigned n = 0;
	char *room = sections_room(
		out, sizeof(struct handed_connection), s->connections);

	*fds = mem_zero(s->connections + 1, sizeof **fds);
	TAILQ_FOREACH(c, &s->oldest_first, entry)
	{
		if (c->encrypted) /* its keys are OpenSSL's */
			continue;
		size_t unsent = c->out ? c->out_len - c->out_at : 0;
		struct handed_connection one = {.peer = c->peer,
			.port = c->port,
			.active_ms = c->active_ms,
			.in = (uint32_t)c->in_len,
			.out = (uint32_t)unsent,
			.ended = c->ended,
			.awaits_header = c->awaits_header,
			.forgeable = c->forgeable};
		memcpy(room + n * sizeof one, &one, sizeof one);
		buf_add(&octets, c->in, c->in_len);
		if (unsent)
			buf_add(&octets, c->out + c->out_at, unsent);
		(*fds)[n++] = c->source.fd;
	}
	sections_keep(out, "connections", CONNECTIONS_VERSION,
		sizeof(struct handed_connection), n);
	sections_add(
		out, "octets", CONNECTIONS_VERSION, 1, octets.text, octets.len);
	buf_fini(&octets);
	return n;
}

void tcp_server_forget(struct tcp_server *s)
{
	while (!TAILQ_EMPTY(&s->oldest_first)) {
		struct tcp_connection *c = TAILQ_FIRST(&s->oldest_first);
		tcp_kept_free(s, c->out, c->out_len);
		c->out = NULL; /* it is sent all the same */
		c->out_len = 0;
		tcp_connection_close(s, c);
	}
}

static void connection_take(struct tcp_server *s, int fd,
	const struct handed_connection *one, const uint8_t *octets)
{
	struct tcp_connection *c =
		tcp_connection_of(s, fd, &one->peer, one->port);
	c->active_ms = one->active_ms;
	c->ended = one->ended;
	if (one->awaits_header)
		tcp_await_header(s, c);
	c->forgeable = one->forgeable;
	tcp_keep(s, c, octets, one->in);
	if (one->out) {
		c->out = tcp_kept_new(s, octets + one->in, one->out);
		c->out_len = one->out;
	}
	tcp_account(s, c);
	if (!tcp_wait_for(s, c, c->out ? EPOLLOUT : EPOLLIN | EPOLLRDHUP))
		tcp_connection_close(s, c);
}

void tcp_server_take(
	struct tcp_server *s, struct sections *in, const int *fds, unsigned n)
{
	size_t n_one, n_octets, at = 0;
	const struct handed_connection *one = sections_find(
		in, "connections", CONNECTIONS_VERSION, sizeof *one, &n_one);
	const uint8_t *octets =
		sections_find(in, "octets", CONNECTIONS_VERSION, 1, &n_octets);

	net_thread_times(&s->thread);
	for (unsigned i = 0; i < n; i++) {
		size_t len = i < n_one ? (size_t)one[i].in + one[i].out : 0;
		if (i < n_one && len <= n_octets - at)
			connection_take(
				s, fds[i], &one[i], len ? octets + at : NULL);
		else
			close(fds[i]); /* nothing is known of it */
		at += len <= n_octets - at ? len : 0;
	}
	tcp_make_room(s);
}
