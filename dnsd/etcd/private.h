/* private.h - what the files of the client of etcd share.
 *
 * All of it but `owner` is used by the client's own thread alone. */
#ifndef ETCD_PRIVATE_H
#define ETCD_PRIVATE_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rng.h"
#include "etcd/etcd.h"

#define ETCD_WHY_MAX 256

/* -- gateway.c: pure; fuzzed -- */

/* Items, in order, with all that they point to. */
struct batch {
	struct arena *arena;
	struct etcd_item *item;
	unsigned n, room;
	size_t octets; /* of all */
	unsigned
		left_out; /* keys that are no text or too long, too long values */
	int64_t revision;
};

struct batch *batch_new(void);
void batch_free(struct batch *batch); /* NULL allowed */

/* Which etcd it was, and when. */
struct gateway_header {
	uint64_t cluster, term;
	int64_t revision;
};

/* What etcd says instead of an answer. */
#define GATEWAY_INVALID 3
#define GATEWAY_NOT_FOUND 5
#define GATEWAY_UNAVAILABLE 14
struct gateway_error {
	unsigned code; /* of gRPC; 0: none was said */
	char text[ETCD_WHY_MAX];
	bool no_leader; /* surely not done */
	bool no_quorum; /* no leader, or none that got a majority in time */
	bool compacted;
};

/* False: the text is no error of etcd's. */
bool gateway_error(const char *text, size_t len, struct gateway_error *error);

/* Keys from `from` (all of it, the prefix included; NULL: from the first) that begin
 * with the prefix; revision 0: the newest. */
void gateway_range(struct buf *out, const char *prefix, const struct buf *from,
	unsigned limit, int64_t revision);

struct gateway_page {
	struct gateway_header header;
	bool more;
	struct buf next; /* the page after it begins there */
};

/* Adds the items to the batch. page->next: where this page began, or nothing; the
 * caller ends it by buf_fini(). */
bool gateway_page(const char *text, size_t len, const char *prefix,
	struct batch *batch, struct gateway_page *page, struct err *err);

void gateway_watch(struct buf *out, const char *prefix, int64_t from);

/* One line of a watch. */
struct gateway_said {
	struct gateway_header header;
	bool created, canceled, compacted;
	bool part;                  /* more of the same revision follows */
	struct gateway_error error; /* of a canceled one */
};
bool gateway_said(const char *line, size_t len, const char *prefix,
	struct batch *batch, struct gateway_said *said, struct err *err);

/* Sets or, value NULL, deletes it if its last change was of that revision. */
void gateway_change(struct buf *out, const char *key, const char *value,
	size_t len, int64_t revision);
bool gateway_changed(const char *text, size_t len, bool *changed,
	int64_t *revision, struct err *err);

void gateway_put(struct buf *out, const char *key, const char *value,
	size_t len, int64_t lease);
void gateway_delete(struct buf *out, const char *key);

/* The answer to one of both. */
bool gateway_done(const char *text, size_t len, struct err *err);

void gateway_grant(struct buf *out, unsigned ttl_s);
void gateway_lease(struct buf *out, int64_t id);

/* The answer to a grant, or to one that keeps it alive; *ttl_s 0: it is gone. */
bool gateway_leased(const char *text, size_t len, int64_t *id, int64_t *ttl_s,
	struct err *err);

/* -- owner.c: messages to the owner -- */

struct owner;

struct owner *owner_new(
	struct mailbox *mailbox, const struct etcd_events *events);

/* By the owner: nothing is called any more. */
void owner_close(struct owner *owner);

/* Octets that it was sent and has not taken yet. */
size_t owner_behind(const struct owner *owner);

/* Takes the batch. */
void owner_all(struct owner *owner, struct batch *batch);
void owner_changed(struct owner *owner, struct batch *batch);
void owner_connected(struct owner *owner, const char *why);

struct change;
typedef void change_done(void *arg, const char *key, enum etcd_result result,
	int64_t revision, const char *why);
void owner_answer(struct owner *owner, const struct change *change,
	enum etcd_result result, int64_t revision, const char *why);

/* -- post.c: one POST to one endpoint -- */

enum post_end {
	POST_OK,
	POST_UNREACHED, /* it was not sent, or not to a member with a leader */
	POST_REFUSED,   /* etcd says why, in error */
	POST_TOO_LONG,  /* the answer is */
	POST_FAILED     /* anything else: it may be done or not */
};

struct post {
	struct etcd *etcd;
	CURL *curl; /* kept from one to the next */
	bool running;
	unsigned endpoint;
	struct buf request, answer;
	size_t most; /* octets of the answer, or of what take() leaves of it */
	bool too_long; /* the answer is */
	/* On a connection of its own: on one that is used again, curl sends it
	 * twice if the first time ends in silence. */
	bool once;
	/* Takes from the answer, to which n octets came; false: it is to end. */
	bool (*take)(struct post *post, size_t n);
	/* It does not run any more. */
	void (*done)(struct post *post, enum post_end end);
	struct gateway_error error;  /* of etcd's, or {0} */
	char why[ETCD_WHY_MAX];      /* "": nothing was wrong */
	char words[CURL_ERROR_SIZE]; /* curl's */
};

/* The empty request, to be filled. */
struct buf *post_request(struct post *post);

/* Sends the request to the current endpoint. timeout_ms 0: it may last. */
void post_start(struct post *post, const char *path, long timeout_ms);

/* Stops it without done(), if it runs. */
void post_stop(struct post *post);
void post_fini(struct post *post);

/* Calls done() of all that ended. */
void post_ended(struct etcd *etcd);

/* Sets post->why: the endpoint, a colon, and this. */
void post_why(struct post *post, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* -- watch.c -- */

enum watch_state { WATCH_WAITS, WATCH_READS, WATCH_OPENS, WATCH_STANDS };
enum watch_told { WATCH_UNTOLD, WATCH_TOLD_STANDS, WATCH_TOLD_LOST };

struct watch {
	enum watch_state state;
	int64_t due_ms;   /* when it is tried again, or has failed */
	int64_t since_ms; /* when it stood, or stood no more */
	unsigned failures;

	struct post post;
	struct batch *reading;      /* pages that were read */
	struct gateway_page page;   /* the last of them */
	unsigned limit;             /* keys of a page */
	bool anew;                  /* all is to be read */
	struct gateway_header seen; /* all up to this revision */

	/* Of the round of endpoints that is tried. */
	char why[ETCD_WHY_MAX];
	bool no_quorum;
	enum watch_told told;
	bool told_no_quorum;
	struct log_fault left_out;
};

void watch_init(struct watch *watch, struct etcd *etcd);
void watch_fini(struct watch *watch);
int64_t watch_turn(struct watch *watch, int64_t now_ms);

/* It may be another etcd: all is read. */
void watch_doubt(struct watch *watch);

/* -- change.c -- */

struct change {
	struct change *next;
	struct etcd *etcd;
	change_done *done;
	void *arg;
	int64_t revision;
	int64_t asked_ms;
	char *value; /* NULL: deletes */
	size_t len;
	size_t bare;                /* of the key, where the prefix has ended */
	char key[ETCD_KEY_MAX + 1]; /* with the prefix */
};

/* More than these wait for nothing: a change is answered UNSURE at once. */
#define CHANGES_MAX 65536

struct changes {
	struct post post;
	struct change *first, **last;
	unsigned n;
	size_t octets;
	bool begun; /* the first: it ends at until_ms */
	int64_t until_ms, due_ms;
	unsigned failures;
	char why[ETCD_WHY_MAX];
};

void changes_init(struct changes *changes, struct etcd *etcd);
void changes_fini(struct changes *changes);
int64_t changes_turn(struct changes *changes, int64_t now_ms);

/* -- lease.c -- */

struct lease {
	struct post post;
	enum etcd_lease kind;
	int64_t id; /* 0: there is none */
	int64_t due_ms;
	unsigned failures;
};

struct announced {
	struct announced *next;
	struct etcd *etcd;
	enum etcd_lease lease;
	bool dirty;  /* it is to be sent */
	char *value; /* NULL: to be deleted, then forgotten */
	size_t len;
	char key[ETCD_KEY_MAX + 1]; /* with the prefix */
};

struct leases {
	struct lease lease[2];
	struct announced *first; /* what was sent last is last */
	struct post post;
	struct announced *sending;
	int64_t due_ms;
	unsigned failures;
	struct log_fault fault;
};

void leases_init(struct leases *leases, struct etcd *etcd);
void leases_fini(struct leases *leases);
int64_t leases_turn(struct leases *leases, int64_t now_ms);

/* It may be another etcd: all is sent again. */
void leases_doubt(struct leases *leases);

/* Gives back the brief one. */
void leases_revoke(struct leases *leases, long timeout_ms);
bool leases_busy(const struct leases *leases);

/* -- etcd.c -- */

struct etcd {
	/* Never changes once the thread runs. */
	struct arena *texts;
	unsigned n_endpoints;
	const char **endpoint;
	const char *prefix, *ca, *cert, *key;
	unsigned timeout_ms, silence_ms;
	struct owner *owner;
	struct mailbox *inbox;
	pthread_t thread;

	bool stop;
	CURLM *multi;
	struct curl_slist *headers;
	struct rng rng;
	unsigned current; /* endpoint: the one after that which failed last */
	struct watch watch;
	struct changes changes;
	struct leases leases;
};

#define ETCD_NEVER INT64_MAX

/* The endpoint failed: the next requests go to another. */
void etcd_endpoint_failed(struct etcd *etcd, unsigned endpoint);

/* How long to wait after so many failures in a row: not at all until every
 * endpoint was tried, then longer and longer, never the same for two clients. */
int64_t etcd_pause_ms(struct etcd *etcd, unsigned failures);

/* A member that does not take connections must not use up the time of the others. */
long etcd_connect_ms(const struct etcd *etcd);

#endif
