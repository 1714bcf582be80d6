/* events.h - server-sent events for the operator's page: nodes, status,
 * traffic.
 *
 * All on http's thread. A stream is a request whose reply does not end; each
 * second what has changed since the last second is sent to all of them. A reader
 * that is slow, gone, or one too many costs a connection, nothing else.
 */
#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include <event2/event.h>
#include <event2/http.h>

#include "snapshot/snapshot.h"

struct events;

/* max: streams at a time. */
struct events *events_new(
	struct event_base *base, struct published *published, unsigned max);

/* After all connections were closed. */
void events_free(struct events *events);

/* A connection is about to end; it need not be a stream's. */
void events_closed(struct events *events, struct evhttp_connection *c);

#endif
