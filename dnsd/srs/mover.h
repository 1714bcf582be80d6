/* mover.h - closes connections of a node's viewers by SRS's own API, so many a second:
 * GET /api/v1/clients/ has their ids, DELETE /api/v1/clients/ID closes one (SRS 4 to 8).
 * Players that are closed come back by DNS; where to is not decided here.
 *
 * libcurl on a thread of its own, so that neither a slow node nor a large list holds up
 * polls. All functions are the control thread's; words come by its mailbox.
 */
#ifndef SRS_MOVER_H
#define SRS_MOVER_H

#include <stdbool.h>
#include <stdint.h>

struct mailbox;
struct mover;

/* Strings are copied. */
struct mover_target {
	uint32_t node;         /* handed back in words; one at a time */
	const char *api;       /* as poll_target has it */
	const char *api_token; /* NULL or "": none */
	double per_s;          /* 0: none for now */
	bool publishers;       /* these too, after all others */
};

/* Once a second, and at the end. */
struct mover_word {
	uint32_t node;
	uint64_t moved;    /* connections that SRS closed for us */
	uint64_t failures; /* in a row */
	bool ended;        /* a list had none that is to be moved */
	char why[128];     /* of the last failure, without secrets; "": none */
};

struct mover *mover_new(struct mailbox *mailbox,
	void (*word)(void *arg, const struct mover_word *word), void *arg);
void mover_free(struct mover *mover); /* NULL allowed */

/* Begins to move the viewers of a node, or goes on with another rate. */
void mover_set(struct mover *mover, const struct mover_target *target);

/* Ends it: nothing is closed any more when this returns but what is under way. */
void mover_drop(struct mover *mover, uint32_t node);

#endif
