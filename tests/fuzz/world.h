/* world.h - what the targets serve from: a configuration of two nodes and one steered
 * name, published. It stays for as long as the program runs. */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "fleet/fleet.h"
#include "snapshot/pending.h"
#include "snapshot/report.h"
#include "snapshot/snapshot.h"
#include "snapshot/streams.h"

static struct published fuzz_published;
static struct built *built;
static struct fleet *fleet;
static struct sent_table *fuzz_sent;

static const char yaml[] =
	"zones: {example.com: {ns: [\"ns1.example.com 127.0.0.1\"]}}\n"
	"heartbeat_from: [127.0.0.0/8]\n"
	"http: {listen: [\"127.0.0.1:1\"], token: sesame, measure_token: gauge}\n"
	"public: {listen: [\"127.0.0.1:2\"]}\n"
	"nodes:\n"
	"  a: {address: [192.0.2.1], at: [1, 2], api: off, rtmp: off}\n"
	"  b: {address: [192.0.2.2], at: [3, 4], api: off, rtmp: off}\n"
	"steer: {live.example.com: {pool: [edge], lines: 3, streams: true}}\n";

static struct built *world_build(void)
{
	char path[] = "/tmp/dnsd-fuzz-XXXXXX";
	struct err err = {0};
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, yaml, sizeof yaml - 1) < 0)
		abort();
	close(fd);
	struct built *fresh =
		build_all(path, &(struct build_how){.from = GEO_LATER}, &err);
	unlink(path);
	if (!fresh) {
		fprintf(stderr, "%s\n", err_text(&err));
		abort();
	}
	err_fini(&err);
	return fresh;
}

static inline void world_open(void)
{
	struct fleet_rules rules = {{3000, 1500, 2, 2}, 0};
	built = world_build();
	fleet = fleet_new(&rules, clock_ms());
	fleet_set_map(fleet, built->map, &rules, clock_ms());
	for (unsigned i = 0; i < built->map->n_nodes; i++)
		fleet_watch(fleet, i, false, false);
	struct report *report = report_new(built->map->n_nodes, "");
	for (unsigned i = 0; i < built->map->n_nodes; i++)
		report->nodes[i] =
			(struct report_node){.name = built->map->nodes[i].name,
				.role = "edge",
				.why = ""};
	struct stream_at at = {"/live/class", 0, 2};
	snapshot_publish(&fuzz_published,
		(struct snapshot){.zones = built->zoneset,
			.steer = {built->map, fleet_load(fleet, clock_ms()),
				built->geo},
			.options = built->options,
			.report = report,
			.streams =
				stream_index_new(&at, 1, built->map->n_nodes),
			.pending_list =
				mem_zero(1, sizeof(struct pending_list))});
	fuzz_sent = sent_table_new(4096, 1);
}

#endif
