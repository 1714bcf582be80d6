/* account.h - what an answer leaves behind: the steps that account.c and fast_path.c
 * share. Private to them.
 */
#ifndef STEER_ACCOUNT_H
#define STEER_ACCOUNT_H

#include "base/rng.h"
#include "ledger/accounts.h"
#include "steer/steer.h"

#define BUDGET_VIEWERS 50.0f /* that any network may promise at once ... */
#define BUDGET_SHARE 0.03f   /* ... and of the pool's capacity */
#define EVENT_SENT_INTERVAL_MS \
	60000 /* an event: a network is sent to a node ... */
#define EVENT_SWITCHED_INTERVAL_MS 5000 /* ... or leaves it, at most so often */
#define EVENT_REPORT_INTERVAL_MS 60000 /* ... or says so, which costs nothing */

/* What a network is noted for, each by itself: a question that can be forged does not
 * suppress one that is proven. */
enum event_limit_kind {
	EVENT_LIMIT_SENT,
	EVENT_LIMIT_SWITCHED,
	EVENT_LIMIT_SWITCHED_PROVEN,
	EVENT_LIMIT_REPORT
};

static inline void sum_add(_Atomic uint32_t *sum, uint32_t add)
{
	/* One writer: a load and a store are enough. */
	atomic_store_explicit(sum,
		atomic_load_explicit(sum, memory_order_relaxed) + add,
		memory_order_relaxed);
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

/* Counts viewers who come to a node at once, and rate a second while an answer
 * of ttl_s lives. Those of a crowd the control thread promises, by its note. */
static inline void reservation_add(struct accounts *accounts, unsigned node,
	uint32_t generation, float at_once, float rate, uint32_t ttl_s,
	bool large)
{
	struct reservation *p = &accounts->reservation[node];

	if (p->unpublished_generation != generation) {
		p->unpublished_generation = generation;
		p->unpublished = 0;
	}
	if (accounts->unpublished_generation != generation) {
		accounts->unpublished_generation = generation;
		accounts->unpublished_most = 0;
	}
	p->unpublished += at_once + rate * (float)ttl_s;
	if (p->unpublished > accounts->unpublished_most)
		accounts->unpublished_most = p->unpublished;
	sum_add(&p->answers, 1);
	if (large)
		return;
	sum_add(&p->viewers, (uint32_t)(at_once * RESERVATION_VIEWER));
	if (rate > 0) {
		unsigned c = reservation_class(ttl_s);
		/* The class is longer than the TTL: the same viewers, slower. */
		float slow = rate * (float)ttl_s / reservation_class_s[c];
		sum_add(&p->rate[c], (uint32_t)(slow * RESERVATION_RATE));
	}
}

/* A network may promise so many viewers at once and a tenth of that each second:
 * more than a resolver brings, less than a flood of forged questions. */
static inline float budget_burst(const struct map_pool *pool)
{
	return BUDGET_VIEWERS + BUDGET_SHARE * pool->capacity;
}

/* Viewers on a node before an answer. */
struct before {
	float area, everywhere;
};
#define BEFORE_UNKNOWN (-1.0f)

/* Where the viewers of an area are from now on. */
static inline struct before place(struct accounts *accounts, uint32_t area,
	unsigned node, float viewers, uint32_t now)
{
	struct reservation *p = &accounts->reservation[node];
	struct before before = {
		accounts_place(accounts, area, node, viewers, now),
		accounts_add(&p->there, &p->there_ms, viewers, now),
	};
	return before;
}

/* Whether a network may be noted for a node again. */
static inline bool event_allowed(struct accounts *accounts, uint64_t net,
	enum event_limit_kind kind, unsigned node, uint32_t now,
	uint32_t interval_ms)
{
	uint64_t h = (net * accounts->secret ^ (kind << 16 | node)) * HASH_ODD;
	struct event_limit *one =
		&accounts->event_limits[h >> (64 - EVENT_LIMIT_BITS)];
	if (one->net == net && one->node == node && one->kind == kind &&
		now - one->at_ms < interval_ms)
		return false;
	*one = (struct event_limit){net, now, (uint16_t)node, (uint16_t)kind};
	return true;
}

/* account.c: an event: a network (accounts_net) was sent to a node. */
void account_event_sent(struct accounts *accounts, uint64_t net, unsigned node,
	uint32_t area, struct before before, uint32_t now);

#endif
