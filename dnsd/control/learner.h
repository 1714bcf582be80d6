/* learner.h - paths as nodes and players report them: learned, and published as a map
 * over the one in service. Control thread.
 */
#ifndef CONTROL_LEARNER_H
#define CONTROL_LEARNER_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct control;
struct learner;
struct map;
struct path_table;
struct paths;

/* For the operator. */
struct learner_counts {
	uint64_t reports,
		taken; /* networks that reports named; of those, believed */
	unsigned areas, known; /* that are published: areas, areas and nodes */
	unsigned bad;          /* of those, path_shown.h */
};

struct learner *learner_new(void);
void learner_free(struct learner *learner); /* NULL allowed */

/* Another map is in service; at once with what is known. */
void learner_set_map(struct learner *learner, const struct map *map);

/* CALL_PATHS. */
void learner_report(struct control *c, struct call *call);

/* Reports that control itself makes. */
struct path_report;
void learner_take(
	struct control *c, const struct path_report *reports, unsigned n);

/* What another name server knows of a path, see paths_told(). */
struct path_evidence;
void learner_told(struct control *c, unsigned node, unsigned server,
	const struct path_evidence *known);

/* Every second. */
void learner_step(struct control *c);

/* True: there is another table and map, the caller's from now on. Both are NULL if
 * nothing is known. */
bool learner_news(
	struct learner *learner, struct path_table **table, struct map **map);

/* Keeps what is known, of a few nodes at a time: all within some minutes; all: at
 * once. */
void learner_keep(struct control *c, bool all);

/* What the store kept is known again. Before the store is used otherwise. */
void learner_restore(struct control *c);

/* What is learned; for path_history.c. */
const struct paths *learner_paths(const struct learner *learner);

struct learner_counts learner_counts(const struct learner *learner);

#endif
