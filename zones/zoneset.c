#include "zones/zoneset.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

/* So few zones are compared one after the other: sooner than hashed. */
#define FEW 4

struct zoneset {
	unsigned n;
	unsigned n_few;              /* all of them, or 0: too many */
	const struct zone *few[FEW]; /* those with most labels first */
	uint32_t mask;
	/* Bit l: some apex has l labels. Others need no look. */
	uint64_t label_counts[2];
	const struct zone **slots; /* by hash of the apex; NULL: empty */
	const struct zone *zones[];
};

static int by_labels(const void *a, const void *b)
{
	const struct zone *const *p = a, *const *q = b;
	return (*q)->apex.labels - (*p)->apex.labels;
}

struct zoneset *zoneset_new(const struct zone *const *zones, unsigned n)
{
	struct zoneset *s =
		mem_zero(1, sizeof *s + n * sizeof(const struct zone *));
	uint32_t size = 4;
	while (size < 2 * n)
		size *= 2;
	s->n = n;
	s->mask = size - 1;
	s->slots = mem_zero(size, sizeof *s->slots);
	for (unsigned i = 0; i < n; i++) {
		const struct name *apex = &zones[i]->apex;
		uint32_t at = (uint32_t)name_hash(apex->bytes, apex->len, 0);
		while (s->slots[at & s->mask])
			at++;
		s->slots[at & s->mask] = s->zones[i] = zones[i];
		s->label_counts[apex->labels / 64] |= 1ull << apex->labels % 64;
		if (n <= FEW)
			s->few[s->n_few++] = zones[i];
	}
	qsort(s->few, s->n_few, sizeof(const struct zone *), by_labels);
	return s;
}

void zoneset_free(struct zoneset *s)
{
	if (!s)
		return;
	free(s->slots);
	free(s);
}

/* The first at or above a name is the nearest. */
static const struct zone *find_few(
	const struct zoneset *s, const struct name *name, int labels)
{
	for (unsigned i = 0; i < s->n_few; i++) {
		const struct zone *zone = s->few[i];
		if (zone->apex.labels <= labels &&
			name_below(name, &zone->apex))
			return zone;
	}
	return NULL;
}

static const struct zone *zoneset_search(
	const struct zoneset *s, const struct name *name, int labels)
{
	if (s->n_few)
		return find_few(s, name, labels);
	for (; labels >= 0; labels--) {
		if (!(s->label_counts[labels / 64] >> labels % 64 & 1))
			continue;
		const uint8_t *suffix = name_suffix(name, (unsigned)labels);
		unsigned len = name_suffix_len(name, (unsigned)labels);
		uint32_t at = (uint32_t)name_hash(suffix, len, 0);
		const struct zone *zone;
		for (; (zone = s->slots[at & s->mask]); at++)
			if (zone->apex.len == len &&
				octets_equal(zone->apex.bytes, suffix, len))
				return zone;
	}
	return NULL;
}

const struct zone *zoneset_find(
	const struct zoneset *s, const struct name *name)
{
	return zoneset_search(s, name, name->labels);
}

const struct zone *zoneset_find_above(
	const struct zoneset *s, const struct name *name)
{
	return zoneset_search(s, name, name->labels - 1);
}

unsigned zoneset_count(const struct zoneset *s)
{
	return s->n;
}

const struct zone *zoneset_at(const struct zoneset *s, unsigned i)
{
	assert(i < s->n);
	return s->zones[i];
}
