#include "base/channel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define CHANNEL_VERSION 1

struct head {
	uint32_t version, kind;
	uint64_t len; /* of the body, which is the first descriptor; 0: none */
};

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE((CHANNEL_FDS + 1) * sizeof(int))];
};

bool channel_open(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
}

void channel_patience(int end, unsigned ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	setsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(end, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

/* -- sending -- */

/* -1 with errno. */
static int body_file(const struct buf *body)
{
	int fd = memfd_create("dnsd", MFD_CLOEXEC);
	size_t at = 0;
	while (fd >= 0 && at < body->len) {
		ssize_t n = write(fd, body->text + at, body->len - at);
		if (n < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	return fd;
}

static bool send_head(int end, struct head head, const int *fds, unsigned n)
{
	union control control = {0};
	struct iovec io = {&head, sizeof head};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};

	if (n) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(end, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == sizeof head;
}

bool channel_send(int end, uint32_t kind, const struct buf *body,
	const int *fds, unsigned n_fds, struct err *err)
{
	assert(n_fds <= CHANNEL_FDS);
	struct head head = {CHANNEL_VERSION, kind, body ? body->len : 0};
	int all[CHANNEL_FDS + 1];
	unsigned n = 0;

	if (head.len)
		all[n++] = body_file(body);
	if (n_fds)
		memcpy(all + n, fds, n_fds * sizeof *fds);
	bool ok = (!n || all[0] >= 0) && send_head(end, head, all, n + n_fds);
	int error = errno;
	if (n && all[0] >= 0)
		close(all[0]);
	return ok || err_add(err, "cannot send: %s", strerror(error));
}

/* -- receiving -- */

static bool map_body(struct channel_message *m, uint64_t len, struct err *err)
{
	struct stat st;
	void *at = MAP_FAILED;
	if (m->n_fds && !fstat(m->fds[0], &st) && st.st_size >= 0 &&
		(uint64_t)st.st_size == len)
		at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, m->fds[0], 0);
	if (at == MAP_FAILED)
		return err_add(err, "a message without its body");
	close(m->fds[0]);
	memmove(m->fds, m->fds + 1, --m->n_fds * sizeof *m->fds);
	m->body = at;
	m->len = len;
	return true;
}

static void take_fds(struct msghdr *from, int fds[CHANNEL_FDS + 1], unsigned *n)
{
	*n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(from); c;
		c = CMSG_NXTHDR(from, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			*n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) /
				sizeof(int));
			memcpy(fds, CMSG_DATA(c), *n * sizeof(int));
		}
}

/* The body, which is the first of the descriptors, goes to m, as they do. */
static bool take_message(struct channel_message *m, const struct head *head,
	const int *fds, unsigned n, struct err *err)
{
	bool has_body = head->len && n;
	struct channel_message body = {.n_fds = has_body};
	if (has_body)
		body.fds[0] = fds[0];
	m->kind = head->kind;
	m->n_fds = n - has_body;
	memcpy(m->fds, fds + has_body, m->n_fds * sizeof *fds);
	if (head->version != CHANNEL_VERSION)
		err_add(err, "the other program speaks version %u, this one %u",
			head->version, CHANNEL_VERSION);
	else if (!head->len || map_body(&body, head->len, err))
		return m->body = body.body, m->len = body.len, true;
	channel_message_free(&body);
	channel_message_free(m);
	return false;
}

bool channel_receive(int end, struct channel_message *m, struct err *err)
{
	struct head head;
	union control control;
	struct iovec io = {&head, sizeof head};
	struct msghdr from = {.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	int fds[CHANNEL_FDS + 1];
	unsigned n_fds;
	ssize_t n;

	*m = (struct channel_message){0};
	do
		n = recvmsg(end, &from, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return err_add(err, "the other process has ended");
	if (n < 0)
		return err_add(err, "%s",
			errno == EAGAIN ? "the other process does not answer"
					: strerror(errno));
	take_fds(&from, fds, &n_fds);
	if (n == sizeof head && !(from.msg_flags & MSG_CTRUNC))
		return take_message(m, &head, fds, n_fds, err);
	while (n_fds)
		close(fds[--n_fds]);
	return err_add(err, "a message that is cut off");
}

void channel_message_free(struct channel_message *m)
{
	if (m->body)
		munmap((void *)(uintptr_t)m->body, m->len);
	for (unsigned i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	*m = (struct channel_message){0};
}
