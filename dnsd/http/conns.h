/* conns.h - the connections of one listener of HTTP: each is counted from accept to
 * close, and has a deadline by our own clock, since evhttp's timeouts begin anew
 * with every octet. Private to http/, on its thread.
 *
 * A connection has CONNS_READ_MS from accept, or from the end of its last answer,
 * to the end of its request, and CONNS_WRITE_MS from our answer to the end of
 * sending it. Beyond the most connections there may be, the client net that has
 * most of them loses one (base/shares.h).
 */
#ifndef HTTP_CONNS_H
#define HTTP_CONNS_H

#include <event2/http.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define CONNS_READ_MS 10000
#define CONNS_WRITE_MS 20000

struct conns;
struct ssl_ctx_st;

struct conns_events {
	void *arg;
	/* evhttp ends it; what is known of it is forgotten after. */
	void (*closed)(void *arg, struct evhttp_connection *c);
	/* New connections were taken into account: more may be accepted. */
	void (*settled)(void *arg);
	/* True: a peer's connections are never closed for room (a proxy carries
	 * many clients). */
	bool (*spared)(void *arg, const struct addr *peer);
};

/* max: connections, but for streams. The events are copied. */
struct conns *conns_new(struct event_base *base, unsigned max, uint64_t secret,
	const struct conns_events *events);
void conns_free(struct conns *conns); /* after evhttp; NULL allowed */

/* For evhttp's hook: the bufferevent of a connection just accepted. tls NULL:
 * plain. *pause: nothing more is to be accepted until `settled`. */
struct bufferevent *conns_accept(
	struct conns *conns, struct ssl_ctx_st *tls, bool *pause);

/* A whole request came. Its peer. */
struct addr conns_asked(struct conns *conns, struct evhttp_request *ev);

/* It is answered, as far as it is for us. Before the call of evhttp. */
void conns_answered(struct evhttp_request *ev);

/* Its answer has no end: it no longer counts and has no deadline; the caller
 * bounds how many there are. */
void conns_stream(struct evhttp_request *ev);

/* Closes connections past their deadline; to be called often. */
void conns_tick(struct conns *conns);

/* Whether a request came that is not wholly answered. */
bool conns_answering(const struct conns *conns);

/* How many there are, but for streams. */
unsigned conns_count(const struct conns *conns);

#endif
