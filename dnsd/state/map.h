/* map.h - the inventory, compiled: which nodes a place may be sent to.
 *
 * Built off the query path whenever the inventory or the geo table changes,
 * immutable afterwards. Places are gathered into cells (a quarter of a degree
 * and a carrier class); for each pool and cell the map holds up to 16
 * candidates with their path, one cache line:
 *
 *	place --cell_of_place--> cell --(pool)--> 12 nearest nodes
 *						  + 4 of sites not among them
 *
 * Clients whose place is unknown have cells of their own, several with
 * different candidates if the pool is large, so that they spread.
 */
#ifndef STATE_MAP_H
#define STATE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "conf/conf.h"
#include "geo/prefixes.h"
#include "state/path_table.h"

#define MAP_CANDIDATES 16
#define MAP_NEAREST 12
#define MAP_NO_NODE 0xffffu
#define MAP_CELLS_PER_DEGREE 4

/* Path in 1/16 ms above -1000 ms (a bias may be negative): 16 bits hold more than
 * CANDIDATE_MOST_MS, which is further than any path on earth with its carrier. */
#define CANDIDATE_PER_MS 16
#define CANDIDATE_LEAST_MS (-1000)
#define CANDIDATE_MOST_MS 3000
#define CANDIDATE_ZERO (-CANDIDATE_LEAST_MS * CANDIDATE_PER_MS)
struct candidate {
	uint16_t node, path;
};
_Static_assert((CANDIDATE_MOST_MS - CANDIDATE_LEAST_MS) * CANDIDATE_PER_MS <=
		UINT16_MAX,
	"a path fits");

/* A path that is out of bounds is brought into them. */
static inline struct candidate candidate_of(unsigned node, float path_ms)
{
	if (path_ms < CANDIDATE_LEAST_MS)
		path_ms = CANDIDATE_LEAST_MS;
	if (path_ms > CANDIDATE_MOST_MS)
		path_ms = CANDIDATE_MOST_MS;
	float steps = (path_ms - CANDIDATE_LEAST_MS) * CANDIDATE_PER_MS;
	return (struct candidate){(uint16_t)node, (uint16_t)(steps + 0.5f)};
}

static inline float candidate_path_ms(struct candidate c)
{
	return (float)(c.path - CANDIDATE_ZERO) * (1.0f / CANDIDATE_PER_MS);
}

/* Unused slots are at the end, with node MAP_NO_NODE. */
struct candidates {
	struct candidate slot[MAP_CANDIDATES];
};

/* A node keeps its index in all maps of a process, so that accounts and
 * what nets were sent stay right over a reload; the index of a node that is gone is a
 * hole. */
struct map_node {
	const char *name;                      /* NULL: a hole */
	const char *site_name, *provider_name; /* "": none given */
	enum conf_role role;
	float lat, lon;
	bool placed;       /* lat and lon are known */
	uint32_t site;     /* equal numbers: one failure domain */
	uint32_t area;     /* equal numbers: sites so near that the same clients
			      are sent there; stable over reloads */
	uint32_t provider; /* 0: none */
	float bias_ms, capacity, bandwidth_bps; /* bandwidth 0: no limit */
	float overcommit; /* times both, at most, if it shows that it can */
	uint64_t seed;    /* of its name, for the rendezvous hash: the same on
			      all name servers and after any reload */
	uint8_t n4, n6;   /* addresses, IPv4 first */
	const struct addr *address;
	unsigned n_asn;
	const uint32_t *asn;
	/* For players' URLs; 0: none, but that of RTMP. */
	uint16_t rtmp_port, flv_port, srt_port, whep_port;
	bool whep_tls;
	/* What they begin with instead; NULL: the line's name and these ports. */
	const char *public_url[CONF_URLS];
	bool of_stable;  /* a name with policy `stable` may answer with it */
	bool of_streams; /* ... one with `streams: true` */
};

struct map_pool {
	unsigned n;
	bool measured;        /* paths are as measured where they are known */
	const uint16_t *node; /* in the order of the configuration */
	float carrier_ms, capacity; /* capacity: of all its nodes */
	float ln_weight_max;        /* ln of the largest: none weighs more */
	const struct candidates *cells; /* by cell */
	unsigned unknown_cells;         /* the first ones: for unknown places */
};

struct map_name {
	const char *name;
	const struct map_pool *of; /* its pool, number: */
	uint32_t pool;
	enum conf_policy policy;
	uint8_t lines, answers;
	bool fast;     /* steered by cost, with one answer */
	float stay_ms; /* what another node must save a client net */
	bool streams;
	uint16_t ttl_min_s, ttl_max_s;
	const char *https; /* ALPN list or "" */
	uint64_t seed;
};

/* The places of a cell that have one AS number. */
struct client_pair {
	uint32_t cell, asn;
};

/* Pairs by area of path_table.h, to replace the candidates of those that were
 * measured. */
struct client_area {
	uint64_t key;
	uint32_t first, n; /* of `pair` */
};
struct client_areas {
	uint32_t n, n_pairs;
	const struct client_area *area; /* by key */
	const struct client_pair *pair;
	const uint32_t *pair_of_place;
};

/* Numbers by name, whatever its case: an open hash. */
struct map_index {
	uint32_t mask;
	const uint32_t *slot; /* number + 1 by hash; 0: free */
};

struct map {
	struct arena *arena;
	unsigned n_nodes, n_pools, n_names, n_cells;
	struct map_node *nodes;
	struct map_pool *pools;
	struct map_name *names;
	struct map_index node_index, name_index;
	const uint16_t *of_conf;       /* index here, by index in the conf */
	const uint32_t *cell_of_place; /* by place of the geo table */
	uint32_t n_places;
	const struct place
		*cell_place; /* by cell: its middle, an AS of its class */
	struct client_areas clients;
	const struct path_table *paths; /* NULL: paths are by distance */
	bool stable;                    /* there is a name with that policy */
	unsigned servers; /* name servers that share the delegation */
	float session_s;  /* that a viewer is taken to stay at first */
};

/* map_build.c: compiles the map. servers: see conf. previous: the map in service (its
 * indexes are kept) or NULL. The conf may be freed afterwards. */
struct map *map_build(const struct conf *conf, const struct geo *geo,
	unsigned servers, const struct map *previous);
void map_free(struct map *map); /* NULL allowed */

/* map_paths.c: the same map with paths as measured, for the areas that the table
 * knows. Both are borrowed, and must outlive it. */
struct map *map_with_paths(
	const struct map *map, const struct path_table *paths);

/* Fetches what map_candidates reads first of a place into the cache. */
static inline void map_prefetch(const struct map *map, uint32_t place)
{
	__builtin_prefetch(&map->cell_of_place[place]);
}

/* The candidates of a pool for a client: its place and, where that is
 * unknown, the hash of its net. */
static inline const struct candidates *map_candidates(const struct map *map,
	const struct map_pool *pool, uint32_t place, uint64_t net)
{
	uint32_t cell = place < map->n_places ? map->cell_of_place[place] : 0;
	if (cell == 0 && pool->unknown_cells > 1)
		return &pool->cells[map->n_cells + net % pool->unknown_cells];
	return &pool->cells[cell];
}

/* Whether the paths of a cell ascend: not where the place is unknown. */
static inline bool map_ascends(const struct map *map,
	const struct map_pool *pool, const struct candidates *candidates)
{
	return candidates < pool->cells + map->n_cells;
}

/* The path from a place to a node of a pool in milliseconds, bias and carrier
 * included: as measured if the map and the pool have that, else by distance; without
 * coordinates on either side a constant stands for it. Without a pool (NULL) no
 * carrier is crossed, and it is by distance. */
float map_path_ms(const struct map *map, const struct map_pool *pool,
	const struct place *place, unsigned node);

/* What is known of paths from a place to a pool; NULL: they are by distance. */
const struct path_area *map_path_area(const struct map *map,
	const struct map_pool *pool, const struct place *place);

/* A place brought to the middle of its cell. */
struct place map_cell_middle(const struct place *place);

/* Whether two nodes fail together. */
static inline bool map_same_site(const struct map *map, unsigned a, unsigned b)
{
	return map->nodes[a].site == map->nodes[b].site;
}

static inline bool map_same_provider(
	const struct map *map, unsigned a, unsigned b)
{
	return map->nodes[a].provider &&
		map->nodes[a].provider == map->nodes[b].provider;
}

/* What a name means to steering: the steered name itself, one of its lines, a
 * stream of either. False: nothing. Case and a last dot are ignored. */
struct map_match {
	uint32_t name;
	uint8_t line;
	char stream[64]; /* lower case, "" if none */
};
bool map_match(
	const struct map *map, const char *text, struct map_match *match);

/* The hash that a stream's label counts as in a decision; 0 for "". */
uint64_t map_stream_hash(const char *label, unsigned len);

/* map_build.c's: make map_find_node() find the nodes, map_find_name() the names. */
void map_index_nodes(struct map *map);
void map_index_names(struct map *map);

/* The index of a name or node, -1 if there is none. Case is ignored. */
int map_find_name(const struct map *map, const char *name);
int map_find_node(const struct map *map, const char *name);

#endif
