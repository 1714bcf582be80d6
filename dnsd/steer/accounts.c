#include "steer/accounts.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/rng.h"
#include "steer/map.h"

const uint8_t promise_class_s[PROMISE_CLASSES] = {2, 4, 6, 10, 15, 20, 30, 60};

#define LINES_SHARE 0.25f /* of the viewers that a network brings */
#define LINES_FIRST 5.0f  /* viewers of a newcomer who may switch lines */

#define PROMISES_SIZE ((size_t)(CONF_NODES_MAX + 1) * sizeof(struct promise))

/* Zero pages that cost nothing until they are used. */
static void *pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		abort();
	return p;
}

static size_t clients_size(const struct accounts *a)
{
	return (size_t)(a->bucket_mask + 1) * sizeof *a->clients;
}

struct accounts *accounts_new(
	unsigned max_clients, struct memory *memory, uint64_t secret)
{
	struct accounts *a = mem_zero(1, sizeof *a);
	uint32_t buckets = 1;
	while (buckets * CLIENT_WAYS < max_clients)
		buckets *= 2;
	a->secret = secret;
	a->memory = memory;
	a->bucket_mask = buckets - 1;
	a->promise = pages(PROMISES_SIZE);
	a->clients = pages(clients_size(a));
	a->notes = pages(sizeof *a->notes);
	return a;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	munmap(a->notes, sizeof *a->notes);
	munmap(a->clients, clients_size(a));
	munmap(a->promise, PROMISES_SIZE);
	free(a);
}

struct client *accounts_make(
	struct client_bucket *bucket, uint32_t tag, uint32_t now_ms)
{
	struct client *c = bucket->way, *oldest = c;
	for (unsigned i = 0; i < CLIENT_WAYS; i++)
		if (!c[i].tag ||
			(oldest->tag &&
				now_ms - c[i].asked_ms >
					now_ms - oldest->asked_ms))
			oldest = &c[i];
	*oldest = (struct client){.tag = tag, .asked_ms = now_ms};
	return oldest;
}

/* Networks that share a slot push each other out. A newcomer starts with a full
 * budget: legitimate resolvers are many, and a flood from forged addresses is not
 * bounded by any budget of its own. */
static struct asker *asker_of(
	struct accounts *a, uint64_t asker, uint32_t now_ms, float burst)
{
	uint64_t h = hash_mix(asker ^ a->secret);
	struct asker *one = &a->askers[h % ASKERS];
	uint32_t tag = (uint32_t)(h >> 32) | 1;
	if (one->tag != tag)
		*one = (struct asker){tag, now_ms, burst, LINES_FIRST};
	return one;
}

float accounts_budget(struct accounts *a, uint64_t asker, uint32_t now_ms,
	float viewers, float per_s, float burst)
{
	struct asker *one = asker_of(a, asker, now_ms, burst);
	float budget =
		one->budget + (float)(now_ms - one->at_ms) * 0.001f * per_s;
	if (budget > burst)
		budget = burst;
	if (viewers > budget)
		viewers = budget;
	one->budget = budget - viewers;
	one->lines = fminf(one->lines + LINES_SHARE * viewers, burst);
	one->at_ms = now_ms;
	return viewers;
}

float accounts_lines_budget(struct accounts *a, uint64_t asker, uint32_t now_ms,
	float viewers, float burst)
{
	struct asker *one = asker_of(a, asker, now_ms, burst);
	if (viewers > one->lines)
		viewers = one->lines;
	one->lines -= viewers;
	return viewers;
}
