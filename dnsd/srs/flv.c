#define _GNU_SOURCE 1 /* memmem */
#include "srs/flv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PLAIN                        \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"

/* -- which stream -- */

/* The length of a plain word, 0 if it is none. */
static size_t word(const char *text)
{
	return *text == '.' ? 0 : strspn(text, PLAIN);
}

/* "/app/name" or "vhost/app/name". */
static bool is_plain(const char *url)
{
	const char *app = *url == '/' ? url : url + word(url);
	if (*app != '/' || !word(app + 1))
		return false;
	const char *name = app + 1 + word(app + 1);
	return *name == '/' && word(name + 1) && !name[1 + word(name + 1)] &&
		strlen(url) < FLV_URL_MAX;
}

void flv_choose(
	const struct stream_list *list, struct rng *rng, char url[FLV_URL_MAX])
{
	unsigned seen = 0;
	const char *chosen = "";
	for (unsigned i = 0; i < list->n; i++)
		if (is_plain(list->stream[i].url) && rng_unit(rng) * ++seen < 1)
			chosen = list->stream[i].url;
	snprintf(url, FLV_URL_MAX, "%s", chosen);
}

static int by_url(const void *key, const void *stream)
{
	return strcmp(key, ((const struct stream *)stream)->url);
}

bool flv_lists(const struct stream_list *list, const char *url)
{
	return list->n && *url &&
		bsearch(url, list->stream, list->n, sizeof *list->stream,
			by_url);
}

void flv_listed(
	struct flv *flv, const struct stream_list *list, struct rng *rng)
{
	if (flv->step == FLV_LIST) {
		*flv->url = '\0';
		if (list)
			flv_choose(list, rng, flv->url);
		flv->step = *flv->url ? FLV_PLAY : FLV_PORT;
		return;
	}
	assert(flv->step == FLV_CHECK);
	if (!list || !flv_lists(list, flv->url)) {
		flv->step = FLV_GOOD;
		return;
	}
	flv->step = FLV_BAD;
	flv->retry = flv_lists(list, flv->served);
	flv->next_ms = 0;
}

/* -- the conversation -- */

size_t flv_request(char *to, size_t room, const char *url)
{
	assert(room > 0);
	const char *path = strchr(url, '/');
	int host = (int)(path - url);
	int n = snprintf(to, room,
		"GET %s.flv HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: dnsd\r\n"
		"Accept: */*\r\nConnection: close\r\n\r\n",
		path, host ? host : 4, host ? url : "dnsd");
	assert(n > 0 && (size_t)n < room);
	return (size_t)n;
}

/* In the lines of a head. */
static bool is_chunked(const char *head, const char *end)
{
	static const char name[] = "\r\ntransfer-encoding:";
	size_t n = sizeof name - 1;
	for (; (size_t)(end - head) >= n; head++)
		if (!strncasecmp(head, name, n))
			return true;
	return false;
}

static enum flv_answer read_body(const char *body, const char *end, bool chunks)
{
	if (chunks) { /* the first line is the length of the first piece */
		body = memchr(body, '\n', (size_t)(end - body));
		if (!body)
			return FLV_MORE;
		body++;
	}
	if (end - body < 3)
		return FLV_MORE;
	return memcmp(body, "FLV", 3) ? FLV_UNCLEAR : FLV_PLAYS;
}

enum flv_answer flv_read(const char *bytes, size_t n, unsigned *status)
{
	static const char start[] = "HTTP/1.1 200 ";
	const char *end = bytes + n;

	if (n < sizeof start - 1)
		return FLV_MORE;
	if (memcmp(bytes, start, 7) != 0 || bytes[8] != ' ')
		return FLV_UNCLEAR;
	*status = 0;
	for (unsigned i = 9; i < 12; i++) {
		if (bytes[i] < '0' || bytes[i] > '9')
			return FLV_UNCLEAR;
		*status = *status * 10 + (unsigned)(bytes[i] - '0');
	}
	if (*status == 404 || *status / 100 == 5)
		return FLV_REFUSES;
	if (*status != 200)
		return FLV_UNCLEAR;
	const char *head = memmem(bytes, n, "\r\n\r\n", 4);
	if (!head)
		return FLV_MORE;
	return read_body(head + 4, end, is_chunked(bytes, head));
}
