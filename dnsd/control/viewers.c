#include "control/viewers.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "control/build.h"
#include "control/learner.h"
#include "control/state.h"
#include "paths/report.h"
#include "srs/shortfall.h"

struct viewers {
	struct shortfall_past *past; /* by node */
	unsigned n;
};

struct viewers *viewers_new(void)
{
	return mem_zero(1, sizeof(struct viewers));
}

void viewers_free(struct viewers *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < v->n; i++)
		shortfall_forget(&v->past[i]);
	free(v->past);
	free(v);
}

static struct shortfall_past *viewers_past(struct viewers *v, unsigned node)
{
	if (node >= v->n) {
		v->past = mem_grow(v->past, (node + 1) * sizeof *v->past);
		memset(v->past + v->n, 0, (node + 1 - v->n) * sizeof *v->past);
		v->n = node + 1;
	}
	return &v->past[node];
}

static struct path_report report_of(
	const struct geo *geo, uint32_t node, const struct shortfall_net *net)
{
	return (struct path_report){.net = path_net(&net->net),
		.place = *geo_place(geo, geo_find(geo, &net->net).place),
		.node = node,
		.rtt_ms = -1,
		.loss = net->loss,
		.viewers = net->viewers,
		.by = PATH_BY_BITS};
}

void viewers_take(struct viewers *v, struct control *c, uint32_t node,
	struct client_list *list)
{
	struct shortfall_net *nets = mem_zero(list->n, sizeof *nets);
	struct path_report *reports = mem_zero(list->n, sizeof *reports);
	unsigned n = shortfall_judge(list, viewers_past(v, node), nets);
	for (unsigned i = 0; i < n; i++)
		reports[i] = report_of(c->built->geo, node, &nets[i]);
	learner_take(c, reports, n);
	free(reports);
	free(nets);
}

void viewers_forget(struct viewers *v, unsigned node)
{
	if (node < v->n)
		shortfall_forget(&v->past[node]);
}
