#include "control/signing.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "sign/zone.h"
#include "wire/rr.h"
#include "zones/builder.h"

/* -- keys -- */

struct adding {
	struct zone_builder *builder;
	struct err *err;
};

static bool add_record(
	void *to, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct adding *a = to;
	return zone_builder_add(a->builder, zone_builder_apex(a->builder), type,
		SIGN_DNSKEY_TTL_S, rdata, len, 0, a->err);
}

bool signing_begin(const struct conf *conf, unsigned zone,
	struct zone_builder *builder, struct zone_signing **signing,
	struct err *err)
{
	const struct conf_zone *z = &conf->zones[zone];
	struct sign_policy policy = {.folder = z->dnssec.keys,
		.validity_s = z->dnssec.validity_s,
		.now_s = clock_wall_ms() / 1000};
	struct adding adding = {builder, err};
	struct err found = {0};

	*signing = NULL;
	if (!z->dnssec.keys)
		return true;
	zone_builder_file(builder, NULL);
	*signing =
		zone_signing_begin(zone_builder_apex(builder), &policy, &found);
	if (*signing && zone_signing_records(*signing, add_record, &adding))
		return true;
	if (!*signing)
		err_add(err, "%s:%u: dnssec of %s: %s", z->where.file,
			z->where.line, z->name, err_text(&found));
	err_fini(&found);
	zone_signing_free(*signing);
	*signing = NULL;
	return false;
}

/* -- what a zone may not have -- */

static bool check_set(const struct conf_zone *zone,
	const struct zone_rrset *set, const char *owner, struct err *err)
{
	char type[RR_TYPE_TEXT_MAX];
	bool own = set->type == RR_RRSIG || set->type == RR_NSEC ||
		set->type == RR_NSEC3 || set->type == RR_NSEC3PARAM;
	uint32_t ttl_s = zone_rrset_ttl(set);

	if (own)
		return err_add(err,
			"%s:%u: %s has %s records: dnsd makes those of a zone that it signs",
			zone->where.file, zone->where.line, owner,
			rr_type_text(set->type, type));
	if (ttl_s > signature_rest_s(zone->dnssec.validity_s))
		return err_add(err,
			"%s:%u: dnssec: validity of %lld s: three eighths of it are less than the TTL of %s, %u s",
			zone->where.file, zone->where.line,
			(long long)zone->dnssec.validity_s, owner, ttl_s);
	return true;
}

static bool check_sets(
	const struct conf_zone *conf, const struct zone *zone, struct err *err)
{
	bool ok = true;
	for (const struct zone_node *node = zone_apex(zone); node && ok;
		node = zone_next(node)) {
		const struct zone_rrset *set = zone_rrset_first(node);
		struct name name;
		char text[NAME_TEXT_MAX];
		zone_node_name(zone, node, &name);
		name_text(&name, text);
		for (unsigned i = node->sets; i;
			i--, set = zone_rrset_next(set))
			ok &= check_set(conf, set, text, err);
	}
	return ok;
}

/* -- steered names -- */

/* Of each family, a node of a pool that has addresses, and one that has none; NULL: no
 * node. */
struct families {
	const struct map_pool *pool; /* NULL: not looked at yet */
	const char *with[2], *without[2];
};
enum { FAMILY_4, FAMILY_6 };

/* Thousands of names in a row may share a pool: its nodes are looked at once. */
static void families_of(
	struct families *f, const struct map *map, const struct map_pool *pool)
{
	if (f->pool == pool)
		return;
	*f = (struct families){.pool = pool};
	for (unsigned i = 0; i < pool->n; i++) {
		const struct map_node *node = &map->nodes[pool->node[i]];
		*(node->n4 ? &f->with[FAMILY_4] : &f->without[FAMILY_4]) =
			node->name;
		*(node->n6 ? &f->with[FAMILY_6] : &f->without[FAMILY_6]) =
			node->name;
	}
}

/* What NSEC records say of a steered name holds for all clients: whether a family has
 * addresses may not depend on which node is theirs. */
static bool one_family(const struct conf_steer *steer, const struct families *f,
	unsigned family, struct err *err)
{
	return !f->with[family] || !f->without[family] ||
		err_add(err,
			"%s:%u: %s: its zone is signed: all nodes of the pool need IPv%d addresses or none: %s has, %s has not",
			steer->where.file, steer->where.line, steer->name,
			family == FAMILY_6 ? 6 : 4, f->with[family],
			f->without[family]);
}

static bool types_of(const struct built *b, unsigned i, struct families *f,
	sign_types types, struct err *err)
{
	const struct map_name *name = &b->map->names[i];
	const struct conf_steer *steer = &b->conf->steer[i];
	unsigned n = 0;

	families_of(f, b->map, name->of);
	if (!one_family(steer, f, FAMILY_4, err) ||
		!one_family(steer, f, FAMILY_6, err))
		return false;
	if (f->with[FAMILY_4])
		types[n++] = RR_A;
	if (f->with[FAMILY_6])
		types[n++] = RR_AAAA;
	if (*name->https)
		types[n++] = RR_HTTPS;
	return true;
}

/* All steered names that lie in the zone; *sets: of single nodes that they may be
 * answered with. NULL with lines in err. */
static const sign_types *steered_types(const struct built *b,
	const struct zone *zone, uint32_t *sets, struct err *err)
{
	const struct map *map = b->map;
	sign_types *types =
		arena_alloc(zone->arena, (map->n_names + 1) * sizeof *types);
	struct families families = {.pool = NULL};
	bool ok = true;

	*sets = 0;
	for (unsigned i = 0; i < map->n_names; i++) {
		struct name name;
		if (!name_from_text(&name, map->names[i].name) ||
			zoneset_find(b->zoneset, &name) != zone)
			continue;
		ok &= types_of(b, i, &families, types[i], err);
		*sets += map->names[i].of->n * (map->names[i].lines + 1u) * 2u *
			(map->names[i].streams ? 2u : 1u);
	}
	return ok ? types : NULL;
}

/* -- all -- */

/* The build in service of the zone with that apex; NULL: none, or not signed. */
static const struct zone_signing *previous_of(
	const struct built *previous, const struct zone *zone)
{
	for (unsigned i = 0; previous && i < previous->n_zones; i++)
		if (name_equal(&previous->zones[i]->apex, &zone->apex))
			return previous->signing[i];
	return NULL;
}

static bool sign_zone(struct built *b, const struct built *previous, unsigned i,
	struct err *err)
{
	struct zone *zone = b->zones[i];
	uint32_t sets;

	if (!check_sets(&b->conf->zones[i], zone, err))
		return false;
	const sign_types *types = steered_types(b, zone, &sets, err);
	return types &&
		zone_signing_end(b->signing[i], zone, types, sets,
			previous_of(previous, zone), err);
}

bool signing_end(struct built *b, const struct built *previous, struct err *err)
{
	bool ok = true;
	for (unsigned i = 0; i < b->n_zones; i++)
		if (b->signing[i])
			ok &= sign_zone(b, previous, i, err);
	return ok;
}
