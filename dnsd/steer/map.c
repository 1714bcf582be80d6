#include "steer/map.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/rng.h"

/* Stands for a path that is not known: further than a neighbour, nearer than
 * another continent. */
#define PATH_UNKNOWN_MS 60.0f
#define UNKNOWN_CELLS_MAX 256

#define ASN_UNKNOWN 0 /* carrier classes; 2.. are the ASNs nodes name */
#define ASN_OTHER 1

struct vec {
	float x, y, z;
};

/* What only building needs. */
struct build {
	struct map *map;
	const struct geo *geo;
	uint16_t *index; /* by index in the conf */
	uint32_t *asn;   /* sorted, all that any node names */
	unsigned n_asn;
	struct vec *at;           /* of nodes */
	struct place *cell_place; /* a place that stands for the cell */
	unsigned room_cells;
};

/* -- nodes -- */

static uint32_t domain_of(const char **texts, uint32_t *n, const char *text)
{
	for (uint32_t i = 0; i < *n; i++)
		if (!strcmp(texts[i], text))
			return i + 1;
	texts[(*n)++] = text;
	return *n;
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

static const uint32_t *copy_asns(
	struct arena *arena, const struct conf_node *from)
{
	uint32_t *asn = arena_alloc(arena, from->n_asn * sizeof *asn);
	for (unsigned i = 0; i < from->n_asn; i++)
		asn[i] = from->asn[i];
	return asn;
}

static void build_nodes(struct build *b, const struct conf *conf)
{
	struct map *map = b->map;
	const char **sites = mem_zero(conf->n_nodes, sizeof *sites);
	const char **providers = mem_zero(conf->n_nodes, sizeof *providers);
	uint32_t n_sites = 0, n_providers = 0;

	map->nodes = arena_alloc(map->arena, map->n_nodes * sizeof *map->nodes);
	for (unsigned i = 0; i < conf->n_nodes; i++) {
		const struct conf_node *from = &conf->nodes[i];
		struct map_node *node = &map->nodes[b->index[i]];
		node->name = arena_strdup(map->arena, from->name);
		node->role = (enum conf_role)from->role;
		node->bias_ms = (float)from->bias_ms;
		node->capacity = (float)from->capacity;
		node->bandwidth_bps = (float)from->bandwidth_bps;
		node->overcommit = (float)from->overcommit;
		node->seed = hash_bytes(from->name, strlen(from->name), 1);
		/* Without a site a node is a failure domain of its own. */
		node->site = *from->site
			? domain_of(sites, &n_sites, from->site)
			: CONF_NODES_MAX + 1 + i;
		node->provider = *from->provider
			? domain_of(providers, &n_providers, from->provider)
			: 0;
		node->rtmp_port = from->rtmp ? port_of(from->rtmp) : 1935;
		node->flv_port = port_of(from->flv);
		node->n_asn = from->n_asn;
		node->asn = copy_asns(map->arena, from);
		place_node(node, from, b->geo);
		add_addresses(map, node, from);
	}
	free(sites);
	free(providers);
}

/* -- paths -- */

static struct vec vector(float lat, float lon)
{
	float a = lat * (float)(M_PI / 180), o = lon * (float)(M_PI / 180);
	return (struct vec){cosf(a) * cosf(o), cosf(a) * sinf(o), sinf(a)};
}

static float path_ms(struct vec a, struct vec b)
{
	/* From the chord: acos of a dot product is poor for near points. */
	float x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
	float half = sqrtf(x * x + y * y + z * z) / 2;
	float angle = 2 * asinf(half < 1 ? half : 1);
	return (float)place_path_ms(6371.0 * angle);
}

static bool crosses_carrier(const struct map_node *node, uint32_t asn)
{
	if (!asn || !node->n_asn)
		return false;
	for (unsigned i = 0; i < node->n_asn; i++)
		if (node->asn[i] == asn)
			return false;
	return true;
}

float map_path_ms(const struct map *map, const struct map_pool *pool,
	const struct place *place, unsigned index)
{
	const struct map_node *node = &map->nodes[index];
	float ms = PATH_UNKNOWN_MS;
	if (node->placed && place->source != PLACE_UNKNOWN)
		ms = path_ms(vector(node->lat, node->lon),
			vector(place->lat, place->lon));
	if (pool && crosses_carrier(node, place->asn))
		ms += pool->carrier_ms;
	return ms + node->bias_ms;
}

/* -- areas -- */

#define AREA_KM 300.0 /* 5 ms */

/* The first node that is near, or of the same site. */
static const struct map_node *area_head(const struct map *map,
	const struct map_node *const *head, unsigned n,
	const struct map_node *node)
{
	for (unsigned i = 0; i < n; i++)
		if (head[i]->site == node->site ||
			(head[i]->placed && node->placed &&
				place_km(head[i]->lat, head[i]->lon, node->lat,
					node->lon) < AREA_KM))
			return head[i];
	return NULL;
}

/* What clients of one town say of nodes and ways counts together, whichever of
 * its data centres is a little nearer to each. */
static void build_areas(struct map *map)
{
	const struct map_node **head = mem_zero(map->n_nodes, sizeof *head);
	unsigned n = 0;

	for (unsigned i = 0; i < map->n_nodes; i++) {
		struct map_node *node = &map->nodes[i];
		if (!node->name)
			continue;
		const struct map_node *of = area_head(map, head, n, node);
		if (!of)
			head[n++] = of = node;
		node->area = of == node ? (uint32_t)node->seed >> 1 : of->area;
	}
	free(head);
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

static uint32_t cell_add(struct build *b, const struct place *place)
{
	struct map *map = b->map;
	if (map->n_cells == b->room_cells) {
		b->room_cells = b->room_cells * 2 + 64;
		b->cell_place = mem_grow(
			b->cell_place, b->room_cells * sizeof *b->cell_place);
	}
	struct place *p = &b->cell_place[map->n_cells];
	*p = *place;
	if (place->source != PLACE_UNKNOWN) { /* the middle of the cell */
		const float per = MAP_CELLS_PER_DEGREE;
		p->lat = (floorf((place->lat + 90) * per) + .5f) / per - 90;
		p->lon = (floorf((place->lon + 180) * per) + .5f) / per - 180;
	}
	return map->n_cells++;
}

/* Cell 0 is place 0: nothing known. */
static void build_cells(struct build *b)
{
	uint32_t n = geo_places(b->geo), mask = 1;
	while (mask < n * 2)
		mask *= 2;
	struct slot {
		uint64_t key;
		uint32_t cell_1; /* cell + 1; 0: free */
	} *slots = mem_zero(mask, sizeof *slots);
	uint32_t *cell_of = arena_alloc(b->map->arena, n * sizeof *cell_of);

	for (uint32_t i = 0; i < n; i++) {
		const struct place *place = geo_place(b->geo, i);
		uint64_t key = cell_key(b, place);
		uint64_t at = hash_mix(key + 1) & (mask - 1);
		while (slots[at].cell_1 && slots[at].key != key)
			at = (at + 1) & (mask - 1);
		if (!slots[at].cell_1)
			slots[at] = (struct slot){key, cell_add(b, place) + 1};
		cell_of[i] = slots[at].cell_1 - 1;
	}
	free(slots);
	b->map->cell_of_place = cell_of;
	b->map->n_places = n;
}

/* -- candidates -- */

struct ranked {
	float path;
	uint16_t node;
};

/* Of equal paths, by name rather than by the order of the configuration: name
 * servers may list their nodes in any. */
static bool nearer(const struct map *map, struct ranked a, struct ranked b)
{
	if (a.path != b.path)
		return a.path < b.path;
	return b.node == MAP_NO_NODE ||
		map->nodes[a.node].seed < map->nodes[b.node].seed;
}

/* Keeps the n least of what comes, sorted. */
static void keep_least(const struct map *map, struct ranked *list, unsigned *n,
	unsigned max, struct ranked one)
{
	if (*n == max && !nearer(map, one, list[max - 1]))
		return;
	unsigned at = *n < max ? (*n)++ : max - 1;
	while (at > 0 && nearer(map, one, list[at - 1])) {
		list[at] = list[at - 1];
		at--;
	}
	list[at] = one;
}

static bool site_listed(const struct map *map, const struct ranked *list,
	unsigned n, unsigned node)
{
	for (unsigned i = 0; i < n; i++)
		if (map_same_site(map, list[i].node, node))
			return true;
	return false;
}

/* Up to max further ones: the nearest of sites that are not listed yet. */
static unsigned other_sites(const struct map *map, const struct map_pool *pool,
	const float *paths, struct ranked *list, unsigned n, unsigned max)
{
	while (n < max) {
		struct ranked best = {INFINITY, MAP_NO_NODE};
		for (unsigned i = 0; i < pool->n; i++) {
			struct ranked one = {paths[i], pool->node[i]};
			if (nearer(map, one, best) &&
				!site_listed(map, list, n, one.node))
				best = one;
		}
		if (best.node == MAP_NO_NODE)
			break;
		list[n++] = best;
	}
	return n;
}

static void fill(const struct map *map, const struct map_pool *pool,
	const float *paths, struct candidates *out)
{
	struct ranked list[MAP_CANDIDATES];
	unsigned n = 0;
	unsigned nearest = pool->n <= MAP_CANDIDATES ? pool->n : MAP_NEAREST;
	for (unsigned i = 0; i < pool->n; i++)
		keep_least(map, list, &n, nearest,
			(struct ranked){paths[i], pool->node[i]});
	if (n < pool->n)
		n = other_sites(map, pool, paths, list, n, MAP_CANDIDATES);
	for (unsigned i = 0; i < MAP_CANDIDATES; i++) {
		if (i >= n) {
			out->slot[i] = (struct candidate){MAP_NO_NODE, 0};
			continue;
		}
		float ms = fminf(fmaxf(list[i].path, -1000), 3000);
		out->slot[i] = (struct candidate){
			list[i].node, (uint16_t)lroundf((ms + 1000) * 16)};
	}
}

static void paths_to_cell(const struct build *b, const struct map_pool *pool,
	const struct place *place, float *paths)
{
	struct vec at = vector(place->lat, place->lon);
	for (unsigned i = 0; i < pool->n; i++) {
		const struct map_node *node = &b->map->nodes[pool->node[i]];
		paths[i] = PATH_UNKNOWN_MS;
		if (node->placed && place->source != PLACE_UNKNOWN)
			paths[i] = path_ms(b->at[pool->node[i]], at);
		if (crosses_carrier(node, place->asn))
			paths[i] += pool->carrier_ms;
		paths[i] += node->bias_ms;
	}
}

/* Clients of unknown place: every such cell has other nodes of a large pool,
 * drawn by capacity, at paths that say nothing but their bias. */
static void fill_unknown(const struct build *b, const struct map_pool *pool,
	unsigned index, float *paths, struct candidates *out)
{
	float *draw = mem_zero(pool->n, sizeof *draw);
	for (unsigned i = 0; i < pool->n; i++) {
		const struct map_node *node = &b->map->nodes[pool->node[i]];
		uint64_t h = hash_mix(node->seed + index * 0x9e3779b97f4a7c15u);
		double u = ((double)(h >> 11) + 0.5) * 0x1p-53;
		draw[i] = (float)(-log(u) / node->capacity);
	}
	fill(b->map, pool, draw, out);
	for (unsigned i = 0; i < MAP_CANDIDATES; i++)
		if (out->slot[i].node != MAP_NO_NODE) {
			float ms = PATH_UNKNOWN_MS +
				b->map->nodes[out->slot[i].node].bias_ms;
			ms = fminf(fmaxf(ms, -1000), 3000);
			out->slot[i].path = (uint16_t)lroundf((ms + 1000) * 16);
		}
	free(draw);
}

static void build_candidates(struct build *b, struct map_pool *pool)
{
	unsigned n = b->map->n_cells;
	float *paths = mem_zero(pool->n, sizeof *paths);

	pool->unknown_cells = pool->n <= MAP_CANDIDATES ? 1
		: pool->n > UNKNOWN_CELLS_MAX           ? UNKNOWN_CELLS_MAX
							: pool->n;
	struct candidates *cells = arena_alloc(
		b->map->arena, (n + pool->unknown_cells) * sizeof *cells);
	for (unsigned i = 0; i < n; i++) {
		paths_to_cell(b, pool, &b->cell_place[i], paths);
		fill(b->map, pool, paths, &cells[i]);
	}
	for (unsigned i = 0; i < pool->unknown_cells; i++)
		fill_unknown(b, pool, i, paths, &cells[n + i]);
	pool->cells = cells;
	free(paths);
}

/* -- pools and names -- */

/* Names with the same nodes and carrier cost share a pool. */
static uint32_t pool_of(struct build *b, const struct conf_steer *steer)
{
	struct map *map = b->map;
	size_t size = steer->n_nodes * sizeof(uint16_t);
	uint16_t *node = arena_alloc(map->arena, size);
	for (unsigned i = 0; i < steer->n_nodes; i++)
		node[i] = b->index[steer->node[i]];
	for (uint32_t i = 0; i < map->n_pools; i++) {
		const struct map_pool *p = &map->pools[i];
		if (p->n == steer->n_nodes &&
			p->carrier_ms == (float)steer->carrier_ms &&
			!memcmp(p->node, node, size))
			return i;
	}
	struct map_pool *p = &map->pools[map->n_pools];
	p->n = steer->n_nodes;
	p->node = node;
	p->carrier_ms = (float)steer->carrier_ms;
	float largest = 0;
	for (unsigned i = 0; i < p->n; i++) {
		p->capacity += map->nodes[node[i]].capacity;
		largest = fmaxf(largest, map->nodes[node[i]].capacity);
	}
	p->ln_weight_max = logf(largest);
	build_candidates(b, p);
	return map->n_pools++;
}

static void build_names(struct build *b, const struct conf *conf)
{
	struct map *map = b->map;
	map->n_names = conf->n_steer;
	map->names =
		arena_alloc(map->arena, conf->n_steer * sizeof *map->names);
	map->pools =
		arena_alloc(map->arena, conf->n_steer * sizeof *map->pools);
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const struct conf_steer *from = &conf->steer[i];
		map->names[i] = (struct map_name){
			.name = arena_strdup(map->arena, from->name),
			.pool = pool_of(b, from),
			.policy = (enum conf_policy)from->policy,
			.lines = (uint8_t)from->lines,
			.answers = (uint8_t)from->answers,
			.usual = from->policy == POLICY_NEARBY &&
				from->answers == 1,
			.stay_ms = (float)from->stay_ms,
			.streams = from->streams,
			.ttl_min_s = (uint16_t)from->ttl[0],
			.ttl_max_s = (uint16_t)fmin(from->ttl[1], 65535),
			.https = arena_strdup(map->arena, from->https),
			.seed = hash_bytes(from->name, strlen(from->name), 2),
		};
		map->names[i].of = &map->pools[map->names[i].pool];
	}
}

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
	build_areas(b.map);
	b.at = mem_zero(map->n_nodes, sizeof *b.at);
	for (unsigned i = 0; i < map->n_nodes; i++)
		b.at[i] = vector(map->nodes[i].lat, map->nodes[i].lon);
	gather_asns(&b);
	build_cells(&b);
	build_names(&b, conf);
	free(b.asn);
	free(b.at);
	free(b.cell_place);
	return map;
}

void map_free(struct map *map)
{
	if (map)
		arena_free(map->arena);
}

int map_find_name(const struct map *map, const char *name)
{
	for (unsigned i = 0; i < map->n_names; i++)
		if (!strcasecmp(map->names[i].name, name))
			return (int)i;
	return -1;
}

int map_find_node(const struct map *map, const char *name)
{
	for (unsigned i = 0; i < map->n_nodes; i++)
		if (map->nodes[i].name && !strcasecmp(map->nodes[i].name, name))
			return (int)i;
	return -1;
}

uint64_t map_stream_hash(const char *label, unsigned len)
{
	return len ? hash_bytes(label, len, 3) : 0;
}

/* "lineN." in front, N without leading zeros and at most max; then *rest is
 * what follows. */
static unsigned line_of(const char *text, unsigned max, const char **rest)
{
	unsigned line = 0;
	if (strncmp(text, "line", 4) || text[4] < '1' || text[4] > '9')
		return 0;
	for (text += 4; *text >= '0' && *text <= '9' && line <= max; text++)
		line = line * 10 + (unsigned)(*text - '0');
	if (*text != '.' || line > max)
		return 0;
	*rest = text + 1;
	return line;
}

static bool match_line(
	const struct map *map, const char *text, struct map_match *match)
{
	const char *rest = text;
	int name = map_find_name(map, text);
	match->line = 1;
	if (name < 0) {
		match->line = (uint8_t)line_of(text, CONF_LINES_MAX, &rest);
		name = match->line ? map_find_name(map, rest) : -1;
		if (name < 0 || match->line > map->names[name].lines)
			return false;
	}
	match->name = (uint32_t)name;
	return true;
}

bool map_match(const struct map *map, const char *text, struct map_match *match)
{
	char lower[256];
	size_t n = strlen(text);
	if (n && text[n - 1] == '.')
		n--;
	if (n >= sizeof lower)
		return false;
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)text[i]);
	lower[n] = '\0';
	*match = (struct map_match){0};
	if (match_line(map, lower, match))
		return true;
	char *dot = strchr(lower, '.');
	if (!dot || dot == lower || dot - lower > 63 || *lower == '_' ||
		!match_line(map, dot + 1, match) ||
		!map->names[match->name].streams)
		return false;
	*dot = '\0';
	/* lineN is a line or nothing, never a stream. */
	if (!strncmp(lower, "line", 4) && lower[4] &&
		strspn(lower + 4, "0123456789") == strlen(lower + 4))
		return false;
	strcpy(match->stream, lower);
	return true;
}
