/* What the lines of a replay have said so far, compiled as in the server, and its
 * virtual time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/world.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "paths/paths.h"

#define TICK_MS 100
#define FIT_MS 5000

unsigned replay_living(const struct replay *r)
{
	unsigned n = 0;
	for (unsigned i = 0; i < r->n_nodes; i++)
		n += !r->nodes[i].removed;
	return n;
}

/* Addresses are never answered here: all nodes have the same. */
static void write_node(const struct replay_node *n, struct buf *out)
{
	buf_printf(out,
		"  %s: {role: edge, address: [192.0.2.1], site: %s, capacity: %.0f, bandwidth: %.0f, bias: %.3f",
		n->label, n->site, n->capacity, n->bandwidth_bps, n->bias_ms);
	if (n->overcommit >= 1)
		buf_printf(out, ", overcommit: %.3f", n->overcommit);
	if (n->placed)
		buf_printf(out, ", at: [%.4f, %.4f]", n->lat, n->lon);
	if (*n->provider)
		buf_printf(out, ", provider: %s", n->provider);
	if (*n->asn)
		buf_printf(out, ", asn: [%s]", n->asn);
	buf_printf(out, "}\n");
}

static bool serves(const struct replay_node *node, const char *name)
{
	size_t n = strlen(name);
	if (!node->serves)
		return true;
	for (const char *at = node->serves; (at = strstr(at, name)); at++)
		if (at[-1] == ',' && at[n] == ',')
			return true;
	return false;
}

/* The nodes that are said to serve the name, all if none is. */
static void write_pool(
	const struct replay *r, const char *name, struct buf *out)
{
	unsigned all = 0, some = 0;
	struct buf list = {0};

	for (unsigned i = 0; i < r->n_nodes; i++) {
		const struct replay_node *n = &r->nodes[i];
		if (n->removed)
			continue;
		all++;
		if (serves(n, name))
			buf_printf(&list, "%s%s", some++ ? ", " : "", n->label);
	}
	buf_printf(out, "[%s]", some && some < all ? list.text : "edge");
	buf_fini(&list);
}

/* Each name is a zone of its own. */
static void write_conf(const struct replay *r, struct buf *out)
{
	buf_printf(out, "session: %.3f\nzones:\n", r->session_s);
	for (unsigned i = 0; i < r->n_names; i++)
		buf_printf(out, "  %s: {ns: [\"ns.example.net\"]}\n",
			r->names[i].name);
	buf_printf(out, "nodes:\n");
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (!r->nodes[i].removed)
			write_node(&r->nodes[i], out);
	buf_printf(out, "steer:\n");
	for (unsigned i = 0; i < r->n_names && replay_living(r); i++) {
		buf_printf(out, "  %s: {pool: ", r->names[i].name);
		write_pool(r, r->names[i].name, out);
		buf_printf(out, ", %s}\n", r->names[i].options);
	}
}

/* Nodes stand in the configuration in their order here. */
static void watch(struct replay *r)
{
	unsigned at = 0;
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (!r->nodes[i].removed)
			fleet_watch(r->fleet, r->map->of_conf[at++],
				r->nodes[i].polled, r->nodes[i].probed);
}

/* What is not over, by the names of the present map. */
void replay_feed_schedule(struct replay *r)
{
	struct schedule_entry *list = mem_zero(r->n_expects, sizeof *list);
	unsigned n = 0;
	for (unsigned i = 0; i < r->n_expects; i++) {
		int name = map_find_name(r->map, r->expects[i].name);
		if (name < 0 ||
			schedule_is_over(&r->expects[i].entry, r->now_ms))
			continue;
		list[n] = r->expects[i].entry;
		list[n++].name = (uint32_t)name;
	}
	fleet_schedule(r->fleet, list, n);
	free(list);
}

static bool read_conf(struct replay *r)
{
	struct buf text = {0};
	struct err err = {0};

	write_conf(r, &text);
	conf_free(r->conf);
	r->conf = conf_parse("replay", text.text, text.len, &err);
	buf_fini(&text);
	if (!r->conf)
		fprintf(stderr, "%s\n", err_text(&err));
	err_fini(&err);
	return r->conf != NULL;
}

/* Paths as they are believed now, over the present map. */
static void renew_paths(struct replay *r)
{
	map_free(r->measured);
	path_table_free(r->table);
	r->table = paths_table(r->paths);
	r->measured = map_with_paths(r->map, r->table);
}

/* A place more changes the map only: the load stays what was published, so
 * that it does not matter when places were found. */
static bool rebuild(struct replay *r)
{
	struct map *old = r->map;
	struct fleet_rules rules = {r->rules, 0};

	if (r->stale && !read_conf(r))
		return false;
	geo_free(r->geo);
	r->geo = places_build(r->places);
	r->n_built = places_count(r->places);
	r->map = map_build(r->conf, r->geo, r->servers, old);
	paths_set_map(r->paths, r->map);
	renew_paths(r);
	if (!r->fleet)
		r->fleet = fleet_new(&rules, r->now_ms);
	fleet_set_map(r->fleet, r->map, &rules, r->now_ms);
	replay_feed_schedule(r);
	map_free(old);
	if (!r->stale)
		return true;
	watch(r);
	load_free(r->load);
	r->load = fleet_load(r->fleet, r->now_ms);
	r->stale = false;
	return true;
}

bool replay_ready(struct replay *r)
{
	bool current = !r->stale && r->n_built == places_count(r->places);
	return current || rebuild(r);
}

/* -- time -- */

void replay_publish(struct replay *r, int64_t now_ms)
{
	for (unsigned i = 0; i < r->options.workers; i++)
		fleet_merge(r->fleet, i, r->accounts[i], now_ms);
	load_free(r->load);
	r->load = fleet_load(r->fleet, now_ms);
	for (unsigned i = 0; i < r->map->n_nodes; i++) {
		uint64_t found = fleet_distrusted(r->fleet, i);
		if (i < DOUBTED_MAX && found != r->doubted[i]) {
			r->doubted[i] = found;
			printf("note doubted %s\n", r->map->nodes[i].name);
		}
	}
}

bool replay_advance(struct replay *r, const char *ms)
{
	size_t digits = strspn(ms, "0123456789");
	int64_t at_ms = digits && !ms[digits] && digits < 16 ? atoll(ms) : -1;

	if (at_ms < 0 || at_ms > REPLAY_TIME_MAX ||
		at_ms + EPOCH_MS < r->now_ms ||
		(r->fleet && at_ms + EPOCH_MS - r->now_ms > REPLAY_STEP_MAX)) {
		r->odd = ms;
		return false;
	}
	r->now_ms = at_ms + EPOCH_MS;
	if (!r->fleet) { /* nothing to publish up to here */
		r->tick_ms = r->now_ms - at_ms % TICK_MS;
		return true;
	}
	if (!replay_ready(r))
		return false;
	while (r->tick_ms + TICK_MS <= r->now_ms) {
		r->tick_ms += TICK_MS;
		if (r->tick_ms - r->fit_ms >= FIT_MS) {
			r->fit_ms = r->tick_ms;
			if (paths_fit(r->paths, r->tick_ms))
				renew_paths(r);
		}
		replay_publish(r, r->tick_ms);
	}
	return true;
}
