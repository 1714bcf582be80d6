/* Compiles the inventory: see map.h. */
#include "state/map.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/index.h"
#include "base/rng.h"
#include "state/nearest.h"
#include "state/path.h"

#define UNKNOWN_CELLS_MAX 256

#define ASN_UNKNOWN 0 /* carrier classes; 2.. are the ASNs nodes name */
#define ASN_OTHER 1

/* What only building needs. */
struct build {
	struct map *map;
	const struct geo *geo;
	uint16_t *index; /* by index in the conf */
	uint32_t *asn;   /* sorted, all that any node names */
	unsigned n_asn;
	struct place *cell_place; /* a place that stands for the cell */
	unsigned room_cells;
	const uint16_t **conf_node; /* by pool: its first name's, in the conf */
};

/* -- nodes -- */

/* The number of a site or provider, from 1; 0: the text is "". */
static uint32_t domain_of(struct index *domains, const char *text)
{
	bool made;
	return *text ? index_number(domains, text, strlen(text), &made) + 1 : 0;
}

static void place_node(struct map_node *node, const struct conf_node *from,
	const struct geo *geo)
{
	if (from->has_at) {
		node->lat = (float)from->at[0];
		node->lon = (float)from->at[1];
		node->placed = true;
		return;
	}
	struct geo_leaf leaf = geo_find(geo, &from->address[0]);
	const struct place *place = geo_place(geo, leaf.place);
	node->placed = place->source != PLACE_UNKNOWN;
	node->lat = place->lat;
	node->lon = place->lon;
}

static void add_addresses(
	struct map *map, struct map_node *node, const struct conf_node *from)
{
	struct addr *a = arena_alloc(map->arena, from->n_addresses * sizeof *a);
	unsigned n = 0;
	for (int family = 4; family <= 6; family += 2)
		for (unsigned i = 0; i < from->n_addresses && n < 255; i++)
			if (from->address[i].family == family) {
				a[n++] = from->address[i];
				*(family == 4 ? &node->n4 : &node->n6) += 1;
			}
	node->address = a;
}

/* Gives known nodes their old index and new ones the next; holes are filled
 * only when no more fit behind. */
static void assign_indexes(
	struct build *b, const struct conf *conf, const struct map *previous)
{
	unsigned n = previous ? previous->n_nodes : 0, hole = 0;
	bool *used = mem_zero(n, sizeof *used);

	for (unsigned i = 0; i < conf->n_nodes; i++) {
		int old = previous
			? map_find_node(previous, conf->nodes[i].name)
			: -1;
		b->index[i] = old < 0 ? MAP_NO_NODE : (uint16_t)old;
		if (old >= 0)
			used[old] = true;
	}
	b->map->n_nodes = n;
	for (unsigned i = 0; i < conf->n_nodes; i++) {
		if (b->index[i] != MAP_NO_NODE)
			continue;
		if (b->map->n_nodes < CONF_NODES_MAX) {
			b->index[i] = (uint16_t)b->map->n_nodes++;
			continue;
		}
		while (used[hole])
			hole++;
		b->index[i] = (uint16_t)hole++;
	}
	free(used);
}

/* "address:port" of the conf, NULL: off. */
static uint16_t port_of(const char *endpoint)
{
	const char *colon = endpoint ? strrchr(endpoint, ':') : NULL;
	return colon ? (uint16_t)atoi(colon + 1) : 0;
}

/* Of "http[s]://host[:port]", NULL: off. */
static uint16_t url_port(const char *url, uint16_t usual)
{
	const char *host = url ? strstr(url, "://") + 3 : NULL;
	const char *bracket = host ? strchr(host, ']') : NULL;
	const char *colon = host ? strchr(bracket ? bracket : host, ':') : NULL;
	return !url ? 0 : colon ? (uint16_t)atoi(colon + 1) : usual;
}

static void add_urls(
	struct map *map, struct map_node *node, const struct conf_node *from)
{
	node->rtmp_port = from->rtmp ? port_of(from->rtmp) : 1935;
	node->flv_port = port_of(from->flv);
	node->srt_port = port_of(from->srt);
	node->whep_tls = from->whep && !strncmp(from->whep, "https:", 6);
	node->whep_port = url_port(from->whep, node->whep_tls ? 443 : 80);
	for (unsigned i = 0; i < CONF_URLS; i++)
		node->public_url[i] = *from->public_url[i]
			? arena_strdup(map->arena, from->public_url[i])
			: NULL;
}

static const uint32_t *copy_asns(
	struct arena *arena, const struct conf_node *from)
{
	uint32_t *asn = arena_alloc(arena, from->n_asn * sizeof *asn);
	for (unsigned i = 0; i < from->n_asn; i++)
		asn[i] = from->asn[i];
	return asn;
}

/* For the operator's eyes. */
static void name_domains(
	struct map *map, struct map_node *node, const struct conf_node *from)
{
	node->site_name =
		*from->site ? arena_strdup(map->arena, from->site) : "";
	node->provider_name =
		*from->provider ? arena_strdup(map->arena, from->provider) : "";
}

static void build_nodes(struct build *b, const struct conf *conf)
{
	struct map *map = b->map;
	struct index *sites = index_new(), *providers = index_new();

	map->nodes = arena_alloc(map->arena, map->n_nodes * sizeof *map->nodes);
	for (unsigned i = 0; i < conf->n_nodes; i++) {
		const struct conf_node *from = &conf->nodes[i];
		struct map_node *node = &map->nodes[b->index[i]];
		node->name = arena_strdup(map->arena, from->name);
		name_domains(map, node, from);
		node->role = (enum conf_role)from->role;
		node->bias_ms = (float)from->bias_ms;
		node->capacity = (float)from->capacity;
		assert(node->capacity > 0 && from->overcommit >= 1);
		node->bandwidth_bps = (float)from->bandwidth_bps;
		node->overcommit = (float)from->overcommit;
		node->seed = hash_bytes(from->name, strlen(from->name), 1);
		/* Without a site a node is a failure domain of its own. */
		node->site = *from->site ? domain_of(sites, from->site)
					 : CONF_NODES_MAX + 1 + i;
		node->provider = domain_of(providers, from->provider);
		add_urls(map, node, from);
		node->n_asn = from->n_asn;
		node->asn = copy_asns(map->arena, from);
		place_node(node, from, b->geo);
		add_addresses(map, node, from);
	}
	index_free(sites);
	index_free(providers);
}

/* -- areas -- */

#define AREA_KM 300.0 /* 5 ms */

/* A straight line that is longer surely is no way of AREA_KM. */
#define AREA_CHORD (float)(AREA_KM * 1.0087 / PATH_EARTH_KM)

/* The first node of an area, and where it is. */
struct area_head {
	const struct map_node *node;
	struct vec at;
};

static bool in_area(const struct area_head *head, const struct area_head *one)
{
	const struct map_node *a = head->node, *b = one->node;
	if (a->site == b->site)
		return true;
	return a->placed && b->placed &&
		path_chord(head->at, one->at) < AREA_CHORD &&
		place_km(a->lat, a->lon, b->lat, b->lon) < AREA_KM;
}

/* What clients of one town say of nodes and ways counts together, whichever of
 * its data centres is a little nearer to each: a node belongs to the first that
 * is near, or of the same site. */
static void build_areas(struct map *map)
{
	struct area_head *heads = mem_zero(map->n_nodes, sizeof *heads);
	unsigned n = 0;

	for (unsigned i = 0; i < map->n_nodes; i++) {
		struct map_node *node = &map->nodes[i];
		struct area_head one = {node, path_vec(node->lat, node->lon)};
		unsigned k = 0;
		if (!node->name)
			continue;
		while (k < n && !in_area(&heads[k], &one))
			k++;
		if (k == n)
			heads[n++] = one;
		node->area = heads[k].node == node ? (uint32_t)node->seed >> 1
						   : heads[k].node->area;
	}
	free(heads);
}

/* -- cells -- */

static int asn_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static void gather_asns(struct build *b)
{
	unsigned n = 0, kept = 0;
	for (unsigned i = 0; i < b->map->n_nodes; i++)
		n += b->map->nodes[i].n_asn;
	b->asn = mem_zero(n, sizeof *b->asn);
	for (unsigned i = 0, at = 0; i < b->map->n_nodes; i++)
		for (unsigned k = 0; k < b->map->nodes[i].n_asn; k++)
			b->asn[at++] = b->map->nodes[i].asn[k];
	qsort(b->asn, n, sizeof *b->asn, asn_order);
	for (unsigned i = 0; i < n; i++)
		if (i == 0 || b->asn[i] != b->asn[i - 1])
			b->asn[kept++] = b->asn[i];
	b->n_asn = kept;
}

static uint32_t carrier_class(const struct build *b, uint32_t asn)
{
	if (!asn || !b->n_asn)
		return ASN_UNKNOWN;
	const uint32_t *found =
		bsearch(&asn, b->asn, b->n_asn, sizeof *b->asn, asn_order);
	return found ? (uint32_t)(found - b->asn) + 2 : ASN_OTHER;
}

static uint64_t cell_key(const struct build *b, const struct place *place)
{
	uint64_t lat = 1023, lon = 2047; /* unknown */
	if (place->source != PLACE_UNKNOWN) {
		lat = (uint64_t)((place->lat + 90) * MAP_CELLS_PER_DEGREE);
		lon = (uint64_t)((place->lon + 180) * MAP_CELLS_PER_DEGREE);
	}
	return (uint64_t)carrier_class(b, place->asn) << 32 | lat << 16 | lon;
}

static void cell_add(struct build *b, const struct place *place)
{
	struct map *map = b->map;
	if (map->n_cells == b->room_cells) {
		b->room_cells = b->room_cells * 2 + 64;
		b->cell_place = mem_grow(
			b->cell_place, b->room_cells * sizeof *b->cell_place);
	}
	b->cell_place[map->n_cells++] = map_cell_middle(place);
}

/* A pair and the area that it is of, while they are gathered. */
struct area_pair {
	uint64_t area;
	uint32_t number;
	struct client_pair pair;
};

static int area_pair_order(const void *a, const void *b)
{
	const struct area_pair *x = a, *y = b;
	if (x->area != y->area)
		return x->area < y->area ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static struct area_pair area_pair_of(const struct build *b, uint32_t number,
	uint32_t cell, const struct place *place)
{
	struct place at = b->cell_place[cell];
	at.asn = place->asn;
	return (struct area_pair){
		at.source == PLACE_UNKNOWN ? 0 : path_area_key(&at), number,
		{cell, place->asn}};
}

/* The pairs of places in the order of their areas. Areas begin where theirs is
 * another one than before. */
static void write_areas(struct build *b, struct area_pair *list, uint32_t n,
	uint32_t *place_pair)
{
	struct client_areas *to = &b->map->clients;
	struct client_pair *pair = arena_alloc(b->map->arena, n * sizeof *pair);
	struct client_area *area = arena_alloc(b->map->arena, n * sizeof *area);
	uint32_t *at = mem_zero(n, sizeof *at);

	qsort(list, n, sizeof *list, area_pair_order);
	for (uint32_t i = 0; i < n; i++) {
		if (i == 0 || list[i].area != list[i - 1].area)
			area[to->n++] =
				(struct client_area){list[i].area, i, 0};
		area[to->n - 1].n++;
		pair[i] = list[i].pair;
		at[list[i].number] = i;
	}
	for (uint32_t i = 0; i < b->map->n_places; i++)
		place_pair[i] = at[place_pair[i]];
	free(at);
	to->n_pairs = n;
	to->area = area;
	to->pair = pair;
	to->pair_of_place = place_pair;
}

static void build_clients(struct build *b)
{
	struct map *map = b->map;
	uint32_t n = 0, room = 0;
	uint32_t *place_pair =
		arena_alloc(map->arena, map->n_places * sizeof *place_pair);
	struct area_pair *list = NULL;
	struct index *pairs = index_new();

	for (uint32_t i = 0; i < map->n_places; i++) {
		const struct place *place = geo_place(b->geo, i);
		uint32_t cell = map->cell_of_place[i];
		struct client_pair pair = {cell, place->asn};
		bool made;
		place_pair[i] = index_number(pairs, &pair, sizeof pair, &made);
		if (!made)
			continue;
		if (n == room) {
			room = 2 * room + 64;
			list = mem_grow(list, room * sizeof *list);
		}
		list[n] = area_pair_of(b, n, cell, place);
		n++;
	}
	index_free(pairs);
	write_areas(b, list, n, place_pair);
	free(list);
}

/* Cell 0 is place 0: nothing known. */
static void build_cells(struct build *b)
{
	uint32_t n = geo_places(b->geo);
	uint32_t *cell_of = arena_alloc(b->map->arena, n * sizeof *cell_of);
	struct index *cells = index_new();

	for (uint32_t i = 0; i < n; i++) {
		const struct place *place = geo_place(b->geo, i);
		uint64_t key = cell_key(b, place);
		bool made;
		cell_of[i] = index_number(cells, &key, sizeof key, &made);
		if (made)
			cell_add(b, place);
	}
	assert(b->map->n_cells == index_count(cells));
	index_free(cells);
	b->map->cell_of_place = cell_of;
	b->map->n_places = n;
	build_clients(b);
	struct place *kept =
		arena_alloc(b->map->arena, b->map->n_cells * sizeof *kept);
	memcpy(kept, b->cell_place, b->map->n_cells * sizeof *kept);
	b->map->cell_place = kept;
}

/* -- candidates -- */

/* Clients of unknown place: every such cell has other nodes of a large pool,
 * drawn by capacity, at paths that say nothing but their bias. */
static void fill_unknown(const struct build *b, const struct map_pool *pool,
	unsigned index, struct ranked *draw, struct candidates *out)
{
	struct ranked list[MAP_CANDIDATES];
	for (unsigned i = 0; i < pool->n; i++) {
		const struct map_node *node = &b->map->nodes[pool->node[i]];
		uint64_t h = hash_mix(node->seed + index * HASH_ODD);
		double u = ((double)(h >> 11) + 0.5) * 0x1p-53;
		draw[i] = (struct ranked){
			(float)(-log(u) / node->capacity), pool->node[i]};
	}
	unsigned n = nearest_among(b->map, draw, pool->n, list);
	for (unsigned i = 0; i < n; i++)
		list[i].path =
			PATH_UNKNOWN_MS + b->map->nodes[list[i].node].bias_ms;
	nearest_write(list, n, out);
}

static void build_candidates(struct build *b, struct map_pool *pool)
{
	unsigned n = b->map->n_cells;
	struct ranked *draw = mem_zero(pool->n, sizeof *draw);
	struct nearest *nearest = nearest_new(b->map, pool);
	struct ranked list[MAP_CANDIDATES];

	pool->unknown_cells = pool->n <= MAP_CANDIDATES ? 1
		: pool->n > UNKNOWN_CELLS_MAX           ? UNKNOWN_CELLS_MAX
							: pool->n;
	struct candidates *cells = arena_alloc(
		b->map->arena, (n + pool->unknown_cells) * sizeof *cells);
	for (unsigned i = 0; i < n; i++) {
		unsigned found =
			nearest_find(nearest, &b->map->cell_place[i], list);
		nearest_write(list, found, &cells[i]);
	}
	for (unsigned i = 0; i < pool->unknown_cells; i++)
		fill_unknown(b, pool, i, draw, &cells[n + i]);
	pool->cells = cells;
	nearest_free(nearest);
	free(draw);
}

/* -- pools and names -- */

static bool is_pool(const struct map_pool *pool, const uint16_t *conf_node,
	const struct conf_steer *steer, const uint16_t *index)
{
	if (pool->n != steer->n_nodes ||
		pool->carrier_ms != (float)steer->carrier_ms ||
		pool->measured != steer->measured)
		return false;
	for (unsigned i = 0; conf_node != steer->node && i < pool->n; i++)
		if (pool->node[i] != index[steer->node[i]])
			return false;
	return true;
}

static const uint16_t *pool_nodes(
	const struct build *b, const struct conf_steer *steer)
{
	uint16_t *node =
		arena_alloc(b->map->arena, steer->n_nodes * sizeof *node);
	for (unsigned i = 0; i < steer->n_nodes; i++)
		node[i] = b->index[steer->node[i]];
	return node;
}

/* Names with the same nodes, carrier cost and paths share a pool. Most share also the
 * list of the conf, which is compared first. */
static uint32_t pool_of(struct build *b, const struct conf_steer *steer)
{
	struct map *map = b->map;
	for (uint32_t i = 0; i < map->n_pools; i++)
		if (is_pool(&map->pools[i], b->conf_node[i], steer, b->index))
			return i;
	struct map_pool *p = &map->pools[map->n_pools];
	assert(steer->n_nodes > 0);
	b->conf_node[map->n_pools] = steer->node;
	p->n = steer->n_nodes;
	p->node = pool_nodes(b, steer);
	p->carrier_ms = (float)steer->carrier_ms;
	p->measured = steer->measured;
	float largest = 0;
	for (unsigned i = 0; i < p->n; i++) {
		float capacity = map->nodes[p->node[i]].capacity;
		p->capacity += capacity;
		largest = fmaxf(largest, capacity);
	}
	p->ln_weight_max = logf(largest);
	build_candidates(b, p);
	return map->n_pools++;
}

/* What a name means for the nodes that it may answer with. */
static void mark_nodes(struct map *map, const struct map_name *name)
{
	bool stable = name->policy == POLICY_STABLE;
	map->stable |= stable;
	if (!stable && !name->streams)
		return;
	for (unsigned i = 0; i < name->of->n; i++) {
		struct map_node *node = &map->nodes[name->of->node[i]];
		node->of_stable |= stable;
		node->of_streams |= name->streams;
	}
}

static void build_names(struct build *b, const struct conf *conf)
{
	struct map *map = b->map;
	assert(map->n_nodes <= CONF_NODES_MAX);
	map->n_names = conf->n_steer;
	map->names =
		arena_alloc(map->arena, conf->n_steer * sizeof *map->names);
	map->pools =
		arena_alloc(map->arena, conf->n_steer * sizeof *map->pools);
	b->conf_node = mem_zero(conf->n_steer, sizeof *b->conf_node);
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const struct conf_steer *from = &conf->steer[i];
		map->names[i] = (struct map_name){
			.name = arena_strdup(map->arena, from->name),
			.pool = pool_of(b, from),
			.policy = (enum conf_policy)from->policy,
			.lines = (uint8_t)from->lines,
			.answers = (uint8_t)from->answers,
			.fast = from->policy == POLICY_NEARBY &&
				from->answers == 1,
			.stay_ms = (float)from->stay_ms,
			.streams = from->streams,
			.ttl_min_s = (uint16_t)from->ttl[0],
			.ttl_max_s = (uint16_t)fmin(from->ttl[1], 65535),
			.https = arena_strdup(map->arena, from->https),
			.seed = hash_bytes(from->name, strlen(from->name), 2),
		};
		map->names[i].of = &map->pools[map->names[i].pool];
		mark_nodes(map, &map->names[i]);
	}
	free(b->conf_node);
	map_index_names(map);
}

/* -- the whole -- */

struct map *map_build(const struct conf *conf, const struct geo *geo,
	unsigned servers, const struct map *previous)
{
	struct arena *arena = arena_new();
	struct map *map = arena_alloc(arena, sizeof *map);
	struct build b = {.map = map, .geo = geo};

	map->arena = arena;
	map->session_s = (float)conf->session_s;
	map->servers = servers ? servers : 1;
	b.index = arena_alloc(arena, conf->n_nodes * sizeof *b.index);
	map->of_conf = b.index;
	assign_indexes(&b, conf, previous);
	build_nodes(&b, conf);
	map_index_nodes(map);
	build_areas(map);
	gather_asns(&b);
	build_cells(&b);
	build_names(&b, conf);
	free(b.asn);
	free(b.cell_place);
	return map;
}
