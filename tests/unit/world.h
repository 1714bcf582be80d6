/* world.h - a small world for tests of steering: a configuration from text, a
 * geo table from a few nets, nodes whose load the test sets. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "geo/builder.h"
#include "steer/steer.h"

struct world {
	struct geo *geo;
	struct map *map;
	struct load_node node[128]; /* see world_state() */
	struct load_brief brief[128];
	uint16_t spare[8][MAP_CANDIDATES];
	struct load load;
	struct steer_state state;
	struct sent_table *sent;
	struct accounts *accounts;
	int64_t now;
};

/* Client nets and where they are. */
static const struct {
	const char *net;
	float lat, lon;
	uint32_t asn;
} world_nets[] = {
	{"10.1.0.0/16", 22.3f, 114.2f, 0},    /* Hong Kong */
	{"10.2.0.0/16", 35.7f, 139.7f, 0},    /* Tokyo */
	{"10.3.0.0/16", 51.5f, -0.1f, 0},     /* London */
	{"10.4.0.0/16", 31.2f, 121.5f, 4134}, /* Shanghai, 电信 */
	{"10.5.0.0/16", 31.2f, 121.5f, 4837}, /* Shanghai, 联通 */
};

static inline struct geo *world_geo(void)
{
	struct geo_builder *b = geo_builder_new();
	for (size_t i = 0; i < sizeof world_nets / sizeof *world_nets; i++) {
		struct prefix p;
		assert_true(prefix_parse(&p, world_nets[i].net, true));
		struct place place = {.lat = world_nets[i].lat,
			.lon = world_nets[i].lon,
			.asn = world_nets[i].asn,
			.source = PLACE_NETS};
		geo_builder_add(b, 0, &p, &place);
	}
	return geo_build(b);
}

static inline struct conf *world_conf(const char *yaml)
{
	struct err err = {0};
	char text[16384];
	snprintf(text, sizeof text, "zones: {example.com: {ns: [\"n.x\"]}}\n%s",
		yaml);
	struct conf *conf = conf_parse("world", text, strlen(text), &err);
	if (!conf)
		fail_msg("%s", err_text(&err));
	return conf;
}

/* All nodes up and empty; takes geo. */
static inline void world_open_at(
	struct world *w, const char *yaml, struct geo *geo)
{
	struct conf *conf = world_conf(yaml);
	*w = (struct world){.now = 1000000};
	w->geo = geo;
	w->map = map_build(conf, w->geo, 1, NULL);
	conf_free(conf);
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		w->node[i] = (struct load_node){.state = NODE_UP,
			.room = 1,
			.per_viewer = 1 / w->map->nodes[i].capacity,
			.ln_weight = logf(w->map->nodes[i].capacity)};
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < MAP_CANDIDATES; k++)
			w->spare[i][k] = MAP_NO_NODE;
	w->load = (struct load){.generation = 1,
		.ready = true,
		.n = w->map->n_nodes,
		.node = w->node,
		.brief = w->brief,
		.spare = (const uint16_t(*)[MAP_CANDIDATES])w->spare};
	w->state = (struct steer_state){w->map, &w->load, w->geo};
	w->sent = sent_table_new(4096, 7);
	w->accounts = accounts_new(4096, w->sent, 7);
}

static inline void world_open(struct world *w, const char *yaml)
{
	world_open_at(w, yaml, world_geo());
}

static inline void world_close(struct world *w)
{
	accounts_free(w->accounts);
	sent_table_free(w->sent);
	map_free(w->map);
	geo_free(w->geo);
}

/* Of a test whose state is a world. */
static inline int world_teardown(void **state)
{
	world_close(*state);
	return 0;
}

/* What decisions consult, after the test has set the load of nodes. */
static inline const struct steer_state *world_state(struct world *w)
{
	w->load.all_room = true;
	for (unsigned i = 0; w->state.load == &w->load && i < w->load.n; i++) {
		w->brief[i] = load_brief(&w->node[i], &w->map->nodes[i]);
		w->load.all_room &= w->node[i].room == 1;
	}
	return &w->state;
}

static inline struct load_node *world_node(struct world *w, const char *name)
{
	int i = map_find_node(w->map, name);
	assert_true(i >= 0);
	return &w->node[i];
}

/* A node costs what its path does, and each other one so much more. */
static inline void world_prefer(struct world *w, const char *node, float ms)
{
	for (unsigned i = 0; i < w->map->n_nodes; i++)
		w->node[i].penalty_ms = ms;
	world_node(w, node)->penalty_ms = 0;
}

/* The network of an asker, as accounts know it. */
static inline uint64_t world_net(const char *address)
{
	struct addr addr;
	assert_true(addr_parse(&addr, address));
	return accounts_net(&addr);
}

static inline struct steer_query world_query(
	const struct world *w, const char *name, const char *client)
{
	struct map_match match;
	struct prefix p;
	assert_true(map_match(w->map, name, &match));
	assert_true(prefix_parse(&p, client, false));
	struct steer_query q = {.name = match.name,
		.line = match.line,
		.type = STEER_A,
		.stream = map_stream_hash(
			match.stream, (unsigned)strlen(match.stream)),
		.asker = p.addr};
	steer_client(&q, &p.addr, p.len, geo_find(w->geo, &p.addr));
	return q;
}

/* Asks, as an answering thread does. */
static inline struct steer_decision world_ask(
	struct world *w, const char *name, const char *client)
{
	struct steer_query q = world_query(w, name, client);
	struct steer_decision d;
	steer_answer(world_state(w), w->accounts, &q, w->now, &d);
	return d;
}

/* The name of the node that a client is sent to. */
static inline const char *world_pick(
	struct world *w, const char *name, const char *client)
{
	struct steer_decision d = world_ask(w, name, client);
	return w->map->nodes[d.node[0]].name;
}

#endif
