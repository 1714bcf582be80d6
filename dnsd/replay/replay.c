#include "replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "paths/paths.h"
#include "replay/world.h"

/* -- the steered names -- */

static void add_name(struct replay *r, const char *name, struct buf *options)
{
	r->names = mem_grow(r->names, (r->n_names + 1) * sizeof *r->names);
	r->names[r->n_names++] =
		(struct replay_name){mem_strdup(name), options->text};
}

/* The steer block of a configuration, written as YAML again. Its pools are
 * roles or nodes of that file; here they are those of the recording. */
static bool take_steer(struct replay *r, const char *path)
{
	struct err err = {0};
	struct conf *conf = conf_load(path, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err_text(&err));
		err_fini(&err);
		return false;
	}
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const struct conf_steer *s = &conf->steer[i];
		struct buf out = {0};
		buf_printf(&out,
			"policy: %s, lines: %d, ttl: [%.0f, %.0f], answers: %d, stay_ms: %g, carrier_ms: %g, streams: %s",
			conf_policies[s->policy], s->lines, s->ttl[0],
			s->ttl[1], s->answers, s->stay_ms, s->carrier_ms,
			s->streams ? "true" : "false");
		add_name(r, s->name, &out);
	}
	conf_free(conf);
	err_fini(&err);
	return true;
}

static void take_default(struct replay *r)
{
	struct buf options = {0};
	buf_printf(&options, "lines: 3, streams: true");
	add_name(r, "live.example.com", &options);
}

/* -- the run -- */

static const char *name_of_node(const void *arg, unsigned node)
{
	return ((const struct replay *)arg)->nodes[node].name;
}

static void replay_free(struct replay *r)
{
	for (unsigned i = 0; i < r->options.workers; i++)
		accounts_free(r->accounts[i]);
	for (unsigned i = 0; i < r->n_names; i++) {
		free(r->names[i].name);
		free(r->names[i].options);
	}
	for (unsigned i = 0; i < r->n_nodes; i++)
		free(r->nodes[i].serves);
	sent_table_free(r->sent);
	map_free(r->measured);
	path_table_free(r->table);
	paths_free(r->paths);
	load_free(r->load);
	fleet_free(r->fleet);
	map_free(r->map);
	geo_free(r->geo);
	stats_free(r->stats);
	free(r->names);
	free(r->expects);
	free(r->nodes);
	places_free(r->places);
	conf_free(r->conf);
	free(r);
}

static bool run_lines(struct replay *r)
{
	char *line = NULL;
	size_t room = 0;
	bool ok = true;

	replay_open_accounts(r); /* for input without a hello */
	replay_look_ahead(r, &line, &room);
	while (ok && getline(&line, &room, stdin) > 0 &&
		strncmp(line, "end", 3))
		ok = replay_line(r, line);
	free(line);
	if (r->stats)
		stats_print(r->stats, stderr, name_of_node, r);
	return ok;
}

bool replay_run(const struct replay_options *options)
{
	struct replay *r = mem_zero(1, sizeof *r);

	*r = (struct replay){.options = *options,
		.stats = options->stats ? stats_new() : NULL,
		.stale = true,
		.now_ms = EPOCH_MS,
		.tick_ms = EPOCH_MS,
		.rules = {3000, 1500, 2, 1},
		.servers = 1,
		.session_s = FORECAST_SESSION_S,
		.places = places_new(),
		.paths = paths_new()};
	bool ok = !options->conf_path || take_steer(r, options->conf_path);
	if (!options->conf_path)
		take_default(r);
	ok = ok && run_lines(r);
	replay_free(r);
	return ok;
}
