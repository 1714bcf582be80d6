/* events.h - what an answering thread tells the control thread beyond sums: a
 * ring with one writer and one reader that nobody waits for. When it is full,
 * notes are lost and counted; what they teach is learned a little later.
 *
 *	answering thread --events_push--> ring --events_pop, every 100 ms--> control
 */
#ifndef LEDGER_EVENTS_H
#define LEDGER_EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENTS_SIZE 4096
#define EVENTS_URGENT 1024 /* room that only EVENT_LARGE_RESOLVER may take */
#define EVENT_NODES 4

enum steer_event_kind {
	EVENT_LARGE_RESOLVER, /* a crowd behind one cache was sent to node[] */
	EVENT_SENT,           /* an asking network was sent to node[0] */
	EVENT_SWITCHED, /* and asks for another line: its viewers may be on one of
		       node[], most likely first */
};

struct steer_event {
	union {
		uint64_t key;   /* EVENT_LARGE_RESOLVER: of the client net */
		uint64_t asker; /* others: the asking network, as
				      accounts_net() says */
	};
	uint32_t now_ms; /* clock, cut to 32 bits */
	float at_once,
		rate; /* EVENT_LARGE_RESOLVER: viewers, viewers per second;
				      EVENT_SENT: viewers of the area, of all,
				      on the node; negative: not known */
	uint16_t node[EVENT_NODES]; /* MAP_NO_NODE: none */
	uint32_t area;              /* the site nearest to the client */
	uint16_t held_s; /* EVENT_LARGE_RESOLVER: how long the answer is kept */
	uint8_t kind;    /* enum steer_event_kind */
	bool proven;     /* the asker's address is not forged */
};
_Static_assert(sizeof(struct steer_event) == 40, "small");

struct steer_events {
	_Atomic uint32_t head, tail; /* written by the pusher, the popper */
	_Atomic uint32_t lost;
	struct steer_event ring[EVENTS_SIZE];
};

/* Room for a note that events_commit() sends, NULL if there is none. */
static inline struct steer_event *events_slot(
	struct steer_events *events, enum steer_event_kind kind)
{
	uint32_t head =
		atomic_load_explicit(&events->head, memory_order_relaxed);
	uint32_t used = head -
		atomic_load_explicit(&events->tail, memory_order_acquire);
	uint32_t room = EVENTS_SIZE - used;
	if (room == 0 ||
		(kind != EVENT_LARGE_RESOLVER && room <= EVENTS_URGENT)) {
		atomic_store_explicit(&events->lost,
			atomic_load_explicit(
				&events->lost, memory_order_relaxed) +
				1,
			memory_order_relaxed);
		return NULL;
	}
	return &events->ring[head % EVENTS_SIZE];
}

static inline void events_commit(struct steer_events *events)
{
	atomic_store_explicit(&events->head,
		atomic_load_explicit(&events->head, memory_order_relaxed) + 1,
		memory_order_release);
}

static inline void events_push(
	struct steer_events *events, const struct steer_event *event)
{
	struct steer_event *slot =
		events_slot(events, (enum steer_event_kind)event->kind);
	if (!slot)
		return;
	*slot = *event;
	events_commit(events);
}

/* False: there is none. */
static inline bool events_pop(
	struct steer_events *events, struct steer_event *event)
{
	uint32_t tail =
		atomic_load_explicit(&events->tail, memory_order_relaxed);
	if (tail == atomic_load_explicit(&events->head, memory_order_acquire))
		return false;
	*event = events->ring[tail % EVENTS_SIZE];
	atomic_store_explicit(&events->tail, tail + 1, memory_order_release);
	return true;
}

#endif
