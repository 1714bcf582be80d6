#include "control/path_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "control/learner.h"
#include "control/state.h"
#include "paths/paths.h"
#include "store/path_history.h"

/* The points of the step that began at at_s, a while ago. */
static void path_history_write(struct control *c, int64_t at_s, int64_t ago_ms)
{
	const struct map *map = c->built->map;
	struct path_point *points =
		mem_zero(PATH_HISTORY_PAIRS, sizeof *points);
	struct store_path_row *rows =
		mem_zero(PATH_HISTORY_PAIRS, sizeof *rows);
	unsigned n = paths_points(learner_paths(c->learner),
		clock_ms() - ago_ms, points, PATH_HISTORY_PAIRS);
	for (unsigned i = 0; i < n; i++) {
		rows[i] = (struct store_path_row){.area = points[i].area,
			.rtt_ms = points[i].rtt_ms,
			.loss = points[i].loss};
		strncpy(rows[i].node, map->nodes[points[i].node].name,
			sizeof rows[i].node - 1);
	}
	store_path_history(c->store, rows, n, at_s);
	free(points);
	free(rows);
}

void path_history_watch(struct control *c)
{
	int64_t now_s = clock_wall_ms() / 1000;
	int64_t begun_s = now_s - now_s % PATH_HISTORY_STEP_S;
	if (!c->store)
		return;
	if (c->path_history_s && c->path_history_s != begun_s)
		path_history_write(c, c->path_history_s,
			(int64_t)PATH_HISTORY_STEP_S * 1000);
	c->path_history_s = begun_s;
}

void path_history_end(struct control *c)
{
	int64_t now_ms = clock_wall_ms();
	int64_t begun_ms = c->path_history_s * 1000;
	if (c->store && begun_ms && now_ms >= begun_ms)
		path_history_write(c, c->path_history_s, now_ms - begun_ms);
}

/* -- the call -- */

static void on_path_points(
	void *arg, bool ok, struct store_path_point *points, unsigned n)
{
	struct call *call = arg;

	call->n = n;
	call->path_points = mem_zero(n, sizeof *call->path_points);
	for (unsigned i = 0; i < n; i++)
		call->path_points[i] = (struct call_path_point){
			points[i].at_s, points[i].rtt_ms, points[i].loss};
	free(points);
	call_answer(call, ok ? CALL_KEPT : CALL_NO_STORE, NULL);
}

void path_history_read(struct control *c, struct call *call)
{
	call->step_s = PATH_HISTORY_STEP_S;
	if (c->store)
		store_path_history_read(c->store, call->node, call->area,
			call->since_s, c->mailbox, on_path_points, call);
	else
		call_answer(call, CALL_NO_STORE, NULL);
}
