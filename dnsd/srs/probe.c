#include "srs/probe.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "srs/flv.h"
#include "srs/srt.h"

#define RTMP_HELLO 1537 /* C0 and C1 */
#define ANSWER_MAX 2048 /* an HTTP head and some bytes */
#define SRT_TIMES 3     /* that a datagram is sent, for it may be lost */

/* A probe writes until all of its request is sent, then reads until it knows.
 * One event does both; its timeout is what is left until the deadline. */
struct probe {
	struct event_base *base;
	struct event *event;
	int fd;    /* -1: there was no socket to be had */
	int error; /* of starting; reported from the event loop */
	enum probe_kind kind;
	bool connected;
	int64_t started_ns, deadline_ms;
	int64_t again_ms; /* SRT: between two datagrams */
	uint32_t socket;  /* SRT: its number in them */
	struct sockaddr_storage to;
	const char *request;
	size_t request_len, sent;
	char own_request[FLV_URL_MAX + 128];
	char answer[ANSWER_MAX]; /* as far as it came */
	size_t answer_len;
	probe_done *done;
	void *arg;
};

static const char http_request[] = "GET / HTTP/1.1\r\nHost: dnsd\r\n"
				   "User-Agent: dnsd\r\nAccept: */*\r\n"
				   "Connection: close\r\n\r\n";

/* C0: version 3. C1: time and zero (a plain handshake), then bytes that may be
 * anything. */
static const char rtmp_request[RTMP_HELLO] = {3};

void probe_cancel(struct probe *probe)
{
	if (!probe)
		return;
	event_free(probe->event);
	if (probe->fd >= 0)
		close(probe->fd);
	free(probe);
}

static void finish_as(
	struct probe *probe, struct probe_end end, const char *what)
{
	char why[160], to[SOCKADDR_TEXT_MAX];
	probe_done *done = probe->done;
	void *arg = probe->arg;

	static const char *const kinds[] = {
		[PROBE_RTMP] = "RTMP probe of",
		[PROBE_HTTP] = "HTTP probe of",
		[PROBE_FLV] = "FLV probe of",
		[PROBE_SRT] = "SRT probe of",
		[PROBE_CONNECT] = "connection to",
	};
	snprintf(why, sizeof why, "%s %s: %s", kinds[probe->kind],
		sockaddr_text((struct sockaddr *)&probe->to, to), what);
	end.unreached =
		!end.ok && !probe->connected && end.failure == SAMPLE_TIMEOUT;
	end.rtt_ms = (float)(clock_ns() - probe->started_ns) / 1e6f;
	end.why = why;
	probe_cancel(probe);
	done(arg, &end);
}

static void probe_finish(struct probe *probe, bool ok,
	enum sample_failure failure, const char *what)
{
	finish_as(
		probe, (struct probe_end){.ok = ok, .failure = failure}, what);
}

enum sample_failure probe_failure(int error_number)
{
	switch (error_number) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		return SAMPLE_REFUSED;
	}
	return SAMPLE_TIMEOUT;
}

static void fail(struct probe *probe, int error)
{
	probe_finish(probe, false, probe_failure(error), strerror(error));
}

static bool again(int error)
{
	return error == EAGAIN || error == EINTR || error == EINPROGRESS;
}

/* Waits for the next step, no longer than the deadline. */
static void wait_for(struct probe *probe, short what, event_callback_fn step)
{
	int64_t left = probe->deadline_ms - clock_ms();
	left = left < 0 ? 0 : left;
	if (probe->kind == PROBE_SRT && left > probe->again_ms)
		left = probe->again_ms;
	struct timeval timeout = {left / 1000, left % 1000 * 1000};
	event_assign(probe->event, probe->base, probe->fd, what, step, probe);
	event_add(probe->event, &timeout);
}

static void judge_flv(struct probe *probe)
{
	struct probe_end end = {.failure = SAMPLE_UNREADABLE};
	char what[32];
	unsigned status = 0;

	switch (flv_read(probe->answer, probe->answer_len, &status)) {
	case FLV_MORE:
		if (probe->answer_len < sizeof probe->answer)
			return;
		break;
	case FLV_PLAYS:
		end.ok = true;
		break;
	case FLV_REFUSES:
		end.status = status;
		break;
	case FLV_UNCLEAR:
		break;
	}
	snprintf(what, sizeof what, status ? "HTTP %u" : "no HTTP", status);
	finish_as(probe, end, what);
}

static void judge(struct probe *probe)
{
	if (probe->kind == PROBE_FLV) {
		judge_flv(probe);
		return;
	}
	const char *want = probe->kind == PROBE_RTMP ? "\3" : "HTTP/";
	size_t n = strlen(want);
	size_t had = probe->answer_len < n ? probe->answer_len : n;

	if (memcmp(probe->answer, want, had) != 0)
		probe_finish(probe, false, SAMPLE_UNREADABLE,
			probe->kind == PROBE_RTMP ? "the answer is no RTMP"
						  : "the answer is no HTTP");
	else if (had == n)
		probe_finish(probe, true, 0, "answered");
}

/* Each datagram is an answer of its own. */
static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;
	bool over = clock_ms() >= probe->deadline_ms;
	ssize_t n = what & EV_TIMEOUT
		? send(fd, probe->request, probe->request_len, 0)
		: recv(fd, probe->answer, sizeof probe->answer, 0);

	if (what & EV_TIMEOUT && over)
		probe_finish(probe, false, SAMPLE_TIMEOUT, "no answer in time");
	else if (n < 0 && !again(errno))
		fail(probe, errno);
	else if (n < 0 || what & EV_TIMEOUT)
		wait_for(probe, EV_READ, on_datagram);
	else if (srt_answers(probe->answer, (size_t)n, probe->socket))
		probe_finish(probe, true, 0, "answered");
	else
		probe_finish(probe, false, SAMPLE_UNREADABLE,
			"the answer is no SRT");
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;
	if (what & EV_TIMEOUT) {
		probe_finish(probe, false, SAMPLE_TIMEOUT,
			"connected, but no answer in time");
		return;
	}
	ssize_t n = recv(fd, probe->answer + probe->answer_len,
		sizeof probe->answer - probe->answer_len, 0);
	if (n > 0) {
		size_t had = probe->answer_len += (size_t)n;
		wait_for(probe, EV_READ, on_readable);
		if (had)
			judge(probe);
	} else if (n == 0) {
		probe_finish(probe, false, SAMPLE_REFUSED,
			"closed without an answer");
	} else if (again(errno)) {
		wait_for(probe, EV_READ, on_readable);
	} else {
		fail(probe, errno);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;
	if (what & EV_TIMEOUT) {
		if (probe->fd < 0)
			fail(probe, probe->error);
		else
			probe_finish(probe, false, SAMPLE_TIMEOUT,
				"not connected in time");
		return;
	}
	if (probe->kind == PROBE_CONNECT) {
		int error = 0;
		socklen_t len = sizeof error;
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error)
			fail(probe, error);
		else
			probe_finish(probe, true, 0, "connected");
		return;
	}
	ssize_t n = send(fd, probe->request + probe->sent,
		probe->request_len - probe->sent, MSG_NOSIGNAL);
	if (n < 0 && !again(errno)) { /* the connect's own error too */
		fail(probe, errno);
		return;
	}
	probe->sent += n > 0 ? (size_t)n : 0;
	probe->connected |= n > 0 && probe->kind != PROBE_SRT;
	if (probe->sent < probe->request_len)
		wait_for(probe, EV_WRITE, on_writable);
	else
		wait_for(probe, EV_READ,
			probe->kind == PROBE_SRT ? on_datagram : on_readable);
}

static void set_request(struct probe *probe, const char *stream)
{
	switch (probe->kind) {
	case PROBE_RTMP:
		probe->request = rtmp_request;
		probe->request_len = sizeof rtmp_request;
		break;
	case PROBE_FLV:
		probe->request = probe->own_request;
		probe->request_len = flv_request(
			probe->own_request, sizeof probe->own_request, stream);
		break;
	case PROBE_SRT: /* any number will do but 0 */
		probe->socket = (uint32_t)probe->started_ns | 1;
		srt_request((unsigned char *)probe->own_request, probe->socket);
		probe->request = probe->own_request;
		probe->request_len = SRT_HANDSHAKE;
		break;
	case PROBE_HTTP:
	case PROBE_CONNECT:
		probe->request = http_request;
		probe->request_len = sizeof http_request - 1;
		break;
	}
}

struct probe *probe_start(struct event_base *base,
	const struct probe_want *want, probe_done *done, void *arg)
{
	assert(done);
	struct probe *probe = mem_zero(1, sizeof *probe);
	const struct sockaddr *to = want->to;

	probe->base = base;
	probe->kind = want->kind;
	probe->done = done;
	probe->arg = arg;
	probe->started_ns = clock_ns();
	probe->deadline_ms = clock_ms() + want->timeout_ms;
	memcpy(&probe->to, to, want->to_len);
	set_request(probe, want->stream);
	probe->event = event_new(base, -1, 0, on_writable, probe);
	if (!probe->event)
		abort(); /* no memory */
	probe->again_ms = want->timeout_ms / SRT_TIMES + 1;
	probe->fd = socket(to->sa_family,
		(want->kind == PROBE_SRT ? SOCK_DGRAM : SOCK_STREAM) |
			SOCK_NONBLOCK | SOCK_CLOEXEC,
		0);
	if (probe->fd >= 0 && connect(probe->fd, to, want->to_len) != 0 &&
		!again(errno)) {
		probe->error = errno;
		close(probe->fd);
		probe->fd = -1;
	} else if (probe->fd < 0) {
		probe->error = errno;
	}
	if (probe->fd < 0)
		probe->deadline_ms =
			0; /* reported in the next turn of the loop */
	wait_for(probe, probe->fd < 0 ? 0 : EV_WRITE, on_writable);
	return probe;
}
