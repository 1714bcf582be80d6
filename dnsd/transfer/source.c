#include "transfer/source.h"

#include <assert.h>

#include "base/arena.h"

static void keys_make(struct transfer_source *s, const struct conf *conf)
{
	s->n_keys = conf->n_tsig;
	s->keys = arena_alloc(conf->arena, conf->n_tsig * sizeof *s->keys);
	for (unsigned i = 0; i < conf->n_tsig; i++) {
		const struct conf_tsig *key = &conf->tsig[i];
		bool made = tsig_key_set(&s->keys[i], key->name,
			(enum tsig_algorithm)key->algorithm, key->octets,
			key->n_octets);
		assert(made); /* conf has checked it */
		(void)made;
	}
}

struct transfer_source *transfer_source_new(const struct conf *conf,
	struct zone *const *zones, void (*free)(struct transfer_source *source))
{
	struct transfer_source *s = arena_alloc(conf->arena, sizeof *s);
	s->users = 1;
	s->free = free;
	s->conf = conf;
	s->n_zones = conf->n_zones;
	s->zones = arena_alloc(conf->arena, conf->n_zones * sizeof *s->zones);
	for (unsigned i = 0; i < conf->n_zones; i++) {
		s->zones[i] = (struct transfer_zone){zones[i], &conf->zones[i]};
		s->any_from |= conf->zones[i].from.n_primary > 0;
	}
	keys_make(s, conf);
	return s;
}

struct transfer_source *transfer_source_take(struct transfer_source *source)
{
	atomic_fetch_add(&source->users, 1);
	return source;
}

void transfer_source_release(struct transfer_source *source)
{
	if (source && atomic_fetch_sub(&source->users, 1) == 1)
		source->free(source);
}

bool transfer_allowed(const struct transfer_source *source,
	const struct transfer_zone *zone, const struct addr *address,
	const struct tsig_key *key)
{
	const struct conf_zone *conf = zone->conf;
	for (unsigned i = 0; i < conf->transfer.n_to; i++) {
		const struct conf_transfer_to *to = &conf->transfer.to[i];
		if (to->key >= 0 ? key == &source->keys[to->key]
				 : address &&
					prefix_contains(&to->prefix, address))
			return true;
	}
	return false;
}

bool transfer_is_primary(const struct transfer_source *source,
	const struct transfer_zone *zone, const struct addr *address,
	const struct tsig_key *key)
{
	const struct conf_zone *conf = zone->conf;
	if (key && conf->from.key >= 0 && key == &source->keys[conf->from.key])
		return true;
	for (unsigned i = 0; i < conf->from.n_primary; i++) {
		struct addr primary = addr_from_sockaddr(
			(const struct sockaddr *)&conf->from.primary[i].to);
		if (addr_equal(&primary, address))
			return true;
	}
	return false;
}

const struct transfer_zone *transfer_zone_at(
	const struct transfer_source *source, const struct name *apex)
{
	for (unsigned i = 0; i < source->n_zones; i++)
		if (name_equal(&source->zones[i].zone->apex, apex))
			return &source->zones[i];
	return NULL;
}
