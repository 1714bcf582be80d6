/* HTTP requests, built in memory: what libevent's parser would hand over, to the
 * handlers of the operator's listener for an even first byte, of the public one for
 * an odd. Each request is answered once, and freed. */
#include <stdint.h>

#include "fuzz/world.h"
#include "http/http.c"
#include "http/request.c"

#include <event2/buffer.h>
#include <event2/http_struct.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http *fuzzed;

/* Control's replies: good ones and bad ones, by what was asked. */
static void fuzz_reply(void *owner, struct call *call)
{
	enum call_result result = CALL_KEPT;

	switch (call->kind) {
	case CALL_DRAIN:
	case CALL_UNDRAIN:
		result = call->node[0] == 'a' ? CALL_KEPT : CALL_UNKNOWN;
		break;
	case CALL_ENROL:
	case CALL_REMOVE:
		result = strlen(call->node) % 2 ? CALL_KEPT : CALL_REFUSED;
		break;
	case CALL_SCHEDULE_LIST:
		call->list = mem_zero(1, sizeof *call->list);
		call->n = 1;
		break;
	case CALL_SCHEDULE_ADD:
	case CALL_SCHEDULE_REMOVE:
		result = (enum call_result)(call->entry.id % 5);
		break;
	case CALL_HISTORY:
		call->points = mem_zero(1, sizeof *call->points);
		call->n = 1;
		break;
	default:
		break;
	}
	call_answer(call, result, "fuzz");
}

static struct callee callee = {.run = fuzz_reply};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int none = -1;
	struct http_sockets sockets = {.operators = &none,
		.public = &none,
		.connections = 512,
		.streams = 32};
	world_open();
	callee.mailbox = mailbox_new();
	struct http_links links = {.published = &fuzz_published,
		.control = &callee,
		.sent = fuzz_sent,
		.secret = 1};
	fuzzed = http_new(built->conf, &sockets, &links);
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
	struct again_list *waiting = &fuzzed->context.again;
	mailbox_run(callee.mailbox);
	mailbox_run(fuzzed->context.mailbox);
	while (!TAILQ_EMPTY(waiting))
		on_again(-1, 0, TAILQ_FIRST(waiting));
	mailbox_run(callee.mailbox);
	mailbox_run(fuzzed->context.mailbox);
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
		struct request_origin of = {
			.ev = ev, .public = data[0] & 1, .connected = peer};
		http_serve(&fuzzed->context, &of);
		finish();
	} else {
		evhttp_request_free(ev);
	}
	free(text);
	return 0;
}
