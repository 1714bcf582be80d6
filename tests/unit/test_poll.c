/* The poller against small servers on the same event loop, each with one way
 * to answer. Nothing is about how long it takes: intervals are short, and so are
 * timeouts where no answer comes. That nothing more comes is shown by something
 * that can only come after it. */
#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "srs/poll.h"

#define SUMMARY                                                               \
	"{\"code\":0,\"service\":\"s\",\"pid\":\"1\",\"data\":{\"now_ms\":9," \
	"\"system\":{\"srs_sample_time\":8,\"srs_send_bytes\":7,"             \
	"\"conn_srs\":%d}}}"

#define MARKER "a client of the test itself"
#define ENDLESS 100001 /* clients: and the second page never comes */
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

enum manner { ANSWER, SILENT, CLOSE, RESET, FLOOD, SRS };

/* Answers after the first bytes came, in its manner. Static in all tests: its
 * connections outlive them by a moment. */
struct server {
	struct evconnlistener *listener;
	enum manner manner;
	char text[1024];
	char asked[4096]; /* what the last client sent */
	unsigned accepted, marked, heads, bearers;
	char at[SOCKADDR_TEXT_MAX]; /* 127.0.0.1:port */

	/* SRS: API and FLV at one port. NULL: silent; "": closes. */
	const char *list, *later;  /* entries: the first list's, the others' */
	const char *player, *port; /* answers to a .flv and to / */
	unsigned lists, players, ports;
	char player_asked[1024];
	const char *bad;             /* a player of this one gets 404 */
	unsigned clients;            /* that it has */
	unsigned pages[16], n_pages; /* of them: where they began */
	struct server *ending; /* its list is empty once a player asks here */
};

static struct event_base *base;
static struct poller *poller;

/* What the callbacks were called with, for node 0 .. 3 (others: modulo 4). */
static struct sent {
	unsigned samples, failures, good_probes, bad_probes, unreached;
	struct sample sample;
	enum sample_failure failure;
	char why[256];
	unsigned lists, no_lists, streams;
	unsigned rounds, no_rounds, clients;
	unsigned refusals;         /* of streams, by the FLV probe */
	unsigned row, longest_row; /* of refusals without a good probe */
} sent[4];

static void on_sample(void *arg, uint32_t node, const struct sample *sample)
{
	sent[node % 4].samples++;
	sent[node % 4].sample = *sample;
}

static void on_failed(
	void *arg, uint32_t node, enum sample_failure failure, const char *why)
{
	sent[node % 4].failures++;
	sent[node % 4].failure = failure;
	snprintf(sent[node % 4].why, sizeof sent[node % 4].why, "%s", why);
}

static void on_probed(void *arg, uint32_t node, enum poll_probe probe, bool ok,
	bool unreached, const char *why)
{
	sent[node % 4].good_probes += ok;
	sent[node % 4].bad_probes += !ok;
	sent[node % 4].refusals += probe == POLL_STREAM;
	sent[node % 4].row = ok ? 0 : sent[node % 4].row + 1;
	if (sent[node % 4].longest_row < sent[node % 4].row)
		sent[node % 4].longest_row = sent[node % 4].row;
	sent[node % 4].unreached += unreached;
	snprintf(sent[node % 4].why, sizeof sent[node % 4].why, "%s", why);
}

static const char *page(const char *body)
{
	static char text[4096];
	snprintf(text, sizeof text,
		"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body);
	return text;
}

/* So many entries, and of what was asked for no more than there are. */
static const char *clients_page(struct server *s)
{
	char body[2048], *at;
	unsigned start = 0, count = 0, n = 0;
	assert_int_equal(
		sscanf(s->asked, "GET /api/v1/clients/?start=%u&count=%u ",
			&start, &count),
		2);
	assert_true(count <= 500);
	if (s->n_pages < 16)
		s->pages[s->n_pages] = start;
	s->n_pages++;
	if (s->clients == ENDLESS && start)
		return NULL;
	at = stpcpy(body, "{\"code\":0,\"clients\":[");
	for (; n < count && start + n < s->clients; n++)
		at = stpcpy(at, n ? ",{}" : "{}");
	strcpy(at, "]}");
	return page(body);
}

static const char *srs_answer(struct server *s)
{
	char body[1024];
	if (!strncmp(s->asked, "GET /api/v1/summaries", 21)) {
		snprintf(body, sizeof body, SUMMARY, 1);
		return page(body);
	}
	if (!strncmp(s->asked, "GET /api/v1/streams/?", 21)) {
		const char *list = s->lists++ ? s->later : s->list;
		snprintf(body, sizeof body, "{\"code\":0,\"streams\":[%s]}",
			list);
		return page(body);
	}
	if (!strncmp(s->asked, "GET /api/v1/clients/?", 21))
		return s->list ? clients_page(s) : page("<busy>");
	if (!strncmp(s->asked, "GET / ", 6)) {
		s->ports++;
		return s->port;
	}
	assert_non_null(strstr(s->asked, ".flv HTTP/1.1\r\n"));
	s->players++;
	memcpy(s->player_asked, s->asked, sizeof s->player_asked - 1);
	if (s->ending)
		s->ending->later = "";
	return s->bad && strstr(s->asked, s->bad) ? NOT_FOUND : s->player;
}

static void on_read(struct bufferevent *client, void *arg)
{
	struct server *s = arg;
	struct evbuffer *in = bufferevent_get_input(client);
	evutil_socket_t fd = bufferevent_getfd(client);
	size_t n = evbuffer_get_length(in);

	if (n == strlen(MARKER) &&
		!memcmp(evbuffer_pullup(in, -1), MARKER, n)) {
		s->marked++;
		evbuffer_drain(in, n);
		return;
	}
	memset(s->asked, 0, sizeof s->asked);
	evbuffer_copyout(
		in, s->asked, n < sizeof s->asked ? n : sizeof s->asked - 1);
	if (s->asked[0] == 3 && n < 1537)
		return; /* C1 is not all there */
	s->heads++;
	s->bearers += strstr(s->asked, "\r\nAuthorization: Bearer ") != NULL;
	const char *text = s->manner == SRS ? srs_answer(s) : s->text;
	if (s->manner == SILENT || !text)
		return;
	if (s->manner == RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
			sizeof(struct linger));
	if (s->manner == RESET || s->manner == CLOSE || !*text) {
		bufferevent_free(client);
		return;
	}
	evbuffer_drain(in, n);
	bufferevent_write(client, text, strlen(text));
	if (s->manner == FLOOD) {
		static char spaces[300 * 1024];
		memset(spaces, ' ', sizeof spaces);
		bufferevent_write(client, spaces, sizeof spaces);
	}
}

static void on_end(struct bufferevent *client, short what, void *arg)
{
	bufferevent_free(client);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
	struct sockaddr *from, int len, void *arg)
{
	struct server *s = arg;
	struct bufferevent *client =
		bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	s->accepted++;
	bufferevent_setcb(client, on_read, NULL, on_end, s);
	bufferevent_enable(client, EV_READ | EV_WRITE);
}

static void serve(struct server *s, enum manner manner, const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof in;

	memset(s, 0, sizeof *s);
	s->manner = manner;
	snprintf(s->text, sizeof s->text, "%s", text);
	s->listener = evconnlistener_new_bind(base, on_accept, s,
		LEV_OPT_CLOSE_ON_FREE, 1024, (void *)&in, sizeof in);
	assert_non_null(s->listener);
	getsockname(evconnlistener_get_fd(s->listener), (void *)&in, &len);
	sockaddr_text((void *)&in, s->at);
}

/* HTTP with a summary of so many connections; keeps the connection open, as
 * SRS does although it says Close. */
static void serve_summary(struct server *s, int connections)
{
	char body[512], text[1024];
	snprintf(body, sizeof body, SUMMARY, connections);
	snprintf(text, sizeof text,
		"HTTP/1.1 200 OK\r\nConnection: Close\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		strlen(body), body);
	serve(s, ANSWER, text);
}

static const char *url(const struct server *s, const char *user)
{
	static char text[256];
	snprintf(text, sizeof text, "http://%s%s", user, s->at);
	return text;
}

static void turn(int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

/* Turns the loop until *count reaches n. */
#define PATIENCE_MS 60000

static void until(const unsigned *count, unsigned n)
{
	int64_t start = clock_ms();
	while (*count < n && clock_ms() - start < PATIENCE_MS)
		turn(2);
	if (*count < n)
		fail_msg("%u of %u in %d ms", *count, n, PATIENCE_MS);
}

/* Turns the loop until a connection that is made now is accepted: those that
 * were made before are. It is counted, too. */
static void accept_all(struct server *s)
{
	struct sockaddr_storage at;
	socklen_t len = sockaddr_parse(&at, s->at, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (void *)&at, len), 0);
	assert_int_equal(send(fd, MARKER, strlen(MARKER), 0), strlen(MARKER));
	until(&s->marked, s->marked + 1);
	close(fd);
}

static void ask(struct poll_target target, unsigned interval, unsigned timeout)
{
	poll_set(poller, &target, 1, interval, timeout);
}

static void on_streams(
	void *arg, uint32_t node, struct stream_list *list, const char *why)
{
	struct sent *t = &sent[node % 4];
	if (list) {
		t->lists++;
		t->streams = list->n;
		free(list);
		return;
	}
	t->no_lists++;
	snprintf(t->why, sizeof t->why, "%s", why);
}

static void on_clients(
	void *arg, uint32_t node, struct client_list *list, const char *why)
{
	struct sent *t = &sent[node % 4];
	t->rounds += list != NULL;
	t->no_rounds += !list;
	if (list)
		t->clients = list->listed;
	else
		snprintf(t->why, sizeof t->why, "%s", why);
}

static int set_up(void **state)
{
	static const struct poll_events events = {
		NULL, on_sample, on_failed, on_probed, on_streams, on_clients};
	memset(sent, 0, sizeof sent);
	base = event_base_new();
	poller = poll_new(base, &events);
	return 0;
}

static int tear_down(void **state)
{
	poll_free(poller);
	turn(30); /* the servers' ends of the connections close too */
	event_base_free(base);
	return 0;
}

static void test_sample(void **state)
{
	static struct server s;
	serve_summary(&s, 42);
	ask((struct poll_target){.node = 1, .api = url(&s, "us%40r:pa:ss@")},
		50, 5000);
	until(&sent[1].samples, 4);
	assert_int_equal(sent[1].sample.connections, 42);
	assert_true(sent[1].sample.rtt_ms > 0);
	assert_true(s.accepted >= 4); /* a fresh connection each time */
	assert_non_null(strstr(s.asked, "GET /api/v1/summaries HTTP/1.1\r\n"));
	assert_non_null(strstr(s.asked, "User-Agent: dnsd\r\n"));
	assert_non_null(
		strstr(s.asked, "Authorization: Basic dXNAcjpwYTpzcw==\r\n"));
	evconnlistener_free(s.listener);
}

/* Beside the summaries, streams and clients are asked with it too; another one is
 * another target. */
static void test_bearer(void **state)
{
	static struct server s;
	serve(&s, SRS, "");
	s.list = s.later = "";
	struct poll_target target = {.node = 1,
		.api = url(&s, ""),
		.api_token = "one.two-3",
		.streams = true};
	ask(target, 50, 5000);
	until(&sent[1].samples, 1);
	until(&sent[1].lists, 1);
	assert_int_equal(s.bearers, s.heads);
	assert_non_null(strstr(s.asked, "Authorization: Bearer one.two-3\r\n"));
	target.api_token = "four";
	ask(target, 50, 5000);
	until(&sent[1].samples, sent[1].samples + 2);
	assert_non_null(strstr(s.asked, "Authorization: Bearer four\r\n"));
	target.api_token = "";
	ask(target, 50, 5000);
	until(&sent[1].samples, sent[1].samples + 2);
	assert_null(strstr(s.asked, "Authorization"));
	evconnlistener_free(s.listener);
}

/* A listener of SRT, by UDP: what it answers, and how. */
struct srt_server {
	struct event *event;
	int fd;
	const char
		*manner; /* "right", "late" (the third), "other", "short", "" */
	unsigned asked;
	char at[SOCKADDR_TEXT_MAX];
};

static void on_srt(evutil_socket_t fd, short what, void *arg)
{
	struct srt_server *s = arg;
	unsigned char in[128],
		out[64] = {[0] = 0x80,
			[19] = 5,
			[22] = 0x4a,
			[23] = 0x17,
			[39] = 1};
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	ssize_t n = recvfrom(fd, in, sizeof in, 0, (void *)&from, &len);
	static const unsigned char head[40] = {[0] = 0x80,
		[19] = 4,
		[23] = 2,
		[30] = 0x05,
		[31] = 0xdc,
		[34] = 0x20,
		[39] = 1};

	assert_int_equal(n, 64);
	assert_memory_equal(in, head, sizeof head);
	s->asked++;
	memcpy(out + 12, in + 40, 4);
	if (!strcmp(s->manner, "other"))
		out[15] ^= 1;
	if (!*s->manner || (!strcmp(s->manner, "late") && s->asked % 3))
		return;
	sendto(fd, out, strcmp(s->manner, "short") ? 64 : 63, 0, (void *)&from,
		len);
}

static void serve_srt(struct srt_server *s, const char *manner)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof in;

	*s = (struct srt_server){.manner = manner};
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(s->fd, (void *)&in, len), 0);
	getsockname(s->fd, (void *)&in, &len);
	sockaddr_text((void *)&in, s->at);
	s->event = event_new(base, s->fd, EV_READ | EV_PERSIST, on_srt, s);
	event_add(s->event, NULL);
}

static void close_srt(struct srt_server *s)
{
	event_free(s->event);
	close(s->fd);
}

static void test_srt(void **state)
{
	static const struct {
		const char *manner, *why;
		bool ok, unreached;
	} cases[] = {{"right", "answered", true, false},
		{"late", "answered", true, false},
		{"other", "no SRT", false, false},
		{"short", "no SRT", false, false},
		{"", "no answer in time", false, true}};
	static struct srt_server s;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sent *t = &sent[1];
		memset(sent, 0, sizeof sent);
		serve_srt(&s, cases[i].manner);
		ask((struct poll_target){.node = 1, .srt = s.at}, 50, 600);
		until(cases[i].ok ? &t->good_probes : &t->bad_probes, 2);
		assert_int_equal(
			cases[i].ok ? t->bad_probes : t->good_probes, 0);
		assert_int_equal(
			t->unreached, cases[i].unreached ? t->bad_probes : 0);
		assert_non_null(strstr(t->why, cases[i].why));
		assert_non_null(strstr(t->why, "SRT probe of 127.0.0.1:"));
		/* Silence: three times each, before the second look. */
		if (!*cases[i].manner)
			assert_true(s.asked >= 6);
		poll_set(poller, NULL, 0, 50, 600);
		close_srt(&s);
	}
}

static void test_srt_refused(void **state)
{
	static struct srt_server s;
	serve_srt(&s, "right");
	close_srt(&s);
	ask((struct poll_target){.node = 1, .srt = s.at}, 50, 5000);
	until(&sent[1].bad_probes, 2);
	assert_int_equal(sent[1].unreached, 0);
	assert_non_null(strstr(sent[1].why, "refused"));
}

/* Any answer but 404 and 5xx; no secret of the API is told. */
static void test_whep(void **state)
{
	static const struct {
		enum manner manner;
		const char *text, *why;
		bool ok;
	} cases[] = {
		{ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			"HTTP 200", true},
		{ANSWER, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
			"HTTP 401", true},
		{ANSWER, "HTTP/1.1 405 No\r\nContent-Length: 9\r\n\r\n",
			"HTTP 405", true},
		{ANSWER, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
			"HTTP 404", false},
		{ANSWER, "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n",
			"HTTP 502", false},
		{ANSWER, "SSH-2.0-nothing of the kind\r\n\r\n",
			"WHEP: ", false},
		{CLOSE, "", "WHEP: ", false},
		{SILENT, "", "no answer in time", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static struct server s, api;
		struct sent *t = &sent[1];
		char api_url[256];
		memset(sent, 0, sizeof sent);
		serve_summary(&api, 1);
		snprintf(api_url, sizeof api_url, "%s", url(&api, ""));
		serve(&s, cases[i].manner, cases[i].text);
		ask((struct poll_target){.node = 1,
			    .api = api_url,
			    .api_token = "secret",
			    .whep = url(&s, "")},
			50, cases[i].manner == SILENT ? 300 : 5000);
		until(cases[i].ok ? &t->good_probes : &t->bad_probes, 2);
		assert_int_equal(
			cases[i].ok ? t->bad_probes : t->good_probes, 0);
		assert_int_equal(t->unreached, 0);
		assert_non_null(strstr(t->why, cases[i].why));
		assert_non_null(
			strstr(s.asked, "OPTIONS /rtc/v1/whep/ HTTP/1.1\r\n"));
		assert_null(strstr(s.asked, "secret"));
		assert_true(t->samples > 0);
		poll_set(poller, NULL, 0, 50, 600);
		evconnlistener_free(s.listener);
		evconnlistener_free(api.listener);
	}
}

/* A node whose API fails is not asked for WHEP: that tells enough. */
static void test_whep_after_the_api(void **state)
{
	static struct server s, api;
	char api_url[256];
	serve(&api, CLOSE, "");
	snprintf(api_url, sizeof api_url, "%s", url(&api, ""));
	serve(&s, ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	ask(
		(struct poll_target){
			.node = 1, .api = api_url, .whep = url(&s, "")},
		20, 5000);
	until(&sent[1].failures, 6);
	assert_true(s.accepted <= 2);
	evconnlistener_free(s.listener);
	evconnlistener_free(api.listener);
}

/* Every way to fail, what it counts as, and the second look at once. */
static void test_failures(void **state)
{
	static const struct {
		enum manner manner;
		const char *text, *why;
		enum sample_failure failure;
	} cases[] = {
		{CLOSE, "", "API: ", SAMPLE_REFUSED},
		{RESET, "", "API: ", SAMPLE_REFUSED},
		{SILENT, "", "no answer in time", SAMPLE_TIMEOUT},
		{ANSWER,
			"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n"
			"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"HTTP 401", SAMPLE_DENIED},
		{ANSWER, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
			"HTTP 500", SAMPLE_UNREADABLE},
		{ANSWER,
			"HTTP/1.1 302 Found\r\nLocation: /other\r\n"
			"Content-Length: 0\r\n\r\n",
			"HTTP 302", SAMPLE_UNREADABLE},
		{ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
			"no code", SAMPLE_UNREADABLE},
		{ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			"not JSON", SAMPLE_UNREADABLE},
		{ANSWER, "SSH-2.0-nothing of the kind\r\n\r\n",
			"API: ", SAMPLE_UNREADABLE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static struct server s, good;
		char good_url[256];
		memset(sent, 0, sizeof sent);
		serve_summary(&good, 1);
		serve(&s, cases[i].manner, cases[i].text);
		snprintf(good_url, sizeof good_url, "%s", url(&good, ""));
		struct poll_target targets[] = {
			{.node = 0, .api = url(&s, "joe:secret@")},
			{.node = 1, .api = good_url}};
		poll_set(poller, targets, 2, 100000,
			cases[i].manner == SILENT ? 100 : 5000);
		/* The interval is far away: the second is the second look,
		 * and there is no third before a later poll. */
		until(&sent[0].failures, 2);
		until(&sent[1].samples, 1);
		poll_now(poller, 1);
		until(&sent[1].samples, 2);
		accept_all(&s);
		assert_int_equal(s.accepted, 2 + 1);
		assert_int_equal(sent[0].failures, 2);
		assert_int_equal(sent[0].failure, cases[i].failure);
		if (!strstr(sent[0].why, cases[i].why) ||
			strstr(sent[0].why, "secret"))
			fail_msg("case %zu: %s", i, sent[0].why);
		evconnlistener_free(s.listener);
		evconnlistener_free(good.listener);
	}
}

static void test_refused(void **state)
{
	static struct server s;
	serve(&s, SILENT, "");
	evconnlistener_free(s.listener);
	ask((struct poll_target){.api = url(&s, ""), .rtmp = s.at, .flv = s.at},
		10000, 5000);
	until(&sent[0].failures, 2);
	until(&sent[0].bad_probes, 4);
	assert_int_equal(sent[0].failure, SAMPLE_REFUSED);
}

static unsigned transfers; /* begun */

/* Ours comes before the library's. */
int curl_multi_add_handle(void *multi, void *easy);
int curl_multi_add_handle(void *multi, void *easy)
{
	static int (*real)(void *, void *);
	transfers++;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "curl_multi_add_handle");
	return real(multi, easy);
}

/* A node that cannot be reached is not worth a transfer, until it can. */
static void test_knock(void **state)
{
	static struct server s;
	struct sockaddr_storage at;
	serve_summary(&s, 5);
	evconnlistener_free(s.listener);
	transfers = 0;
	ask((struct poll_target){.api = url(&s, "")}, 20, 500);
	until(&sent[0].failures, 6);
	assert_int_equal(transfers, 1);
	assert_int_equal(sent[0].failure, SAMPLE_REFUSED);
	assert_non_null(strstr(sent[0].why, "refused"));

	socklen_t len = sockaddr_parse(&at, s.at, 0);
	s.listener = evconnlistener_new_bind(base, on_accept, &s,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16, (void *)&at,
		(int)len);
	assert_non_null(s.listener);
	until(&sent[0].samples, 3);
	evconnlistener_free(s.listener);
}

static void test_body_cap(void **state)
{
	static struct server s;
	serve(&s, FLOOD,
		"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n");
	ask((struct poll_target){.api = url(&s, "")}, 10000, 5000);
	until(&sent[0].failures, 2);
	assert_int_equal(sent[0].failure, SAMPLE_UNREADABLE);
	assert_non_null(strstr(sent[0].why, "too long"));
	evconnlistener_free(s.listener);
}

/* A server whose kernel drops further connections; *fd are all its sockets. */
static void serve_full(char *at, int fd[4])
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof to;
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd[0], (struct sockaddr *)&to, len), 0);
	assert_int_equal(listen(fd[0], 0), 0);
	assert_int_equal(getsockname(fd[0], (struct sockaddr *)&to, &len), 0);
	for (unsigned i = 1; i < 4; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd[i], (struct sockaddr *)&to, len);
	}
	sockaddr_text((struct sockaddr *)&to, at);
}

/* No connection and no refusal of one: it may be our own network. */
static void test_unreached(void **state)
{
	char at[SOCKADDR_TEXT_MAX];
	int fd[4];
	serve_full(at, fd);
	struct poll_target target = {.node = 0, .rtmp = at, .flv = at};
	poll_set(poller, &target, 1, 100, 100);
	until(&sent[0].bad_probes, 2);
	assert_int_equal(sent[0].unreached, sent[0].bad_probes);
	assert_non_null(strstr(sent[0].why, "not connected in time"));
	poll_set(poller, NULL, 0, 100, 100);
	for (unsigned i = 0; i < 4; i++)
		close(fd[i]);
	target.rtmp = target.flv = at; /* nothing listens there now */
	sent[0] = (struct sent){0};
	poll_set(poller, &target, 1, 100, 100);
	until(&sent[0].bad_probes, 2);
	assert_int_equal(sent[0].unreached, 0);
}

static void test_probes(void **state)
{
	static struct server rtmp, http, silent, wrong;
	serve(&rtmp, ANSWER, "\3and so on");
	serve(&http, ANSWER, "HTTP/1.1 404 Not Found\r\n\r\n");
	serve(&silent, SILENT, "");
	serve(&wrong, ANSWER, "HTP");
	struct poll_target targets[] = {
		{.node = 3, .rtmp = wrong.at},
		{.node = 0, .rtmp = rtmp.at, .flv = http.at},
		{.node = 2, .rtmp = silent.at},
		{.node = 1, .rtmp = http.at, .flv = rtmp.at},
	};
	poll_set(poller, targets, 4, 1000, 1000);
	until(&sent[0].good_probes, 2);
	until(&sent[1].bad_probes, 2);
	until(&sent[2].bad_probes, 2);
	assert_non_null(strstr(sent[2].why, "connected, but no answer"));
	assert_non_null(strstr(sent[1].why, "the answer is no"));
	assert_int_equal(sent[1].unreached + sent[2].unreached, 0);
	assert_int_equal(sent[0].samples + sent[0].failures, 0); /* api off */
	evconnlistener_free(rtmp.listener);
	evconnlistener_free(http.listener);
	evconnlistener_free(silent.listener);
	evconnlistener_free(wrong.listener);
}

/* All of a node's clients, page by page; no more than a bound; nothing where they are not
 * wanted. */
static void test_clients(void **state)
{
	static struct server s;
	serve(&s, SRS, "");
	s.list = "";
	s.clients = 1203;
	ask((struct poll_target){.api = url(&s, "")}, 20, 5000);
	until(&sent[0].samples, 3);
	assert_int_equal(s.n_pages, 0);
	poll_clients(poller, 40);
	until(&sent[0].rounds, 1);
	assert_int_equal(sent[0].clients, 1203);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(s.pages[i], 500 * i);
	until(&sent[0].rounds, 2);
	poll_clients(poller, 0);

	poll_set(poller, NULL, 0, 20, 5000);
	s.clients = 100000;
	memset(sent, 0, sizeof sent);
	poll_clients(poller, 20);
	ask((struct poll_target){.api = url(&s, "")}, 20, 5000);
	until(&sent[0].rounds, 1);
	assert_int_equal(sent[0].clients, CLIENTS_MAX);
	evconnlistener_free(s.listener);
}

/* What is no list, or none that can be had, is said, and polls go on. */
static void test_no_clients(void **state)
{
	static struct server s, full;
	serve(&s, SRS, "");
	poll_clients(poller, 20);
	ask((struct poll_target){.api = url(&s, "")}, 20, 5000);
	until(&sent[0].no_rounds, 2);
	assert_non_null(strstr(sent[0].why, "API: not JSON"));
	assert_int_equal(sent[0].failures, 0);
	unsigned samples = sent[0].samples;
	until(&sent[0].samples, samples + 2);
	s.list = "";
	until(&sent[0].rounds, 1);
	assert_int_equal(sent[0].clients, 0);

	/* A node that goes while it is asked. */
	serve(&full, SRS, "");
	full.list = "";
	full.clients = ENDLESS;
	poll_set(poller, NULL, 0, 20, 5000);
	ask((struct poll_target){.node = 1, .api = url(&full, "")}, 20, 5000);
	until(&full.n_pages, 2);
	until(&sent[1].samples, 1);
	poll_set(poller, NULL, 0, 20, 5000);
	assert_int_equal(sent[1].rounds + sent[1].no_rounds, 0);
	evconnlistener_free(s.listener);
	evconnlistener_free(full.listener);
}

/* Both answers in one. */
#define STREAMS                                                               \
	"{\"code\":0,\"data\":{\"now_ms\":9,\"system\":{\"srs_sample_time\":" \
	"8,\"srs_send_bytes\":7,\"conn_srs\":1}},\"streams\":[{\"url\":"      \
	"\"/live/a\",\"publish\":{\"active\":true}}]}"

/* The list is asked for beside the summaries, where it is wanted, and not while
 * these fail. */
static void test_streams(void **state)
{
	static struct server lists, plain, dead;
	char text[512];
	snprintf(text, sizeof text,
		"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n" STREAMS,
		strlen(STREAMS));
	serve(&lists, ANSWER, text);
	serve_summary(&plain, 5);
	serve(&dead, CLOSE, "");
	char lists_url[256], dead_url[256];
	snprintf(lists_url, sizeof lists_url, "%s", url(&lists, "a:b@"));
	snprintf(dead_url, sizeof dead_url, "%s", url(&dead, ""));
	struct poll_target targets[] = {
		{.node = 0, .api = lists_url, .streams = true},
		{.node = 1, .api = url(&plain, "")},
		{.node = 2, .api = dead_url, .streams = true}};
	poll_set(poller, targets, 3, 100, 5000);
	until(&sent[0].lists, 2);
	assert_int_equal(sent[0].streams, 1);
	assert_non_null(strstr(lists.asked, "Authorization: Basic"));
	assert_non_null(strstr(lists.asked, "GET /api/v1/s"));
	until(&sent[1].samples, 3);
	assert_int_equal(sent[1].lists + sent[1].no_lists, 0);
	until(&sent[2].failures, 6);
	assert_true(sent[2].no_lists < sent[2].failures / 2);

	/* An SRS that tells summaries and no list goes on being polled. */
	unsigned samples = sent[1].samples;
	targets[1].streams = true;
	poll_set(poller, targets, 3, 100, 5000);
	until(&sent[1].no_lists, 2);
	assert_non_null(strstr(sent[1].why, "no streams"));
	until(&sent[1].samples, samples + 2);

	/* Beside the rhythm, which gives one list and a sample at once, and then
	 * none for long. */
	poll_set(poller, NULL, 0, 100000, 5000);
	memset(sent, 0, sizeof sent);
	poll_set(poller, targets, 1, 100000, 5000);
	until(&sent[0].lists, 1);
	until(&sent[0].samples, 1);
	poll_streams_now(poller);
	until(&sent[0].lists, 2);
	assert_int_equal(sent[0].samples, 1);
	evconnlistener_free(lists.listener);
	evconnlistener_free(plain.listener);
	evconnlistener_free(dead.listener);
}

#define LIVE(url)                                                          \
	"{\"url\":\"" url "\",\"clients\":2,\"publish\":{\"active\":true," \
	"\"cid\":\"c\"}}"
#define PLAYS                                                           \
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nFLV" \
	"\1\5"

/* Asks it, with its list now and later, and these answers. Only where it answers
 * nothing is the timeout short. */
static void ask_srs(struct server *s, const char *list, const char *later,
	const char *player, const char *port)
{
	serve(s, SRS, "");
	s->list = list;
	s->later = later;
	s->player = player;
	s->port = port;
	ask((struct poll_target){.api = url(s, ""), .flv = s->at}, 20,
		!port ? 100 : 1000);
}

/* A player tries now and then only, and the port as ever. */
static void test_flv_plays(void **state)
{
	static struct server s;
	ask_srs(&s, LIVE("/live/a"), LIVE("/live/a"), PLAYS, NOT_FOUND);
	until(&s.ports, 4);
	assert_int_equal(s.players, 1);
	assert_int_equal(s.lists, 1);
	assert_non_null(strstr(s.player_asked,
		"GET /live/a.flv HTTP/1.1\r\n"
		"Host: dnsd\r\n"));
	assert_int_equal(sent[0].bad_probes, 0);
	/* Those that are asked for the probe alone are nobody else's. */
	assert_int_equal(sent[0].lists + sent[0].no_lists, 0);
	evconnlistener_free(s.listener);
}

/* A listed stream is refused: the row of failures does not wait for the time of
 * the next player, and ends when it plays. */
static void test_flv_refused(void **state)
{
	static struct server s;
	ask_srs(&s, LIVE("/live/a"), LIVE("/live/a"), NOT_FOUND, NOT_FOUND);
	until(&sent[0].refusals, 3);
	assert_int_equal(sent[0].good_probes, 0);
	assert_int_equal(sent[0].bad_probes, sent[0].refusals);
	assert_int_equal(s.ports, 0);
	assert_true(s.players >= 3);
	assert_non_null(strstr(
		sent[0].why, ": HTTP 404 for a stream that it lists, /live/a"));
	s.player = PLAYS;
	until(&sent[0].good_probes, 3);
	assert_true(s.ports >= 2);
	evconnlistener_free(s.listener);

	memset(sent, 0, sizeof sent);
	ask_srs(&s, LIVE("/live/a"), LIVE("/live/a"),
		"HTTP/1.1 502 Bad Gateway\r\n\r\n", NOT_FOUND);
	until(&sent[0].refusals, 2);
	assert_non_null(strstr(sent[0].why, "HTTP 502"));
	evconnlistener_free(s.listener);
}

/* It ended between the list and the player. */
static void test_flv_ended(void **state)
{
	static struct server s;
	ask_srs(&s, LIVE("/live/a"), "", NOT_FOUND, NOT_FOUND);
	until(&sent[0].good_probes, 4);
	assert_int_equal(sent[0].bad_probes, 0);
	assert_int_equal(s.lists, 2);
	assert_int_equal(s.players, 1);
	evconnlistener_free(s.listener);

	memset(sent, 0, sizeof sent); /* the second list cannot be had */
	ask_srs(&s, LIVE("/live/a"), "odd", NOT_FOUND, NOT_FOUND);
	until(&sent[0].good_probes, 4);
	assert_int_equal(sent[0].bad_probes, 0);
	assert_int_equal(s.lists, 2);
	evconnlistener_free(s.listener);
}

/* What tells nothing of the node: the port decides, either way. */
static void test_flv_unclear(void **state)
{
	static const char *const unclear[] = {
		NULL,
		"",
		"HTTP/1.1 401 Unauthorized\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno stream",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	static struct server s;
	for (unsigned i = 0; i < 2 * sizeof unclear / sizeof *unclear; i++) {
		const char *port = i % 2 ? NULL : NOT_FOUND;
		memset(sent, 0, sizeof sent);
		ask_srs(&s, LIVE("/live/a"), LIVE("/live/a"), unclear[i / 2],
			port);
		until(port ? &sent[0].good_probes : &sent[0].bad_probes, 2);
		assert_int_equal(
			port ? sent[0].bad_probes : sent[0].good_probes, 0);
		assert_int_equal(sent[0].refusals, 0);
		assert_int_equal(s.players, 1);
		assert_true(s.ports >= 2);
		evconnlistener_free(s.listener);
	}
}

static void test_flv_vhost(void **state)
{
	static struct server s;
	ask_srs(&s, LIVE("cdn.example/live/a-b_1"), "", PLAYS, NOT_FOUND);
	until(&sent[0].good_probes, 1);
	assert_non_null(strstr(s.player_asked,
		"GET /live/a-b_1.flv HTTP/1.1\r\n"
		"Host: cdn.example\r\n"));
	evconnlistener_free(s.listener);
}

/* Nothing to ask for: as if there were no list. */
static void test_flv_none(void **state)
{
	static const char *const lists[] = {"", "odd", LIVE("/live/a b"),
		LIVE("/live/more/a"), LIVE("/live/..")};
	static struct server s;
	for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++) {
		memset(sent, 0, sizeof sent);
		ask_srs(&s, lists[i], lists[i], NOT_FOUND, NOT_FOUND);
		until(&sent[0].good_probes, 4);
		assert_int_equal(sent[0].bad_probes, 0);
		assert_int_equal(s.players, 0);
		assert_int_equal(s.lists, 1);
		evconnlistener_free(s.listener);
	}
}

/* One stream that is refused does not condemn a node that serves others: after a
 * failure it is asked for what played before. */
static void test_flv_served(void **state)
{
	static struct server s;
	poll_play(poller, 0, 0);
	ask_srs(&s, LIVE("/live/good"), LIVE("/live/bad"), PLAYS, NOT_FOUND);
	s.bad = "/live/bad";
	until(&sent[0].refusals, 2); /* good is not live any more */

	s.later = LIVE("/live/bad") "," LIVE("/live/good");
	until(&sent[0].good_probes, sent[0].good_probes + 1);
	sent[0].row = sent[0].longest_row = 0;
	until(&sent[0].refusals, sent[0].refusals + 5);
	assert_int_equal(sent[0].longest_row, 1);
	evconnlistener_free(s.listener);
}

/* A source with a stream, and a node that pulls and lists nothing. */
struct pair {
	struct server origin, edge;
	char origin_url[256], edge_url[256];
};

static void serve_pair(struct pair *p)
{
	serve(&p->origin, SRS, "");
	serve(&p->edge, SRS, "");
	snprintf(
		p->origin_url, sizeof p->origin_url, "%s", url(&p->origin, ""));
	snprintf(p->edge_url, sizeof p->edge_url, "%s", url(&p->edge, ""));
	p->origin.list = p->origin.later = LIVE("/live/a");
	p->edge.list = p->edge.later = "";
}

/* A node that pulls is asked for what a source has, whatever it lists itself:
 * an edge that serves nobody lists nothing. */
static void test_flv_pulls(void **state)
{
	static struct pair pair;
	serve_pair(&pair);
	pair.edge.player = pair.edge.port = NOT_FOUND;
	struct poll_target targets[] = {{.node = 0,
						.api = pair.origin_url,
						.streams = true,
						.source = true},
		{.node = 1,
			.api = pair.edge_url,
			.flv = pair.edge.at,
			.pulls = true}};
	poll_set(poller, targets, 2, 20, 5000);
	until(&sent[1].refusals, 3);
	assert_non_null(strstr(sent[1].why,
		": HTTP 404 for a stream that an origin lists, /live/a"));
	pair.edge.player = PLAYS;
	unsigned players = pair.edge.players, ports = pair.edge.ports;
	until(&pair.edge.ports, ports + 3);
	assert_true(pair.edge.players >= players + 1);
	assert_int_equal(pair.edge.lists, 0);
	unsigned refusals = sent[1].refusals;
	until(&sent[1].good_probes, 3);
	assert_int_equal(sent[1].refusals, refusals);

	/* The stream ends, as the edge's refusal tells. */
	pair.edge.player = NOT_FOUND;
	pair.edge.ending = &pair.origin;
	targets[1].api = url(&pair.edge, "a:b@"); /* begins anew */
	players = pair.edge.players;
	poll_set(poller, targets, 2, 20, 5000);
	until(&sent[1].good_probes, sent[1].good_probes + 4);
	assert_int_equal(sent[1].refusals, refusals);
	assert_int_equal(pair.edge.players, players + 1);
	evconnlistener_free(pair.origin.listener);
	evconnlistener_free(pair.edge.listener);
}

/* The node that a probe waits for is gone meanwhile. */
static void test_flv_source_goes(void **state)
{
	static struct pair pair;
	serve_pair(&pair);
	pair.edge.player = NULL;
	pair.edge.port = NOT_FOUND;
	struct poll_target targets[] = {{.node = 1,
						.api = pair.edge_url,
						.flv = pair.edge.at,
						.pulls = true},
		{.node = 0,
			.api = pair.origin_url,
			.streams = true,
			.source = true}};
	poll_set(poller, targets, 2, 20, 1000);
	until(&pair.edge.players, 1);
	poll_set(poller, targets, 1, 20, 1000);
	until(&sent[1].good_probes, sent[1].good_probes + 3);
	assert_int_equal(sent[1].refusals, 0);
	evconnlistener_free(pair.origin.listener);
	evconnlistener_free(pair.edge.listener);
}

/* Equal targets keep their rhythm, others start anew, gone ones are silent. */
static void test_set(void **state)
{
	static struct server a, b;
	serve_summary(&a, 1);
	serve_summary(&b, 2);
	struct poll_target targets[2] = {{.node = 0}, {.node = 1}};
	char url_a[64], url_b[64];
	snprintf(url_a, sizeof url_a, "http://%s", a.at);
	snprintf(url_b, sizeof url_b, "http://%s", b.at);
	targets[0].api = url_a;
	targets[1].api = url_a;
	poll_set(poller, targets, 2, 10000, 500);
	until(&sent[0].samples, 1);
	until(&sent[1].samples, 1);

	targets[1].api = url_b;
	poll_set(poller, targets, 2, 10000, 500);
	until(&sent[1].samples, 2);
	assert_int_equal(sent[1].sample.connections, 2);
	/* Had it begun anew, it would have asked before this timer. */
	turn(250);
	accept_all(&a);
	assert_int_equal(a.accepted, 2 + 1);
	assert_int_equal(sent[0].samples, 1);

	poll_now(poller, 0);
	poll_now(poller, 77);
	until(&sent[0].samples, 2);

	poll_set(poller, targets, 2, 50, 500); /* faster: at once */
	until(&sent[0].samples, 6);
	poll_set(poller, targets + 1, 1, 50, 500);
	unsigned had = sent[0].samples;
	until(&sent[1].samples, sent[1].samples + 3);
	assert_int_equal(sent[0].samples, had);
	evconnlistener_free(a.listener);
	evconnlistener_free(b.listener);
}

/* The name slow.test, while it is looked up. */
static sem_t may_end;
static atomic_uint lookups;

/* libcurl finds this one before the C library's. */
int getaddrinfo(const char *name, const char *service,
	const struct addrinfo *hints, struct addrinfo **found)
{
	static int (*real)(const char *, const char *, const struct addrinfo *,
		struct addrinfo **);
	if (name && !strcmp(name, "slow.test")) {
		lookups++;
		sem_wait(&may_end);
		return EAI_AGAIN;
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(name, service, hints, found);
}

static unsigned threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned n = 0;
	while (readdir(tasks))
		n++;
	closedir(tasks);
	return n;
}

/* A name server that does not answer must not stop anything: here it does not
 * before all is over, and what would wait for it would wait for ever. */
static void test_slow_name(void **state)
{
	static struct server s;
	unsigned before = threads();
	serve_summary(&s, 1);
	struct poll_target targets[] = {
		{.node = 0, .api = "http://slow.test:1985"},
		{.node = 1, .api = url(&s, "")},
	};
	sem_init(&may_end, 0, 0);
	lookups = 0;
	alarm(2 * PATIENCE_MS / 1000);
	poll_set(poller, targets, 2, 40, 100);
	until(&sent[0].failures, 2);
	assert_int_equal(sent[0].failure, SAMPLE_TIMEOUT);
	until(&sent[1].samples, sent[1].samples + 5);
	poll_set(poller, NULL, 0, 40, 100);
	evconnlistener_free(s.listener);
	assert_true(lookups >= 2);
	alarm(0);
	for (unsigned i = 0; i < lookups; i++)
		sem_post(&may_end);
	for (unsigned turns = 0; threads() > before; turns++) {
		assert_true(turns < PATIENCE_MS);
		turn(1);
	}
}

/* A thousand nodes, and eight times as often as is asked for in real life. */
static void test_many(void **state)
{
	static struct poll_target targets[1000];
	static struct server s;
	serve_summary(&s, 1);
	const char *api = url(&s, "");
	for (unsigned i = 0; i < 1000; i++)
		targets[i] = (struct poll_target){.node = i, .api = api};
	poll_set(poller, targets, 1000, 375, 20000);
	for (unsigned i = 0; i < 4; i++) {
		until(&sent[i].samples, 750);
		assert_int_equal(sent[i].failures, 0);
	}
	evconnlistener_free(s.listener);
}

/* More than can be asked at once wait their turn; a list without them may come
 * at any time. */
static void test_turns(void **state)
{
	static struct poll_target targets[1500];
	static struct server s;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	serve(&s, SILENT, "");
	const char *api = url(&s, "");
	for (unsigned i = 0; i < 1500; i++)
		targets[i] = (struct poll_target){.node = i, .api = api};
	transfers = 0;
	poll_set(poller, targets, 1500, 600000, 200000);
	for (unsigned i = 0; i < 1500; i++)
		poll_now(poller, i); /* all begin or wait now */
	assert_int_equal(transfers, 1024);
	poll_set(poller, targets + 1, 1499, 600000, 200000);
	assert_int_equal(transfers, 1025); /* instead of the one that went */
	poll_set(poller, targets, 10, 600000, 200000);
	accept_all(&s);
	evconnlistener_free(s.listener);
}

/* Of the descriptors there is a share: probes wait like polls, of whatever node,
 * and everybody has a turn, those as well whose node is gone meanwhile. */
static void test_share(void **state)
{
	static struct server good, flv, silent;
	serve_summary(&good, 1);
	serve(&flv, ANSWER, "HTTP/1.1 404 Not Found\r\n\r\n");
	serve(&silent, SILENT, "");
	struct poll_target targets[40];
	for (unsigned i = 0; i < 40; i++)
		targets[i] = (struct poll_target){
			.node = i, .rtmp = silent.at, .flv = silent.at};
	poll_limit(poller, 3);
	poll_set(poller, targets, 40, 600000, 200000);
	for (unsigned i = 0; i < 40; i++)
		poll_now(poller, i); /* all begin or wait now */
	accept_all(&silent);
	assert_int_equal(silent.accepted, 3 + 1);
	const char *api = url(&good, "");
	for (unsigned i = 0; i < 40; i++)
		targets[i] = (struct poll_target){
			.node = i, .api = api, .flv = flv.at};
	poll_set(poller, targets, 40, 60000, 20000);
	for (unsigned i = 0; i < 4; i++) {
		until(&sent[i].samples, 10);
		until(&sent[i].good_probes, 10);
	}
	evconnlistener_free(good.listener);
	evconnlistener_free(flv.listener);
	evconnlistener_free(silent.listener);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_sample),
		TEST(test_bearer),
		TEST(test_srt),
		TEST(test_srt_refused),
		TEST(test_whep),
		TEST(test_whep_after_the_api),
		TEST(test_failures),
		TEST(test_refused),
		TEST(test_knock),
		TEST(test_body_cap),
		TEST(test_probes),
		TEST(test_unreached),
		TEST(test_streams),
		TEST(test_clients),
		TEST(test_no_clients),
		TEST(test_flv_plays),
		TEST(test_flv_refused),
		TEST(test_flv_ended),
		TEST(test_flv_unclear),
		TEST(test_flv_vhost),
		TEST(test_flv_none),
		TEST(test_flv_served),
		TEST(test_flv_pulls),
		TEST(test_flv_source_goes),
		TEST(test_set),
		TEST(test_slow_name),
		TEST(test_many),
		TEST(test_turns),
		TEST(test_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
