#include "ledger/accounts.h"

#include <assert.h>

#include "base/arena.h"
#include "base/oldest.h"
#include "base/rng.h"
#include "state/map.h"

const uint8_t reservation_class_s[RESERVATION_CLASSES] = {
	2, 4, 6, 10, 15, 20, 30, 60};

#define RESERVATIONS_SIZE \
	((size_t)(CONF_NODES_MAX + 1) * sizeof(struct reservation))
#define UNPUBLISHED_SIZE \
	((size_t)(CONF_NODES_MAX + 1) * sizeof(struct unpublished))

/* It is mostly a table. */
#define ACCOUNTS_SIZE \
	((sizeof(struct accounts) + MEM_LARGE_PAGE - 1) & ~(MEM_LARGE_PAGE - 1))

static size_t clients_size(const struct accounts *a)
{
	return sizeof *a->clients << a->bucket_bits;
}

struct accounts *accounts_new(
	unsigned max_clients, struct sent_table *sent, uint64_t secret)
{
	assert(sent && max_clients > 0);
	struct accounts *a = mem_pages(ACCOUNTS_SIZE, true);
	a->secret = hash_mix(secret) | 1;
	a->sent = sent;
	a->bucket_bits = KEY_SPARE_BITS;
	while ((uint64_t)CLIENT_WAYS << a->bucket_bits < max_clients)
		a->bucket_bits++;
	a->reservation = mem_pages(RESERVATIONS_SIZE, false);
	a->unpublished = mem_pages(UNPUBLISHED_SIZE, false);
	a->clients = mem_pages(clients_size(a), true);
	a->events = mem_pages(sizeof *a->events, false);
	return a;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	mem_pages_free(a->events, sizeof *a->events);
	mem_pages_free(a->clients, clients_size(a));
	mem_pages_free(a->unpublished, UNPUBLISHED_SIZE);
	mem_pages_free(a->reservation, RESERVATIONS_SIZE);
	mem_pages_free(a, ACCOUNTS_SIZE);
}

struct client *accounts_make(
	struct client_bucket *bucket, uint64_t hash, uint32_t now_ms)
{
	struct client *c = bucket->way;
	struct oldest oldest = {0};
	uint64_t id = accounts_id(hash);
	uint8_t now = client_tick(now_ms);
	for (unsigned i = 0; i < CLIENT_WAYS && !oldest.is_free; i++)
		if (!client_id(&c[i]))
			oldest_free(&oldest, i);
		else
			oldest_offer(&oldest, i, (uint8_t)(now - c[i].asked));
	c += oldest.way;
	*c = (struct client){.asked = now};
	memcpy(c->id, &id, sizeof id);
	return c;
}
