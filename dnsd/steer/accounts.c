#include "steer/accounts.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/rng.h"
#include "steer/map.h"

const uint8_t promise_class_s[PROMISE_CLASSES] = {2, 4, 6, 10, 15, 20, 30, 60};

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
	uint64_t buckets = 1;
	while (buckets * CLIENT_WAYS < max_clients)
		buckets *= 2;
	a->secret = hash_mix(secret) | 1;
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
	for (unsigned i = 0; i < CLIENT_WAYS && oldest->tag; i++)
		if (!c[i].tag ||
			now_ms - c[i].asked_ms > now_ms - oldest->asked_ms)
			oldest = &c[i];
	*oldest = (struct client){.tag = tag, .asked_ms = now_ms};
	return oldest;
}
