/* recorder.h - the recorder: what the server sees and answers, as the lines that
 * `dnsd replay` reads, in a file.
 *
 *	answering threads --rings--> recorder's thread --> trace --> PATH
 *	control ---------mailbox--->
 *
 * Its thread is of low priority and merges by time: a line waits for a moment
 * until nothing older can come, and one that comes later still is given the
 * time of the line before it. Serving never waits for it.
 */
#ifndef REPLAY_RECORDER_H
#define REPLAY_RECORDER_H

#include "replay/format.h"
#include "replay/ring.h"

struct record;

/* A recorder that is off, for that many answering threads. */
struct record *record_new(unsigned threads);

/* The ring of a thread, 0 .. threads-1. */
struct record_ring *record_ring(struct record *record, unsigned thread);

/* Whether the last setting was to record. Control's. */
bool record_is_on(const struct record *record);

/* Starts its thread, once. */
void record_start(struct record *record);

/* Writes all that is there, ends the file and stops. All answering threads
 * have ended. NULL allowed. */
void record_close(struct record *record);

/* What is recorded from now on, and where. All malloc'd and handed over. */
struct record_setting {
	char *path, *hello; /* path NULL: off */
	uint64_t size;
	int64_t wall_ms;
	struct trace_node *nodes; /* by their index in the map */
	unsigned n;
};

/* For control, one thread. Without effect on answers. */
void record_set(struct record *record, const struct record_setting *setting,
	int64_t now_ms);
void record_sample(struct record *record, unsigned node,
	const struct sample *sample, int64_t now_ms);
void record_failed(struct record *record, unsigned node,
	enum sample_failure failure, int64_t now_ms);
void record_probed(struct record *record, unsigned node,
	enum health_probe probe, enum health_probed how, int64_t now_ms);
void record_heard(struct record *record, unsigned node,
	const struct fleet_others *others, int64_t now_ms);
void record_drained(
	struct record *record, unsigned node, bool drained, int64_t now_ms);
void record_path(struct record *record, const struct path_report *report,
	int64_t now_ms);

/* Since start: answers that found no room or no disk, and bytes written. Any
 * thread. */
uint64_t record_dropped(const struct record *record);
uint64_t record_bytes(const struct record *record);

/* A round of the thread: writes what is not newer than until_ms. For tests,
 * which have no thread. */
void record_drain(struct record *record, int64_t until_ms);

#endif
