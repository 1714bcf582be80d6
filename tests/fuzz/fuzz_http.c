/* HTTP requests, built in memory: what libevent's parser would hand over, to the
 * handlers of the operator's listener for an even first byte, of the public one for
 * an odd. Each request is answered once, and freed. */
#include <stdint.h>

#include "fuzz/world.h"
#include "http/http.c"

#include <event2/buffer.h>
#include <event2/http_struct.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http *fuzzed;

static void op_drain(void *arg, const char *node, bool drained,
	struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, const char *text), void *done_arg)
{
	bool ok = node[0] == 'a';
	done(done_arg, ok, ok || drained ? "fuzz" : NULL);
}

static void heartbeat(void *arg, unsigned node, float connections)
{
}

static void expect(void *arg, struct expect_call *call)
{
	call->code = call->entry.id % 2 ? 404 : 200;
	call->text = "fuzz";
	if (call->what == EXPECT_LIST) {
		call->list = mem_zero(1, sizeof *call->list);
		call->n = 1;
	}
	call->done(call);
}

static void stranger(void *arg, const char *server, const char *device,
	const struct addr *from, float connections)
{
}

static void approve(void *arg, const char *node, const char *keys,
	struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, const char *text), void *done_arg)
{
	done(done_arg, strlen(node) % 2, "fuzz");
}

static void streams(void *arg)
{
}

static void history(void *arg, struct history_call *call)
{
	call->ok = true;
	call->n = 1;
	call->points = mem_zero(1, sizeof *call->points);
	call->done(call);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int none = -1;
	struct http_sockets sockets = {.operators = &none,
		.site = &none,
		.connections = 512,
		.streams = 32};
	struct control_ops ops = {.drain = op_drain,
		.heartbeat = heartbeat,
		.expect = expect,
		.stranger = stranger,
		.approve = approve,
		.streams = streams,
		.history = history};
	world_open();
	fuzzed = http_new(built->conf, &sockets, &fuzz_published, &ops,
		fuzz_sent, NULL, 1);
	return 0;
}

/* The next line, NUL-ended, without its end. */
static char *line_of(char **at)
{
	char *line = *at, *end = strchr(line, '\n');
	if (!end) {
		*at = line + strlen(line);
		return line;
	}
	*at = end + 1;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	return line;
}

static enum evhttp_cmd_type method_of(const char *word)
{
	static const char *const words[] = {
		"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"};
	for (int i = 0; i < 6; i++)
		if (!strcmp(words[i], word))
			return 1 << i;
	return EVHTTP_REQ_GET;
}

/* The first line and the headers; false: libevent would refuse it. */
static bool head(struct evhttp_request *ev, char **at)
{
	char *save, *line = line_of(at);
	char *method = strtok_r(line, " ", &save);
	char *uri = strtok_r(NULL, " ", &save);

	if (!uri)
		return false;
	ev->kind = EVHTTP_REQUEST;
	ev->type = method_of(method);
	ev->uri = strdup(uri);
	ev->uri_elems =
		evhttp_uri_parse_with_flags(uri, EVHTTP_URI_NONCONFORMANT);
	if (!ev->uri_elems)
		return false;
	/* A stream is of a connection, and there is none. */
	const char *path = evhttp_uri_get_path(ev->uri_elems);
	if (path && !strcmp(path, "/api/v1/events"))
		ev->type = EVHTTP_REQ_HEAD;
	while (*(line = line_of(at))) {
		char *value = strchr(line, ':');
		if (!value)
			return false;
		*value++ = '\0';
		evhttp_add_header(
			ev->input_headers, line, value + strspn(value, " \t"));
	}
	return true;
}

/* What waits for its turn or for control's answer is served now. */
static void finish(void)
{
	mailbox_run(fuzzed->mailbox);
	while (!TAILQ_EMPTY(&fuzzed->again))
		on_again(-1, 0, TAILQ_FIRST(&fuzzed->again));
	mailbox_run(fuzzed->mailbox);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t asker;
	struct addr peer = {.family = 4, .bytes = {127}};

	if (size < 2)
		return 0;
	char *text = mem_alloc(size), *at = text;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	struct evhttp_request *ev = evhttp_request_new(NULL, NULL);
	if (head(ev, &at)) {
		evbuffer_add(
			ev->input_buffer, at, size - 1 - (size_t)(at - text));
		asker++; /* others than those whose rate is used up */
		memcpy(peer.bytes + 1, &asker, 3);
		peer.bytes[0] = data[0] & 2 ? 192 : 127;
		serve(&fuzzed->sides[data[0] & 1], ev, &peer, 0);
		finish();
	} else {
		evhttp_request_free(ev);
	}
	free(text);
	return 0;
}
