/* stats.h - what an operator wants to know of a day that was replayed.
 *
 * Fed with every answer, the replayed one and, if the recording has it, the one
 * that was given, so that two settings can be compared. Remembers what each
 * client net was sent to last: a table of its own that grows, beside the decision
 * core.
 */
#ifndef REPLAY_STATS_H
#define REPLAY_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum stats_side { STATS_REPLAYED, STATS_RECORDED, STATS_SIDES };

/* One answer: its first node. */
struct stats_answer {
	uint64_t net; /* key of client net, name and stream */
	unsigned line, node;
	uint64_t site; /* of the node */
	int64_t at_ms;
	uint32_t ttl_s;
	bool full;     /* the node was */
	bool measured; /* the path was, from the client's area */
	bool bad;      /* ... and is bad: state/path_shown.h */
	bool better;   /* ... and another one was better and free */
	double path_ms;
};

struct replay_stats;

struct replay_stats *stats_new(void);
void stats_free(struct replay_stats *stats);

void stats_answer(struct replay_stats *stats, enum stats_side side,
	const struct stats_answer *answer);

/* A sample of a node, 1 is full. */
void stats_load(struct replay_stats *stats, unsigned node, double utilisation,
	int64_t at_ms);

/* Writes the summary; name_of(arg, node) names a node. */
void stats_print(const struct replay_stats *stats, FILE *out,
	const char *(*name_of)(const void *arg, unsigned node),
	const void *arg);

#endif
