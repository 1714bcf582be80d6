/* replay: the decision core in virtual time, lines in and lines out. No clock,
 * no network; the same fleet, merge of accounts, decision and map as in the
 * server. The form of the lines is in docs/replay.md. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "replay/replay.h"

static const char usage[] =
	"replay [-c FILE] [--workers N] [--deal resolver|id] [--stats]";
static const char help[] =
	"Reads events (hello, node, state, expect, load, loadfail, probe, time,\n"
	"query, answer, sync, end) on stdin and writes the answers on stdout, in virtual\n"
	"time.\n"
	"\n"
	"  -c FILE        takes the options of its steer block; its nodes are\n"
	"                 replaced by the node lines\n"
	"  --workers N    threads that answer (default 1), each with its accounts\n"
	"  --deal HOW     how queries are dealt to them: by resolver address\n"
	"                 (default) or by query id\n"
	"  --stats        prints a summary at the end, on stderr\n";

static void add_name(struct replay *r, const char *name, struct buf *options)
{
	r->names = mem_grow(r->names, (r->n_names + 1) * sizeof *r->names);
	r->names[r->n_names++] =
		(struct replay_name){mem_strdup(name), options->text};
}

/* The steer block of a configuration, written as YAML again. Its pools are
 * roles or nodes of that file; here the recording tells them. */
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

static bool options(struct replay *r, int argc, char **argv, int *status)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
		{"config", required_argument, NULL, 'c'},
		{"workers", required_argument, NULL, 'w'},
		{"deal", required_argument, NULL, 'd'},
		{"stats", no_argument, NULL, 's'}, {0}};
	int opt;
	bool bad = false;

	*status = 2;
	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c') {
			r->conf_path = optarg;
		} else if (opt == 'w') {
			r->workers = (unsigned)atoi(optarg);
		} else if (opt == 'd') {
			r->deal_by_id = !strcmp(optarg, "id");
			bad |= !r->deal_by_id && strcmp(optarg, "resolver");
		} else if (opt == 's') {
			stats_free(r->stats);
			r->stats = stats_new();
		} else {
			*status = opt == 'h' ? 0 : 2;
			fprintf(opt == 'h' ? stdout : stderr,
				"usage: dnsd %s\n%s", usage,
				opt == 'h' ? help : "");
			return false;
		}
	}
	if (!bad && r->workers >= 1 && r->workers <= WORKERS_MAX &&
		optind == argc)
		return true;
	fprintf(stderr, "usage: dnsd %s\n", usage);
	return false;
}

static void take_default(struct replay *r)
{
	struct buf options = {0};
	buf_printf(&options, "lines: 3, streams: true");
	add_name(r, "live.example.com", &options);
}

static const char *name_of_node(const void *arg, unsigned node)
{
	return ((const struct replay *)arg)->nodes[node].name;
}

static void finish(struct replay *r)
{
	for (unsigned i = 0; i < r->workers && i < WORKERS_MAX; i++)
		accounts_free(r->accounts[i]);
	for (unsigned i = 0; i < r->n_names; i++) {
		free(r->names[i].name);
		free(r->names[i].options);
	}
	for (unsigned i = 0; i < r->n_nodes; i++)
		free(r->nodes[i].serves);
	sent_table_free(r->sent);
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

	replay_open_accounts(r); /* for who does not say hello */
	replay_look_ahead(r, &line, &room);
	while (ok && getline(&line, &room, stdin) > 0 &&
		strncmp(line, "end", 3))
		ok = replay_line(r, line);
	free(line);
	if (r->stats)
		stats_print(r->stats, stderr, name_of_node, r);
	return ok;
}

int cli_replay(int argc, char **argv)
{
	struct replay *r = mem_zero(1, sizeof *r);
	int status;

	*r = (struct replay){.workers = 1,
		.stale = true,
		.now_ms = EPOCH_MS,
		.tick_ms = EPOCH_MS,
		.rules = {3000, 1500, 2, 1},
		.servers = 1,
		.session_s = FORECAST_SESSION_S,
		.places = places_new()};
	if (options(r, argc, argv, &status)) {
		bool ok = !r->conf_path || take_steer(r, r->conf_path);
		if (!r->conf_path)
			take_default(r);
		status = ok && run_lines(r) ? 0 : 1;
	}
	finish(r);
	return status;
}
