#include "steer/crowd.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "steer/map.h"

/* At most; the oldest of a bucket makes room. */
#define CROWDS TABLE_SIZE(16384)
#define WAYS 4
/* Answers that live, or lived within a sample. */
#define LIVES TABLE_SIZE(16384)
#define FORGOTTEN_MS 600000
#define STEP 0.3f       /* of the surprise, per sample */
#define RATE_MIN 0.002f /* viewers/s */
#define RATE_MAX 2000.0f
#define STALE_MARKS 1024 /* of crowds that are gone, at most */
#define KEEP_MS 60000    /* an answer that ended: samples are late */

struct crowd {
	_Atomic uint64_t tag; /* 0: free */
	_Atomic float rate;
	uint32_t mark;
	bool learned; /* from samples, not only guessed */
	uint8_t n;    /* of live */
	int64_t seen_ms;
	uint16_t live[NOTE_NODES]; /* its answer in force */
};

/* One node of an answer. Lists by node, newest first. */
struct live {
	uint64_t tag;   /* of the crowd */
	uint32_t crowd; /* where it lies */
	uint16_t node;
	uint16_t next, before; /* of the same node, LIVES: none */
	float share; /* of the answer's viewers, 0: this record is free */
	float rate;  /* promised, viewers/s to this node */
	int64_t from_ms, to_ms;
};

struct crowds {
	uint64_t secret;
	struct crowd_marks marks;
	unsigned stale; /* crowds that went since the marks were made */
	struct crowd crowd[CROWDS];
	struct live live[LIVES];
	uint16_t first[CONF_NODES_MAX + 1]; /* by node */
	uint32_t next_live;                 /* records are reused in turn */
};

struct crowds *crowds_new(uint64_t secret)
{
	struct crowds *c = mem_zero(1, sizeof *c);
	c->secret = secret;
	for (unsigned i = 0; i <= CONF_NODES_MAX; i++)
		c->first[i] = LIVES;
	return c;
}

void crowds_free(struct crowds *c)
{
	free(c);
}

static uint64_t tag_of(const struct crowds *c, uint64_t key)
{
	return hash_mix(key ^ c->secret);
}

static unsigned bucket_of(uint64_t tag)
{
	return (unsigned)(tag >> 20) % (CROWDS / WAYS) * WAYS;
}

float crowds_rate(const struct crowds *c, uint64_t key)
{
	uint64_t tag = tag_of(c, key);
	const struct crowd *b = &c->crowd[bucket_of(tag)];
	for (unsigned i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&b[i].tag, memory_order_acquire) ==
			tag)
			return atomic_load_explicit(
				&b[i].rate, memory_order_relaxed);
	return -1;
}

static void set_rate(struct crowd *one, float rate)
{
	rate = fmaxf(RATE_MIN, fminf(RATE_MAX, rate));
	atomic_store_explicit(&one->rate, rate, memory_order_relaxed);
}

/* -- marks -- */

const struct crowd_marks *crowds_marks(const struct crowds *c)
{
	return &c->marks;
}

static void mark(struct crowds *c, struct crowd *one, uint64_t key)
{
	one->mark = crowd_mark(key);
	atomic_fetch_or_explicit(&c->marks.word[one->mark / 64],
		(uint64_t)1 << one->mark % 64, memory_order_relaxed);
}

/* Makes the marks anew. Readers may miss none meanwhile: each word goes from
 * what it was to what it is. */
static void mark_all(struct crowds *c)
{
	uint64_t word[CROWD_MARKS / 64] = {0};
	for (unsigned i = 0; i < CROWDS; i++)
		if (c->crowd[i].tag)
			word[c->crowd[i].mark / 64] |= (uint64_t)1
				<< c->crowd[i].mark % 64;
	for (unsigned i = 0; i < CROWD_MARKS / 64; i++)
		atomic_store_explicit(
			&c->marks.word[i], word[i], memory_order_relaxed);
	c->stale = 0;
}

/* -- crowds -- */

static struct crowd *find(struct crowds *c, uint64_t key, int64_t now_ms)
{
	uint64_t tag = tag_of(c, key);
	struct crowd *b = &c->crowd[bucket_of(tag)], *oldest = b;
	for (unsigned i = 0; i < WAYS; i++) {
		if (b[i].tag == tag && now_ms - b[i].seen_ms < FORGOTTEN_MS)
			return &b[i];
		if (b[i].seen_ms < oldest->seen_ms)
			oldest = &b[i];
	}
	for (unsigned i = 0; i < WAYS; i++)
		if (b[i].tag == tag)
			oldest = &b[i];
	if (oldest->tag && ++c->stale > STALE_MARKS)
		mark_all(c);
	atomic_store_explicit(&oldest->tag, 0, memory_order_release);
	oldest->learned = false;
	oldest->n = 0;
	set_rate(oldest, 0);
	atomic_store_explicit(&oldest->tag, tag, memory_order_release);
	mark(c, oldest, key);
	return oldest;
}

/* -- answers -- */

static void unlink_live(struct crowds *c, unsigned i)
{
	struct live *l = &c->live[i];
	if (l->before == LIVES)
		c->first[l->node] = l->next;
	else
		c->live[l->before].next = l->next;
	if (l->next != LIVES)
		c->live[l->next].before = l->before;
	l->share = 0;
}

static void end_answer(struct crowds *c, struct crowd *one,
	const struct forecast_fleet *all, struct forecast *of, int64_t now_ms)
{
	for (unsigned i = 0; i < one->n; i++) {
		struct live *l = &c->live[one->live[i]];
		if (l->tag != one->tag || l->to_ms <= now_ms)
			continue;
		/* whole bins, as they were promised */
		int64_t left = l->to_ms / 1000 - all->second;
		if (left > 0)
			forecast_promise(all, &of[l->node], true, 0, -l->rate,
				(unsigned)left);
		l->to_ms = now_ms;
	}
	one->n = 0;
}

static void begin(struct crowds *c, struct crowd *one, unsigned node,
	float share, float rate, int64_t now_ms, unsigned held_s)
{
	unsigned i = c->next_live++ % LIVES;
	struct live *l = &c->live[i];
	if (l->share > 0)
		unlink_live(c, i);
	*l = (struct live){.tag = one->tag,
		.crowd = (uint32_t)(one - c->crowd),
		.node = (uint16_t)node,
		.next = c->first[node],
		.before = LIVES,
		.share = share,
		.rate = rate,
		.from_ms = now_ms,
		.to_ms = now_ms + held_s * 1000};
	if (l->next != LIVES)
		c->live[l->next].before = (uint16_t)i;
	c->first[node] = (uint16_t)i;
	one->live[one->n++] = (uint16_t)i;
}

void crowds_answer(struct crowds *c, const struct note *note,
	const struct forecast_fleet *all, struct forecast *of, unsigned n,
	int64_t now_ms)
{
	struct crowd *one = find(c, note->key, now_ms);
	unsigned nodes = 0;

	end_answer(c, one, all, of, now_ms);
	if (!one->learned)
		set_rate(one, fmaxf(one->rate, note->rate));
	one->seen_ms = now_ms;
	while (nodes < NOTE_NODES && note->node[nodes] < n)
		nodes++;
	float share = nodes ? 1.0f / (float)nodes : 0;
	for (unsigned i = 0; i < nodes; i++) {
		float rate = note->rate * share;
		begin(c, one, note->node[i], share, rate, now_ms, note->held_s);
		forecast_promise(all, &of[note->node[i]], true,
			note->at_once * share, rate, note->held_s);
	}
}

/* -- learning -- */

/* Seconds of [from, to) in which it lived, times its share. */
static float weight(const struct live *l, int64_t from_ms, int64_t to_ms)
{
	int64_t a = l->from_ms > from_ms ? l->from_ms : from_ms;
	int64_t b = l->to_ms < to_ms ? l->to_ms : to_ms;
	return b > a ? (float)(b - a) * 0.001f * l->share : 0;
}

void crowds_learn(struct crowds *c, unsigned node, int64_t from_ms,
	int64_t to_ms, float surprise)
{
	float squares = 0, half = 0.5f * (float)(to_ms - from_ms) * 0.001f;

	for (unsigned i = c->first[node], next; i != LIVES; i = next) {
		const struct live *l = &c->live[i];
		float x = weight(l, from_ms, to_ms);
		squares += x * x;
		next = l->next;
		if (l->to_ms < from_ms - KEEP_MS)
			unlink_live(c, i);
	}
	if (squares <= 0)
		return;
	for (unsigned i = c->first[node]; i != LIVES; i = c->live[i].next) {
		const struct live *l = &c->live[i];
		struct crowd *one = &c->crowd[l->crowd];
		float x = weight(l, from_ms, to_ms);
		if (x <= 0 || one->tag != l->tag)
			continue;
		set_rate(one,
			one->rate +
				STEP * surprise * x / (squares + half * half));
		one->learned = true;
	}
}
