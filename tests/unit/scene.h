/* scene.h - a fleet over virtual time, for tests of what is made of its samples, polls
 * and probes. */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include "world.h"

#include "fleet/fleet.h"

#define STEP 3000 /* the interval of polls */

#define COME_BACK 0.7f /* of the viewers of a dead node */

struct scene {
	struct world w;
	struct fleet *fleet;
	struct load *load;     /* published last */
	int64_t now, ahead_ms; /* so much is the nodes' clock ahead of ours */
	uint64_t bytes;
};

static const struct fleet_rules scene_rules = {{3000, 1500, 2, 2}, 300};

/* All nodes of the configuration are polled and probed. */
static inline void scene_open(struct scene *s, const char *yaml)
{
	*s = (struct scene){.now = 1000000, .ahead_ms = 3600000};
	world_open(&s->w, yaml);
	s->fleet = fleet_new(&scene_rules, s->now);
	fleet_set_map(s->fleet, s->w.map, &scene_rules, s->now);
	for (unsigned i = 0; i < s->w.map->n_nodes; i++)
		fleet_watch(s->fleet, i, true, true);
}

static inline void scene_close(struct scene *s)
{
	load_free(s->load);
	fleet_free(s->fleet);
	world_close(&s->w);
}

static inline int scene_setup(void **state)
{
	static struct scene s;
	scene_open(&s,
		"nodes:\n"
		"  a: {address: [192.0.2.1], at: [22.3, 114.2], site: s1, bandwidth: 100M}\n"
		"  b: {address: [192.0.2.2], at: [22.3, 114.2], site: s2}\n"
		"  c: {address: [192.0.2.3], at: [35.7, 139.7], site: s3}\n"
		"  d: {address: [192.0.2.4], at: [35.7, 139.7], site: s4}\n"
		"  e: {address: [192.0.2.5], at: [51.5, -0.1], site: s5}\n"
		"  f: {address: [192.0.2.6], at: [51.5, -0.1], site: s6}\n"
		"steer: {live.example.com: {pool: [edge]}}\n");
	*state = &s;
	return 0;
}

static inline int scene_teardown(void **state)
{
	scene_close(*state);
	return 0;
}

/* A test that gets such a scene of six nodes. */
#define SCENE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

/* The load of now; until the next one is published. */
static inline const struct load *scene_publish(struct scene *s)
{
	load_free(s->load);
	return s->load = fleet_load(s->fleet, s->now);
}

static inline void scene_pass(struct scene *s, int64_t ms)
{
	s->now += ms;
	scene_publish(s);
}

/* A usual sample: counted a second ago. */
static inline struct sample scene_sample(
	const struct scene *s, uint32_t connections)
{
	int64_t node_ms = s->now + s->ahead_ms;
	return (struct sample){.sampled_ms = node_ms - 1000,
		.node_ms = node_ms,
		.connections = connections,
		.send_bytes = s->bytes,
		.cpu = 0.1f,
		.uptime_s = (int32_t)(node_ms / 1000),
		.identity = 77};
}

static inline void scene_poll(
	struct scene *s, unsigned node, uint32_t connections)
{
	struct sample one = scene_sample(s, connections);
	fleet_sample(s->fleet, node, &one, s->now);
}

static inline void scene_poll_all(struct scene *s, uint32_t connections)
{
	for (unsigned i = 0; i < s->w.map->n_nodes; i++)
		scene_poll(s, i, connections);
}

static inline void scene_probe_fails(struct scene *s, unsigned node)
{
	fleet_probed(s->fleet, node, HEALTH_RTMP, false, s->now);
}

/* An answer of now that brings so many viewers at once. */
static inline void scene_promise(
	struct scene *s, unsigned node, unsigned viewers)
{
	struct reservation *r = &s->w.accounts->reservation[node];
	r->viewers += viewers * RESERVATION_VIEWER;
	r->answers++;
	fleet_merge(s->fleet, 0, s->w.accounts, s->now);
}

static inline enum node_state scene_state(const struct scene *s, unsigned node)
{
	return fleet_state(s->fleet, node, s->now);
}

static inline const char *scene_why(const struct scene *s, unsigned node)
{
	return fleet_node(s->fleet, node)->health.why;
}

static inline float scene_penalty_ms(struct scene *s, unsigned node)
{
	return scene_publish(s)->node[node].penalty_ms;
}

/* Viewers that a node expects, beside those it has. */
static inline float scene_kept(struct scene *s, unsigned node)
{
	return scene_publish(s)->node[node].reserved;
}

static inline float scene_kept_in_all(struct scene *s)
{
	const struct load *load = scene_publish(s);
	float sum = 0;
	for (unsigned i = 0; i < load->n; i++)
		sum += load->node[i].reserved;
	return sum;
}

#endif
