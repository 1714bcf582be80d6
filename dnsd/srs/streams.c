#include "srs/streams.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "srs/json.h"
#include "srs/summary.h"

#define URL_MAX 512
#define PUBLISHER_MAX 64

/* -- one stream -- */

struct reading {
	char url[URL_MAX], publisher[PUBLISHER_MAX];
	uint32_t clients;
	bool active;
};

static bool read_url(const json_t *of, char url[URL_MAX], struct err *err)
{
	char app[URL_MAX], name[URL_MAX];

	if (!summary_id(of, "url", url, URL_MAX, err))
		return false;
	if (*url)
		return true;
	if (!summary_id(of, "app", app, sizeof app, err) ||
		!summary_id(of, "name", name, sizeof name, err))
		return false;
	if (!*app || !*name)
		return err_add(err, "a stream without url, app and name");
	if (snprintf(url, URL_MAX, "/%s/%s", app, name) >= URL_MAX)
		return err_add(err, "a stream's name is too long");
	return true;
}

static bool read_stream(const json_t *of, struct reading *out, struct err *err)
{
	const json_t *publish = json_object_get(of, "publish");
	uint64_t clients = 0;

	if (!json_is_object(of) || !json_is_object(publish))
		return err_add(err, "a stream without publish");
	out->active = json_is_true(json_object_get(publish, "active"));
	if (!srs_json_whole(json_object_get(of, "clients"), &clients))
		clients = 0;
	out->clients = clients < UINT32_MAX ? (uint32_t)clients : UINT32_MAX;
	return read_url(of, out->url, err) &&
		summary_id(publish, "cid", out->publisher,
			sizeof out->publisher, err);
}

/* -- the list -- */

static int by_url(const void *a, const void *b)
{
	return strcmp(((const struct reading *)a)->url,
		((const struct reading *)b)->url);
}

/* The same url twice is one stream, whichever is listed first. */
static unsigned sort(struct reading *all, unsigned n)
{
	unsigned kept = 0;
	qsort(all, n, sizeof *all, by_url);
	for (unsigned i = 0; i < n; i++)
		if (!kept || strcmp(all[kept - 1].url, all[i].url))
			all[kept++] = all[i];
	return kept;
}

static const char *streams_put(char **at, const char *text)
{
	char *here = *at;
	*at = stpcpy(here, text) + 1;
	return here;
}

static struct stream_list *pack(const struct reading *all, unsigned n,
	unsigned left_out, struct err *why)
{
	size_t text = 0;
	for (unsigned i = 0; i < n; i++)
		text += strlen(all[i].url) + strlen(all[i].publisher) + 2;
	struct stream_list *list =
		mem_alloc(sizeof *list + n * sizeof *list->stream + text);
	list->n = n;
	list->left_out = left_out;
	snprintf(list->why, sizeof list->why, "%s",
		left_out ? err_text(why) : "");
	list->stream = (struct stream *)(list + 1);
	char *at = (char *)(list->stream + n);
	for (unsigned i = 0; i < n; i++) {
		list->stream[i].url = streams_put(&at, all[i].url);
		list->stream[i].publisher = streams_put(&at, all[i].publisher);
		list->stream[i].clients = all[i].clients;
	}
	return list;
}

/* One odd entry hides none of the others. */
static struct stream_list *read_list(const json_t *array)
{
	size_t left = json_array_size(array);
	unsigned n = 0, left_out = 0;
	struct err why = {0};

	if (left > STREAMS_MAX)
		left = STREAMS_MAX;
	struct reading *all = mem_zero(left + 1, sizeof *all);
	for (size_t i = 0; i < left; i++) {
		struct err odd = {0};
		if (read_stream(json_array_get(array, i), &all[n], &odd))
			n += all[n].active;
		else if (!left_out++)
			err_add(&why, "%s", err_text(&odd));
		err_fini(&odd);
	}
	struct stream_list *list = pack(all, sort(all, n), left_out, &why);
	err_fini(&why);
	free(all);
	return list;
}

static struct stream_list *read_top(const json_t *top, struct err *err)
{
	const json_t *code = json_object_get(top, "code");
	const json_t *streams = json_object_get(top, "streams");

	if (!json_is_number(code) || json_number_value(code) != 0) {
		err_add(err, "no code 0: not an answer of SRS");
		return NULL;
	}
	if (!json_is_array(streams)) {
		err_add(err, "no streams: not SRS's list of streams");
		return NULL;
	}
	return read_list(streams);
}

struct stream_list *streams_parse(const char *body, size_t len, struct err *err)
{
	json_t *top = srs_json(body, len);
	if (!top) {
		err_add(err, "not JSON");
		return NULL;
	}
	struct stream_list *list = read_top(top, err);
	json_decref(top);
	return list;
}
