/* Which node has which stream, from the lists that the nodes themselves give. */
#include "control/streams.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "snapshot/streams.h"
#include "state/map.h"
#include "state/stream_set.h"

/* A publisher that is not where it was. */
struct gone {
	uint64_t url; /* hash */
	unsigned node;
	float share;
	int64_t at_ms; /* 0: free */
};
#define GONE_MAX 1024
#define LABEL_MAX 63

struct streams {
	struct stream_list **of; /* by node; NULL: none yet */
	unsigned n;
	bool changed; /* since the index was made */
	struct gone gone[GONE_MAX];
	unsigned next; /* the oldest one makes room */
};

struct streams *streams_new(void)
{
	return mem_zero(1, sizeof(struct streams));
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n; i++)
		free(s->of[i]);
	free(s->of);
	free(s);
}

static bool equal(const struct stream_list *a, const struct stream_list *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (strcmp(a->stream[i].url, b->stream[i].url) ||
			strcmp(a->stream[i].publisher,
				b->stream[i].publisher) ||
			a->stream[i].clients != b->stream[i].clients)
			return false;
	return true;
}

/* -- publishers that come back -- */

static uint64_t hash_of(const struct stream *stream)
{
	return hash_bytes(stream->url, strlen(stream->url), 0);
}

static float share_in(const struct stream_list *list)
{
	assert(list->n > 0);
	return 1 / (float)list->n;
}

static void note_gone(struct streams *s, unsigned node,
	const struct stream_list *before, unsigned i, int64_t now_ms)
{
	s->gone[s->next++ % GONE_MAX] = (struct gone){
		hash_of(&before->stream[i]), node, share_in(before), now_ms};
}

/* The publisher that has come back, if it was gone shortly before; else NULL. */
static const struct gone *find_gone(
	struct streams *s, const struct stream *stream, int64_t now_ms)
{
	uint64_t url = hash_of(stream);
	for (unsigned i = 0; i < GONE_MAX; i++) {
		struct gone *g = &s->gone[i];
		if (!g->at_ms || g->url != url)
			continue;
		bool late = now_ms - g->at_ms > DROPPED_MS;
		g->at_ms = 0;
		if (!late)
			return g;
	}
	return NULL;
}

/* Both lists are sorted. */
static void compare(struct streams *s, unsigned node,
	const struct stream_list *before, const struct stream_list *after,
	int64_t now_ms, void (*dropped)(void *arg, unsigned node, float share),
	void *arg)
{
	unsigned i = 0, k = 0;
	while (i < before->n || k < after->n) {
		int order = i == before->n ? 1
			: k == after->n
			? -1
			: strcmp(before->stream[i].url, after->stream[k].url);
		if (order < 0) {
			note_gone(s, node, before, i++, now_ms);
		} else if (order > 0) {
			const struct gone *g =
				find_gone(s, &after->stream[k++], now_ms);
			if (g)
				dropped(arg, g->node, g->share);
		} else if (strcmp(before->stream[i++].publisher,
				   after->stream[k++].publisher)) {
			dropped(arg, node, share_in(before));
		}
	}
}

/* -- lists -- */

void streams_take(struct streams *s, unsigned node, struct stream_list *list,
	int64_t now_ms, void (*dropped)(void *arg, unsigned node, float share),
	void *arg)
{
	static const struct stream_list none;
	if (node >= s->n) {
		s->of = mem_grow(s->of, (node + 1) * sizeof(void *));
		memset(s->of + s->n, 0, (node + 1 - s->n) * sizeof(void *));
		s->n = node + 1;
	}
	compare(s, node, s->of[node] ? s->of[node] : &none, list, now_ms,
		dropped, arg);
	if (!s->of[node] || !equal(s->of[node], list))
		s->changed = true;
	free(s->of[node]);
	s->of[node] = list;
}

void streams_forget(struct streams *s, unsigned node)
{
	if (node >= s->n || !s->of[node])
		return;
	free(s->of[node]);
	s->of[node] = NULL;
	s->changed = true;
}

unsigned streams_left_out(const struct streams *s, unsigned node)
{
	return node < s->n && s->of[node] ? s->of[node]->left_out : 0;
}

bool streams_changed(const struct streams *s)
{
	return s->changed;
}

/* The stream that a name stands for by its first label, whatever its app: the last
 * part of the url, if it is a label. */
static uint64_t label_of(const char *url)
{
	char label[LABEL_MAX + 1];
	const char *name = strrchr(url, '/');
	size_t n = 0;

	for (name = name ? name + 1 : url; name[n]; n++) {
		if (n == LABEL_MAX)
			return 0;
		label[n] = (char)tolower((unsigned char)name[n]);
	}
	return map_stream_hash(label, (unsigned)n);
}

static struct stream_set *set_of(const struct stream_at *at, unsigned n)
{
	struct stream_set *set = stream_set_new(n);
	for (unsigned i = 0; i < n; i++) {
		uint64_t stream = label_of(at[i].url);
		if (stream)
			stream_set_add(set, stream, at[i].node);
	}
	return set;
}

struct stream_index *streams_index(
	struct streams *s, unsigned n_nodes, struct stream_set **set)
{
	unsigned n = 0;
	for (unsigned i = 0; i < s->n && i < n_nodes; i++)
		n += s->of[i] ? s->of[i]->n : 0;
	struct stream_at *at = mem_alloc((n + 1) * sizeof *at);
	n = 0;
	for (unsigned i = 0; i < s->n && i < n_nodes; i++)
		for (unsigned k = 0; s->of[i] && k < s->of[i]->n; k++)
			at[n++] = (struct stream_at){s->of[i]->stream[k].url, i,
				s->of[i]->stream[k].clients};
	struct stream_index *index = stream_index_new(at, n, n_nodes);
	*set = set_of(at, n);
	free(at);
	s->changed = false;
	return index;
}
