#include "dnstap/stream.h"

#include <assert.h>
#include <errno.h>
#include <fstrm.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"

#define CONTENT "protobuf:dnstap.Dnstap"
#define STALL_MS 5000 /* a reader that takes nothing for so long is given up */
#define HURRY_MS 1000 /* all that is left to do, when it is to end */
#define BUFFER (64 << 10)

struct stream {
	int fd, wake_fd;
	struct fstrm_writer *writer; /* NULL: it is not open */
	const char *path;            /* while it is opened */
	int64_t end_ms;              /* of all waits; 0: none */
	bool broken;
	char why[160];
	uint8_t out[BUFFER];
	size_t out_len;
	unsigned long waiting; /* frames that are, also in part, in out */
	struct stream_counts counts;
};

/* The first reason is the one. */
static fstrm_res stream_break(struct stream *s, const char *why)
{
	if (!s->broken)
		snprintf(s->why, sizeof s->why, "%s", why);
	s->broken = true;
	return fstrm_res_failure;
}

void stream_hurry(struct stream *s)
{
	if (!s->end_ms)
		s->end_ms = clock_ms() + HURRY_MS;
}

/* Until there is room to write, or something to read. */
static void stream_wait(struct stream *s, short events)
{
	struct pollfd p[] = {{s->fd, events, 0}, {s->wake_fd, POLLIN, 0}};
	int64_t stall_ms = clock_ms() + STALL_MS;

	for (;;) {
		int64_t end_ms = s->end_ms ? s->end_ms : stall_ms;
		int64_t left = end_ms - clock_ms();
		if (left <= 0) {
			stream_break(s, "the reader does not go on");
			return;
		}
		poll(p, s->end_ms ? 1 : 2, (int)left);
		if (p[0].revents)
			return;
		if (p[1].revents)
			stream_hurry(s);
	}
}

/* -- what libfstrm calls -- */

static fstrm_res on_open(void *obj)
{
	struct stream *s = obj;
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (strlen(s->path) >= sizeof to.sun_path)
		return stream_break(s, strerror(ENAMETOOLONG));
	strcpy(to.sun_path, s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof to))
		return stream_break(s, strerror(errno));
	return fstrm_res_success;
}

static fstrm_res on_close(void *obj)
{
	struct stream *s = obj;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return fstrm_res_success;
}

static bool send_all(struct stream *s, const uint8_t *p, size_t n)
{
	while (n && !s->broken) {
		ssize_t sent = send(s->fd, p, n, MSG_NOSIGNAL);
		if (sent >= 0) {
			p += sent;
			n -= (size_t)sent;
		} else if (errno == EAGAIN) {
			stream_wait(s, POLLOUT);
		} else if (errno != EINTR) {
			stream_break(s, strerror(errno));
		}
	}
	return !s->broken;
}

static bool send_out(struct stream *s)
{
	bool ok = send_all(s, s->out, s->out_len);
	if (ok)
		s->counts.sent += s->waiting;
	else
		s->counts.lost += s->waiting;
	s->out_len = 0;
	s->waiting = 0;
	return ok;
}

/* Many frames go with one call. */
static fstrm_res on_write(void *obj, const struct iovec *io, int n)
{
	struct stream *s = obj;
	for (int i = 0; i < n; i++) {
		const uint8_t *p = io[i].iov_base;
		for (size_t left = io[i].iov_len; left;) {
			size_t room = sizeof s->out - s->out_len;
			size_t part = left < room ? left : room;
			memcpy(s->out + s->out_len, p, part);
			s->out_len += part;
			p += part;
			left -= part;
			if (s->out_len == sizeof s->out && !send_out(s))
				return fstrm_res_failure;
		}
	}
	return s->broken ? fstrm_res_failure : fstrm_res_success;
}

static fstrm_res on_read(void *obj, void *data, size_t len)
{
	struct stream *s = obj;
	uint8_t *p = data;

	send_out(s);
	while (len && !s->broken) {
		ssize_t n = recv(s->fd, p, len, 0);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0) {
			stream_break(s, "the reader has gone");
		} else if (errno == EAGAIN) {
			stream_wait(s, POLLIN);
		} else if (errno != EINTR) {
			stream_break(s, strerror(errno));
		}
	}
	return s->broken ? fstrm_res_failure : fstrm_res_success;
}

/* -- the stream -- */

struct stream *stream_new(int wake_fd)
{
	struct stream *s = mem_zero(1, sizeof *s);
	s->fd = -1;
	s->wake_fd = wake_fd;
	return s;
}

void stream_free(struct stream *s)
{
	assert(!s->writer);
	free(s);
}

static struct fstrm_writer *writer_new(struct stream *s)
{
	struct fstrm_writer_options *options = fstrm_writer_options_init();
	struct fstrm_rdwr *rdwr = fstrm_rdwr_init(s);

	fstrm_writer_options_add_content_type(
		options, CONTENT, sizeof CONTENT - 1);
	fstrm_rdwr_set_open(rdwr, on_open);
	fstrm_rdwr_set_close(rdwr, on_close);
	fstrm_rdwr_set_read(rdwr, on_read);
	fstrm_rdwr_set_write(rdwr, on_write);
	struct fstrm_writer *writer = fstrm_writer_init(options, &rdwr);
	fstrm_writer_options_destroy(&options);
	if (!writer)
		abort(); /* no memory */
	return writer;
}

bool stream_open(struct stream *s, const char *path)
{
	assert(!s->writer);
	s->broken = false;
	s->end_ms = 0;
	s->why[0] = '\0';
	s->path = path;
	s->writer = writer_new(s);
	bool ok = fstrm_writer_open(s->writer) == fstrm_res_success &&
		send_out(s);
	if (!ok)
		stream_close(s, "it does not read " CONTENT);
	return ok;
}

bool stream_is_open(const struct stream *s)
{
	return s->writer != NULL;
}

int stream_fd(const struct stream *s)
{
	return s->fd;
}

bool stream_write(struct stream *s, const void *frame, size_t len)
{
	s->waiting++;
	return !s->broken &&
		fstrm_writer_write(s->writer, frame, len) == fstrm_res_success;
}

bool stream_flush(struct stream *s)
{
	return send_out(s);
}

void stream_close(struct stream *s, const char *why)
{
	if (!s->writer)
		return;
	if (why)
		stream_break(s, why);
	fstrm_writer_destroy(&s->writer);
	on_close(s);
	s->counts.lost += s->waiting;
	s->waiting = 0;
	s->out_len = 0;
}

const char *stream_why(const struct stream *s)
{
	return s->why;
}

struct stream_counts stream_counts(const struct stream *s)
{
	return s->counts;
}
