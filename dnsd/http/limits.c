#include "http/limits.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"

#define SLOTS 4096
#define NET_BITS_6 64

struct bucket {
	uint64_t caller;
	int64_t at_ms;
	float tokens;
};

struct limits {
	uint64_t secret;
	struct bucket buckets[SLOTS];
};

struct limits *limits_new(uint64_t secret)
{
	struct limits *limits = mem_zero(1, sizeof *limits);
	limits->secret = secret;
	return limits;
}

void limits_free(struct limits *limits)
{
	free(limits);
}

bool limits_allow(
	struct limits *limits, const struct addr *client, int64_t now_ms)
{
	assert(client->family);
	struct addr of =
		client->family == 6 ? addr_mask(client, NET_BITS_6) : *client;
	uint64_t caller = hash_bytes(&of, sizeof of, limits->secret);
	struct bucket *b = &limits->buckets[caller % SLOTS];

	if (b->caller != caller)
		*b = (struct bucket){caller, now_ms, LIMIT_BURST};
	b->tokens += (float)(now_ms - b->at_ms) * LIMIT_PER_S / 1000;
	if (b->tokens > LIMIT_BURST)
		b->tokens = LIMIT_BURST;
	b->at_ms = now_ms;
	if (b->tokens < 1)
		return false;
	b->tokens--;
	return true;
}
