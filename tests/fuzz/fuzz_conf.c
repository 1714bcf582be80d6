/* The configuration: whatever the bytes, errors or a checked conf, and what was
 * accepted can be compiled into a map. */
#include <stdint.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "geo/mmdb.h"
#include "state/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	struct conf *conf = conf_parse("fuzz", (const char *)data, size, &err);

	/* Either it is good or an error says why not. */
	if (!conf && !err.count)
		abort();
	if (conf && err.count)
		abort();
	if (conf && conf->n_nodes < 200 && conf->n_steer < 20) {
		struct geo *geo = geo_load(NULL, NULL, 0, &err);
		struct map *map = map_build(conf, geo, 1, NULL);
		if (map->n_names != conf->n_steer)
			abort();
		map_free(map);
		geo_free(geo);
	}
	conf_free(conf);
	err_fini(&err);
	return 0;
}
