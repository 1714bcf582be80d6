/* accounts.h - what one answering thread remembers: what it promised to whom.
 *
 * Every thread that answers owns one struct accounts and is its only writer.
 * Two tables:
 *
 *  - promises by node: monotonic sums that wrap. Control reads them every
 *    100 ms, takes differences and knows what was promised since; no reset,
 *    no lock, no race. Beside them `recent`, the thread's own promises since
 *    the load it decides by was published.
 *  - clients by (client net, steered name, stream): their demand. A fixed
 *    table; the oldest of a bucket makes room, so that floods of nets cost no
 *    memory. What they were told, all threads share: memory.h.
 *
 * A third small one holds a budget per asking network, so that nobody can
 * reserve the fleet full with forged questions.
 */
#ifndef STEER_ACCOUNTS_H
#define STEER_ACCOUNTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rng.h"
#include "steer/memory.h"
#include "steer/notes.h"

/* A promise of `rate` viewers per second lasts as long as the answer; its
 * length is rounded up to one of these classes, its rate down. */
#define PROMISE_CLASSES 8
extern const uint8_t promise_class_s[PROMISE_CLASSES];

/* Units of the sums: viewers / 256, and viewers per second / 1024. */
#define PROMISE_VIEWER 256
#define PROMISE_RATE 1024

/* One cache line a node. */
struct promise {
	_Atomic uint32_t viewers;               /* at once */
	_Atomic uint32_t rate[PROMISE_CLASSES]; /* while the answer lives */
	_Atomic uint32_t answers;
	_Atomic uint32_t line2; /* questions for line 2+ of clients that had
				   been told this node */
	_Atomic uint32_t only;  /* answers for a line, as no other node lived */
	float recent;           /* viewers promised since ... */
	uint32_t recent_generation; /* ... this load */
	float there;       /* viewers placed here, fading, at there_ms */
	uint32_t there_ms; /* (clock, cut to 32 bits) */
};
_Static_assert(sizeof(struct promise) == 64, "a cache line");

/* The demand of a client net. */
struct client {
	uint32_t tag;      /* 0: free */
	uint32_t asked_ms; /* last demand event */
	float n, g;        /* n events in g seconds of waiting */
	uint16_t held;     /* least gap between questions of late, 1/16 s: who
			      asks often but never sooner keeps answers so long */
	uint16_t events;   /* so many questions, at most 65535 */
};

#define CLIENT_WAYS 3
struct client_bucket {
	_Alignas(64) struct client way[CLIENT_WAYS];
};
_Static_assert(sizeof(struct client_bucket) == 64, "a cache line");

struct asker {
	uint32_t tag;
	uint32_t at_ms;
	float budget; /* viewers */
	float lines;  /* viewers that it brought and that may switch lines */
};

/* When an asking network was noted last for a node: so that floods of
 * questions are no flood of notes. */
struct noted {
	uint32_t tag, at_ms;
};
#define NOTED 8192

/* How many viewers of an area were placed on a node, fading: where one that
 * asks for another line may be. */
struct placed {
	uint32_t area;
	uint16_t node;
	uint16_t unused;
	float viewers; /* at at_ms */
	uint32_t at_ms;
};
#define PLACED_BITS 16
#define PLACED_FADE_MS 1800000.0f /* viewers are gone by then */

#define ASKERS 4096

struct accounts {
	struct promise *promise;    /* by map index, room for every node there
				    may ever be */
	uint32_t recent_generation; /* of the load they decide by, and ... */
	float recent_most; /* ... the most of any promise.recent since */
	struct client_bucket *clients;
	uint32_t bucket_mask;
	struct asker askers[ASKERS];
	struct noted noted[NOTED];
	struct placed placed[1 << PLACED_BITS];
	uint64_t secret;       /* seeds the tags */
	struct notes *notes;   /* for the control thread */
	struct memory *memory; /* of the process; borrowed */
};

/* An account for at least max_clients client nets (a power of two of buckets
 * of three, 64 bytes each), touched only as nodes and clients come. memory is borrowed. */
struct accounts *accounts_new(
	unsigned max_clients, struct memory *memory, uint64_t secret);
void accounts_free(struct accounts *accounts); /* NULL allowed */

/* Where a key's client is, and its tag. */
static inline struct client_bucket *accounts_bucket(
	const struct accounts *a, uint64_t key)
{
	return &a->clients[key & a->bucket_mask];
}

static inline uint32_t accounts_tag(const struct accounts *a, uint64_t key)
{
	return hash_tag(key, a->secret);
}

/* The client's entry, NULL if there is none. */
static inline struct client *accounts_find(
	struct client_bucket *bucket, uint32_t tag)
{
	struct client *c = bucket->way;
	unsigned at = c[1].tag == tag ? 1 : 0;
	if (c[2].tag == tag)
		at = 2;
	return c[at].tag == tag ? &c[at] : NULL;
}

/* Makes one, where the oldest of the bucket was. Owner thread only. */
struct client *accounts_make(
	struct client_bucket *bucket, uint32_t tag, uint32_t now_ms);

/* A stream as an area: MAP_NO_NODE stands for all its nodes. */
static inline uint32_t accounts_stream(uint64_t stream)
{
	return (uint32_t)stream | 0x80000000u;
}

static inline unsigned placed_at(uint32_t area, unsigned node)
{
	return hash_mix((uint64_t)area << 16 | node) % (1 << PLACED_BITS);
}

/* What is left of viewers who were placed at at_ms. */
static inline float accounts_fade(
	float viewers, uint32_t at_ms, uint32_t now_ms)
{
	float age = (float)(now_ms - at_ms) * (1 / PLACED_FADE_MS);
	return age < 1 ? viewers * (1 - age) : 0;
}

/* Places viewers of an area on a node; how many this thread had placed there
 * before. */
static inline float accounts_place(struct accounts *accounts, uint32_t area,
	unsigned node, float viewers, uint32_t now_ms)
{
	struct placed *p = &accounts->placed[placed_at(area, node)];
	float before = 0;
	if (p->area == area && p->node == node)
		before = accounts_fade(p->viewers, p->at_ms, now_ms);
	if (viewers <= 0)
		return before;
	p->area = area;
	p->node = (uint16_t)node;
	p->viewers = before + viewers;
	p->at_ms = now_ms;
	return before;
}

static inline float accounts_placed(const struct accounts *accounts,
	uint32_t area, unsigned node, uint32_t now_ms)
{
	const struct placed *p = &accounts->placed[placed_at(area, node)];
	return p->area == area && p->node == node
		? accounts_fade(p->viewers, p->at_ms, now_ms)
		: 0;
}

/* An asking network: what its budget and its notes are kept by. */
static inline uint64_t accounts_asker(
	const struct accounts *accounts, const struct addr *asker)
{
	/* a /24 or /48 */
	uint64_t net = addr_half(asker, 0) &
		addr_mask_half(asker->family == 4 ? 24 : 48);
	return hash_mix(net ^ (uint64_t)asker->family << 56);
}

/* How many of `viewers` the asking network may still reserve now; takes them
 * from its budget, which refills by per_s up to burst. */
float accounts_budget(struct accounts *accounts, uint64_t asker,
	uint32_t now_ms, float viewers, float per_s, float burst);

/* How many of `viewers` who switch lines are believed of the network: as many as
 * accounts_budget let it bring here, and a few. */
float accounts_lines_budget(struct accounts *accounts, uint64_t asker,
	uint32_t now_ms, float viewers, float burst);

#endif
