/* publish.h - the one snapshot that all threads read: made every 100 ms, and at once
 * when something is changed that must not wait. Control thread only; no other file
 * calls snapshot_publish().
 *
 * What is replaced is freed when no thread reads it any more, which is when
 * snapshot_publish() returns.
 */
#ifndef CONTROL_PUBLISH_H
#define CONTROL_PUBLISH_H

#include "base/err.h"
#include "control/build.h"
#include "snapshot/snapshot.h"

struct control;

/* What is published, but for control->built. Others read; publish.c writes. */
struct publisher {
	struct published published;
	struct map *measured; /* with paths; NULL: nothing is known of them */
	struct path_table *paths;
	struct load *load;
	struct report *report;
	struct report_traffic *traffic; /* NULL: none yet */
	struct report_signing *signing; /* NULL: not known yet */
	struct stream_index *stream_index;
	struct stream_set *stream_set; /* the same for decisions */
	struct pending_list *pending_list;
	struct servers *servers; /* NULL: this one is alone */

	/* For the report. */
	uint64_t generation, builds, build_ns, builds_cpu_ns;
	uint64_t maps; /* taken in service */
	uint64_t reloads, reload_errors;
	int64_t reload_wall_ms;
	char *reload_error; /* "" or text */
};

/* Makes control->publisher, and control->fleet over the map in service. */
void publish_open(struct control *c);

/* After all threads have ended. */
void publish_close(struct control *c);

/* Publishes what is so now. */
void publish_now(struct control *c);

/* What queries are answered by, until the next publication. */
struct steer_state publish_state(const struct control *c);

/* Gives the signer the signed zones in service. */
void publish_signing(struct control *c);

/* Puts a new state in service; frees what it replaces. err takes warnings. */
void publish_adopt(struct control *c, struct built *built, struct err *err);

/* The same for geography alone. Takes all of it. */
void publish_adopt_geo(struct control *c, struct geo *geo, struct map *map,
	struct geo_files files);

/* What the store kept is in the fleet: steered names may be answered, and recording
 * begins. */
void publish_restored(struct control *c);

/* How a reload ended, for the next report; "": well. */
void publish_reloaded(struct control *c, const char *error);

#endif
