/* DNS over TCP: octets in pieces, to the real connection, while its peer reads now
 * and then. Whatever comes is framed rightly, and answers come in the order of
 * their questions.
 *
 * The first byte is how large the pieces are, the second how often is read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "fuzz/world.h"
#include "net/tcp_private.h"
#include "wire/rr.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUESTIONS_MAX 4096

static struct tcp_server *server;

/* The IDs of the questions, in order, and what has come of the answers. */
struct talk {
	uint16_t id[QUESTIONS_MAX];
	unsigned n, answered;
	uint8_t *in;
	size_t len;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world_open();
	struct net_shared shared = {
		&fuzz_published, fuzz_sent, NULL, 1, SANDBOX_OFF};
	server = tcp_server_new(NULL, 0, 0, 10, 10000, &shared);
	snapshot_thread_begin();
	return 0;
}

static void read_questions(struct talk *t, const uint8_t *p, size_t n)
{
	for (size_t at = 0; n - at >= 2 && t->n < QUESTIONS_MAX;) {
		size_t len = (size_t)(p[at] << 8 | p[at + 1]);
		if (len < HEADER_LEN || n - at - 2 < len)
			break;
		t->id[t->n++] = (uint16_t)(p[at + 2] << 8 | p[at + 3]);
		at += 2 + len;
	}
}

/* Takes whole answers; each is of a question that stands behind the last one's. */
static void check(struct talk *t)
{
	size_t at = 0;
	while (t->len - at >= 2) {
		const uint8_t *p = t->in + at;
		size_t len = (size_t)(p[0] << 8 | p[1]);
		if (len < HEADER_LEN)
			abort();
		if (t->len - at - 2 < len)
			break;
		uint16_t id = (uint16_t)(p[2] << 8 | p[3]);
		while (t->answered < t->n && t->id[t->answered] != id)
			t->answered++;
		if (t->answered++ == t->n && t->n < QUESTIONS_MAX)
			abort();
		at += 2 + len;
	}
	memmove(t->in, t->in + at, t->len - at);
	t->len -= at;
}

static void take(struct talk *t, int fd)
{
	static uint8_t some[65536];
	ssize_t n = recv(fd, some, sizeof some, MSG_DONTWAIT);
	if (n <= 0)
		return;
	t->in = mem_grow(t->in, t->len + (size_t)n);
	memcpy(t->in + t->len, some, (size_t)n);
	t->len += (size_t)n;
	check(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_in peer = {.sin_family = AF_INET};
	static struct talk talk;
	int fd[2], small = 4608;

	if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return 0;
	size_t piece = 1u + data[0] * data[0];
	unsigned reads = data[1];
	data += 2;
	size -= 2;
	talk = (struct talk){0};
	read_questions(&talk, data, size);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	net_thread_times(&server->thread);
	struct addr from = addr_from_sockaddr((struct sockaddr *)&peer);
	struct tcp_connection *c = tcp_connection_of(server, fd[0], &from, 53);
	tcp_watch(server, &c->source, EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP);
	bool open = true;
	for (unsigned i = 0; open && (size || c->out); i++) {
		size_t n = size < piece ? size : piece;
		ssize_t sent = n
			? send(fd[1], data, n, MSG_DONTWAIT | MSG_NOSIGNAL)
			: 0;
		data += sent > 0 ? sent : 0;
		size -= sent > 0 ? (size_t)sent : 0;
		open = tcp_serve(server, c, EPOLLIN);
		/* Where neither side has room, one must read. */
		if (!size || sent < 0 || (reads >> (i % 8) & 1))
			take(&talk, fd[1]);
	}
	shutdown(fd[1], SHUT_WR);
	while (open && (open = tcp_serve(server, c, EPOLLIN | EPOLLRDHUP)))
		take(&talk, fd[1]);
	for (size_t had = SIZE_MAX; had != talk.len + talk.answered;) {
		had = talk.len + talk.answered;
		take(&talk, fd[1]);
	}
	if (talk.len || server->connections || shares_sum(server->kept))
		abort();
	close(fd[1]);
	free(talk.in);
	return 0;
}
