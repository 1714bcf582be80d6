/* crowd.h - how many viewers a second stand behind one cache, learned from how
 * the nodes grow that it was sent to.
 *
 * A resolver that asks again as soon as its answer has run out tells little by
 * the gaps between its questions: ten viewers a second look like a hundred, and
 * some resolvers keep answers for a minute whatever the TTL says. But the node
 * that was answered shows them. So for every such answer that lives the control
 * thread keeps a record, and each sample's surprise (viewers that nobody had
 * promised) is dealt to the crowds whose answers lived at that node meanwhile:
 * normalised least mean squares.
 *
 * The table of rates is written by the control thread alone and read by the
 * answering threads; words are atomic, nobody waits.
 */
#ifndef STEER_CROWD_H
#define STEER_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "steer/forecast.h"
#include "steer/notes.h"

struct crowds;

/* A bit by the key of each crowd, set as long as it is known. Few client nets
 * are crowds: most questions look no further. */
#define CROWD_MARKS 131072
struct crowd_marks {
	_Atomic uint64_t word[CROWD_MARKS / 64];
};

static inline unsigned crowd_mark(uint64_t key)
{
	return (unsigned)(key >> 47);
}

static inline bool crowd_is_marked(
	const struct crowd_marks *marks, uint64_t key)
{
	unsigned mark = crowd_mark(key);
	return atomic_load_explicit(
		       &marks->word[mark / 64], memory_order_relaxed) >>
		mark % 64 &
		1;
}

struct crowds *crowds_new(uint64_t secret);
void crowds_free(struct crowds *crowds); /* NULL allowed */

const struct crowd_marks *crowds_marks(const struct crowds *crowds);

/* Viewers per second behind a key, or negative if it is no known crowd. Any
 * thread. */
float crowds_rate(const struct crowds *crowds, uint64_t key);

/* The rest is the control thread's. */

/* An answer lives from now on; replaces the key's earlier one. Its promise goes
 * to the forecasts of its nodes (by index, n of them). */
void crowds_answer(struct crowds *crowds, const struct note *note,
	const struct forecast_fleet *all, struct forecast *of, unsigned n,
	int64_t now_ms);

/* A sample of a node for [from_ms, to_ms): surprise viewers joined beyond what
 * was expected. */
void crowds_learn(struct crowds *crowds, unsigned node, int64_t from_ms,
	int64_t to_ms, float surprise);

#endif
