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
	uint32_t unused[2];
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
#define PLACED 65536
#define PLACED_FADE_MS 1800000.0f     /* viewers are gone by then */
#define PLACED_EVERYWHERE 0xffffffffu /* an area that is all areas */

#define ASKERS 4096

struct accounts {
	struct promise *promise; /* by map index, room for every node there
				    may ever be */
	struct client_bucket *clients;
	uint32_t bucket_mask;
	struct asker askers[ASKERS];
	struct noted noted[NOTED];
	struct placed placed[PLACED];
	uint64_t secret;       /* seeds the tags */
	struct notes *notes;   /* for the control thread */
	struct memory *memory; /* of the process; borrowed */
};

/* An account for at least max_clients client nets (a power of two of buckets
 * of three, 64 bytes each), touched only as nodes and clients come. memory is borrowed. */
struct accounts *accounts_new(
	unsigned max_clients, struct memory *memory, uint64_t secret);
void accounts_free(struct accounts *accounts); /* NULL allowed */

/* The client's entry, or the one it may replace (then zeroed with its tag
 * set); never NULL. Owner thread only. */
struct client *accounts_client(
	struct accounts *accounts, uint64_t key, uint32_t now_ms);

/* The entry if there is one, without making room: for decisions that are not
 * accounted. */
const struct client *accounts_peek(
	const struct accounts *accounts, uint64_t key);

/* Fetches the bucket of a key into the cache. */
static inline void accounts_prefetch(
	const struct accounts *accounts, uint64_t key)
{
	__builtin_prefetch(&accounts->clients[key & accounts->bucket_mask]);
}

/* A stream as an area: MAP_NO_NODE stands for all its nodes. */
static inline uint32_t accounts_stream(uint64_t stream)
{
	return (uint32_t)stream | 0x80000000u;
}

static inline unsigned placed_at(uint32_t area, unsigned node)
{
	return hash_mix((uint64_t)area << 16 | node) % PLACED;
}

static inline float placed_now(const struct placed *p, uint32_t now_ms)
{
	float age = (float)(now_ms - p->at_ms) * (1 / PLACED_FADE_MS);
	return age < 1 ? p->viewers * (1 - age) : 0;
}

/* Viewers of an area on a node, as far as this thread placed them. To place
 * more tells how many there were. */
static inline float accounts_place(struct accounts *accounts, uint32_t area,
	unsigned node, float viewers, uint32_t now_ms)
{
	struct placed *p = &accounts->placed[placed_at(area, node)];
	bool same = p->area == area && p->node == node;
	float before = same ? placed_now(p, now_ms) : 0;
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
	return p->area == area && p->node == node ? placed_now(p, now_ms) : 0;
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
