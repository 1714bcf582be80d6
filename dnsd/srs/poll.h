/* poll.h - asks every node for its load, on the control thread's event loop.
 *
 * libcurl's multi socket interface (only user of libcurl here): nothing blocks.
 * One fresh connection a poll (a kept one would stop SRS's graceful exit and
 * costs 44 ms on SRS), no redirects, no proxy from the environment, http and
 * https only, TLS verified, a cap on the body, one deadline for all.
 * Beside the poll a node may have probes (probe.h), because a TCP connect
 * proves nothing about an SRS. That of WHEP is an HTTP OPTIONS, by libcurl too, since
 * it may be HTTPS, to which any answer will do but 404 and 5xx; it is left out while the
 * poll fails, which tells enough of such a node.
 *
 * Where a node's streams are wanted, they are a second question to its API,
 * which is left out while the first one fails.
 *
 * Where clients are wanted (poll_clients), they are asked for now and then, in pages of
 * CLIENTS_PAGE one after the other, each of which is parsed in a turn of the loop of its
 * own; from any time of the first interval on, so that nodes do not all come at once. A
 * round of which a page fails is over.
 *
 * The FLV probe asks for / and takes any HTTP answer, but now and then for a
 * stream (flv.h): one of a source for a node that pulls, every 60 s, else one of
 * the node's own list, every 15 s. Only if that is refused by an HTTP error, and
 * a list that is asked for thereafter names the stream, the probe has failed, and
 * the next one asks for a stream too: for the last one that played, if it is live.
 * In all else the port decides. The lists that are asked for this alone go
 * no further.
 *
 * Poll and probes of a node run at once, every interval with 10 % of jitter;
 * each of them that fails first after a success (or at the start) is asked
 * again at once, then at the interval. One that is still under way is not asked
 * a second time. Results are handed to the callbacks; poll never decides.
 * Control thread only.
 */
#ifndef SRS_POLL_H
#define SRS_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/sample.h"
#include "srs/clients.h"
#include "srs/streams.h"

struct event_base;
struct poller;

/* What is asked of one node. Strings are copied. NULL or "": not asked. */
struct poll_target {
	uint32_t node;         /* handed back in callbacks; once in a list */
	const char *api;       /* "http://[user:password@]host:port", no path */
	const char *api_token; /* sent as Bearer; then without a user */
	const char *rtmp;      /* "host:port", numeric */
	const char *flv;       /* "host:port", numeric */
	const char *srt;       /* "host:port", numeric */
	const char *whep;      /* "http[s]://host:port", no path */
	bool streams;          /* ask the API for its streams as well */
	bool source; /* with streams: nodes that pull can fetch them */
	bool pulls;  /* has by and by each stream of a source */
};

enum poll_probe {
	POLL_RTMP,
	POLL_FLV,
	POLL_STREAM, /* the FLV probe again: failed, for a live stream */
	POLL_SRT,
	POLL_WHEP,
};

/* All on the control thread. A callback may call poll_set and poll_now, but
 * not poll_free. */
struct poll_events {
	void *arg;
	/* A readable answer of the API. */
	void (*sample)(void *arg, uint32_t node, const struct sample *sample);
	/* The API poll failed. why is one line without secrets. */
	void (*failed)(void *arg, uint32_t node, enum sample_failure failure,
		const char *why);
	/* A probe ended; ok, or it failed, unreached: without a
	 * connection or a refusal of one. why names it. */
	void (*probed)(void *arg, uint32_t node, enum poll_probe probe, bool ok,
		bool unreached, const char *why);
	/* The node's streams, which the callback owns (free()); NULL: they
	 * could not be had, for the reason why. */
	void (*streams)(void *arg, uint32_t node, struct stream_list *list,
		const char *why);
	/* The node's clients, borrowed for the call, which may put them into
	 * another order; NULL: they could not be had, for the reason why. */
	void (*clients)(void *arg, uint32_t node, struct client_list *list,
		const char *why);
};

/* The events are copied. NULL only if libcurl cannot start. */
struct poller *poll_new(
	struct event_base *base, const struct poll_events *events);
void poll_free(struct poller *poller); /* NULL allowed */

/* At most so many questions at a time, polls and probes; others wait their turn.
 * Without a call there is no limit but that of transfers. */
void poll_limit(struct poller *poller, unsigned most);

/* How often the FLV probe asks for a stream of the node's own list, and of a
 * source's: 15 and 60 s without a call. */
void poll_play(struct poller *poller, unsigned own_ms, unsigned pulled_ms);

/* How often a node is asked for its clients; 0, as without a call: never. */
void poll_clients(struct poller *poller, unsigned every_ms);

/* Replaces the list of nodes. Targets equal to old ones keep their rhythm; requests under way to others are dropped. New ones
 * are asked at once (spread over at most 200 ms). A shorter interval holds from
 * now on, a longer one after the next poll. */
void poll_set(struct poller *poller, const struct poll_target *targets,
	unsigned n, unsigned interval_ms, unsigned timeout_ms);

/* Asks one node at once, beside its rhythm. Unknown nodes are ignored. */
void poll_now(struct poller *poller, uint32_t node);

/* Asks all nodes at once whose streams are asked for, for these alone. */
void poll_streams_now(struct poller *poller);

#endif
