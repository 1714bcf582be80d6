/* flv.h - is HTTP-FLV served, not only its port? What a probe says and hears, and
 * which stream it asks for. Pure.
 *
 * An SRS may answer 404 to every HTTP-FLV player (the edges of 7.0.128 do), and be
 * well in all else. So a probe is a player for a moment now and then: it asks for
 * a stream that is live, and is content with the first bytes. The player counts
 * for SRS: it calls its hooks, and an edge fetches the stream. Therefore seldom.
 *
 * Only an HTTP error counts (404, 5xx), and only while the stream is still listed.
 * Everything else (silence, a login, a hook that refuses) may be a well node's
 * answer too: then the plain question decides, whether HTTP is answered at all.
 */
#ifndef SRS_FLV_H
#define SRS_FLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "srs/streams.h"

#define FLV_URL_MAX 256

enum flv_step {
	FLV_IDLE,
	FLV_LIST, /* waits for the node's list, to choose from */
	FLV_PLAY, /* asks for the stream */
	FLV_CHECK, /* was refused; waits for the list, whether it is still live */
	FLV_PORT, /* asks for / */
	FLV_GOOD, /* refused, but the stream may have ended */
	FLV_BAD,  /* refused, and the stream is live */
};

/* Of one node. */
struct flv {
	enum flv_step step;
	int64_t next_ms;          /* no stream is asked for before this */
	uint32_t from;            /* the node whose list names url */
	char url[FLV_URL_MAX];    /* the stream that is asked for */
	char served[FLV_URL_MAX]; /* the last one that played; "" if none */
	bool retry; /* the last one was bad: served, which is live, next */
	bool stale; /* the list under way was begun before the refusal */
	unsigned status;
	float rtt_ms;
};

/* A stream of the list to ask for, "" if there is none. Names with other
 * characters than letters, digits and -._~ are left out, and applications with a
 * slash: SRS does not decode a path, so it would not find them. */
void flv_choose(
	const struct stream_list *list, struct rng *rng, char url[FLV_URL_MAX]);

/* Whether the list names the stream. */
bool flv_lists(const struct stream_list *list, const char *url);

/* The list that a step waited for; NULL: it cannot be had. The next step. */
void flv_listed(
	struct flv *flv, const struct stream_list *list, struct rng *rng);

/* The request for a stream's url, "/app/name" or "vhost/app/name"; its length. */
size_t flv_request(char *to, size_t room, const char *url);

enum flv_answer {
	FLV_MORE,    /* cannot be decided yet */
	FLV_PLAYS,   /* 200, and the first bytes are FLV */
	FLV_REFUSES, /* 404 or 5xx: status */
	FLV_UNCLEAR,
};

/* What the first bytes of an answer say. */
enum flv_answer flv_read(const char *bytes, size_t n, unsigned *status);

#endif
