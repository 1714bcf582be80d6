#include "cli/files.h"

#include "base/clock.h"
#include "fleet/fleet.h"

bool files_open(struct files *f, const char *conf_path, struct err *err)
{
	struct fleet_rules rules = {{3000, 1500, 2, 2}, 0};

	*f = (struct files){.now_ms = clock_ms()};
	f->built = build_all(
		conf_path, &(struct build_how){.from = GEO_FILES}, err);
	if (!f->built)
		return false;
	const struct map *map = f->built->map;
	f->fleet = fleet_new(&rules, f->now_ms);
	fleet_set_map(f->fleet, map, &rules, f->now_ms);
	for (unsigned i = 0; i < map->n_nodes; i++)
		fleet_watch(f->fleet, i, false, false);
	f->load = fleet_load(f->fleet, f->now_ms);
	f->state = (struct steer_state){map, f->load, f->built->geo};
	return true;
}

void files_close(struct files *f)
{
	if (!f->built)
		return;
	load_free(f->load);
	fleet_free(f->fleet);
	build_free(f->built, NULL);
}
