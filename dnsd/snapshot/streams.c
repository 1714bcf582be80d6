#include "snapshot/streams.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static int order(const void *a, const void *b)
{
	const struct stream_at *x = a, *y = b;
	int by_url = strcmp(x->url, y->url);
	return by_url ? by_url : (x->node > y->node) - (x->node < y->node);
}

struct stream_index *stream_index_new(
	const struct stream_at *at, unsigned n, unsigned n_nodes)
{
	size_t text = 0, entries = n * sizeof *at;
	for (unsigned i = 0; i < n; i++)
		text += strlen(at[i].url) + 1;
	struct stream_index *x = mem_zero(
		1, sizeof *x + entries + n_nodes * sizeof *x->count + text);
	uint32_t *count = (uint32_t *)((char *)(x + 1) + entries);
	char *to = (char *)(count + n_nodes);

	x->n = n;
	x->n_nodes = n_nodes;
	x->at = (struct stream_at *)(x + 1);
	x->count = count;
	for (unsigned i = 0; i < n; i++) {
		x->at[i] = at[i];
		x->at[i].url = to;
		to = stpcpy(to, at[i].url) + 1;
		count[at[i].node]++;
	}
	if (n)
		qsort(x->at, n, sizeof *x->at, order);
	return x;
}

const struct stream_at *stream_index_find(
	const struct stream_index *x, const char *url)
{
	unsigned low = 0, high = x->n;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (strcmp(x->at[middle].url, url) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < x->n && !strcmp(x->at[low].url, url) ? &x->at[low] : NULL;
}
