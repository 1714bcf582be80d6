#include "control/build_zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/signing.h"
#include "sign/zone.h"
#include "snapshot/mark.h"
#include "transfer/kept.h"
#include "wire/name.h"
#include "wire/rr.h"
#include "zones/builder.h"
#include "zones/zonefile.h"

#define NODE_NAME_TTL_S 60

struct zones_work {
	const struct conf *conf;
	struct zone_builder **builder; /* by zone; NULL: it is none */
	struct zone_signing **signing; /* by zone; NULL: it is not signed */
	bool *missing; /* its file can't be read: nothing more to say of it */
	const struct build_how *how;
	int64_t *
		current_s; /* by zone of another server: its file was, then; 0: it is
			       not here */
	struct err *err;
	bool ok;
};

struct name build_name(const char *text)
{
	struct name name;
	/* conf has checked it */
	if (!name_from_text(&name, text))
		name = (struct name){0};
	return name;
}

/* A zone without a file. */
static bool make_zone(
	struct zone_builder *b, const struct conf_zone *zone, struct err *err)
{
	const struct conf_texts *ns = &zone->ns;
	const char **where = mem_alloc((ns->n + 1) * sizeof *where);
	struct arena *texts = arena_new();

	for (unsigned i = 0; i < ns->n; i++)
		where[i] = arena_printf(
			texts, "%s:%u", ns->where[i].file, ns->where[i].line);
	bool made = zone_builder_make(
		b, ns->text, where, ns->n, (uint32_t)zone->serial, err);
	arena_free(texts);
	free(where);
	return made;
}

/* Something, so that what is said on top has its place. */
static bool make_absent(struct zones_work *w, unsigned i)
{
	static const char *const ns = "ns.invalid";
	return zone_builder_make(w->builder[i], &ns, NULL, 1, 0, w->err);
}

/* One that was in service. */
static bool was_here(const struct zones_work *w, const char *zone)
{
	const struct built *b = w->how->previous;
	for (unsigned i = 0; b && i < b->n_zones; i++)
		if (!strcmp(b->conf->zones[i].name, zone))
			return b->conf->zones[i].from.n_primary &&
				!b->zones[i]->absent;
	return false;
}

/* That of another name server. What is kept and can't be read is transferred again, unless
 * that would end what is answered. */
static bool read_kept(struct zones_work *w, unsigned i)
{
	const char *zone = w->conf->zones[i].name;
	const struct build_how *how = w->how;
	bool next = how->next && !strcmp(how->next, zone);
	const char *store =
		how->previous ? how->previous->conf->store : w->conf->store;
	char *path = kept_path(store, zone, next ? KEPT_NEXT : KEPT_NOW);
	struct err err = {0};
	bool ok = true;

	w->current_s[i] = kept_current_s(path);
	if (w->current_s[i] && !zonefile_read(w->builder[i], path, &err)) {
		ok = false;
		w->current_s[i] = 0;
	}
	free(path);
	if (!ok && (next || was_here(w, zone))) {
		err_move(w->err, &err);
		return false;
	}
	if (!ok) {
		err_warn(w->err,
			"%s: is transferred again: what is kept can't be read: %s",
			zone, err_text(&err));
		zone_builder_free(w->builder[i]);
		struct name apex = build_name(zone);
		w->builder[i] = zone_builder_new(&apex);
	}
	err_fini(&err);
	return w->current_s[i] || make_absent(w, i);
}

static bool zone_read(struct zones_work *w, unsigned i)
{
	const struct conf_zone *zone = &w->conf->zones[i];
	struct name apex = build_name(zone->name);

	if (!*zone->name ||
		(zone->file ? !*zone->file
			    : !zone->ns.n && !zone->from.n_primary))
		return false;
	w->builder[i] = zone_builder_new(&apex);
	if (zone->from.n_primary)
		return read_kept(w, i);
	if (zone->file) {
		w->missing[i] = !build_can_read(
			zone->file_where, "file", zone->file, w->err);
		return !w->missing[i] &&
			zonefile_read(w->builder[i], zone->file, w->err);
	}
	return make_zone(w->builder[i], zone, w->err);
}

/* The zone with the longest apex that the name is in. */
static struct zone_builder *zone_holding(
	const struct zones_work *w, const struct name *name)
{
	struct zone_builder *best = NULL;
	for (unsigned i = 0; i < w->conf->n_zones; i++) {
		if (!w->builder[i])
			continue;
		const struct name *apex = zone_builder_apex(w->builder[i]);
		if (name_below(name, apex) &&
			(!best ||
				apex->labels > zone_builder_apex(best)->labels))
			best = w->builder[i];
	}
	return best;
}

static void mark_name(struct zones_work *w, const struct conf_steer *steer,
	const char *prefix, struct mark mark)
{
	char text[320], where[512];
	struct name name;

	snprintf(text, sizeof text, "%s%s", prefix, steer->name);
	name = build_name(text);
	snprintf(where, sizeof where, "%s:%u", steer->where.file,
		steer->where.line);
	struct zone_builder *builder = zone_holding(w, &name);
	if (!builder ||
		!zone_builder_mark(
			builder, &name, mark_pack(mark), where, w->err))
		w->ok = false;
}

/* In a signed zone a wildcard stands for the streams of a name and its lines: their
 * answers are made from it, and no name below can be denied. */
static void mark_streams(struct zones_work *w, unsigned index)
{
	const struct conf_steer *steer = &w->conf->steer[index];
	struct mark mark = {.kind = MARK_NAME, .line = 1, .name = index};
	char prefix[32];

	mark_name(w, steer, "*.", mark);
	for (int line = 1; line <= steer->lines; line++) {
		snprintf(prefix, sizeof prefix, "*.line%d.", line);
		mark.line = (uint8_t)line;
		mark_name(w, steer, prefix, mark);
	}
}

static bool zone_is_signed(const struct zones_work *w, const char *text)
{
	struct name name = build_name(text);
	const struct zone_builder *builder = zone_holding(w, &name);
	for (unsigned i = 0; i < w->conf->n_zones; i++)
		if (builder && w->builder[i] == builder)
			return w->signing[i] != NULL;
	return false;
}

static void mark_steered(struct zones_work *w, unsigned index)
{
	const struct conf_steer *steer = &w->conf->steer[index];
	struct mark mark = {.kind = MARK_NAME,
		.line = 1,
		.streams = steer->streams,
		.name = index};
	char prefix[16];

	mark_name(w, steer, "", mark);
	for (int line = 1; line <= steer->lines; line++) {
		snprintf(prefix, sizeof prefix, "line%d.", line);
		mark.line = (uint8_t)line;
		mark_name(w, steer, prefix, mark);
	}
	mark = (struct mark){.kind = MARK_WHY, .line = 1, .name = index};
	mark_name(w, steer, "_why.", mark);
	if (steer->streams && zone_is_signed(w, steer->name))
		mark_streams(w, index);
}

/* <node>.<zone>: addresses of public nodes, unless the zone says otherwise. */
static void add_node_name(struct zones_work *w, struct zone_builder *builder,
	const char *zone, const struct conf_node *node)
{
	char text[320];
	snprintf(text, sizeof text, "%s.%s", node->name, zone);
	struct name name = build_name(text);
	enum zone_has has = zone_builder_has(builder, &name);

	if (has != ZONE_HAS_NOTHING) {
		err_warn(w->err, "%s:%u: %s has %s; the node gets no name",
			node->where.file, node->where.line, text,
			has == ZONE_HAS_CUT ? "a zone cut at or above it"
					    : "data of its own");
		return;
	}
	for (unsigned i = 0; i < node->n_addresses; i++) {
		const struct addr *a = &node->address[i];
		if (!zone_builder_add(builder, &name,
			    a->family == 4 ? RR_A : RR_AAAA, NODE_NAME_TTL_S,
			    a->bytes, addr_bits(a) / 8, 0, w->err))
			w->ok = false;
	}
}

static void add_node_names(struct zones_work *w)
{
	const struct conf *conf = w->conf;
	unsigned z = 0;
	if (*conf->node_names)
		while (strcmp(conf->zones[z].name, conf->node_names))
			z++;
	zone_builder_file(w->builder[z], NULL);
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (conf->nodes[i].is_public)
			add_node_name(w, w->builder[z], conf->zones[z].name,
				&conf->nodes[i]);
}

/* Reads the zones and marks the steered names in them. */
static void zones_begin(struct zones_work *w)
{
	const struct conf *conf = w->conf;

	w->ok = true;
	w->builder = mem_zero(conf->n_zones, sizeof *w->builder);
	w->missing = mem_zero(conf->n_zones, sizeof *w->missing);
	w->current_s = mem_zero(conf->n_zones, sizeof *w->current_s);
	w->signing = mem_zero(conf->n_zones, sizeof(struct zone_signing *));
	for (unsigned i = 0; i < conf->n_zones; i++)
		w->ok &= zone_read(w, i) &&
			signing_begin(
				conf, i, w->builder[i], &w->signing[i], w->err);
	for (unsigned i = 0; i < conf->n_steer; i++)
		if (*conf->steer[i].name)
			mark_steered(w, i);
}

/* NULL: it can't be served. One that is not here was current in 1970. */
static struct zone *zone_end(struct zones_work *w, unsigned i)
{
	struct zone *zone = NULL;
	if (w->builder[i] && !w->missing[i])
		zone = zone_build(w->builder[i], w->err);
	else
		zone_builder_free(w->builder[i]);
	w->ok &= zone != NULL;
	if (zone && w->conf->zones[i].from.n_primary)
		zone->absent = kept_until_s(zone, w->current_s[i]) <=
			clock_wall_ms() / 1000;
	return zone;
}

/* With what signs it. NULL allowed. */
void build_drop_zone(struct zone *zone)
{
	if (!zone)
		return;
	zone_signing_free((struct zone_signing *)zone->signing);
	zone_free(zone);
}

/* The last transfer of a configuration that was replaced is over, or it was not in use. */
static void free_source(struct transfer_source *source)
{
	for (unsigned i = 0; i < source->n_zones; i++)
		build_drop_zone((struct zone *)source->zones[i].zone);
	conf_free((struct conf *)source->conf);
}

bool build_zones(struct built *b, const struct build_how *how, struct err *err)
{
	const struct conf *conf = b->conf;
	struct zones_work w = {.conf = conf, .how = how, .err = err};

	zones_begin(&w);
	add_node_names(&w);
	b->zones = mem_zero(conf->n_zones, sizeof(struct zone *));
	b->n_zones = conf->n_zones;
	b->signing = w.signing;
	for (unsigned i = 0; i < conf->n_zones; i++) {
		b->zones[i] = zone_end(&w, i);
		if (b->zones[i])
			b->zones[i]->signing = b->signing[i];
		else
			zone_signing_free(b->signing[i]);
	}
	free(w.builder);
	free(w.missing);
	free(w.current_s);
	if (!w.ok)
		return false;
	b->zoneset =
		zoneset_new((const struct zone *const *)b->zones, b->n_zones);
	b->transfers = transfer_source_new(conf, b->zones, free_source);
	return true;
}

void build_look_at_zones(
	const struct conf *conf, const struct build_how *how, struct err *err)
{
	struct zones_work w = {.conf = conf, .how = how, .err = err};
	zones_begin(&w);
	for (unsigned i = 0; i < conf->n_zones; i++)
		zone_free(zone_end(&w, i));
	for (unsigned i = 0; i < conf->n_zones; i++)
		zone_signing_free(w.signing[i]);
	free(w.builder);
	free(w.missing);
	free(w.current_s);
	free(w.signing);
}
