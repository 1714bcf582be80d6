/* accounts.h - what one answering thread writes: reservations, demand, budgets,
 * places.
 *
 * Every thread that answers owns one struct accounts and is its only writer.
 * Two tables:
 *
 *  - reservations by node: monotonic sums that wrap. Control reads them every
 *    100 ms, takes differences and knows what was reserved since; no reset,
 *    no lock, no race. In a table of its own `unpublished`, the thread's own
 *    since the load it decides by was published.
 *  - clients by (client net, steered name, stream): their demand. A fixed
 *    table; the oldest of a bucket makes room, so that floods of nets cost no
 *    memory. Where they were sent, all threads share: sent.h.
 *
 * A third small one holds a budget per asking network, so that no network can
 * reserve the fleet full with forged questions.
 */
#ifndef LEDGER_ACCOUNTS_H
#define LEDGER_ACCOUNTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/rng.h"
#include "ledger/events.h"
#include "ledger/sent.h"

/* A reservation of `rate` viewers per second lasts as long as the answer; its
 * length is rounded up to one of these classes, its rate down. */
#define RESERVATION_CLASSES 8
extern const uint8_t reservation_class_s[RESERVATION_CLASSES];

/* Units of the sums: viewers / 256, and viewers per second / 1024. */
#define RESERVATION_VIEWER 256
#define RESERVATION_RATE 1024

/* One cache line a node. */
struct reservation {
	_Alignas(64) _Atomic uint32_t viewers;      /* at once */
	_Atomic uint32_t rate[RESERVATION_CLASSES]; /* while the answer lives */
	_Atomic uint32_t answers;
	_Atomic uint32_t line2; /* questions for line 2+ of clients that had
				   been sent here */
	_Atomic uint32_t only;  /* answers for a line, as no other node lived */
	float there;            /* viewers placed here, fading, at there_ms */
	uint32_t there_ms;      /* (clock, cut to 32 bits) */
};
_Static_assert(sizeof(struct reservation) == 64, "a cache line");

/* Viewers that were reserved on a node since a load was published. A table of its own: a
 * decision reads it of all candidates. */
struct unpublished {
	float viewers;
	uint32_t generation; /* of that load */
};

/* The demand of a client net. */
struct client {
	uint32_t id
		[2]; /* accounts_id(), in halves: so the size is 20; 0: free */
	float g;     /* seconds of waiting for the events, fading */
	float rate;  /* viewers per second, 0: nothing known */
	uint16_t held;  /* least gap between the last questions, 1/16 s: a
			    resolver that asks often but never sooner keeps
			    answers so long */
	uint8_t events; /* so many questions, at most 255 */
	uint8_t asked;  /* last demand event: units of CLIENT_TICK_MS, cut to
			    8 bits. Only for eviction */
};
#define CLIENT_TICK_MS 4096

static inline uint8_t client_tick(uint32_t now_ms)
{
	return (uint8_t)(now_ms / CLIENT_TICK_MS);
}

#define CLIENT_WAYS 3
struct client_bucket {
	_Alignas(64) struct client way[CLIENT_WAYS];
};
_Static_assert(sizeof(struct client_bucket) == 64, "a cache line");

struct asker {
	uint64_t net; /* accounts_net(), 0: free */
	uint32_t at_ms;
	float budget; /* viewers */
	float lines;  /* viewers that it brought and that may switch lines */
};

/* When an asking network had its last event about a node: so that floods of
 * questions are no flood of events. */
struct event_limit {
	uint64_t net; /* accounts_net(), 0: free */
	uint32_t at_ms;
	uint16_t node;
	uint16_t kind;
};
#define EVENT_LIMIT_BITS TABLE_BITS(13)

/* How many viewers of an area were placed on a node, fading: where one that
 * asks for another line may be. Written with relaxed stores, since control
 * reads it for the operator's map (traffic.h): an entry that is replaced while it
 * is read may look mixed, once. */
struct placed {
	uint32_t area;
	uint16_t node;
	uint16_t unused;
	float viewers; /* at at_ms */
	uint32_t at_ms;
};
#define PLACED_BITS TABLE_BITS(16)
#define PLACED_FADE_MS 1800000.0f /* viewers are gone by then */
#define PLACED_TICK_MS 1000

#define ASKERS_BITS TABLE_BITS(12)
#define BUDGET_REFILL 0.1f /* of what it may reserve at once, per second */
#define REFILL_TICK_MS 1000
#define LINES_SHARE 0.25f /* of the viewers that a network brings */
#define LINES_FIRST 5.0f  /* viewers of a newcomer that may switch lines */

struct accounts {
	struct reservation
		*reservation; /* by map index, room for every node there
				    may ever be */
	struct unpublished *unpublished; /* the same */
	uint32_t
		unpublished_generation; /* of the load they decide by, and ... */
	float unpublished_most;         /* ... the most of any node's since */
	struct client_bucket *clients;
	unsigned bucket_bits;        /* at least KEY_SPARE_BITS */
	uint64_t secret;             /* odd; spreads asking networks */
	struct steer_events *events; /* for the control thread */
	struct sent_table *sent;     /* of the process; borrowed */
	struct asker askers[1 << ASKERS_BITS];
	struct event_limit event_limits[1 << EVENT_LIMIT_BITS];
	struct placed placed[1 << PLACED_BITS];
};

/* An account for at least max_clients client nets (a power of two of buckets
 * of three, 64 bytes each), touched only as nodes and clients come. sent is borrowed. */
struct accounts *accounts_new(
	unsigned max_clients, struct sent_table *sent, uint64_t secret);
void accounts_free(struct accounts *accounts); /* NULL allowed */

/* Where a key's client is, by sent_hash(). */
static inline struct client_bucket *accounts_bucket(
	const struct accounts *a, uint64_t hash)
{
	return &a->clients[hash >> (64 - a->bucket_bits)];
}

/* Bucket and id together are the whole key, as in sent.h. */
static inline uint64_t accounts_id(uint64_t hash)
{
	return hash << KEY_SPARE_BITS | KEY_IN_USE;
}

static inline uint64_t client_id(const struct client *c)
{
	uint64_t id;
	memcpy(&id, c->id, sizeof id);
	return id;
}

/* The client's entry, NULL if there is none. */
static inline struct client *accounts_find(
	struct client_bucket *bucket, uint64_t hash)
{
	struct client *c = bucket->way;
	uint64_t id = accounts_id(hash);
	unsigned at = client_id(&c[1]) == id ? 1 : 0;
	if (client_id(&c[2]) == id)
		at = 2;
	return client_id(&c[at]) == id ? &c[at] : NULL;
}

/* Makes one, where the oldest of the bucket was. Owner thread only. */
struct client *accounts_make(
	struct client_bucket *bucket, uint64_t hash, uint32_t now_ms);

/* A stream as an area: MAP_NO_NODE stands for all its nodes. */
static inline uint32_t accounts_stream(uint64_t stream)
{
	return (uint32_t)stream | 0x80000000u;
}

/* The nodes of an area lie side by side: a question asks for few areas and, in turn, for
 * all nodes near them. */
static inline unsigned placed_at(uint32_t area, unsigned node)
{
	uint64_t first = (uint64_t)area * HASH_ODD >> (64 - PLACED_BITS);
	return ((unsigned)first + node) & ((1u << PLACED_BITS) - 1);
}

/* What is left of viewers that were placed at at_ms. */
static inline float accounts_fade(
	float viewers, uint32_t at_ms, uint32_t now_ms)
{
	float left = 1 - (float)(now_ms - at_ms) * (1 / PLACED_FADE_MS);
	return viewers * (left > 0 ? left : 0);
}

/* Adds to what fades, once a second; how much there was before. */
static inline float accounts_add(
	float *viewers, uint32_t *at_ms, float more, uint32_t now_ms)
{
	float before = *viewers;
	if (now_ms - *at_ms >= PLACED_TICK_MS) {
		before = accounts_fade(before, *at_ms, now_ms);
		__atomic_store_n(at_ms, now_ms, __ATOMIC_RELAXED);
	}
	float after = before + more;
	__atomic_store(viewers, &after, __ATOMIC_RELAXED);
	return before;
}

/* Places viewers of an area on a node; how many this thread had placed there
 * before. */
static inline float accounts_place(struct accounts *accounts, uint32_t area,
	unsigned node, float viewers, uint32_t now_ms)
{
	struct placed *p = &accounts->placed[placed_at(area, node)];
	if (p->area != area || p->node != node) {
		if (viewers <= 0)
			return 0;
		float none = 0;
		__atomic_store(&p->viewers, &none, __ATOMIC_RELAXED);
		__atomic_store_n(&p->area, area, __ATOMIC_RELAXED);
		__atomic_store_n(&p->node, (uint16_t)node, __ATOMIC_RELAXED);
		__atomic_store_n(&p->at_ms, now_ms, __ATOMIC_RELAXED);
	}
	return accounts_add(&p->viewers, &p->at_ms, viewers, now_ms);
}

static inline float accounts_placed(const struct accounts *accounts,
	uint32_t area, unsigned node, uint32_t now_ms)
{
	const struct placed *p = &accounts->placed[placed_at(area, node)];
	return p->area == area && p->node == node
		? accounts_fade(p->viewers, p->at_ms, now_ms)
		: 0;
}

/* The asking network, a /24 or /48, as a number that no other network has; never
 * 0. */
static inline uint64_t accounts_net(const struct addr *asker)
{
	unsigned len = asker->family == 4 ? 24 : 48;
	struct addr net = addr_mask(asker, len);
	return addr_net_id(&net, len);
}

/* Networks that share a slot push each other out. A newcomer starts with a full
 * budget: legitimate resolvers are many, and a flood from forged addresses is not
 * bounded by any budget of its own. */
static inline struct asker *asker_of(
	struct accounts *a, uint64_t net, uint32_t now_ms, float burst)
{
	struct asker *one = &a->askers[net * a->secret >> (64 - ASKERS_BITS)];
	if (one->net != net)
		*one = (struct asker){net, now_ms, burst, LINES_FIRST};
	return one;
}

/* How many of `viewers` the asking network may still reserve now; takes them
 * from its budget, which refills by BUDGET_REFILL of burst a second, up to burst. */
static inline float accounts_budget(struct accounts *a, uint64_t net,
	uint32_t now_ms, float viewers, float burst)
{
	struct asker *one = asker_of(a, net, now_ms, burst);
	uint32_t gone_ms = now_ms - one->at_ms;
	/* Now and then, and when it is needed. */
	if (gone_ms >= REFILL_TICK_MS || viewers > one->budget) {
		float budget = one->budget +
			(float)gone_ms * 0.001f * BUDGET_REFILL * burst;
		one->budget = budget < burst ? budget : burst;
		one->at_ms = now_ms;
		viewers = viewers < one->budget ? viewers : one->budget;
	}
	one->budget -= viewers;
	one->lines += LINES_SHARE * viewers;
	return viewers;
}

/* How many of `viewers` that switch lines are believed of the network: as many as
 * accounts_budget let it bring here, and a few. */
static inline float accounts_lines_budget(struct accounts *a, uint64_t net,
	uint32_t now_ms, float viewers, float burst)
{
	struct asker *one = asker_of(a, net, now_ms, burst);
	float lines = one->lines < burst ? one->lines : burst;
	viewers = viewers < lines ? viewers : lines;
	one->lines = lines - viewers;
	return viewers;
}

/* -- reservations -- */

/* One writer: a load and a store are enough. */
static inline void accounts_sum(_Atomic uint32_t *sum, uint32_t more)
{
	atomic_store_explicit(sum,
		atomic_load_explicit(sum, memory_order_relaxed) + more,
		memory_order_relaxed);
}

static inline void accounts_count(_Atomic uint32_t *sum)
{
	accounts_sum(sum, 1);
}

/* The class of a TTL. */
static inline unsigned reservation_class(uint32_t ttl_s)
{
	static const uint8_t of[] = {[0 ... 2] = 0,
		[3 ... 4] = 1,
		[5 ... 6] = 2,
		[7 ... 10] = 3,
		[11 ... 15] = 4,
		[16 ... 20] = 5,
		[21 ... 30] = 6,
		[31 ... 60] = 7};
	return of[ttl_s < 60 ? ttl_s : 60];
}

/* Reserves for viewers that come to a node at once, and rate a second while an
 * answer of ttl_s lives. large: a large resolver's, which the control thread
 * reserves by its event. generation: of the load that was decided by. */
static inline void accounts_reserve(struct accounts *accounts, unsigned node,
	uint32_t generation, float at_once, float rate, uint32_t ttl_s,
	bool large)
{
	struct reservation *r = &accounts->reservation[node];
	struct unpublished *u = &accounts->unpublished[node];

	if (u->generation != generation)
		*u = (struct unpublished){.generation = generation};
	if (accounts->unpublished_generation != generation) {
		accounts->unpublished_generation = generation;
		accounts->unpublished_most = 0;
	}
	u->viewers += at_once + rate * (float)ttl_s;
	if (u->viewers > accounts->unpublished_most)
		accounts->unpublished_most = u->viewers;
	accounts_count(&r->answers);
	if (large)
		return;
	accounts_sum(&r->viewers, (uint32_t)(at_once * RESERVATION_VIEWER));
	if (rate > 0) {
		unsigned c = reservation_class(ttl_s);
		/* The class is longer than the TTL: the same viewers, slower. */
		float slow = rate * (float)ttl_s / reservation_class_s[c];
		accounts_sum(&r->rate[c], (uint32_t)(slow * RESERVATION_RATE));
	}
}

/* Viewers reserved on a node since this load was published. */
static inline float accounts_unpublished(
	const struct accounts *accounts, unsigned node, uint32_t generation)
{
	const struct unpublished *u = &accounts->unpublished[node];
	return u->generation == generation ? u->viewers : 0;
}

/* -- places -- */

/* Viewers on a node before an answer: of the area, of all areas. */
struct placed_before {
	float area, everywhere;
};
#define PLACED_UNKNOWN (-1.0f)

/* Where the viewers of an area are from now on. */
static inline struct placed_before accounts_place_area(
	struct accounts *accounts, uint32_t area, unsigned node, float viewers,
	uint32_t now_ms)
{
	struct reservation *r = &accounts->reservation[node];
	return (struct placed_before){
		accounts_place(accounts, area, node, viewers, now_ms),
		accounts_add(&r->there, &r->there_ms, viewers, now_ms)};
}

/* -- events -- */

/* What a network's events are limited by, each for itself: a question that can be
 * forged does not suppress one that is proven. */
enum event_limit_kind {
	EVENT_LIMIT_SENT,
	EVENT_LIMIT_SWITCHED,
	EVENT_LIMIT_SWITCHED_PROVEN,
	EVENT_LIMIT_REPORT
};

/* Whether a network (accounts_net) may have an event about a node again. */
static inline bool accounts_event_allowed(struct accounts *accounts,
	uint64_t net, enum event_limit_kind kind, unsigned node,
	uint32_t now_ms, uint32_t interval_ms)
{
	uint64_t h = (net * accounts->secret ^ (kind << 16 | node)) * HASH_ODD;
	struct event_limit *one =
		&accounts->event_limits[h >> (64 - EVENT_LIMIT_BITS)];
	if (one->net == net && one->node == node && one->kind == kind &&
		now_ms - one->at_ms < interval_ms)
		return false;
	*one = (struct event_limit){
		net, now_ms, (uint16_t)node, (uint16_t)kind};
	return true;
}

#endif
