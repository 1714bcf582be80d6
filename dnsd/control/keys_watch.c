#include "control/keys_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/words.h"
#include "control/build.h"
#include "control/builder.h"
#include "control/reload.h"
#include "control/state.h"
#include "sign/signer.h"
#include "snapshot/report.h"

/* Before another try, when the one before failed. */
#define AGAIN_S 60

/* Between two looks at the folders. */
#define LOOK_S 60

/* Of a fault of keys, that is shown. */
#define WHY_MAX 200

/* Renewed at half of their validity, signatures do not come so near to their end. */
#define NEAR_END(validity_s) ((validity_s) / 4)

/* What a look found of a zone. */
struct found {
	uint32_t
		signing; /* zone_signing.id: of another build it says nothing */
	char why[WHY_MAX];
};

struct keys_watch {
	int64_t read_s;   /* wall clock: the last reload for a key's time */
	int64_t looked_s; /* the last look; 0: none */
	bool looking;
	bool late; /* said in the log */
	unsigned n_found;
	struct found *found;         /* faults only */
	struct report_signing *news; /* not published yet; NULL: none */
};

struct look {
	struct job job;
	struct control *control;
	unsigned n;
	struct found *found;
};

struct keys_watch *keys_watch_new(void)
{
	return mem_zero(1, sizeof(struct keys_watch));
}

void keys_watch_free(struct keys_watch *w)
{
	if (!w)
		return;
	free(w->found);
	free(w->news);
	free(w);
}

/* Whether so much time has gone by, or the clock was set back. */
static bool passed(int64_t since_s, int64_t now_s, int64_t span_s)
{
	return now_s - since_s >= span_s || now_s < since_s;
}

/* -- times of keys -- */

static void watch_zone(
	struct control *c, const struct zone_signing *zone, int64_t now_s)
{
	if (!zone->changes_s || zone->changes_s > now_s ||
		!passed(c->keys->read_s, now_s, AGAIN_S))
		return;
	log_info("a key of a signed zone comes or goes now: reloading");
	c->keys->read_s = now_s;
	reload_run(c, NULL);
}

/* -- looks at the folders -- */

static struct look *look_of(struct job *job)
{
	return (struct look *)job;
}

/* A key that is in service stays there; without its files the next start fails. On the
 * builder's thread: what is in service is not replaced meanwhile. */
static void look_run(struct job *job)
{
	struct look *look = look_of(job);
	const struct built *built = look->control->built;

	look->found = mem_zero(built->n_zones + 1, sizeof *look->found);
	for (unsigned i = 0; i < built->n_zones; i++) {
		struct sign_policy policy = {
			.folder = built->conf->zones[i].dnssec.keys,
			.now_s = clock_wall_ms() / 1000};
		struct err err = {0};
		if (!built->signing[i])
			continue;
		struct zone_signing *read = zone_signing_begin(
			&built->zones[i]->apex, &policy, &err);
		if (!read) {
			struct found *f = &look->found[look->n++];
			const char *text = err_text(&err);
			f->signing = built->signing[i]->id;
			snprintf(f->why, sizeof f->why, "%.*s",
				(int)strcspn(text, "\n"), text);
		}
		zone_signing_free(read);
		err_fini(&err);
	}
}

static const char *fault_of(const struct keys_watch *w, uint32_t signing)
{
	for (unsigned i = 0; i < w->n_found; i++)
		if (w->found[i].signing == signing)
			return w->found[i].why;
	return NULL;
}

static void look_drop(struct job *job)
{
	struct look *look = look_of(job);
	look->control->keys->looking = false;
	free(look->found);
	free(look);
}

static void look_done(struct job *job)
{
	struct look *look = look_of(job);
	struct keys_watch *w = look->control->keys;

	for (unsigned i = 0; i < look->n; i++) {
		const struct found *f = &look->found[i];
		if (!fault_of(w, f->signing))
			log_warn("keys that the next start or reload needs: %s",
				f->why);
	}
	if (w->n_found && !look->n)
		log_info("keys of all signed zones can be read again");
	free(w->found);
	w->found = look->found;
	w->n_found = look->n;
	look->found = NULL;
	look_drop(job);
}

static void look_at_folders(struct control *c, int64_t now_s)
{
	struct keys_watch *w = c->keys;

	if (!w->looked_s)
		w->looked_s = now_s; /* just read */
	if (w->looking || !passed(w->looked_s, now_s, LOOK_S))
		return;
	w->looked_s = now_s;
	w->looking = true;
	struct look *look = mem_zero(1, sizeof *look);
	look->control = c;
	look->job = (struct job){
		.run = look_run, .done = look_done, .drop = look_drop};
	builder_add(c->builder, &look->job);
}

/* -- what is shown -- */

/* The name and the fault lie behind the zones; returns where the next text lies. */
static char *show_zone(struct report_signed *out, char *text,
	const struct zone_signing *zone, const char *why,
	const struct signer_zone *of, int64_t now_s)
{
	out->name = name_text(&zone->zone->apex, text);
	text += strlen(text) + 1;
	if (why) {
		out->keys_error = strcpy(text, why);
		text += strlen(why) + 1;
	}
	out->expires_s = of->expires_s;
	out->to_do = of->waiting;
	out->late = of->expires_s &&
		of->expires_s - now_s < NEAR_END(zone->validity_s);
	return text;
}

/* All in one block. Not more zones than the signer serves. */
static struct report_signing *make_news(
	const struct control *c, const struct signer_zone *of, int64_t now_s)
{
	const struct built *b = c->built;
	size_t zones = b->n_zones * sizeof(struct report_signed), texts = 0;

	for (unsigned i = 0; i < b->n_zones; i++)
		texts += b->signing[i] ? NAME_TEXT_MAX : 0;
	texts += c->keys->n_found * sizeof(struct found);
	struct report_signing *out = mem_zero(1, sizeof *out + zones + texts);
	char *text = (char *)out->zone + zones;
	for (unsigned i = 0; i < b->n_zones; i++) {
		const struct zone_signing *zone = b->signing[i];
		if (!zone)
			continue;
		text = show_zone(&out->zone[out->n], text, zone,
			fault_of(c->keys, zone->id), &of[out->n], now_s);
		out->n++;
	}
	return out;
}

static void log_late(struct keys_watch *w, int64_t now_s)
{
	const struct report_signed *late = NULL;
	char text[WORDS_TEXT_MAX];

	for (unsigned i = 0; i < w->news->n && !late; i++)
		if (w->news->zone[i].late)
			late = &w->news->zone[i];
	if (late && !w->late)
		log_error(
			"signatures are not renewed: the first one of %s ends in %s",
			late->name,
			words_duration(text, late->expires_s - now_s));
	else if (!late && w->late)
		log_info("signatures are renewed again");
	w->late = late != NULL;
}

void keys_watch_show(struct control *c)
{
	int64_t now_s = clock_wall_ms() / 1000;
	struct signer_zone *of = mem_zero(c->built->n_zones + 1, sizeof *of);

	signer_zones(c->signer, of, c->built->n_zones);
	free(c->keys->news);
	c->keys->news = make_news(c, of, now_s);
	free(of);
	log_late(c->keys, now_s);
}

void keys_watch(struct control *c)
{
	int64_t now_s = clock_wall_ms() / 1000;
	bool any = false;

	for (unsigned i = 0; i < c->built->n_zones; i++)
		if (c->built->signing[i]) {
			any = true;
			watch_zone(c, c->built->signing[i], now_s);
		}
	if (any)
		look_at_folders(c, now_s);
	keys_watch_show(c);
}

bool keys_watch_late(const struct keys_watch *w)
{
	return w->late;
}

void keys_watch_news(struct keys_watch *w, struct report_signing **published,
	struct report_signing **old)
{
	if (!w->news)
		return;
	*old = *published;
	*published = w->news;
	w->news = NULL;
}

const char *keys_watch_fault(
	const struct report_signing *signing, char *out, size_t room)
{
	int64_t now_s = clock_wall_ms() / 1000;
	char text[WORDS_TEXT_MAX];

	*out = '\0';
	for (unsigned i = 0; signing && i < signing->n && !*out; i++) {
		const struct report_signed *zone = &signing->zone[i];
		int64_t left_s = zone->expires_s - now_s;
		if (zone->late && left_s <= 0)
			snprintf(out, room, "signatures of %s have expired",
				zone->name);
		else if (zone->late)
			snprintf(out, room, "signatures of %s expire in %s",
				zone->name, words_duration(text, left_s));
		else if (zone->keys_error)
			snprintf(out, room, "keys of %s cannot be read",
				zone->name);
	}
	return out;
}
