#include "paths/private.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "state/path.h"

#define GUEST_WEIGHT 0.35f /* a player's or the bits' word, of a node's */
#define VIEWERS_MOST 16.0f /* of a network, that count */
#define JUMP_MS 20.0f      /* two networks that differ by more ... */
#define JUMP_SHARE 0.3f    /* ... and by this share: another way */
#define LIGHT_SHARE 0.4f
#define MEASURED_MS 180000 /* so long the kernel's word of a loss stands */
#define MOVED_MS 0.1f      /* 6 km nearer or further: the node is elsewhere */

static void paths_open_indexes(struct paths *p)
{
	p->entries = index_new();
	p->areas = index_new();
	p->as_nodes = index_new();
}

static void paths_close_indexes(struct paths *p)
{
	index_free(p->entries);
	index_free(p->areas);
	index_free(p->as_nodes);
}

struct paths *paths_new(void)
{
	struct paths *p = mem_zero(1, sizeof *p);
	paths_open_indexes(p);
	return p;
}

void paths_free(struct paths *p)
{
	if (!p)
		return;
	paths_close_indexes(p);
	free(p->at);
	free(p->entry);
	free(p->base.at);
	free(p->node.at);
	free(p->of_as.at);
	free(p);
}

/* -- entries -- */

struct entry_key {
	uint64_t area;
	uint64_t node;
};

/* A new part is 0. */
static void parts_need(struct parts *parts, unsigned n)
{
	if (n > parts->room) {
		unsigned room = 2 * n + 64;
		parts->at = mem_grow(parts->at, room * sizeof *parts->at);
		parts->room = room;
	}
	if (n > parts->n) {
		memset(parts->at + parts->n, 0,
			(n - parts->n) * sizeof *parts->at);
		parts->n = n;
	}
}

static uint32_t part_number(
	struct index *index, struct parts *parts, uint64_t key)
{
	bool made;
	uint32_t number = index_number(index, &key, sizeof key, &made);
	parts_need(parts, number + 1);
	return number;
}

static struct entry *entry_of(
	struct paths *p, const struct place *place, unsigned node, bool *made)
{
	struct entry_key key = {path_area_key(place), node};
	uint32_t number = index_number(p->entries, &key, sizeof key, made);
	if (!*made)
		return &p->entry[number];
	if (number == p->room) {
		p->room = 2 * p->room + 64;
		p->entry = mem_grow(p->entry, p->room * sizeof *p->entry);
	}
	p->n = number + 1;
	struct entry *e = &p->entry[number];
	*e = (struct entry){.area = key.area,
		.place = *place,
		.node = (uint16_t)node,
		.base = part_number(p->areas, &p->base, key.area),
		.of_as = place->asn
			? part_number(p->as_nodes, &p->of_as,
				  path_carrier_key(place->asn, node))
			: NO_PART,
		.published_ms = NAN};
	return e;
}

/* Whether an entry is of a node that is still there, where it was. A hole in the map has
 * no place. */
static bool entry_stays(const struct paths *p, const struct entry *e)
{
	if (e->node >= p->n_nodes || !p->map->nodes[e->node].placed)
		return false;
	float distance_ms = path_between_ms(
		p->at[e->node], path_vec(e->place.lat, e->place.lon));
	return fabsf(distance_ms - e->distance_ms) < MOVED_MS;
}

/* Forgets entries without a report since then and those of nodes that are gone or have
 * moved, and numbers all anew. */
void paths_sweep(struct paths *p, int64_t since_ms)
{
	struct entry *old = p->entry;
	unsigned n = p->n;
	paths_close_indexes(p);
	paths_open_indexes(p);
	p->entry = NULL;
	p->n = p->room = p->base.n = p->of_as.n = 0;
	for (unsigned i = 0; i < n; i++) {
		bool made;
		if (old[i].at_ms < since_ms || !entry_stays(p, &old[i]))
			continue;
		struct entry *e =
			entry_of(p, &old[i].place, old[i].node, &made);
		struct entry fresh = *e;
		*e = old[i];
		e->base = fresh.base;
		e->of_as = fresh.of_as;
	}
	free(old);
}

void paths_set_map(struct paths *p, const struct map *map)
{
	p->map = map;
	p->n_nodes = map->n_nodes;
	p->at = mem_grow(p->at, (p->n_nodes + 1) * sizeof *p->at);
	parts_need(&p->node, p->n_nodes);
	for (unsigned i = 0; i < p->n_nodes; i++)
		p->at[i] = path_vec(map->nodes[i].lat, map->nodes[i].lon);
	bool gone = false;
	for (unsigned i = 0; i < p->n; i++)
		gone |= !entry_stays(p, &p->entry[i]);
	if (gone)
		paths_sweep(p, INT64_MIN);
}

static bool is_jump(float a, float b)
{
	float by = fabsf(a - b);
	return by > JUMP_MS && by > JUMP_SHARE * fmaxf(a, b);
}

/* Two networks in a row agree that it is another way now. */
static void forget_before_jump(struct entry *e, const struct voice *now)
{
	const struct voice *last = NULL;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		const struct voice *v = &e->voice[i];
		if (v->net && v != now && v->rtt_ms > 0 &&
			(!last || v->rtt_at_ms > last->rtt_at_ms))
			last = v;
	}
	if (!last || e->weight <= 0 || is_jump(last->rtt_ms, now->rtt_ms) ||
		!is_jump(e->rtt_ms, now->rtt_ms) ||
		!is_jump(e->rtt_ms, last->rtt_ms))
		return;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		if (&e->voice[i] != now && &e->voice[i] != last)
			e->voice[i].net = 0;
}

/* Whether a voice makes room before another: one of no round trip, since those of loss
 * fade in minutes; else the older. */
static bool gives_way(const struct voice *a, const struct voice *b)
{
	if ((a->rtt_ms > 0) != (b->rtt_ms > 0))
		return b->rtt_ms > 0;
	return voice_at_ms(a) < voice_at_ms(b);
}

/* A network's own, a free one, or one that makes room. NULL: a report without round trip
 * takes the place of none that has one, and another name server's of none at all. */
static struct voice *voice_of(struct entry *e, const struct path_report *r)
{
	struct voice *room = NULL;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++) {
		struct voice *v = &e->voice[i];
		if (v->net == r->net)
			return v;
		if (!room || (room->net && (!v->net || gives_way(v, room))))
			room = v;
	}
	if (!room->net)
		return room;
	bool may = r->rtt_ms > 0 || room->rtt_ms < 0;
	return may && !voice_is_server(r->net) ? room : NULL;
}

/* What a report does not say stays as the network said it before. */
static void voice_take(
	struct voice *v, const struct path_report *r, int64_t now_ms)
{
	float viewers = fminf(VIEWERS_MOST, fmaxf(1, (float)r->viewers));
	if (v->net != r->net)
		*v = (struct voice){.net = r->net,
			.rtt_ms = -1,
			.loss = -1,
			.rtt_at_ms = INT64_MIN,
			.loss_at_ms = INT64_MIN};
	if (r->rtt_ms > 0 || v->rtt_ms < 0)
		v->weight =
			r->by == PATH_BY_NODE ? sqrtf(viewers) : GUEST_WEIGHT;
	if (r->rtt_ms > 0) {
		v->rtt_ms = r->rtt_ms;
		v->rtt_at_ms = now_ms;
	}
	if (r->loss >= 0) {
		v->loss = r->loss;
		v->counted = r->by == PATH_BY_NODE;
		v->loss_at_ms = now_ms;
	}
}

unsigned paths_areas(const struct paths *p)
{
	return index_count(p->areas);
}

unsigned paths_count(const struct paths *p)
{
	return p->n;
}

/* Light in a fibre needs 0.01 ms there and back for each kilometre, a path by distance
 * has 0.016. */
static bool is_possible(float rtt_ms, float distance_ms)
{
	return rtt_ms >= (distance_ms - (float)PLACE_NEAR_MS) * LIGHT_SHARE;
}

/* A report of that moment. */
static bool report_at(struct paths *p, const struct path_report *r,
	int64_t at_ms, int64_t now_ms)
{
	if (r->place.source == PLACE_UNKNOWN || !p->map->nodes[r->node].placed)
		return false;
	float distance_ms = path_between_ms(
		p->at[r->node], path_vec(r->place.lat, r->place.lon));
	if (p->n >= PATHS_ENTRIES ||
		(r->rtt_ms > 0 && !is_possible(r->rtt_ms, distance_ms)))
		return false;
	bool made;
	struct entry *e = entry_of(p, &r->place, r->node, &made);
	if (made) {
		e->distance_ms = distance_ms;
		e->at_ms = at_ms;
	}
	struct voice *v = voice_of(e, r);
	/* Segments that the kernel counted say more than bits that came. */
	if (!v ||
		(r->by == PATH_BY_BITS && v->net == r->net && v->counted &&
			now_ms - v->loss_at_ms < MEASURED_MS))
		return false;
	voice_take(v, r, at_ms);
	if (at_ms > e->at_ms)
		e->at_ms = at_ms;
	if (r->rtt_ms > 0 && !voice_is_server(r->net))
		forget_before_jump(e, v);
	paths_entry_rtt(e, now_ms);
	return true;
}

bool paths_report(struct paths *p, const struct path_report *r, int64_t now_ms)
{
	assert(r->node < p->n_nodes && r->rtt_ms != 0 && r->net);
	assert(r->rtt_ms > 0 || r->loss >= 0);
	return report_at(p, r, now_ms, now_ms);
}

/* -- other name servers -- */

struct entry paths_own_entry(const struct entry *entry, int64_t now_ms)
{
	struct entry own = *entry;
	for (unsigned i = 0; i < PATHS_NETWORKS; i++)
		if (voice_is_server(own.voice[i].net))
			own.voice[i].net = 0;
	paths_entry_rtt(&own, now_ms);
	own.loss = paths_entry_said_loss(&own, now_ms, &own.loss_weight);
	return own;
}

unsigned paths_evidence(const struct paths *p, unsigned node, int64_t now_ms,
	struct path_evidence *known, unsigned most)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->n && n < most; i++) {
		if (p->entry[i].node != node)
			continue;
		struct entry own = paths_own_entry(&p->entry[i], now_ms);
		if (own.weight <= 0)
			continue;
		known[n++] = (struct path_evidence){.place = own.place,
			.rtt_ms = own.rtt_ms,
			.weight = own.weight,
			.loss = own.loss_weight > 0 ? own.loss : -1,
			.age_s = (uint32_t)((now_ms - own.at_ms) / 1000)};
	}
	return n;
}

bool paths_told(struct paths *p, unsigned node, unsigned server,
	const struct path_evidence *k, int64_t now_ms)
{
	assert(node < p->n_nodes && server < PATHS_SERVERS);
	const struct place *place = &k->place;
	if (!(place->lat >= -90 && place->lat <= 90 && place->lon >= -180 &&
		    place->lon <= 180 && k->rtt_ms > 0 &&
		    k->rtt_ms <= PATH_RTT_MOST_MS && k->weight > 0 &&
		    k->weight < 1e3f && k->loss <= 1))
		return false;
	struct path_report r = {.net = VOICE_SERVER + server,
		.place = *place,
		.node = node,
		.rtt_ms = k->rtt_ms,
		.loss = k->loss,
		.viewers = (unsigned)fmaxf(1, k->weight * k->weight),
		.by = PATH_BY_NODE};
	return report_at(p, &r, now_ms - 1000 * (int64_t)k->age_s, now_ms);
}
