/* Any bytes as answers of SRS, also to a player, and as a heartbeat. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "srs/flv.h"
#include "srs/heartbeat.h"
#include "srs/shortfall.h"
#include "srs/streams.h"
#include "srs/summary.h"

/* Ids become a part of a URL: no octet of them ends a path. */
static void check_ids(const char *data, size_t size)
{
	struct client_ids ids;
	struct err err = {0};
	unsigned publishers = 0;
	bool good = client_ids_parse(data, size, &ids, &err);
	for (unsigned i = 0; i < ids.n; i++) {
		publishers += ids.id[i].publishes;
		if (!*ids.id[i].text || strpbrk(ids.id[i].text, "/?#% \r\n"))
			abort();
	}
	if (err.count != !good || publishers != ids.publishers)
		abort();
	client_ids_free(&ids);
	err_fini(&err);
	good = client_closed_parse(data, size, &err);
	if (err.count != !good)
		abort();
	err_fini(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sample *s)
{
	if (s->sampled_ms < 0 || s->node_ms < 0 || !isfinite(s->cpu) ||
		s->cpu < 0 || s->uptime_s < -1)
		abort();
}

/* What is chosen is of the list and makes one request. */
static void check_choice(const struct stream_list *list, uint64_t seed)
{
	struct rng rng = {seed};
	char url[FLV_URL_MAX], request[FLV_URL_MAX + 128];
	flv_choose(list, &rng, url);
	if (!*url)
		return;
	if (!flv_lists(list, url))
		abort();
	size_t n = flv_request(request, sizeof request, url);
	unsigned ends = 0;
	for (size_t i = 0; i < n; i++)
		ends += request[i] == '\n';
	if (ends != 6)
		abort();
}

/* Twice the same page: whatever it says, of each network once, and within bounds. */
static void check_clients(const char *data, size_t size)
{
	struct client_list *list = mem_zero(1, sizeof *list);
	struct shortfall_past past = {0};
	struct err err = {0};
	unsigned page = 0;
	bool good = clients_parse(data, size, list, &page, &err);
	if (err.count != !good || list->n > list->listed)
		abort();
	err_fini(&err);
	for (unsigned round = 0; good && round < 2; round++) {
		struct shortfall_net *nets = mem_zero(list->n, sizeof *nets);
		unsigned n = shortfall_judge(list, &past, nets);
		for (unsigned i = 0; i < n; i++)
			if (!(nets[i].loss >= 0 && nets[i].loss <= 0.1f) ||
				!nets[i].viewers ||
				(i &&
					memcmp(&nets[i - 1].net, &nets[i].net,
						sizeof nets->net) >= 0))
				abort();
		free(nets);
	}
	shortfall_forget(&past);
	free(list);
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
	if (list)
		check_choice(list, size);
	free(list);
	err_fini(&err);

	check_clients((const char *)data, size);
	check_ids((const char *)data, size);

	unsigned status = 0;
	enum flv_answer answer = flv_read((const char *)data, size, &status);
	if ((answer == FLV_PLAYS || answer == FLV_REFUSES) && !status)
		abort();
	return 0;
}
