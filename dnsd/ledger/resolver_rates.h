/* resolver_rates.h - how many viewers a second stand behind each large resolver:
 * the table that fleet/large_resolver.c learns.
 *
 * The control thread is the only writer. Answering threads read rates and marks;
 * the words are atomic and no thread waits.
 */
#ifndef LEDGER_RESOLVER_RATES_H
#define LEDGER_RESOLVER_RATES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

/* At most so many; the oldest of a bucket makes room. */
#define RESOLVER_RATES TABLE_SIZE(16384)

/* A bit by the key of each large resolver, set as long as it is known. Few
 * client nets are large: most questions look no further. */
#define RESOLVER_MARKS 131072
struct resolver_marks {
	_Atomic uint64_t word[RESOLVER_MARKS / 64];
};

struct resolver_rates;

static inline unsigned resolver_mark(uint64_t key)
{
	return (unsigned)(key >> 47);
}

static inline bool resolver_is_marked(
	const struct resolver_marks *marks, uint64_t key)
{
	unsigned mark = resolver_mark(key);
	return atomic_load_explicit(
		       &marks->word[mark / 64], memory_order_relaxed) >>
		mark % 64 &
		1;
}

/* secret seeds where a key lies. */
struct resolver_rates *resolver_rates_new(uint64_t secret);
void resolver_rates_free(struct resolver_rates *rates); /* NULL allowed */

const struct resolver_marks *resolver_rates_marks(
	const struct resolver_rates *rates);

/* A hint to the CPU that the key is looked for soon. */
void resolver_rates_prefetch(const struct resolver_rates *rates, uint64_t key);

/* Viewers per second behind a key (demand_key()), negative if it is not known.
 * Any thread. */
float resolver_rates_find(const struct resolver_rates *rates, uint64_t key);

/* -- the control thread -- */

/* The key's entry, below RESOLVER_RATES; made if there is none, with the least
 * rate, and then *made is set. It is seen at now_ms. */
unsigned resolver_rates_claim(
	struct resolver_rates *rates, uint64_t key, int64_t now_ms, bool *made);

/* Differs for any two keys that had an entry, but for one pair of 2^64 keys. */
uint64_t resolver_rates_tag(const struct resolver_rates *rates, unsigned entry);

float resolver_rates_get(const struct resolver_rates *rates, unsigned entry);

/* rate: viewers per second, brought into the table's bounds. */
void resolver_rates_set(
	struct resolver_rates *rates, unsigned entry, float rate);

/* As a section, for the process that takes over; _take: the secret is the same; false
 * if it is missing or of another version. */
struct buf;
struct sections;
void resolver_rates_hand(const struct resolver_rates *rates, struct buf *out);
bool resolver_rates_take(struct resolver_rates *rates, struct sections *in);

#endif
