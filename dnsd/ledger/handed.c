#include "ledger/handed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Raise one if what the structs or their numbers mean changes. */
#define SENT_VERSION 1
#define CLIENTS_VERSION 1
#define PLACED_VERSION 1
#define ASKERS_VERSION 1
#define LIMITS_VERSION 1
#define RESERVED_VERSION 1
#define EVENTS_VERSION 1

/* A cache line of a table, as it was at a moment. */
struct handed_line {
	uint32_t at; /* of its table */
	uint32_t of; /* the lines of its table */
	uint64_t word[8];
};
_Static_assert(
	sizeof(struct sent_bucket) == 64 && sizeof(struct client_bucket) == 64,
	"a line");

/* What another thread may be writing: a word is whole, a line may be mixed. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
__attribute__((no_sanitize("thread")))
#endif
#endif
static bool
handed_line_copy(uint64_t to[8], const void *from)
{
	const volatile uint64_t *word = from;
	uint64_t any = 0;
	for (unsigned i = 0; i < 8; i++)
		any |= to[i] = word[i];
	return any != 0;
}

/* The lines of a table that hold anything. */
static void lines_add(struct buf *out, const char *name, uint32_t version,
	const void *table, uint32_t lines)
{
	const char *at = table;
	struct handed_line line = {.of = lines};
	size_t n = 0;
	char *room = sections_room(out, sizeof line, lines);

	for (uint32_t i = 0; i < lines; i++) {
		line.at = i;
		if (!handed_line_copy(line.word, at + (size_t)i * 64))
			continue;
		memcpy(room + n++ * sizeof line, &line, sizeof line);
	}
	sections_keep(out, name, version, sizeof line, n);
}

static bool lines_take(struct sections *in, const char *name, uint32_t version,
	void *table, uint32_t lines)
{
	size_t n;
	const struct handed_line *line =
		sections_find(in, name, version, sizeof *line, &n);
	for (size_t i = 0; i < n; i++) {
		if (line[i].of != lines || line[i].at >= lines)
			return false;
		memcpy((char *)table + (size_t)line[i].at * 64, line[i].word,
			64);
	}
	return line != NULL;
}

/* -- where client nets were sent -- */

void sent_changes_begin(struct sent_table *table)
{
	assert(!table->changes);
	atomic_store(
		&table->changes, mem_pages(sizeof(struct sent_changes), false));
}

void sent_changes_end(struct sent_table *table)
{
	struct sent_changes *changes = atomic_exchange(&table->changes, NULL);
	if (changes)
		mem_pages_free(changes, sizeof *changes);
}

void handed_sent(const struct sent_table *table, struct buf *out)
{
	lines_add(out, "sent", SENT_VERSION, table->buckets,
		1u << table->bucket_bits);
}

void handed_sent_changes(const struct sent_table *table, struct buf *out)
{
	struct sent_changes *changes = table->changes;
	assert(changes);
	uint32_t n = changes->n;
	struct handed_line line = {.of = 1u << table->bucket_bits};

	if (n > SENT_CHANGES) {
		handed_sent(table, out);
		return;
	}
	char *room = sections_room(out, sizeof line, n);
	for (uint32_t i = 0; i < n; i++) {
		line.at = changes->bucket[i];
		handed_line_copy(line.word, &table->buckets[line.at]);
		memcpy(room + (size_t)i * sizeof line, &line, sizeof line);
	}
	sections_keep(out, "sent", SENT_VERSION, sizeof line, n);
}

bool handed_take_sent(struct sent_table *table, struct sections *in)
{
	return lines_take(in, "sent", SENT_VERSION, table->buckets,
		1u << table->bucket_bits);
}

/* -- accounts: tables -- */

/* A name for each thread. */
static const char *thread_section(
	char name[24], const char *what, unsigned thread)
{
	snprintf(name, 24, "%.12s %u", what, thread);
	return name;
}

struct handed_table {
	const char *name;
	uint32_t version;
	void *at;
	uint32_t lines;
};
#define TABLES 4

static void tables_of(struct accounts *a, struct handed_table tables[TABLES])
{
	_Static_assert(sizeof a->placed % 64 == 0 &&
			sizeof a->askers % 64 == 0 &&
			sizeof a->event_limits % 64 == 0,
		"whole lines");
	tables[0] = (struct handed_table){
		"clients", CLIENTS_VERSION, a->clients, 1u << a->bucket_bits};
	tables[1] = (struct handed_table){
		"placed", PLACED_VERSION, a->placed, sizeof a->placed / 64};
	tables[2] = (struct handed_table){
		"askers", ASKERS_VERSION, a->askers, sizeof a->askers / 64};
	tables[3] = (struct handed_table){"limits", LIMITS_VERSION,
		a->event_limits, sizeof a->event_limits / 64};
}

void handed_accounts(
	const struct accounts *accounts, unsigned thread, struct buf *out)
{
	struct handed_table tables[TABLES];
	char name[24];
	tables_of((struct accounts *)(uintptr_t)accounts, tables);
	for (unsigned i = 0; i < TABLES; i++)
		lines_add(out, thread_section(name, tables[i].name, thread),
			tables[i].version, tables[i].at, tables[i].lines);
}

void handed_take_accounts(
	struct accounts *accounts, unsigned thread, struct sections *in)
{
	struct handed_table tables[TABLES];
	char name[24];
	tables_of(accounts, tables);
	for (unsigned i = 0; i < TABLES; i++)
		lines_take(in, thread_section(name, tables[i].name, thread),
			tables[i].version, tables[i].at, tables[i].lines);
}

/* -- accounts: what is newer than the last merge -- */

/* What the sums of a node are beyond what was read of them. */
static struct handed_read sums_since(
	const struct reservation *r, const struct handed_read *read)
{
	static const struct handed_read nothing;
	if (!read)
		read = &nothing;
	struct handed_read more = {.viewers = r->viewers - read->viewers,
		.answers = r->answers - read->answers,
		.line2 = r->line2 - read->line2,
		.only = r->only - read->only};
	for (unsigned c = 0; c < RESERVATION_CLASSES; c++)
		more.rate[c] = r->rate[c] - read->rate[c];
	return more;
}

/* What viewers are believed to be on a node, fading. */
struct handed_there {
	struct handed_read sums;
	float there;
	uint32_t there_ms;
};

static void events_add(
	const struct accounts *accounts, unsigned thread, struct buf *out)
{
	const struct steer_events *events = accounts->events;
	const struct ring *ring = &events->ring;
	char name[24];
	size_t n = 0;
	char *room = sections_room(out, sizeof *events->event, EVENTS_SIZE);
	for (uint32_t i = ring->taken; i != ring->put; i++)
		memcpy(room + n++ * sizeof *events->event,
			&events->event[i % EVENTS_SIZE], sizeof *events->event);
	sections_keep(out, thread_section(name, "events", thread),
		EVENTS_VERSION, sizeof *events->event, n);
}

void handed_accounts_rest(const struct accounts *accounts, unsigned thread,
	const struct handed_read *read, unsigned n, struct buf *out)
{
	char name[24];
	char *room = sections_room(out, sizeof(struct handed_there), n);
	for (unsigned i = 0; i < n; i++) {
		const struct reservation *r = &accounts->reservation[i];
		struct handed_there there = {
			.sums = sums_since(r, read ? &read[i] : NULL),
			.there = r->there,
			.there_ms = r->there_ms};
		memcpy(room + i * sizeof there, &there, sizeof there);
	}
	sections_keep(out, thread_section(name, "reserved", thread),
		RESERVED_VERSION, sizeof(struct handed_there), n);
	events_add(accounts, thread, out);
}

static void reserve_more(struct reservation *r, const struct handed_there *more)
{
	accounts_sum(&r->viewers, more->sums.viewers);
	accounts_sum(&r->answers, more->sums.answers);
	accounts_sum(&r->line2, more->sums.line2);
	accounts_sum(&r->only, more->sums.only);
	for (unsigned c = 0; c < RESERVATION_CLASSES; c++)
		accounts_sum(&r->rate[c], more->sums.rate[c]);
	r->there = more->there;
	r->there_ms = more->there_ms;
}

void handed_take_accounts_rest(
	struct accounts *accounts, unsigned thread, struct sections *in)
{
	char name[24];
	size_t n;
	const struct handed_there *there =
		sections_find(in, thread_section(name, "reserved", thread),
			RESERVED_VERSION, sizeof *there, &n);
	for (size_t i = 0; i < n && i <= CONF_NODES_MAX; i++)
		reserve_more(&accounts->reservation[i], &there[i]);
	const struct steer_event *event =
		sections_find(in, thread_section(name, "events", thread),
			EVENTS_VERSION, sizeof *event, &n);
	for (size_t i = 0; i < n; i++)
		events_push(accounts->events, &event[i]);
}
