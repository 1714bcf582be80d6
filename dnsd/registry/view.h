/* view.h - what one name server believes of all nodes, as JSON: the key views/SERVER in
 * etcd, under its lease. Pure functions.
 *
 *	{"run": 17, "every_ms": 2500, "suspect": false, "nodes":
 *	 {"hk1": ["up", 120, 800, 38.2, 240],
 *	  "de1": ["down", 12, 14000, 0, 0, "polls time out"]}}
 *
 * Of each node the state, since how many seconds, how old its last good sample is
 * (ms, -1: none), the round trip of polls (ms, 0: not known), its connections then, and
 * why. All times are ages: clocks of servers need not agree.
 */
#ifndef REGISTRY_VIEW_H
#define REGISTRY_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define VIEW_EVERY_MIN_MS 500
#define VIEW_EVERY_MAX_MS 60000
#define VIEW_REASONS 32 /* different ones; the rest is "" */
#define VIEW_REASON_MAX 96

enum view_state { VIEW_UP, VIEW_UNKNOWN, VIEW_DOWN };

struct view_node {
	uint32_t node; /* by the reader's map */
	uint8_t state; /* enum view_state */
	uint8_t reason;
	int32_t since_s, sample_age_ms;
	float rtt_ms, connections;
};

struct view {
	uint64_t run;      /* of the process that wrote it */
	unsigned every_ms; /* another one comes so often */
	bool suspect;      /* its own network is */
	char reasons[VIEW_REASONS][VIEW_REASON_MAX]; /* 0: "" */
	unsigned n_reasons;
	unsigned users; /* see view_drop() */
	unsigned n;     /* by node */
	struct view_node node[];
};

/* The node of a name; negative: this server has none. */
typedef int view_find(const void *arg, const char *name);

/* Reads one; nodes that this server does not have are left out. The caller is its user.
 * NULL with a message. */
struct view *view_parse(
	const char *text, view_find *find, const void *arg, struct err *err);

/* One user more; one less: the last one frees it (NULL allowed). One thread counts. */
const struct view *view_keep(const struct view *view);
void view_drop(const struct view *view);

/* What is written of a node: state and reason are texts. */
struct view_word {
	const char *name, *why;
	enum view_state state;
	int32_t since_s, sample_age_ms;
	float rtt_ms, connections;
};

/* So each begins. */
#define VIEW_HEAD "{\"run\":%llu,"

/* Writes a view: the head, then each node, then the end. */
void view_begin(struct buf *out, uint64_t run, unsigned every_ms, bool suspect);
void view_add(struct buf *out, const struct view_word *word);
void view_end(struct buf *out);

/* What a view says of a node; NULL: nothing. */
const struct view_node *view_of(const struct view *view, uint32_t node);

extern const char *const view_states[];

#endif
