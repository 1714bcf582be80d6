/* The client of etcd, against a gateway that the test itself is: it takes each request,
 * looks at it and answers it, as etcd 3.4 does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <jansson.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "etcd/private.h"

#define PATIENCE_MS 30000
#define CONNECTIONS 16

/* A request that has come, or is coming. */
struct asked {
	int fd;
	struct buf text;
	char path[64];
	json_t *body; /* NULL: it has not come whole */
};

struct told {
	unsigned all, changed, connected, done;
	char items[512]; /* "key=value@revision " of the last callback */
	int64_t revision;
	char why[ETCD_WHY_MAX]; /* "": it stands */
	char answers[512];      /* "name:result@revision " */
};

struct scene {
	int listener;
	char url[64];
	const char *endpoint[2];
	struct asked asked[CONNECTIONS];
	struct mailbox *mailbox;
	struct etcd *etcd;
	struct told told;
};

/* -- what the owner is told -- */

static void note_items(struct told *t, int64_t revision,
	const struct etcd_item *items, unsigned n)
{
	size_t at = 0;
	t->revision = revision;
	t->items[0] = '\0';
	for (unsigned i = 0; i < n && at < sizeof t->items; i++) {
		assert_true(!items[i].value || !items[i].value[items[i].len]);
		at += (size_t)snprintf(t->items + at, sizeof t->items - at,
			"%s=%s@%lld ", items[i].key,
			items[i].value ? items[i].value : "(none)",
			(long long)items[i].revision);
	}
}

static void on_all(
	void *arg, int64_t revision, const struct etcd_item *items, unsigned n)
{
	struct scene *s = arg;
	s->told.all++;
	note_items(&s->told, revision, items, n);
}

static void on_changed(
	void *arg, int64_t revision, const struct etcd_item *items, unsigned n)
{
	struct scene *s = arg;
	assert_true(s->told.all > 0);
	s->told.changed++;
	note_items(&s->told, revision, items, n);
}

static void on_connected(void *arg, const char *why)
{
	struct scene *s = arg;
	s->told.connected++;
	snprintf(s->told.why, sizeof s->told.why, "%s", why ? why : "");
}

struct waiter {
	struct scene *scene;
	const char *name;
};

static void on_done(void *arg, const char *key, enum etcd_result result,
	int64_t revision, const char *why)
{
	static const char *const names[] = {"done", "conflict", "unsure"};
	struct waiter *w = arg;
	struct told *t = &w->scene->told;
	size_t at = strlen(t->answers);
	assert_true((why != NULL) == (result == ETCD_UNSURE));
	assert_int_equal(strlen(key), 1);
	snprintf(t->answers + at, sizeof t->answers - at, "%s:%s@%lld ",
		w->name, names[result], (long long)revision);
	if (why)
		snprintf(t->why, sizeof t->why, "%s", why);
	t->done++;
}

/* -- the gateway -- */

static void gateway_accept(struct scene *s)
{
	struct asked *a = s->asked;
	while (a->fd)
		assert_true(++a < s->asked + CONNECTIONS);
	a->fd = accept(s->listener, NULL, NULL);
	assert_true(a->fd > 0);
}

static void gateway_hang_up(struct asked *a)
{
	close(a->fd);
	buf_fini(&a->text);
	json_decref(a->body);
	*a = (struct asked){0};
}

static void gateway_read(struct asked *a)
{
	char bytes[65536];
	ssize_t n = recv(a->fd, bytes, sizeof bytes, 0);
	if (n <= 0) {
		gateway_hang_up(a);
		return;
	}
	buf_add(&a->text, bytes, (size_t)n);
	const char *body = strstr(a->text.text, "\r\n\r\n");
	const char *length = strstr(a->text.text, "Content-Length: ");
	if (a->body || !body || !length)
		return;
	body += 4;
	size_t have = a->text.len - (size_t)(body - a->text.text);
	if (have < strtoul(length + 16, NULL, 10))
		return;
	assert_int_equal(sscanf(a->text.text, "POST %63s ", a->path), 1);
	assert_non_null(strstr(a->text.text, "Grpc-Metadata-hasleader: true"));
	a->body = json_loads(body, 0, NULL);
	assert_non_null(a->body);
}

/* Waits for something, and does it. */
static void turn(struct scene *s, int64_t until_ms)
{
	struct pollfd p[CONNECTIONS + 2] = {
		{.fd = s->listener, .events = POLLIN},
		{.fd = mailbox_fd(s->mailbox), .events = POLLIN}};
	for (unsigned i = 0; i < CONNECTIONS; i++)
		p[2 + i] = (struct pollfd){
			.fd = s->asked[i].fd ? s->asked[i].fd : -1,
			.events = POLLIN};
	int64_t left = until_ms - clock_ms();
	assert_true(left > 0);
	assert_true(poll(p, CONNECTIONS + 2, (int)left) > 0);
	if (p[1].revents)
		mailbox_run(s->mailbox);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		if (p[2 + i].revents)
			gateway_read(&s->asked[i]);
	if (p[0].revents)
		gateway_accept(s);
}

#define WAIT_FOR(s, condition)                            \
	do {                                              \
		int64_t until = clock_ms() + PATIENCE_MS; \
		while (!(condition))                      \
			turn(s, until);                   \
	} while (0)

static struct asked *find(struct scene *s, const char *path)
{
	for (unsigned i = 0; i < CONNECTIONS; i++)
		if (s->asked[i].body && !strcmp(s->asked[i].path, path))
			return &s->asked[i];
	return NULL;
}

/* The next request to that path, whatever else comes. */
static struct asked *take(struct scene *s, const char *path)
{
	struct asked *a;
	WAIT_FOR(s, (a = find(s, path)));
	*a->path = '\0';
	return a;
}

/* False: the client has hung up, as it may. */
static bool tell(struct asked *a, const char *text, size_t n)
{
	while (n) {
		ssize_t sent = send(a->fd, text, n, MSG_NOSIGNAL);
		if (sent < 0)
			return false;
		text += sent;
		n -= (size_t)sent;
	}
	return true;
}

static void answer(struct asked *a, unsigned status, const char *body)
{
	char head[128];
	int n = snprintf(head, sizeof head,
		"HTTP/1.1 %u x\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n\r\n",
		status, strlen(body));
	tell(a, head, (size_t)n);
	tell(a, body, strlen(body));
	gateway_hang_up(a);
}

/* The connection goes on. */
static void answer_and_stay(struct asked *a, const char *body)
{
	char head[128];
	int n = snprintf(head, sizeof head,
		"HTTP/1.1 200 x\r\nContent-Length: %zu\r\n\r\n", strlen(body));
	int fd = a->fd;
	tell(a, head, (size_t)n);
	tell(a, body, strlen(body));
	buf_fini(&a->text);
	json_decref(a->body);
	*a = (struct asked){.fd = fd};
}

static bool say(struct asked *a, const char *text)
{
	char head[32];
	int n = snprintf(head, sizeof head, "%zx\r\n", strlen(text));
	return tell(a, head, (size_t)n) && tell(a, text, strlen(text)) &&
		tell(a, "\r\n", 2);
}

#define HEADER(cluster, revision, term)                    \
	"\"header\":{\"cluster_id\":\"" #cluster           \
	"\",\"member_id\":\"1\",\"revision\":\"" #revision \
	"\",\"raft_term\":\"" #term "\"}"

static void begin(struct asked *a)
{
	const char *head =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	tell(a, head, strlen(head));
}

static const char *base64(const char *text, size_t n)
{
	static char out[4][256];
	static unsigned i;
	i = (i + 1) % 4;
	EVP_EncodeBlock(
		(unsigned char *)out[i], (const unsigned char *)text, (int)n);
	return out[i];
}

/* A key and its value as etcd says them; value NULL: deleted. */
static const char *kv(const char *key, const char *value, int revision)
{
	static char out[4][512];
	static unsigned i;
	char *text = out[i = (i + 1) % 4];
	int n = snprintf(text, sizeof out[i],
		"{\"key\":\"%s\",\"mod_revision\":\"%d\"",
		base64(key, strlen(key)), revision);
	if (value && *value)
		n += snprintf(text + n, sizeof out[i] - (size_t)n,
			",\"value\":\"%s\"", base64(value, strlen(value)));
	snprintf(text + n, sizeof out[i] - (size_t)n, "}");
	return text;
}

/* A member of a request, as text; of octets: what they are, "\0" as "%". */
static const char *member(json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static const char *octets(json_t *o, const char *name)
{
	static unsigned char out[512];
	const char *text = member(o, name);
	assert_non_null(text);
	size_t len = strlen(text);
	int n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	assert_true(n >= 0);
	n -= (len && text[len - 1] == '=') + (len && text[len - 2] == '=');
	for (int i = 0; i < n; i++)
		if (!out[i])
			out[i] = '%';
	out[n] = '\0';
	return (char *)out;
}

/* -- scenes -- */

static int setup(void **state)
{
	struct scene *s = mem_zero(1, sizeof *s);
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_return_code(
		bind(s->listener, (struct sockaddr *)&at, sizeof at), errno);
	assert_return_code(listen(s->listener, 16), errno);
	getsockname(s->listener, (struct sockaddr *)&at, &len);
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u",
		ntohs(at.sin_port));
	s->endpoint[0] = s->url;
	s->mailbox = mailbox_new();
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	close(s->listener); /* what is given back then is refused at once */
	etcd_close(s->etcd);
	mailbox_free(s->mailbox);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		if (s->asked[i].fd)
			gateway_hang_up(&s->asked[i]);
	free(s);
	return 0;
}

static void open_client(
	struct scene *s, unsigned timeout_ms, unsigned silence_ms)
{
	struct etcd_options o = {.n_endpoints = s->endpoint[1] ? 2 : 1,
		.endpoint = s->endpoint,
		.prefix = "/p/",
		.ca = "",
		.cert = "",
		.key = "",
		.timeout_ms = timeout_ms,
		.silence_ms = silence_ms,
		.mailbox = s->mailbox,
		.events = {s, on_all, on_changed, on_connected}};
	s->etcd = etcd_open(&o);
}

static void give_nothing(struct scene *s)
{
	answer(take(s, "/v3/kv/range"), 200, "{" HEADER(7, 10, 3) "}");
}

/* A watch that stands, from that revision on. */
static struct asked *stand(struct scene *s, const char *from)
{
	struct asked *a = take(s, "/v3/watch");
	json_t *create = json_object_get(a->body, "create_request");
	assert_string_equal(member(create, "start_revision"), from);
	assert_string_equal(octets(create, "key"), "/p/");
	assert_string_equal(octets(create, "range_end"), "/p0");
	begin(a);
	say(a, "{\"result\":{" HEADER(7, 99, 3) ",\"created\":true}}\n");
	return a;
}

static struct asked *open_standing(struct scene *s)
{
	open_client(s, PATIENCE_MS, PATIENCE_MS);
	give_nothing(s);
	struct asked *a = stand(s, "11");
	WAIT_FOR(s, s->told.connected);
	assert_string_equal(s->told.why, "");
	return a;
}

/* One change in a line. */
static void say_change(
	struct asked *a, const char *key, const char *value, int revision)
{
	char line[1024];
	snprintf(line, sizeof line,
		"{\"result\":{" HEADER(
			7, 99, 3) ",\"events\":[{%s\"kv\":%s}]}}\n",
		value ? "" : "\"type\":\"DELETE\",", kv(key, value, revision));
	say(a, line);
}

/* -- all, then changes -- */

static void test_pages_at_one_revision(void **state)
{
	struct scene *s = *state;
	char text[2048];
	open_client(s, PATIENCE_MS, PATIENCE_MS);

	struct asked *a = take(s, "/v3/kv/range");
	assert_string_equal(octets(a->body, "key"), "/p/");
	assert_string_equal(octets(a->body, "range_end"), "/p0");
	assert_string_equal(member(a->body, "limit"), "500");
	assert_string_equal(member(a->body, "revision"), "0");
	snprintf(text, sizeof text,
		"{" HEADER(7, 10,
			3) ",\"more\":true,\"count\":\"3\",\"kvs\":[%s,%s]}",
		kv("/p/a", "one", 4), kv("/p/b", "", 9));
	answer(a, 200, text);

	a = take(s, "/v3/kv/range");
	assert_string_equal(octets(a->body, "key"), "/p/b%");
	assert_string_equal(member(a->body, "revision"), "10");
	snprintf(text, sizeof text,
		"{" HEADER(7, 14, 3) ",\"count\":\"1\",\"kvs\":[%s]}",
		kv("/p/c", "three", 2));
	answer(a, 200, text);

	stand(s, "11");
	WAIT_FOR(s, s->told.connected);
	assert_int_equal(s->told.all, 1);
	assert_int_equal(s->told.revision, 10);
	assert_string_equal(s->told.items, "a=one@4 b=@9 c=three@2 ");
	assert_string_equal(s->told.why, "");
}

static void test_changes_in_order(void **state)
{
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	char line[1024];
	snprintf(line, sizeof line,
		"{\"result\":{" HEADER(
			7, 12, 3) ",\"events\":[{\"kv\":%s},"
				  "{\"type\":\"DELETE\",\"kv\":%s}]}}\n",
		kv("/p/a", "one", 11), kv("/p/b", NULL, 12));
	/* In two pieces, as a large one would come. */
	char *half = line + strlen(line) / 2, kept = *half;
	*half = '\0';
	say(a, line);
	*half = kept;
	say(a, half);
	WAIT_FOR(s, s->told.changed == 1);
	assert_string_equal(s->told.items, "a=one@11 b=(none)@12 ");
	assert_int_equal(s->told.revision, 12);
	/* What is said again is not told again. */
	say_change(a, "/p/a", "one", 11);
	say_change(a, "/p/a", "two", 13);
	WAIT_FOR(s, s->told.revision == 13);
	assert_int_equal(s->told.changed, 2);
}

static void test_a_cut_watch_goes_on(void **state)
{
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	say_change(a, "/p/a", "one", 12);
	WAIT_FOR(s, s->told.changed == 1);
	gateway_hang_up(a);
	a = stand(s, "13");
	say_change(a, "/p/a", NULL, 15);
	WAIT_FOR(s, s->told.changed == 2);
	assert_string_equal(s->told.items, "a=(none)@15 ");
	assert_int_equal(s->told.all, 1);
	assert_int_equal(s->told.connected, 1);
}

/* Of a revision that came in part, all is asked for again. */
static void test_a_cut_fragment(void **state)
{
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	char line[1024];
	snprintf(line, sizeof line,
		"{\"result\":{" HEADER(7, 12, 3) ",\"fragment\":true,"
						 "\"events\":[{\"kv\":%s}]}}\n",
		kv("/p/a", "one", 12));
	say(a, line);
	WAIT_FOR(s, s->told.changed == 1);
	gateway_hang_up(a);
	stand(s, "12");
}

static void test_silence_ends_a_watch(void **state)
{
	struct scene *s = *state;
	open_client(s, PATIENCE_MS, 200);
	give_nothing(s);
	stand(s, "11");
	stand(s, "11");
}

/* -- all anew -- */

static void test_compaction(void **state)
{
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	say(a,
		"{\"result\":{" HEADER(7, 30,
			3) ",\"canceled\":true,\"compact_revision\":\"20\"}}\n");
	give_nothing(s);
	stand(s, "11");
	WAIT_FOR(s, s->told.all == 2);
	assert_int_equal(s->told.connected, 1);
}

/* Each is told by the first answer of the next watch. */
static void test_another_etcd(void **state)
{
	static const char *const headers[] = {
		HEADER(8, 50, 3), HEADER(7, 9, 3), HEADER(7, 50, 2)};
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	for (unsigned i = 0; i < 3; i++) {
		char line[256];
		gateway_hang_up(a);
		a = take(s, "/v3/watch");
		begin(a);
		snprintf(line, sizeof line,
			"{\"result\":{%s,\"created\":true}}\n", headers[i]);
		say(a, line);
		give_nothing(s);
		a = stand(s, "11");
		WAIT_FOR(s, s->told.all == 2 + i);
	}
}

/* Pages are shorter than a line of that. */
static void test_an_endless_line(void **state)
{
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	char *text = mem_alloc(6 << 20);
	memset(text, ' ', 6 << 20);
	text[(6 << 20) - 1] = '\0';
	say(a, text);
	free(text);
	give_nothing(s);
	stand(s, "11");
	WAIT_FOR(s, s->told.all == 2);
}

static void test_shorter_pages(void **state)
{
	struct scene *s = *state;
	open_client(s, PATIENCE_MS, PATIENCE_MS);
	struct asked *a = take(s, "/v3/kv/range");
	char *text = mem_alloc(18 << 20);
	memset(text, ' ', 18 << 20);
	text[(18 << 20) - 1] = '\0';
	answer(a, 200, text);
	free(text);
	a = take(s, "/v3/kv/range");
	assert_string_equal(member(a->body, "limit"), "63");
	answer(a, 200, "{" HEADER(7, 10, 3) "}");
	stand(s, "11");
	WAIT_FOR(s, s->told.all == 1);
}

/* -- failures -- */

#define NO_LEADER "etcdserver: no leader"

static void test_no_quorum(void **state)
{
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	say(a,
		"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":"
		"\"" NO_LEADER
		"\",\"http_status\":\"Service Unavailable\"}}\n");
	for (unsigned i = 0; i < 3; i++)
		answer(take(s, "/v3/watch"), 503,
			"{\"error\":\"" NO_LEADER "\",\"code\":14}");
	a = take(s, "/v3/watch");
	/* It was tried four times, and told once. */
	assert_int_equal(s->told.connected, 2);
	assert_non_null(strstr(s->told.why, "etcd has no quorum: "));
	begin(a);
	say(a, "{\"result\":{" HEADER(7, 10, 4) ",\"created\":true}}\n");
	WAIT_FOR(s, s->told.connected == 3);
	assert_string_equal(s->told.why, "");
	assert_int_equal(s->told.all, 1);
}

static void test_what_is_no_etcd(void **state)
{
	struct scene *s = *state;
	open_client(s, PATIENCE_MS, PATIENCE_MS);
	answer(take(s, "/v3/kv/range"), 200, "<html>");
	answer(take(s, "/v3/kv/range"), 404, "page not found");
	WAIT_FOR(s, s->told.connected == 1);
	assert_non_null(strstr(s->told.why, s->url));
	give_nothing(s);
	struct asked *a = stand(s, "11");
	WAIT_FOR(s, s->told.connected == 2);
	say(a, "{\"result\":{}}\n");
	stand(s, "11");
	assert_int_equal(s->told.all, 1);
}

static void test_the_next_endpoint(void **state)
{
	struct scene *s = *state;
	s->endpoint[1] = "http://127.0.0.1:1"; /* nobody listens */
	struct asked *a = open_standing(s);
	assert_int_equal(s->told.connected, 1);
	say_change(a, "/p/a", "one", 12);
	WAIT_FOR(s, s->told.changed == 1);
}

/* -- changes of ours -- */

static void test_compare_and_swap(void **state)
{
	struct scene *s = *state;
	struct waiter one = {s, "one"}, two = {s, "two"}, gone = {s, "gone"};
	open_standing(s);
	etcd_change(s->etcd, "a", "first", 0, on_done, &one);
	etcd_change(s->etcd, "a", "second", 5, on_done, &two);
	etcd_change(s->etcd, "b", NULL, 6, on_done, &gone);

	struct asked *a = take(s, "/v3/kv/txn");
	const char *revision, *op, *key, *value;
	assert_int_equal(
		json_unpack(a->body, "{s:[{s:s,s:s}],s:[{s:{s:s,s:s}}]}",
			"compare", "target", &op, "mod_revision", &revision,
			"success", "request_put", "key", &key, "value", &value),
		0);
	assert_string_equal(op, "MOD");
	assert_string_equal(revision, "0");
	assert_string_equal(key, base64("/p/a", 4));
	assert_string_equal(value, base64("first", 5));
	answer(a, 200, "{" HEADER(7, 21, 3) ",\"succeeded\":true}");
	a = take(s, "/v3/kv/txn");
	assert_null(find(s, "/v3/kv/txn"));
	answer(a, 200, "{" HEADER(7, 22, 3) "}");
	a = take(s, "/v3/kv/txn");
	assert_int_equal(json_unpack(a->body, "{s:[{s:{s:s}}]}", "success",
				 "request_delete_range", "key", &key),
		0);
	answer(a, 200, "{" HEADER(7, 23, 3) ",\"succeeded\":true}");
	WAIT_FOR(s, s->told.done == 3);
	assert_string_equal(
		s->told.answers, "one:done@21 two:conflict@0 gone:done@23 ");
}

/* It may be done: it is not sent again. */
static void test_unsure(void **state)
{
	struct scene *s = *state;
	struct waiter cut = {s, "cut"}, odd = {s, "odd"}, late = {s, "late"},
		      next = {s, "next"};
	open_standing(s);
	etcd_change(s->etcd, "a", "1", 0, on_done, &cut);
	etcd_change(s->etcd, "b", "2", 0, on_done, &odd);
	etcd_change(s->etcd, "c", "3", 0, on_done, &late);
	etcd_change(s->etcd, "d", "4", 0, on_done, &next);
	gateway_hang_up(take(s, "/v3/kv/txn"));
	answer(take(s, "/v3/kv/txn"), 200, "[]");
	answer(take(s, "/v3/kv/txn"), 503,
		"{\"error\":\"etcdserver: request timed out\",\"code\":14}");
	struct asked *a = take(s, "/v3/kv/txn");
	const char *key;
	assert_int_equal(json_unpack(a->body, "{s:[{s:{s:s}}]}", "success",
				 "request_put", "key", &key),
		0);
	assert_string_equal(key, base64("/p/d", 4));
	answer(a, 200, "{" HEADER(7, 23, 3) ",\"succeeded\":true}");
	WAIT_FOR(s, s->told.done == 4);
	assert_string_equal(s->told.answers,
		"cut:unsure@0 odd:unsure@0 late:unsure@0 next:done@23 ");
}

/* A member without a leader did nothing: the change is sent to the next. */
static void test_change_without_leader(void **state)
{
	struct scene *s = *state;
	struct waiter one = {s, "one"};
	open_standing(s);
	etcd_change(s->etcd, "a", "1", 0, on_done, &one);
	answer(take(s, "/v3/kv/txn"), 503,
		"{\"error\":\"" NO_LEADER "\",\"code\":14}");
	answer(take(s, "/v3/kv/txn"), 200,
		"{" HEADER(7, 21, 3) ",\"succeeded\":true}");
	WAIT_FOR(s, s->told.done == 1);
	assert_string_equal(s->told.answers, "one:done@21 ");
}

static void test_nobody_there(void **state)
{
	struct scene *s = *state;
	struct waiter one = {s, "one"}, two = {s, "two"};
	s->endpoint[0] = "http://127.0.0.1:1";
	open_client(s, 300, PATIENCE_MS);
	etcd_change(s->etcd, "a", "1", 0, on_done, &one);
	etcd_change(s->etcd, "b", "2", 0, on_done, &two);
	WAIT_FOR(s, s->told.done == 2);
	assert_string_equal(s->told.answers, "one:unsure@0 two:unsure@0 ");
	assert_non_null(strstr(s->told.why, "Connection refused"));
	WAIT_FOR(s, s->told.connected == 1);
}

/* -- announcements -- */

static void grant(struct scene *s, const char *id)
{
	char text[256];
	struct asked *a = take(s, "/v3/lease/grant");
	assert_string_equal(member(a->body, "TTL"), "10");
	snprintf(text, sizeof text,
		"{" HEADER(7, 10, 3) ",\"ID\":\"%s\",\"TTL\":\"10\"}", id);
	answer(a, 200, text);
}

static struct asked *take_put(
	struct scene *s, const char *value, const char *lease)
{
	struct asked *a = take(s, "/v3/kv/put");
	assert_string_equal(octets(a->body, "value"), value);
	assert_string_equal(member(a->body, "lease"), lease);
	return a;
}

static const char put_done[] = "{" HEADER(7, 12, 3) "}";

static void test_the_last_value_wins(void **state)
{
	struct scene *s = *state;
	open_standing(s);
	etcd_announce(s->etcd, ETCD_BRIEF, "me", "one");
	grant(s, "77");
	struct asked *a = take_put(s, "one", "77");
	etcd_announce(s->etcd, ETCD_BRIEF, "me", "two");
	etcd_announce(s->etcd, ETCD_BRIEF, "me", "three");
	answer(a, 200, put_done);
	/* If "two" was not yet there to be replaced, it was sent before. */
	a = take(s, "/v3/kv/put");
	if (!strcmp(octets(a->body, "value"), "two")) {
		answer(a, 200, put_done);
		a = take(s, "/v3/kv/put");
	}
	assert_string_equal(octets(a->body, "value"), "three");
	/* Without an answer it is sent until it is there. */
	gateway_hang_up(a);
	answer(take_put(s, "three", "77"), 200, put_done);
	etcd_announce(s->etcd, ETCD_BRIEF, "me", NULL);
	a = take(s, "/v3/kv/deleterange");
	assert_string_equal(octets(a->body, "key"), "/p/me");
	answer(a, 200, put_done);
}

static void test_a_lost_lease(void **state)
{
	struct scene *s = *state;
	open_standing(s);
	etcd_announce(s->etcd, ETCD_BRIEF, "me", "one");
	grant(s, "77");
	answer(take_put(s, "one", "77"), 200, put_done);
	/* Told by what is sent under it ... */
	etcd_announce(s->etcd, ETCD_BRIEF, "me", "two");
	answer(take_put(s, "two", "77"), 404,
		"{\"error\":\"etcdserver: requested lease not found\",\"code\":5}");
	give_nothing(s);
	stand(s, "11");
	grant(s, "78");
	answer(take_put(s, "two", "78"), 200, put_done);
	/* ... and when it is prolonged. */
	struct asked *a = take(s, "/v3/lease/keepalive");
	assert_string_equal(member(a->body, "ID"), "78");
	answer(a, 200, "{\"result\":{" HEADER(7, 10, 3) ",\"ID\":\"78\"}}\n");
	grant(s, "79");
	answer(take_put(s, "two", "79"), 200, put_done);
	/* It may be another etcd. */
	give_nothing(s);
	stand(s, "11");
	WAIT_FOR(s, s->told.all == 3);
	assert_int_equal(s->told.connected, 1);
}

static void test_another_etcd_has_no_keys(void **state)
{
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	etcd_announce(s->etcd, ETCD_BRIEF, "me", "one");
	grant(s, "77");
	answer(take_put(s, "one", "77"), 200, put_done);
	gateway_hang_up(a);
	a = take(s, "/v3/watch");
	begin(a);
	say(a, "{\"result\":{" HEADER(9, 10, 3) ",\"created\":true}}\n");
	answer(take(s, "/v3/kv/range"), 200, "{" HEADER(9, 10, 3) "}");
	answer(take_put(s, "one", "77"), 200, put_done);
}

/* Of what etcd never takes the others do not suffer. */
static void test_a_refused_value(void **state)
{
	struct scene *s = *state;
	open_standing(s);
	etcd_announce(s->etcd, ETCD_BRIEF, "large", "one");
	grant(s, "77");
	answer(take_put(s, "one", "77"), 400,
		"{\"error\":\"etcdserver: request is too large\",\"code\":3}");
	etcd_announce(s->etcd, ETCD_BRIEF, "small", "two");
	answer(take_put(s, "two", "77"), 200, put_done);
}

/* -- bounds -- */

/* curl sends a request again that got silence on a connection that was used before. */
static void test_never_sent_twice(void **state)
{
	struct scene *s = *state;
	struct waiter one = {s, "one"}, two = {s, "two"}, next = {s, "next"};
	const char *key;
	open_standing(s);
	etcd_change(s->etcd, "a", "1", 0, on_done, &one);
	answer_and_stay(take(s, "/v3/kv/txn"),
		"{" HEADER(7, 21, 3) ",\"succeeded\":true}");
	WAIT_FOR(s, s->told.done == 1);
	etcd_change(s->etcd, "b", "2", 0, on_done, &two);
	etcd_change(s->etcd, "c", "3", 0, on_done, &next);
	gateway_hang_up(take(s, "/v3/kv/txn"));
	struct asked *a = take(s, "/v3/kv/txn");
	assert_int_equal(json_unpack(a->body, "{s:[{s:{s:s}}]}", "success",
				 "request_put", "key", &key),
		0);
	assert_string_equal(key, base64("/p/c", 4));
	WAIT_FOR(s, s->told.done == 2);
	assert_string_equal(s->told.answers, "one:done@21 two:unsure@0 ");
}

static void test_too_many_changes(void **state)
{
	struct scene *s = *state;
	struct waiter one = {s, "one"}, last = {s, "last"};
	open_standing(s);
	for (unsigned i = 0; i < CHANGES_MAX; i++)
		etcd_change(s->etcd, "a", "1", 0, on_done, &one);
	etcd_change(s->etcd, "a", "1", 0, on_done, &last);
	WAIT_FOR(s, s->told.done == 1);
	assert_string_equal(s->told.answers, "last:unsure@0 ");
}

/* The watch ends when an owner does not take what comes, and goes on when it does. */
static void test_an_owner_that_is_behind(void **state)
{
	struct scene *s = *state;
	struct asked *a = open_standing(s);
	struct buf value = {0};
	unsigned most = 2 * (ETCD_ALL_MAX / ETCD_VALUE_MAX), n = 0;
	char *zeros = mem_zero(1, ETCD_VALUE_MAX), from[32];
	base64_add(&value, zeros, ETCD_VALUE_MAX);
	free(zeros);
	for (bool heard = true; heard && n < most; n++) {
		struct buf line = {0};
		buf_printf(&line,
			"{\"result\":{" HEADER(7, 99,
				3) ",\"events\":[{\"kv\":{\"key\":\"L3AvYQ==\","
				   "\"mod_revision\":\"%u\",\"value\":\"%s\"}}]}}\n",
			11 + n, value.text);
		heard = say(a, line.text);
		buf_fini(&line);
	}
	assert_true(n < most);
	buf_fini(&value);
	a = take(s, "/v3/watch");
	snprintf(from, sizeof from, "%lld", (long long)s->told.revision + 1);
	assert_string_equal(member(json_object_get(a->body, "create_request"),
				    "start_revision"),
		from);
	assert_true(s->told.changed > 100);
	assert_int_equal(s->told.all, 1);
}

/* -- the end -- */

/* Nothing is called after it, whatever waits and wherever it does. */
static void test_close(void **state)
{
	struct scene *s = *state;
	struct waiter one = {s, "one"};
	open_client(s, 400, PATIENCE_MS);
	give_nothing(s);
	struct asked *watch = stand(s, "11");
	WAIT_FOR(s, s->told.connected);
	etcd_announce(s->etcd, ETCD_BRIEF, "me", "one");
	grant(s, "77");
	take_put(s, "one", "77");
	say_change(watch, "/p/a", "one", 12);
	struct pollfd p = {.fd = mailbox_fd(s->mailbox), .events = POLLIN};
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	etcd_change(s->etcd, "a", "1", 0, on_done, &one);
	etcd_change(s->etcd, "b", "1", 0, on_done, &one);
	etcd_announce(s->etcd, ETCD_LASTING, "me", "two");
	etcd_close(s->etcd);
	s->etcd = NULL;
	struct asked *a = take(s, "/v3/lease/revoke");
	assert_string_equal(member(a->body, "ID"), "77");
	mailbox_run(s->mailbox);
	assert_int_equal(s->told.changed, 0);
	assert_int_equal(s->told.done, 0);
	assert_int_equal(s->told.connected, 1);
}

static void test_close_at_once(void **state)
{
	struct scene *s = *state;
	open_client(s, 300, PATIENCE_MS);
	etcd_announce(s->etcd, ETCD_LASTING, "me", "two");
	etcd_close(s->etcd);
	s->etcd = NULL;
	etcd_close(NULL);
}

/* -- the gateway's JSON -- */

static void test_base64(void **state)
{
	static const char *const bad[] = {"A", "AA", "AAA",
		"A===", "====", "AA=A", "AA==AAAA", "A-==", "AAA\n"};
	uint8_t out[64];
	size_t n;
	for (size_t len = 0; len < 40; len++) {
		uint8_t bytes[40];
		struct buf text = {0};
		rng_secret(bytes, sizeof bytes);
		base64_add(&text, bytes, len);
		if (len)
			assert_string_equal(
				text.text, base64((char *)bytes, len));
		assert_true(base64_read(text.text, text.len, out, &n));
		assert_int_equal(n, len);
		assert_memory_equal(out, bytes, len);
		buf_fini(&text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(base64_read(bad[i], strlen(bad[i]), out, &n));
}

/* K: "/p/a". */
#define K "\"key\":\"L3AvYQ==\""
#define H HEADER(7, 10, 3)

static void test_bad_pages(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "7", "null", "{}",
		"{\"header\":[]}", "{\"header\":{\"revision\":\"x\"}}",
		"{\"header\":{\"revision\":\"-1\"}}",
		"{\"header\":{\"revision\":-1}}",
		"{\"header\":{\"revision\":\"9223372036854775808\"}}",
		"{\"header\":{\"revision\":\"99999999999999999999999\"}}",
		"{\"header\":{\"cluster_id\":true}}", "{" H ",\"more\":1}",
		"{" H ",\"more\":true}", "{" H ",\"kvs\":{}}",
		"{" H ",\"kvs\":[1]}", "{" H ",\"kvs\":[{}]}",
		"{" H ",\"kvs\":[{\"key\":7}]}",
		"{" H ",\"kvs\":[{\"key\":\"L3AvYQ\"}]}",
		"{" H ",\"kvs\":[{\"key\":\"L3EvYQ==\"}]}",
		"{" H ",\"kvs\":[{" K ",\"value\":[]}]}",
		"{" H ",\"kvs\":[{" K ",\"value\":\"*\"}]}",
		"{" H ",\"kvs\":[{" K ",\"mod_revision\":\"1.5\"}]}",
		"{" H ",\"kvs\":[{" K "},{" K "}]}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct batch *b = batch_new();
		struct gateway_page page = {0};
		struct err err = {0};
		assert_false(gateway_page(
			bad[i], strlen(bad[i]), "/p/", b, &page, &err));
		assert_int_equal(err.count, 1);
		err_fini(&err);
		buf_fini(&page.next);
		batch_free(b);
	}
}

static void test_bad_lines(void **state)
{
	static const char *const bad[] = {"", "{}", "{\"error\":7}",
		"{\"error\":{}}", "{\"result\":7}", "{\"result\":{}}",
		"{\"result\":{" H ",\"created\":\"yes\"}}",
		"{\"result\":{" H ",\"events\":7}}",
		"{\"result\":{" H ",\"events\":[7]}}",
		"{\"result\":{" H ",\"events\":[{\"type\":\"X\",\"kv\":{" K
		"}}]}}",
		"{\"result\":{" H ",\"events\":[{\"type\":7,\"kv\":{" K "}}]}}",
		"{\"result\":{" H ",\"canceled\":true,"
		"\"compact_revision\":\"x\"}}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct batch *b = batch_new();
		struct gateway_said said;
		struct err err = {0};
		assert_false(gateway_said(
			bad[i], strlen(bad[i]), "/p/", b, &said, &err));
		assert_int_equal(err.count, 1);
		err_fini(&err);
		batch_free(b);
	}
}

static void test_bad_answers(void **state)
{
	static const char *const bad[] = {"", "[]", "{}",
		"{" H ",\"ID\":\"0\"}", "{" H ",\"ID\":[]}",
		"{" H ",\"ID\":\"7\",\"TTL\":\"-1\"}",
		"{\"result\":{\"ID\":\"7\"}}"};
	int64_t id, ttl_s, revision;
	bool changed;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {0};
		assert_false(gateway_leased(
			bad[i], strlen(bad[i]), &id, &ttl_s, &err));
		assert_int_equal(err.count, 1);
		err_fini(&err);
	}
	struct err err = {0};
	assert_false(gateway_changed(
		"{\"succeeded\":true}", 18, &changed, &revision, &err));
	assert_false(gateway_changed("{" H ",\"succeeded\":1}",
		strlen("{" H ",\"succeeded\":1}"), &changed, &revision, &err));
	assert_false(gateway_done("{}", 2, &err));
	err_fini(&err);
}

/* Somebody else's keys and values that are too long are as if they were not there. */
static void test_too_long(void **state)
{
	struct batch *b = batch_new();
	struct gateway_page page = {0};
	struct gateway_said said;
	struct err err = {0};
	struct buf kvs = {0}, text = {0};
	char *large = mem_zero(1, ETCD_VALUE_MAX + 1);

	memset(large, 'x', ETCD_VALUE_MAX + 1);
	buf_printf(&kvs, "{" K ",\"mod_revision\":\"4\",\"value\":\"");
	base64_add(&kvs, large, ETCD_VALUE_MAX + 1);
	buf_printf(&kvs, "\"}");
	buf_printf(&text, "{" H ",\"kvs\":[%s,{\"key\":\"", kvs.text);
	memcpy(large, "/p/b", 4);
	base64_add(&text, large, ETCD_KEY_MAX + 1);
	buf_printf(&text, "\"},{\"key\":\"");
	base64_add(&text, "/p/c\0d", 6);
	buf_printf(&text, "\"},{\"key\":\"");
	base64_add(&text, "/p/d", 4);
	buf_printf(&text, "\"}]}");
	assert_true(gateway_page(text.text, text.len, "/p/", b, &page, &err));
	assert_int_equal(b->n, 1);
	assert_string_equal(b->item[0].key, "d");
	assert_int_equal(b->left_out, 3);

	text.len = 0;
	buf_printf(&text, "{\"result\":{" H ",\"events\":[{\"kv\":%s}]}}",
		kvs.text);
	assert_true(gateway_said(text.text, text.len, "/p/", b, &said, &err));
	assert_int_equal(b->n, 2);
	assert_null(b->item[1].value);
	buf_fini(&page.next);
	buf_fini(&kvs);
	buf_fini(&text);
	batch_free(b);
	free(large);
}

/* The end of a prefix of any octets. */
static void test_range_end(void **state)
{
	static const struct {
		const char *prefix, *end;
		size_t n;
	} cases[] = {{"/p/", "/p0", 3}, {"a\xff", "b", 1}, {"\xff\xff", "", 1}};
	for (size_t i = 0; i < 3; i++) {
		struct buf text = {0};
		const char *end;
		gateway_range(&text, cases[i].prefix, NULL, 1, 0);
		json_t *o = json_loads(text.text, 0, NULL);
		end = member(o, "range_end");
		assert_non_null(end);
		assert_string_equal(end, base64(cases[i].end, cases[i].n));
		json_decref(o);
		buf_fini(&text);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_pages_at_one_revision),
		TEST(test_changes_in_order), TEST(test_a_cut_watch_goes_on),
		TEST(test_a_cut_fragment), TEST(test_silence_ends_a_watch),
		TEST(test_compaction), TEST(test_another_etcd),
		TEST(test_an_endless_line), TEST(test_shorter_pages),
		TEST(test_no_quorum), TEST(test_what_is_no_etcd),
		TEST(test_the_next_endpoint), TEST(test_compare_and_swap),
		TEST(test_unsure), TEST(test_change_without_leader),
		TEST(test_nobody_there), TEST(test_the_last_value_wins),
		TEST(test_a_lost_lease), TEST(test_another_etcd_has_no_keys),
		TEST(test_a_refused_value), TEST(test_never_sent_twice),
		TEST(test_too_many_changes), TEST(test_an_owner_that_is_behind),
		TEST(test_close), TEST(test_close_at_once),
		cmocka_unit_test(test_base64), cmocka_unit_test(test_bad_pages),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_range_end)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
