/* events.h - what an answering thread has for the control thread beside sums: a
 * ring of events. What finds no room is lost and counted; what it would have
 * shown is learned a little later.
 *
 *	answering thread --events_push--> ring --events_pop, every 100 ms--> control
 */
#ifndef LEDGER_EVENTS_H
#define LEDGER_EVENTS_H

#include <stddef.h>

#include "base/ring.h"

#define EVENTS_SIZE 4096
#define EVENTS_URGENT 1024 /* room that only EVENT_LARGE_RESOLVER may take */
#define EVENT_NODES 4

enum steer_event_kind {
	EVENT_LARGE_RESOLVER, /* one was sent to node[] */
	EVENT_SENT,           /* an asking network was sent to node[0] */
	EVENT_SWITCHED, /* it asks for another line: its viewers may be on one of
			   node[], most likely the first */
};

struct steer_event {
	union {
		uint64_t key;   /* EVENT_LARGE_RESOLVER: demand_key() */
		uint64_t asker; /* others: the asking network, accounts_net() */
	};
	uint32_t now_ms;     /* clock, cut to 32 bits */
	float at_once, rate; /* EVENT_LARGE_RESOLVER: viewers, viewers per
				       second; EVENT_SENT: viewers of the area,
				       of all areas, on the node before it;
				       negative: not known */
	uint16_t node[EVENT_NODES]; /* MAP_NO_NODE: none */
	uint32_t area;              /* the site nearest to the client */
	uint16_t held_s; /* EVENT_LARGE_RESOLVER: how long the answer is kept */
	uint8_t kind;    /* enum steer_event_kind */
	bool proven;     /* the asker's address is not forged */
};
_Static_assert(sizeof(struct steer_event) == 40, "small");

struct steer_events {
	struct ring ring;
	struct steer_event event[EVENTS_SIZE];
};

/* Room for an event that events_commit() sends, NULL if there is none. */
static inline struct steer_event *events_slot(
	struct steer_events *events, enum steer_event_kind kind)
{
	uint32_t index;
	uint32_t keep = kind == EVENT_LARGE_RESOLVER ? 0 : EVENTS_URGENT;
	if (!ring_room(&events->ring, EVENTS_SIZE, keep, &index))
		return NULL;
	return &events->event[index];
}

static inline void events_commit(struct steer_events *events)
{
	ring_put(&events->ring);
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
	uint32_t index;
	if (!ring_any(&events->ring, EVENTS_SIZE, &index))
		return false;
	*event = events->event[index];
	ring_taken(&events->ring);
	return true;
}

#endif
