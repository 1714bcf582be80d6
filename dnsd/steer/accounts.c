#include "steer/accounts.h"

#include "base/arena.h"
#include "base/rng.h"
#include "steer/map.h"

const uint8_t promise_class_s[PROMISE_CLASSES] = {2, 4, 6, 10, 15, 20, 30, 60};

#define PROMISES_SIZE ((size_t)(CONF_NODES_MAX + 1) * sizeof(struct promise))

/* It is mostly a table. */
#define ACCOUNTS_SIZE \
	((sizeof(struct accounts) + MEM_LARGE_PAGE - 1) & ~(MEM_LARGE_PAGE - 1))

static size_t clients_size(const struct accounts *a)
{
	return (size_t)(a->bucket_mask + 1) * sizeof *a->clients;
}

struct accounts *accounts_new(
	unsigned max_clients, struct memory *memory, uint64_t secret)
{
	struct accounts *a = mem_pages(ACCOUNTS_SIZE, true);
	uint64_t buckets = 1;
	while (buckets * CLIENT_WAYS < max_clients)
		buckets *= 2;
	a->secret = hash_mix(secret) | 1;
	a->memory = memory;
	a->bucket_mask = buckets - 1;
	a->promise = mem_pages(PROMISES_SIZE, false);
	a->clients = mem_pages(clients_size(a), true);
	a->notes = mem_pages(sizeof *a->notes, false);
	return a;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	mem_pages_free(a->notes, sizeof *a->notes);
	mem_pages_free(a->clients, clients_size(a));
	mem_pages_free(a->promise, PROMISES_SIZE);
	mem_pages_free(a, ACCOUNTS_SIZE);
}

struct client *accounts_make(
	struct client_bucket *bucket, uint32_t tag, uint32_t now_ms)
{
	struct client *c = bucket->way, *oldest = c;
	for (unsigned i = 0; i < CLIENT_WAYS && oldest->tag; i++)
		if (!c[i].tag ||
			now_ms - c[i].asked_ms > now_ms - oldest->asked_ms)
			oldest = &c[i];
	*oldest = (struct client){.tag = tag, .asked_ms = now_ms};
	return oldest;
}
