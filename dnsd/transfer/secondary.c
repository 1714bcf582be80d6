#include "transfer/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"

/* -- the configuration -- */

static struct secondary *find(struct secondaries *s, const char *zone)
{
	struct secondary *z;
	TAILQ_FOREACH(z, &s->list, entry)
	if (!strcmp(z->zone, zone))
		return z;
	return NULL;
}

static bool same_primaries(const struct conf_zone *a, const struct conf_zone *b)
{
	if (a->from.n_primary != b->from.n_primary)
		return false;
	for (unsigned i = 0; i < a->from.n_primary; i++)
		if (strcmp(a->from.primary_texts.text[i],
			    b->from.primary_texts.text[i]))
			return false;
	return true;
}

static bool same_key(const struct tsig_key *a, const struct tsig_key *b)
{
	return !a || !b ? a == b
			: name_equal(&a->name, &b->name) &&
			a->algorithm == b->algorithm &&
			a->secret_len == b->secret_len &&
			!memcmp(a->secret, b->secret, a->secret_len);
}

/* What a zone is asked for by has changed: a round that is at work ends. */
static void renew(struct secondaries *s, struct secondary *z,
	const struct conf_zone *conf, const struct tsig_key *key,
	int64_t now_ms)
{
	bool same = z->conf && same_primaries(z->conf, conf) &&
		same_key(z->key, key);
	z->conf = conf;
	z->key = key;
	z->in.key = key;
	z->in.chain.key = key;
	if (same)
		return;
	round_break_off(s, z);
	z->due_ms = now_ms;
}

/* A line is one record where dnsd wrote it. */
static uint64_t count_records(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t n = 0;
	bool begins = true;

	for (int c; f && (c = getc(f)) != EOF; begins = c == '\n')
		n += begins && c != ';';
	if (f)
		fclose(f);
	return n;
}

static struct secondary *add(
	struct secondaries *s, const struct conf_zone *conf)
{
	struct secondary *z = mem_zero(1, sizeof *z);
	struct err err = {0};
	char *path;

	snprintf(z->zone, sizeof z->zone, "%s", conf->name);
	z->fd = -1;
	TAILQ_INSERT_TAIL(&s->list, z, entry);
	if (!kept_prepare(s->source->conf->store, z->zone, &err))
		log_lines(LOG_LVL_ERROR, "secondary: ", err_text(&err));
	err_fini(&err);
	path = secondary_path(s, z, KEPT_NOW);
	z->current_s = kept_current_s(path);
	z->n_records = z->current_s ? count_records(path) : 0;
	free(path);
	return z;
}

static void forget(struct secondaries *s, struct secondary *z)
{
	TAILQ_REMOVE(&s->list, z, entry);
	round_break_off(s, z);
	free(z);
}

static void use_zone(
	struct secondaries *s, const struct transfer_zone *zone, int64_t now_ms)
{
	struct secondary *z = find(s, zone->conf->name);
	int key = zone->conf->from.key;
	if (!z)
		z = add(s, zone->conf);
	z->apex = zone->zone->apex;
	renew(s, z, zone->conf, key >= 0 ? &s->source->keys[key] : NULL,
		now_ms);
	z->here = !zone->zone->absent;
	z->serial = z->here ? zone->zone->serial : 0;
	if (z->here)
		z->times = kept_times(zone->zone);
}

void secondaries_use(struct secondaries *s, struct transfer_source *source,
	int64_t now_ms, int64_t wall_s)
{
	struct transfer_source *before = s->source;
	struct secondary *z, *next;

	s->source = source;
	for (unsigned i = 0; i < source->n_zones; i++)
		if (source->zones[i].conf->from.n_primary)
			use_zone(s, &source->zones[i], now_ms);
	for (z = TAILQ_FIRST(&s->list); z; z = next) {
		next = TAILQ_NEXT(z, entry);
		const struct transfer_zone *zone =
			transfer_zone_at(source, &z->apex);
		if (!zone || zone->conf != z->conf)
			forget(s, z);
	}
	transfer_source_release(before);
	secondary_board_write(s, now_ms, wall_s);
}

void secondaries_settled(struct secondaries *s, const char *zone,
	const char *why, int64_t now_ms, int64_t wall_s)
{
	struct secondary *z = find(s, zone);
	if (!z || z->doing != BUILDS)
		return;
	round_settled(z, why, now_ms);
	secondary_board_write(s, now_ms, wall_s);
}

unsigned secondaries_refresh(
	struct secondaries *s, const char *zone, bool force, int64_t now_ms)
{
	struct secondary *z;
	unsigned n = 0;

	TAILQ_FOREACH(z, &s->list, entry)
	if (!zone || !strcmp(zone, z->zone)) {
		n++;
		round_rouse(z, force, now_ms);
	}
	return n;
}

/* -- time, and what comes -- */

static void hear_bell(struct secondaries *s, int64_t now_ms)
{
	bool rung[BELL_PLACES];
	struct secondary *z;

	bell_take(&s->bell, rung);
	TAILQ_FOREACH(z, &s->list, entry)
	if (rung[bell_place(&z->apex)])
		round_rouse(z, false, now_ms);
}

void secondaries_step(struct secondaries *s, const struct pollfd *fds,
	int64_t now_ms, int64_t wall_s)
{
	struct secondary *z;
	unsigned at = 1;

	if (fds[0].revents)
		hear_bell(s, now_ms);
	TAILQ_FOREACH(z, &s->list, entry)
	{
		const struct pollfd *fd = &fds[at++];
		bool ready = fd->fd >= 0 && fd->fd == z->fd && fd->revents;
		round_step(s, z, ready, now_ms, wall_s);
	}
	if (!TAILQ_EMPTY(&s->list))
		secondary_board_write(s, now_ms, wall_s);
}

unsigned secondaries_watched(const struct secondaries *s)
{
	unsigned n = 1;
	struct secondary *z;
	TAILQ_FOREACH(z, &s->list, entry)
	n++;
	return n;
}

void secondaries_watch(const struct secondaries *s, struct pollfd *fds)
{
	struct secondary *z;
	*fds++ = (struct pollfd){.fd = s->bell.fd, .events = POLLIN};
	TAILQ_FOREACH(z, &s->list, entry)
	*fds++ = (struct pollfd){
		.fd = z->fd, .events = z->doing == CONNECTS ? POLLOUT : POLLIN};
}

int secondaries_wait_ms(const struct secondaries *s, int64_t now_ms)
{
	const struct secondary *z;
	int64_t least = INT64_MAX;

	TAILQ_FOREACH(z, &s->list, entry)
	{
		int64_t ms = z->doing == WAITS ? z->due_ms - now_ms : 1000;
		/* A wall clock may be set: expiry is looked at now and then. */
		if (z->here && ms > 1000)
			ms = 1000;
		least = ms < least ? ms : least;
	}
	if (least == INT64_MAX)
		return -1;
	return least > 0 ? (int)least : 0;
}

/* -- begin and end -- */

struct secondaries *secondaries_new(void)
{
	struct secondaries *s = mem_zero(1, sizeof *s);
	TAILQ_INIT(&s->list);
	bell_init(&s->bell);
	secondary_board_init(&s->board);
	return s;
}

void secondaries_link(
	struct secondaries *s, const struct secondaries_links *links)
{
	s->links = *links;
}

void secondaries_free(struct secondaries *s)
{
	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->list))
		forget(s, TAILQ_FIRST(&s->list));
	bell_fini(&s->bell);
	secondary_board_fini(&s->board);
	transfer_source_release(s->source);
	free(s);
}

struct bell *secondaries_bell(struct secondaries *s)
{
	return &s->bell;
}
