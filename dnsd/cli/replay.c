/* dnsd replay: replay/replay.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
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

static bool options(
	struct replay_options *o, int argc, char **argv, int *status)
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
			o->conf_path = optarg;
		} else if (opt == 'w') {
			o->workers = (unsigned)atoi(optarg);
		} else if (opt == 'd') {
			o->deal_by_id = !strcmp(optarg, "id");
			bad |= !o->deal_by_id && strcmp(optarg, "resolver");
		} else if (opt == 's') {
			o->stats = true;
		} else {
			*status = opt == 'h' ? 0 : 2;
			fprintf(opt == 'h' ? stdout : stderr,
				"usage: dnsd %s\n%s", usage,
				opt == 'h' ? help : "");
			return false;
		}
	}
	if (!bad && o->workers >= 1 && o->workers <= REPLAY_WORKERS_MAX &&
		optind == argc)
		return true;
	fprintf(stderr, "usage: dnsd %s\n", usage);
	return false;
}

int cli_replay(int argc, char **argv)
{
	struct replay_options o = {.workers = 1};
	int status;

	if (options(&o, argc, argv, &status))
		status = replay_run(&o) ? 0 : 1;
	return status;
}
