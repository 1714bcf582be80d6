/* builder.h - jobs that take long, one after the other, each on a thread of its
 * own. It knows nothing of what they do: reload.h, geo_watch.h.
 *
 * Control thread, but for job.run. What is in service goes on, and a job may read
 * it: it is not replaced while one runs.
 */
#ifndef CONTROL_BUILDER_H
#define CONTROL_BUILDER_H

#include <pthread.h>
#include <stdbool.h>

struct builder;
struct mailbox;

/* Part of a struct of its owner's, which stays until done() or drop(). */
struct job {
	void (*run)(struct job *job);  /* on the builder's thread */
	void (*done)(struct job *job); /* on ours, when that has ended */
	void (*drop)(struct job *job); /* instead: the server stops */

	/* the builder's */
	struct builder *builder;
	struct job *next;
	pthread_t thread;
	bool begun;
};

/* idle(arg) is called when the last job is done. */
struct builder *builder_new(
	struct mailbox *mailbox, void (*idle)(void *arg), void *arg);

/* Waits for the job that runs, and drops all. NULL allowed. */
void builder_free(struct builder *builder);

/* Adds a job at the end; begins it if there is no other. */
void builder_add(struct builder *builder, struct job *job);

bool builder_is_busy(const struct builder *builder);

#endif
