/* ask.h - what is asked of a node, inside of the poller: poll.c has the turns and the
 * nodes, transfer.c the API, play.c the FLV probe, rounds.c the clients. For these files
 * only.
 */
#ifndef SRS_ASK_H
#define SRS_ASK_H

#include <curl/curl.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/rng.h"
#include "srs/clients.h"
#include "srs/flv.h"
#include "srs/poll.h"
#include "srs/probe.h"

#define SUMMARIES_PATH "/api/v1/summaries"
#define SPARE_MAX 256 /* idle curl handles kept for the next polls */

enum what {
	ASK_API,
	ASK_RTMP,
	ASK_FLV,
	ASK_SRT,
	ASK_WHEP,
	ASK_STREAMS,
	ASK_CLIENTS,
	ASKS
};

/* One of the things asked of a node. */
struct ask {
	struct asked *node;
	bool wanted;
	bool failing;   /* the last one failed */
	bool unreached; /* API: the last one brought no connection */
	bool knocked;   /* ... but a knock did, just now */
	bool transfer;  /* its turn is one of curl's */
	CURL *curl;     /* API, streams, WHEP: under way */
	struct buf body;
	struct probe *probe; /* RTMP, FLV, SRT, a knock at the API: under way */
	struct sockaddr_storage to;
	socklen_t to_len;
	struct event *again; /* a second look, or the next step, at once */
	bool ended;          /* in the poller's list, to be reported */
	bool waiting;        /* in the list of those that have no turn yet */
	CURLcode code;       /* and how it ended */
	TAILQ_ENTRY(ask) entry;
};

/* One node. Owned by the poller; freed when a list without it is set. */
struct asked {
	struct poller *poller;
	uint32_t node;
	bool kept; /* within poll_set: it is in the new list too */
	char *api, *rtmp, *flv, *srt, *whep; /* as given; "" if not */
	char *url, *streams_url, *user, *password;
	char *token;  /* as given; "" if not */
	bool numeric; /* an address is its own name: never looked up again */
	struct event *due;
	struct ask asks[ASKS];
	bool pulls, source; /* as given */
	/* Of a source: a stream that was in its last two lists, and one of the
	 * last; "" if none. */
	char live[FLV_URL_MAX], young[FLV_URL_MAX];
	struct flv play;
	int64_t clients_ms;          /* of the next round; 0: none yet */
	struct client_list *clients; /* of the round under way */
};

struct poller {
	struct event_base *base;
	struct poll_events events;
	CURLM *multi;
	struct event *timer;  /* curl's */
	struct asked **nodes; /* sorted by node */
	unsigned n;
	unsigned interval_ms, timeout_ms;
	unsigned play_ms, pull_ms; /* PLAY_MS, PULL_MS */
	unsigned clients_ms;       /* between two rounds of a node; 0: none */
	const char *authorities;   /* a file; NULL: the system's */
	struct rng rng;
	CURL *spare[SPARE_MAX];
	unsigned n_spare;
	TAILQ_HEAD(, ask) ended, waiting;
	unsigned transfers;
	unsigned turns, turns_max; /* transfers and probes */
};

void poll_timer_add(struct event *event, double ms);

/* The place of a node in the list, NULL if it is not there. */
struct asked **poll_find(struct poller *poller, uint32_t number);

enum what ask_what(const struct ask *ask);

/* Asks, if that is wanted and not under way; or goes on with it. Every answer
 * comes from the event loop. */
void ask_start(struct ask *ask);

/* Asks or waits for a turn; it is not under way. */
void ask_now(struct ask *ask);

bool ask_under_way(const struct ask *ask);

/* What was asked has ended: another has the turn. */
void ask_turn_end(struct ask *ask);

/* It ended. After the first failure: a second look, in the next turn of the loop. */
void ask_ended(struct ask *ask, bool ok);

/* Called last: the node may be gone then. */
void ask_tell_probe(
	struct ask *ask, enum poll_probe probe, const struct probe_end *end);

/* -- transfer.c -- */

void transfer_open(struct poller *poller);
void transfer_close(struct poller *poller); /* none is under way */
void transfer_timer(evutil_socket_t fd, short what, void *poller);

/* Begins a question to the API; ends it, and gives its turn to another. */
void transfer_start(struct ask *ask);
void transfer_stop(struct ask *ask);

/* A question to the API failed. Called last. */
void transfer_failed(
	struct ask *ask, enum sample_failure failure, const char *why);

/* -- play.c -- */

/* The next step of a node's FLV probe. */
void play_go(struct ask *ask);

/* One of its questions has ended: a probe_done. */
void play_probed(void *arg, const struct probe_end *end);

/* A list that was asked for, NULL if it could not be had. */
void play_listed(struct asked *node, const struct stream_list *list);

/* -- rounds.c -- */

/* Whether its clients are to be asked for: a round begins, or goes on. */
bool rounds_due(struct asked *node);

/* Where the next page of them is; the length of the text. */
size_t rounds_url(const struct asked *node, char *to, size_t room);

/* A page has come; it could not be had. Called last. */
void rounds_page(struct ask *ask, const char *body, size_t len);
void rounds_failed(struct ask *ask, const char *why);

void rounds_drop(struct asked *node);

#endif
