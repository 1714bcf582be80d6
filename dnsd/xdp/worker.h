/* worker.h - the thread of one queue: answers the queries in its frames, in stages over a
 * batch as a UDP worker does, and reads only the snapshot.
 */
#ifndef XDP_WORKER_H
#define XDP_WORKER_H

#include "net/thread.h"
#include "xdp/queue.h"

struct xdp_worker;

/* A worker over a queue (borrowed). It does not run yet. number: in its name. */
struct xdp_worker *xdp_worker_new(
	unsigned number, struct queue *queue, const struct net_shared *shared);
void xdp_worker_start(struct xdp_worker *worker);

/* When nothing comes to the queue any more: what it has received is answered. It may be
 * started again. */
void xdp_worker_stop(struct xdp_worker *worker);
void xdp_worker_free(struct xdp_worker *worker);

/* Its accounts and counters, for control to read. */
struct net_thread *xdp_worker_thread(struct xdp_worker *worker);

#endif
