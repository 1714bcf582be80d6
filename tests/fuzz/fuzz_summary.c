/* Any bytes as answers of SRS and as a heartbeat. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "srs/heartbeat.h"
#include "srs/streams.h"
#include "srs/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sample *s)
{
	if (s->sampled_ms < 0 || s->node_ms < 0 || !isfinite(s->cpu) ||
		s->cpu < 0 || s->uptime_s < -1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample sample;
	struct heartbeat heartbeat;
	struct err err = {0};

	bool good = summary_parse((const char *)data, size, &sample, &err);
	if (good)
		check(&sample);
	if (err.count != !good)
		abort();
	err_fini(&err);

	good = heartbeat_parse((const char *)data, size, &heartbeat, &err);
	if (good && heartbeat.has_sample)
		check(&heartbeat.sample);
	if (good && !*heartbeat.server && !*heartbeat.device_id)
		abort();
	if (err.count != !good)
		abort();
	err_fini(&err);

	struct stream_list *list =
		streams_parse((const char *)data, size, &err);
	for (unsigned i = 1; list && i < list->n; i++)
		if (strcmp(list->stream[i - 1].url, list->stream[i].url) >= 0)
			abort();
	if (err.count != !list)
		abort();
	free(list);
	err_fini(&err);
	return 0;
}
