/* bench_world.h - what benches of the map share: a configuration of many nodes, and the
 * processor's time. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "conf/conf.h"

/* So many nodes around twelve cities, twenty a site; the caller's. */
static inline struct conf *bench_conf(unsigned nodes, struct rng *rng)
{
	static const float cities[][2] = {{22.3f, 114.2f}, {35.7f, 139.7f},
		{37.6f, 127}, {1.3f, 103.8f}, {51.5f, -.1f}, {50.1f, 8.7f},
		{48.9f, 2.3f}, {40.7f, -74}, {37.4f, -122.1f}, {-23.5f, -46.6f},
		{-33.9f, 151.2f}, {31.2f, 121.5f}};
	struct err err = {0};
	struct buf text = {0};
	buf_printf(&text, "zones: {example.com: {ns: [ns.x]}}\nnodes:\n");
	for (unsigned i = 0; i < nodes; i++) {
		const float *at = cities[i % (sizeof cities / sizeof *cities)];
		buf_printf(&text,
			"  n%u: {address: [198.18.%u.%u], site: s%u, at: [%.2f, "
			"%.2f], capacity: 5000, api: off, rtmp: off, flv: off}\n",
			i, i >> 8, i & 255, i / 20,
			at[0] + 4 * rng_unit(rng) - 2,
			at[1] + 4 * rng_unit(rng) - 2);
	}
	buf_printf(&text, "steer: {live.example.com: {pool: [edge]}}\n");
	struct conf *conf = conf_parse("bench", text.text, text.len, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err_text(&err));
		exit(1);
	}
	buf_fini(&text);
	return conf;
}

/* Milliseconds of the processor since the last call. */
static inline double bench_lap_ms(void)
{
	static int64_t before;
	int64_t now = clock_cpu_ns();
	double ms = (double)(now - before) / 1e6;
	before = now;
	return ms;
}

#endif
