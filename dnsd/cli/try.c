#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "control/build.h"
#include "control/try.h"
#include "steer/fleet.h"

static const char usage[] = "try [-c FILE] NAME ADDRESS[/LENGTH]";
static const char help[] =
	"Where a client at ADDRESS would be sent for NAME, and why: its place,\n"
	"the candidates with path, state, load and cost, the pick, TTL and scope.\n"
	"Asks the running server; without one the files alone decide, as if all\n"
	"nodes were well and empty. Never accounted.\n";

/* Decides with all nodes up and empty. */
static int from_files(const char *path, const char *name, const char *client)
{
	struct err err = {0};
	struct buf out = {0};
	struct built *built = build_all(path, NULL, GEO_FILES, &err);
	bool ok = built != NULL;

	if (ok) {
		struct fleet_rules rules = {{3000, 1500, 2, 2}, 0};
		int64_t now = clock_ms();
		struct fleet *fleet = fleet_new(&rules, now);
		fleet_set_map(fleet, built->map, &rules, now);
		for (unsigned i = 0; i < built->map->n_nodes; i++)
			fleet_watch(fleet, i, false, false);
		struct load *load = fleet_load(fleet, now);
		struct steer_state state = {built->map, load, built->geo};
		ok = try_explain(&state, NULL, name, client, now, &out, &err);
		load_free(load);
		fleet_free(fleet);
	}
	if (ok)
		printf("no running server: decided from the files alone, all nodes up and empty\n%s",
			out.text);
	else
		fprintf(stderr, "%s\n", err_text(&err));
	build_free(built, NULL);
	buf_fini(&out);
	err_fini(&err);
	return ok ? 0 : 1;
}

int cli_try(int argc, char **argv)
{
	struct cli_options o = {0};
	struct buf line = {0};
	int status;

	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	if (argc - o.first != 2) {
		fprintf(stderr, "usage: dnsd %s\n", usage);
		return 2;
	}
	const char *name = argv[o.first], *client = argv[o.first + 1];
	buf_printf(&line, "try %s %s", name, client);
	status = cli_talk(o.conf, line.text);
	buf_fini(&line);
	return status == CLI_NO_SERVER ? from_files(o.conf, name, client)
				       : status;
}
