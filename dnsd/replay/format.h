/* format.h - a recording as text: the lines of docs/replay.md, in files that
 * are rotated.
 *
 * Keeps what is known of the nodes, so that every file begins with all that a
 * reader needs. Time is an argument. Files that cannot be written are no
 * reason to stop: the trace says so once, rests and tries again. The
 * recorder's thread only.
 */
#ifndef REPLAY_FORMAT_H
#define REPLAY_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/fleet.h"
#include "fleet/sample.h"
#include "paths/report.h"
#include "replay/ring.h"

/* The last reading of a node, by the server's clock. */
struct trace_load {
	bool known;
	int64_t sampled_ms; /* our time */
	int64_t stamp_ms;   /* the node's own */
	uint64_t bytes, identity;
	double connections, kbps, cpu;
};

struct trace_node {
	char name[64]; /* "": no such node */
	char *words;   /* what follows NAME in its line; owned */
	bool gone;     /* no longer in the map; late answers may name it */
	bool drained;
	struct trace_load load;
	unsigned fails, probe_fails[HEALTH_PROBES]; /* in a row */
	enum sample_failure failure;
};

struct trace;

/* lost counts answers that could not be written. */
struct trace *trace_new(_Atomic uint64_t *bytes, _Atomic uint64_t *lost);
void trace_free(struct trace *trace);

/* Where to, and what is the same for a whole file. */
struct trace_file {
	const char *path;
	uint64_t size;     /* rotated when it has so many bytes */
	const char *hello; /* what follows that word */
	int64_t wall_ms;   /* since 1970, at our time 0 */
};

/* Records into a file from now on. If it does so already, only another path
 * or hello begins a new one. The texts are copied. */
void trace_start(
	struct trace *trace, const struct trace_file *file, int64_t now_ms);
void trace_stop(struct trace *trace, int64_t now_ms);

/* All nodes by their index in the map; their words are the trace's then. */
void trace_nodes(struct trace *trace, const struct trace_node *nodes,
	unsigned n, int64_t now_ms);

void trace_sample(struct trace *trace, unsigned node, const struct sample *s,
	int64_t now_ms);
void trace_failed(struct trace *trace, unsigned node,
	enum sample_failure failure, int64_t now_ms);
void trace_probed(struct trace *trace, unsigned node, enum health_probe probe,
	enum health_probed how, int64_t now_ms);
void trace_heard(struct trace *trace, unsigned node,
	const struct fleet_others *others, int64_t now_ms);
void trace_drained(
	struct trace *trace, unsigned node, bool drained, int64_t now_ms);
void trace_path(
	struct trace *trace, const struct path_report *report, int64_t now_ms);
void trace_answer(struct trace *trace, const struct record_entry *entry);

/* Nothing is to come that is older: hands the text to the system. */
void trace_time(struct trace *trace, int64_t now_ms);

#endif
