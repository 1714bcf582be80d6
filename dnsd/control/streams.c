/* Which node has which stream, from the lists that the nodes themselves give. */
#include "control/streams.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "snapshot/streams.h"

struct streams {
	struct stream_list **of; /* by node; NULL: none yet */
	unsigned n;
	bool changed; /* since the index was made */
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

void streams_take(struct streams *s, unsigned node, struct stream_list *list)
{
	if (node >= s->n) {
		s->of = mem_grow(s->of, (node + 1) * sizeof(void *));
		memset(s->of + s->n, 0, (node + 1 - s->n) * sizeof(void *));
		s->n = node + 1;
	}
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

bool streams_changed(const struct streams *s)
{
	return s->changed;
}

struct stream_index *streams_index(struct streams *s, unsigned n_nodes)
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
	free(at);
	s->changed = false;
	return index;
}
