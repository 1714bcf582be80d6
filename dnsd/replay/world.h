/* world.h - what the lines of a replay have said so far, compiled as in the server, and
 * its virtual time: world.c; the lines themselves: lines.c; what the summary says of
 * paths: judge.c. Private to replay/.
 */
#ifndef REPLAY_WORLD_H
#define REPLAY_WORLD_H

#include "fleet/fleet.h"
#include "replay/places.h"
#include "replay/replay.h"
#include "replay/stats.h"
#include "steer/steer.h"

#define EPOCH_MS 1000000 /* virtual 0: stamps of 0 mean "never" */
#define REPLAY_TIME_MAX 100000000000000 /* ms: the year 5138 */
#define REPLAY_STEP_MAX 2678400000      /* ms between two lines: 31 days */
#define ASKED 4096 /* queries that an answer line may still be about */

struct replay_node {
	char name[64]; /* as the lines say; any text without a space */
	/* the same as the configuration allows */
	char label[64], site[24], provider[24];
	double lat, lon, capacity, bandwidth_bps, overcommit, bias_ms;
	char asn[160];
	char *serves; /* ",NAME,NAME,"; NULL: all names; owned */
	bool placed, polled, probed;
	bool removed;
	/* for the byte counter that a sample has */
	uint64_t bytes;
	int64_t sampled_ms;
};

/* A steered name and its options as YAML, but for the pool. */
struct replay_name {
	char *name, *options;
};

/* A query, until its recorded answer comes. */
struct replay_asked {
	uint64_t id, net;
	uint32_t name, place;
	unsigned line;
	int64_t at_ms;
};

struct replay_expect {
	char name[256];
	struct schedule_entry entry;
};

#define DOUBTED_MAX 1024
struct replay {
	uint64_t doubted[DOUBTED_MAX];
	struct replay_options options;
	struct replay_name *names;
	unsigned n_names;
	struct replay_stats *stats; /* NULL: not asked for */

	struct replay_node *nodes;
	unsigned n_nodes;
	struct replay_places *places;
	unsigned n_built; /* places that the map knows */
	bool stale;       /* nodes changed: rebuild before the next use */
	struct replay_expect *expects; /* the schedule */
	unsigned n_expects;

	struct conf *conf; /* made of names and nodes */
	struct geo *geo;
	struct map *map;
	struct map *measured; /* the same with paths as they were measured */
	struct fleet *fleet;
	struct paths *paths;
	struct path_table *table; /* what they were at the last fit */
	int64_t fit_ms;
	struct load *load;
	struct accounts *accounts[REPLAY_WORKERS_MAX];
	struct sent_table *sent; /* shared by them, as in the server */
	struct health_rules rules;
	unsigned servers;
	uint64_t seed;
	double session_s;
	int64_t now_ms, tick_ms;
	const char
		*odd;  /* of this line: a word that is no number; NULL: none */
	uint64_t line; /* of the input, from 1 */
	struct replay_asked asked[ASKED]; /* by id; for stats */
};

/* -- world.c -- */

/* Compiles the world anew if lines have changed it. False: it does not hold; a
 * message was printed. */
bool replay_ready(struct replay *r);

/* Moves virtual time to these milliseconds, with every publication on the way.
 * False: an absurd time (then odd is set), or as replay_ready(). */
bool replay_advance(struct replay *r, const char *ms);

/* A load as of now is what queries are answered by. */
void replay_publish(struct replay *r, int64_t now_ms);

/* Nodes that were not removed. */
unsigned replay_living(const struct replay *r);

/* What is not over of the schedule, by the names of the present map. */
void replay_feed_schedule(struct replay *r);

/* -- judge.c -- */

/* Fills in what of an answer from a place (of the geo table) to a node is about its
 * path: whether it was measured, was bad, and another one was better and free. */
void replay_judge_path(const struct replay *r, const struct map_pool *pool,
	uint32_t place, unsigned index, struct stats_answer *answer);

/* -- lines.c -- */

/* One line; it is taken apart. False: the end. */
bool replay_line(struct replay *r, char *line);

/* Reads the first lines up to a query, so that places and nodes are known
 * before the map is compiled. */
void replay_look_ahead(struct replay *r, char **line, size_t *room);

/* Accounts for the workers; before the first query. */
void replay_open_accounts(struct replay *r);

#endif
