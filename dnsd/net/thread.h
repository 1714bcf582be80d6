/* thread.h - what every thread that answers has: its answerer with its own
 * accounts and counters, the published snapshot, and how it is stopped.
 */
#ifndef NET_THREAD_H
#define NET_THREAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "answer/answer.h"
#include "net/querylog.h"
#include "net/tap.h"
#include "sandbox/sandbox.h"
#include "snapshot/snapshot.h"

struct rrl_table;
struct sent_table;

struct net_thread {
	struct answerer answerer; /* owned by the thread while it runs; control
				     reads accounts and counters */
	struct querylog log;
	struct tap tap;
	struct published *published;
	pthread_t thread;
	int stop_fd; /* eventfd; readable: stop */
	bool running;
	enum sandbox_mode sandbox; /* that run() enters */
	int64_t wall_read_ms;  /* clock_ms() when the wall clock was read ... */
	int64_t wall_ahead_ms; /* ... and how far it was ahead of that */
};

/* What all of them share. */
struct net_shared {
	struct published *published;
	struct sent_table *sent; /* what client nets were sent to */
	struct rrl_table *rrl;   /* what asking networks were answered */
	uint64_t secret;
	enum sandbox_mode sandbox;
};

/* Readies the thread's struct: accounts for about max_clients client nets. */
void net_thread_init(struct net_thread *t, const struct net_shared *shared,
	unsigned max_clients);

/* Starts it with a name for ps; run's argument is owner. Aborts if it can't. */
void net_thread_start(struct net_thread *t, const char *name,
	void *(*run)(void *), void *owner);

/* The calling thread waits in calls that its stop_fd does not end: from here on
 * net_thread_stop() interrupts them (EINTR). */
void net_thread_wakes(void);

/* Asks it to stop and waits. It may be started again. */
void net_thread_stop(struct net_thread *t);
void net_thread_fini(struct net_thread *t);

/* Sets the times of a batch. The wall clock is read now and then: it is for seconds. */
void net_thread_times(struct net_thread *t);

#endif
