#include "control/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/state.h"
#include "fleet/fleet.h"
#include "store/figures.h"

#define MULTIPLIER_NAME "fleet" /* of its only row */

/* A figure as a float, 0 if it is out of range: other programs may write the store. */
static float sane(double value, double most)
{
	return value >= 0 && value <= most ? (float)value : 0;
}

/* -- the stability of relays -- */

static void stability_write(
	struct store_figures *row, const struct stability *s, int64_t now_ms)
{
	double *of = row->of;
	of[FIGURE_LOST] = (double)s->lost;
	of[FIGURE_LOST_LONG] = (double)s->lost_long;
	of[FIGURE_RTT_MS] = (double)s->rtt_ms;
	of[FIGURE_RTT_LONG_MS] = (double)s->rtt_long_ms;
	of[FIGURE_JITTER_MS] = (double)s->jitter_ms;
	of[FIGURE_JITTER_LONG_MS] = (double)s->jitter_long_ms;
	of[FIGURE_DROPS] = (double)s->events[STABILITY_DROPPED];
	of[FIGURE_RESTARTS] = (double)s->events[STABILITY_RESTARTED];
	of[FIGURE_DOWNS] = (double)s->events[STABILITY_DOWN];
	of[FIGURE_BACK_MS] = (double)(s->back_until_ms - now_ms);
}

/* The fields are those of now; what passed since, stability_restored() does. */
static struct stability stability_read(const double *of, int64_t now_ms)
{
	return (struct stability){.known = true,
		.lost = sane(of[FIGURE_LOST], 1),
		.lost_long = sane(of[FIGURE_LOST_LONG], 1),
		.rtt_ms = sane(of[FIGURE_RTT_MS], 1e5),
		.rtt_long_ms = sane(of[FIGURE_RTT_LONG_MS], 1e5),
		.jitter_ms = sane(of[FIGURE_JITTER_MS], 1e5),
		.jitter_long_ms = sane(of[FIGURE_JITTER_LONG_MS], 1e5),
		.events = {sane(of[FIGURE_DROPS], 1e6),
			sane(of[FIGURE_RESTARTS], 1e6),
			sane(of[FIGURE_DOWNS], 1e6)},
		.answered_ms = now_ms,
		.faded_ms = now_ms,
		.back_until_ms = of[FIGURE_BACK_MS] > 0
			? now_ms + (int64_t)sane(of[FIGURE_BACK_MS], 1e9)
			: 0};
}

static void stability_restore(
	struct control *c, unsigned node, const struct store_figures *row)
{
	int64_t now_ms = clock_ms();
	struct stability then = stability_read(row->of, now_ms);
	struct stability s = stability_restored(
		&then, now_ms, clock_wall_ms() - row->at_ms, now_ms);
	fleet_restore_stability(c->fleet, node, &s);
}

/* -- capacities -- */

static void capacity_write(
	struct store_figures *row, const struct capacity *c, uint64_t identity)
{
	double *of = row->of;
	of[FIGURE_IDENTITY] = (double)identity;
	of[FIGURE_CPU] = (double)c->more.cpu;
	of[FIGURE_FEW] = (double)c->more.few;
	of[FIGURE_IDLE] = (double)c->more.idle;
	of[FIGURE_BY_CPU] = (double)c->more.by_cpu;
	of[FIGURE_OFF] = (double)c->more.off;
	of[FIGURE_ONE_BPS] = (double)c->more.one_bps;
	of[FIGURE_MORE_VIEWERS] = (double)c->more.viewers;
	of[FIGURE_MORE_BPS] = (double)c->more.bps;
	of[FIGURE_LINK_BPS] = (double)c->more.link_bps;
	of[FIGURE_TOP_BPS] = (double)c->full.top_bps;
	of[FIGURE_AT_TOP] = (double)c->full.at_top;
	of[FIGURE_FULL_VIEWERS] = (double)c->full.viewers;
	of[FIGURE_FULL_BPS] = (double)c->full.bps;
	of[FIGURE_BITRATE_BPS] = c->bitrate_known ? (double)c->bitrate_bps : 0;
}

/* What is of the last sample alone, the next one shows anew. */
static struct capacity capacity_read(const double *of)
{
	struct capacity c;
	capacity_init(&c);
	c.more = (struct capacity_more){.cpu = sane(of[FIGURE_CPU], 1e3),
		.few = sane(of[FIGURE_FEW], 1e7),
		.idle = sane(of[FIGURE_IDLE], 1e3),
		.by_cpu = sane(of[FIGURE_BY_CPU], 1e9),
		.off = sane(of[FIGURE_OFF], 1e9),
		.one_bps = sane(of[FIGURE_ONE_BPS], 1e12),
		.viewers = sane(of[FIGURE_MORE_VIEWERS], 1e9),
		.bps = sane(of[FIGURE_MORE_BPS], 1e13),
		.link_bps = sane(of[FIGURE_LINK_BPS], 1e13)};
	c.full = (struct capacity_full){
		.top_bps = sane(of[FIGURE_TOP_BPS], 1e13),
		.at_top = sane(of[FIGURE_AT_TOP], 1e7),
		.viewers = sane(of[FIGURE_FULL_VIEWERS], 1e7),
		.bps = sane(of[FIGURE_FULL_BPS], 1e13)};
	c.bitrate_known = of[FIGURE_BITRATE_BPS] > 0;
	if (c.bitrate_known)
		c.bitrate_bps = sane(of[FIGURE_BITRATE_BPS], 1e12);
	return c;
}

static void capacity_restore(
	struct control *c, unsigned node, const struct store_figures *row)
{
	struct capacity then = capacity_read(row->of);
	fleet_restore_capacity(
		c->fleet, node, &then, (uint64_t)row->of[FIGURE_IDENTITY]);
}

/* -- a row -- */

/* What is below zero, as an estimate may be that is unsure, shows nothing yet. */
static void no_less_than_zero(struct store_figures *row)
{
	for (unsigned k = 0; k < STORE_FIGURES; k++)
		row->of[k] = fmax(row->of[k], 0);
}

static bool node_figures(struct control *c, enum store_kind kind, unsigned node,
	struct store_figures *row)
{
	const struct map_node *map = &c->built->map->nodes[node];
	const struct fleet_node *from = fleet_node(c->fleet, node);
	bool stable = kind == STORE_STABILITY && map->of_stable &&
		from->stability.known;
	/* Without a second sample nothing was learned. */
	bool capacity = kind == STORE_CAPACITY && map->name && from->identity &&
		from->capacity.more.before > 0;
	if (!stable && !capacity)
		return false;
	strncpy(row->name, map->name, sizeof row->name - 1);
	if (stable)
		stability_write(row, &from->stability, clock_ms());
	else
		capacity_write(row, &from->capacity, from->identity);
	return true;
}

bool figures_of(struct control *c, enum store_kind kind, unsigned node,
	struct store_figures *row)
{
	float joined, reserved;
	*row = (struct store_figures){.at_ms = clock_wall_ms()};
	if (kind == STORE_MULTIPLIER) {
		fleet_multiplier(c->fleet, &joined, &reserved);
		strcpy(row->name, MULTIPLIER_NAME);
		row->of[FIGURE_JOINED] = (double)joined;
		row->of[FIGURE_RESERVED] = (double)reserved;
	} else if (!node_figures(c, kind, node, row)) {
		return false;
	}
	no_less_than_zero(row);
	return true;
}

void figures_take(struct control *c, enum store_kind kind, unsigned node,
	const struct store_figures *row)
{
	if (kind == STORE_MULTIPLIER)
		fleet_restore_multiplier(c->fleet,
			sane(row->of[FIGURE_JOINED], 1e9),
			sane(row->of[FIGURE_RESERVED], 1e9));
	else if (kind == STORE_STABILITY)
		stability_restore(c, node, row);
	else
		capacity_restore(c, node, row);
}

/* -- all of it -- */

static void keep_all(struct control *c, enum store_kind kind, unsigned most)
{
	unsigned n = 0;
	struct store_figures *rows = mem_zero(most + 1, sizeof *rows);
	for (unsigned i = 0; i < most; i++)
		n += figures_of(c, kind, i, &rows[n]);
	if (n)
		store_figures_keep(c->store, kind, rows, n);
	free(rows);
}

static void restore_all(struct control *c, enum store_kind kind)
{
	struct store_figures *rows;
	unsigned n;
	struct err err = {0};

	if (!store_figures_load(c->store, kind, &rows, &n, &err))
		log_lines(LOG_LVL_ERROR, "", err_text(&err));
	err_fini(&err);
	for (unsigned i = 0; i < n; i++) {
		int node = map_find_node(c->built->map, rows[i].name);
		if (node >= 0 || kind == STORE_MULTIPLIER)
			figures_take(c, kind, node < 0 ? 0 : (unsigned)node,
				&rows[i]);
	}
	free(rows);
}

void figures_restore(struct control *c)
{
	restore_all(c, STORE_STABILITY);
	restore_all(c, STORE_CAPACITY);
	restore_all(c, STORE_MULTIPLIER);
}

void figures_keep(struct control *c)
{
	if (!c->store)
		return;
	keep_all(c, STORE_STABILITY, c->built->map->n_nodes);
	keep_all(c, STORE_CAPACITY, c->built->map->n_nodes);
	keep_all(c, STORE_MULTIPLIER, 1);
}
