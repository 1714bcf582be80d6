#include "base/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

#define SLOTS_FIRST 64

struct index_key {
	uint64_t hash;
	const void *octets;
	size_t len;
};

struct index {
	struct arena *arena; /* of the keys' octets */
	struct index_key *key;
	uint32_t n, slots; /* n <= slots / 2, a power of two */
	uint32_t *slot;    /* number + 1 by hash, the next free one; 0: free */
};

struct index *index_new(void)
{
	struct index *x = mem_zero(1, sizeof *x);
	x->arena = arena_new();
	x->slots = SLOTS_FIRST;
	x->slot = mem_zero(x->slots, sizeof *x->slot);
	x->key = mem_zero(x->slots / 2, sizeof *x->key);
	return x;
}

void index_free(struct index *x)
{
	if (!x)
		return;
	arena_free(x->arena);
	free(x->slot);
	free(x->key);
	free(x);
}

uint32_t index_count(const struct index *x)
{
	return x->n;
}

/* Where a key is, or where there is room for it. */
static uint32_t *index_slot(struct index *x, const struct index_key *key)
{
	for (uint64_t at = key->hash;; at++) {
		uint32_t *slot = &x->slot[at & (x->slots - 1)];
		if (!*slot)
			return slot;
		const struct index_key *one = &x->key[*slot - 1];
		if (one->hash == key->hash && one->len == key->len &&
			!memcmp(one->octets, key->octets, key->len))
			return slot;
	}
}

static void index_grow(struct index *x)
{
	assert(x->slots < 1u << 31);
	x->slots *= 2;
	x->key = mem_grow(x->key, x->slots / 2 * sizeof *x->key);
	free(x->slot);
	x->slot = mem_zero(x->slots, sizeof *x->slot);
	for (uint32_t i = 0; i < x->n; i++)
		*index_slot(x, &x->key[i]) = i + 1;
}

uint32_t index_number(
	struct index *x, const void *octets, size_t len, bool *made)
{
	struct index_key key = {hash_bytes(octets, len, 0), octets, len};
	uint32_t *slot = index_slot(x, &key);

	*made = !*slot;
	if (*slot)
		return *slot - 1;
	if (x->n == x->slots / 2) {
		index_grow(x);
		slot = index_slot(x, &key);
	}
	key.octets = memcpy(arena_alloc(x->arena, len), octets, len);
	x->key[x->n] = key;
	*slot = ++x->n;
	return x->n - 1;
}
