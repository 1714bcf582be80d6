#include "ledger/resolver_rates.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/oldest.h"
#include "base/sections.h"

#define WAYS 4
#define FORGOTTEN_MS 600000
#define RATE_MIN 0.002f /* viewers/s */
#define RATE_MAX 2000.0f
#define STALE_MARKS 1024 /* of entries that are gone, at most */

struct resolver_rate {
	_Atomic uint64_t tag; /* 0: free */
	_Atomic float rate;
	uint32_t mark;
	int64_t seen_ms;
};

struct resolver_rates {
	uint64_t secret;
	struct resolver_marks marks;
	unsigned stale; /* entries that went since the marks were made */
	struct resolver_rate entry[RESOLVER_RATES];
};

struct resolver_rates *resolver_rates_new(uint64_t secret)
{
	struct resolver_rates *rates = mem_zero(1, sizeof *rates);
	rates->secret = secret;
	return rates;
}

void resolver_rates_free(struct resolver_rates *rates)
{
	free(rates);
}

/* Never 0, which is that of a free entry: so one key of 2^64 shares another's. */
static uint64_t rates_tag(const struct resolver_rates *rates, uint64_t key)
{
	uint64_t tag = hash_mix(key ^ rates->secret);
	return tag ? tag : 1;
}

static unsigned rates_bucket(uint64_t tag)
{
	return (unsigned)(tag >> 20) % (RESOLVER_RATES / WAYS) * WAYS;
}

void resolver_rates_prefetch(const struct resolver_rates *rates, uint64_t key)
{
	__builtin_prefetch(&rates->entry[rates_bucket(rates_tag(rates, key))]);
}

float resolver_rates_find(const struct resolver_rates *rates, uint64_t key)
{
	uint64_t tag = rates_tag(rates, key);
	const struct resolver_rate *b = &rates->entry[rates_bucket(tag)];
	for (unsigned i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&b[i].tag, memory_order_acquire) ==
			tag)
			return atomic_load_explicit(
				&b[i].rate, memory_order_relaxed);
	return -1;
}

/* -- marks -- */

const struct resolver_marks *resolver_rates_marks(
	const struct resolver_rates *rates)
{
	return &rates->marks;
}

static void mark_key(
	struct resolver_rates *rates, struct resolver_rate *one, uint64_t key)
{
	one->mark = resolver_mark(key);
	atomic_fetch_or_explicit(&rates->marks.word[one->mark / 64],
		(uint64_t)1 << one->mark % 64, memory_order_relaxed);
}

/* Makes the marks anew. Readers miss none meanwhile: each word goes from what it
 * was to what it is. */
static void mark_all(struct resolver_rates *rates)
{
	uint64_t word[RESOLVER_MARKS / 64] = {0};
	for (unsigned i = 0; i < RESOLVER_RATES; i++)
		if (rates->entry[i].tag)
			word[rates->entry[i].mark / 64] |= (uint64_t)1
				<< rates->entry[i].mark % 64;
	for (unsigned i = 0; i < RESOLVER_MARKS / 64; i++)
		atomic_store_explicit(
			&rates->marks.word[i], word[i], memory_order_relaxed);
	rates->stale = 0;
}

/* -- entries -- */

/* The key's entry or, if it has none, the one to be replaced. */
static struct resolver_rate *entry_for(
	struct resolver_rates *rates, uint64_t tag, int64_t now_ms)
{
	struct resolver_rate *b = &rates->entry[rates_bucket(tag)];
	struct oldest oldest = {0};
	for (unsigned i = 0; i < WAYS; i++) {
		if (b[i].tag == tag)
			return &b[i];
		if (oldest.is_free)
			continue;
		if (!b[i].tag)
			oldest_free(&oldest, i);
		else
			oldest_offer(
				&oldest, i, (uint32_t)(now_ms - b[i].seen_ms));
	}
	return &b[oldest.way];
}

unsigned resolver_rates_claim(
	struct resolver_rates *rates, uint64_t key, int64_t now_ms, bool *made)
{
	uint64_t tag = rates_tag(rates, key);
	struct resolver_rate *one = entry_for(rates, tag, now_ms);
	unsigned entry = (unsigned)(one - rates->entry);

	*made = one->tag != tag || now_ms - one->seen_ms >= FORGOTTEN_MS;
	one->seen_ms = now_ms;
	if (!*made)
		return entry;
	if (one->tag && ++rates->stale > STALE_MARKS)
		mark_all(rates);
	atomic_store_explicit(&one->tag, 0, memory_order_release);
	resolver_rates_set(rates, entry, 0);
	atomic_store_explicit(&one->tag, tag, memory_order_release);
	mark_key(rates, one, key);
	return entry;
}

uint64_t resolver_rates_tag(const struct resolver_rates *rates, unsigned entry)
{
	assert(entry < RESOLVER_RATES);
	return rates->entry[entry].tag;
}

float resolver_rates_get(const struct resolver_rates *rates, unsigned entry)
{
	assert(entry < RESOLVER_RATES);
	return rates->entry[entry].rate;
}

void resolver_rates_set(
	struct resolver_rates *rates, unsigned entry, float rate)
{
	assert(entry < RESOLVER_RATES);
	rate = fmaxf(RATE_MIN, fminf(RATE_MAX, rate));
	atomic_store_explicit(
		&rates->entry[entry].rate, rate, memory_order_relaxed);
}

/* -- the process that takes over -- */

#define RATES_VERSION 1 /* of what an entry means */

void resolver_rates_hand(const struct resolver_rates *rates, struct buf *out)
{
	sections_add(out, "resolvers", RATES_VERSION, sizeof *rates->entry,
		rates->entry, RESOLVER_RATES);
}

bool resolver_rates_take(struct resolver_rates *rates, struct sections *in)
{
	size_t n;
	const struct resolver_rate *from =
		sections_find(in, "resolvers", RATES_VERSION, sizeof *from, &n);
	if (n != RESOLVER_RATES)
		return false;
	memcpy(rates->entry, from, sizeof rates->entry);
	mark_all(rates);
	return true;
}
