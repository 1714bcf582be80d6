#include "sign/signatures.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* An answer is written in a millionth of it. */
#define READ_AT_MOST_S 10

struct signatures *signatures_new(uint32_t room, uint64_t keys)
{
	struct signatures *s = mem_zero(1, sizeof *s);
	s->owners = 1;
	s->room = room;
	s->keys = keys;
	return s;
}

struct signatures *signatures_share(struct signatures *s)
{
	s->owners++;
	return s;
}

void signatures_free(struct signatures *s)
{
	if (!s || --s->owners)
		return;
	free(s->now);
	free(s->before);
	free(s->freed);
	free(s);
}

/* At most two thirds full. */
static struct signature_table *table_new(
	uint32_t room, struct signature_epoch epoch)
{
	uint32_t size = 64;
	while (size / 3 * 2 < room && size < 1u << 31)
		size *= 2;
	struct signature_table *t =
		mem_large_zero(sizeof *t + (size_t)size * sizeof *t->entry);
	t->epoch = epoch;
	t->mask = size - 1;
	t->most = size / 3 * 2;
	return t;
}

void signatures_begin(struct signatures *s, struct signature_epoch epoch)
{
	struct signature_table *t = table_new(s->room, epoch);
	free(s->freed);
	s->freed = s->before;
	atomic_store_explicit(&s->before,
		atomic_load_explicit(&s->now, memory_order_relaxed),
		memory_order_release);
	atomic_store_explicit(&s->now, t, memory_order_release);
}

static uint32_t rest_s(const struct signature_table *table)
{
	return signature_rest_s(table->epoch.expiration - table->epoch.begin);
}

void signatures_forget(struct signatures *s, uint32_t now_s)
{
	struct signature_table *before = s->before;

	if (s->freed && now_s - s->freed_s > READ_AT_MOST_S) {
		free(s->freed);
		s->freed = NULL;
	}
	if (!before || s->freed ||
		signature_table_has(before, rest_s(before), now_s))
		return;
	s->freed = before;
	s->freed_s = now_s;
	atomic_store_explicit(&s->before, NULL, memory_order_release);
}

bool signatures_add(
	struct signatures *s, uint64_t id, const uint8_t bytes[SIGNATURE_LEN])
{
	struct signature_table *t = s->now;

	assert(id);
	for (uint32_t i = (uint32_t)(id >> 32);; i++) {
		struct signature_entry *e = &t->entry[i & t->mask];
		if (e->id == id)
			return true;
		if (e->id)
			continue;
		if (t->used == t->most)
			return false;
		memcpy(e->bytes, bytes, SIGNATURE_LEN);
		atomic_store_explicit(&e->id, id, memory_order_release);
		t->used++;
		return true;
	}
}
