/* state.h - the control thread's parts. Private to control/.
 *
 * Each part is made, written and freed by the file that it is named after; others
 * call that file's functions. control.c makes and frees all of them.
 */
#ifndef CONTROL_STATE_H
#define CONTROL_STATE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct control {
	const char *path; /* of the configuration */
	int64_t start_ms;
	struct event_base *base;
	struct mailbox *mailbox; /* what other threads ask of this one */

	struct built *built; /* in service; publish.c replaces it */
	struct publisher *publisher;
	struct fleet *fleet;
	struct learner *learner; /* of paths */
	struct nodes *nodes;
	struct moves *moves;
	struct pending *pending; /* servers that report and are not known */
	struct threads *threads; /* those that answer */

	struct store *store; /* NULL: none */
	struct schedule *schedule;
	/* With other name servers; NULL: alone. */
	struct servers_link *link;
	struct registered *registered;
	struct views *views;
	struct evidence *evidence;
	struct history_sums *history;
	int64_t path_history_s; /* the step at work; 0: none yet */
	struct traffic_sums *traffic;
	struct record *record;
	struct dnstap *dnstap;
	struct signer *signer;
	struct presign *presign;

	struct builder *builder;
	struct reload_job *reload; /* the last one asked for; NULL: none */
	struct geo_watch *geo_watch;
	struct keys_watch *keys; /* of signed zones */
	struct ctl *ctl;         /* NULL: none */
	struct replace *
		replace; /* another process is about to take over; NULL: none */
	struct callee *callee; /* for calls of other threads */

	bool geo_pending; /* the first load of geography is still to come */
	bool restored;    /* what the store keeps is in force */
	bool took_over;   /* from the process that started this one */
	bool replaced;    /* another process serves: nothing is ours any more */
	bool failed;      /* the first load failed: stop with an error */
};

static inline void control_stop(struct control *c)
{
	event_base_loopbreak(c->base);
}

#endif
