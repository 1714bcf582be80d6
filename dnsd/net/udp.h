/* udp.h - a UDP worker: recvmmsg, answer in stages over the batch, sendmmsg.
 * A thread per core with sockets of its own; reads only the snapshot, writes
 * only what is its own.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "net/listen.h"
#include "net/thread.h"

struct udp_worker;

/* A worker over n sockets (borrowed). It does not run yet. */
struct udp_worker *udp_worker_new(unsigned index,
	const struct udp_socket *sockets, unsigned n,
	const struct net_shared *shared);
void udp_worker_start(struct udp_worker *worker);
/* It may be started again. */
void udp_worker_stop(struct udp_worker *worker);
void udp_worker_free(struct udp_worker *worker);

/* Its accounts and counters, for control to read. */
struct net_thread *udp_worker_thread(struct udp_worker *worker);

#endif
