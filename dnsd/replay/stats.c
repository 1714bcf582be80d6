#include "replay/stats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/index.h"

#define NODES_SHOWN 20

/* The last answer for line 1 to a client net, on each side. */
struct stats_net {
	struct {
		int64_t until_ms; /* 0: nothing yet */
		uint64_t site;
		unsigned node;
	} side[STATS_SIDES];
};

struct figures {
	uint64_t answers, line1, full;
	uint64_t measured, bad, better;     /* paths */
	uint64_t next, same;                /* line 1 after its TTL */
	uint64_t further, on_node, on_site; /* lines 2.. beside line 1 */
	double path_sum;
};

struct replay_stats {
	struct index *numbers; /* of client nets */
	struct stats_net *net; /* by number */
	size_t room;
	struct figures side[STATS_SIDES];
	uint64_t *answers[STATS_SIDES]; /* by node */
	unsigned n_nodes;
	bool hot;
	unsigned hot_node;
	double hottest;
	int64_t hot_ms;
};

struct replay_stats *stats_new(void)
{
	struct replay_stats *s = mem_zero(1, sizeof *s);
	s->numbers = index_new();
	return s;
}

void stats_free(struct replay_stats *s)
{
	if (!s)
		return;
	for (int side = 0; side < STATS_SIDES; side++)
		free(s->answers[side]);
	index_free(s->numbers);
	free(s->net);
	free(s);
}

/* -- where nets were sent -- */

static struct stats_net *stats_net_of(struct replay_stats *s, uint64_t net)
{
	bool made;
	uint32_t number = index_number(s->numbers, &net, sizeof net, &made);
	if (number == s->room) {
		s->room = s->room ? s->room * 2 : 1024;
		s->net = mem_grow(s->net, s->room * sizeof *s->net);
	}
	if (made)
		s->net[number] = (struct stats_net){0};
	return &s->net[number];
}

/* Within a TTL a question comes from another cache, or is of another type: it
 * does not show whether a viewer stays. */
static void count_line1(struct figures *f, struct stats_net *t,
	enum stats_side side, const struct stats_answer *a)
{
	bool first = !t->side[side].until_ms;
	bool over = a->at_ms >= t->side[side].until_ms;
	bool same = t->side[side].node == a->node;

	f->line1++;
	if (!first && over) {
		f->next++;
		f->same += same;
	}
	if (first || over)
		t->side[side].until_ms = a->at_ms + (int64_t)a->ttl_s * 1000;
	t->side[side].node = a->node;
	t->side[side].site = a->site;
}

static void count_node(
	struct replay_stats *s, enum stats_side side, unsigned node)
{
	if (node >= s->n_nodes) {
		unsigned n = node + 64;
		for (int i = 0; i < STATS_SIDES; i++) {
			s->answers[i] = mem_grow(
				s->answers[i], n * sizeof *s->answers[i]);
			memset(s->answers[i] + s->n_nodes, 0,
				(n - s->n_nodes) * sizeof *s->answers[i]);
		}
		s->n_nodes = n;
	}
	s->answers[side][node]++;
}

void stats_answer(struct replay_stats *s, enum stats_side side,
	const struct stats_answer *a)
{
	assert(side < STATS_SIDES);
	struct figures *f = &s->side[side];
	struct stats_net *t = stats_net_of(s, a->net);

	f->answers++;
	f->full += a->full;
	f->measured += a->measured;
	f->bad += a->bad;
	f->better += a->better;
	f->path_sum += a->path_ms;
	count_node(s, side, a->node);
	if (a->line <= 1) {
		count_line1(f, t, side, a);
	} else if (t->side[side].until_ms) {
		f->further++;
		f->on_node += t->side[side].node == a->node;
		f->on_site += t->side[side].site == a->site;
	}
}

void stats_load(struct replay_stats *s, unsigned node, double utilisation,
	int64_t at_ms)
{
	if (s->hot && utilisation <= s->hottest)
		return;
	s->hot = true;
	s->hot_node = node;
	s->hottest = utilisation;
	s->hot_ms = at_ms;
}

/* -- printing -- */

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : -1;
}

/* A row of figures; below 0: there is none. */
static void row(const struct replay_stats *s, FILE *out, const char *what,
	const double value[STATS_SIDES], const char *unit)
{
	fprintf(out, "%-34s", what);
	for (int side = 0; side < STATS_SIDES && s->side[side].answers; side++)
		if (value[side] < 0)
			fprintf(out, " %11s", "-");
		else
			fprintf(out, " %*.2f %s", 10 - (int)strlen(unit),
				value[side], unit);
	fprintf(out, "\n");
}

static void row_of_shares(const struct replay_stats *s, FILE *out,
	const char *what, const uint64_t part[STATS_SIDES],
	const uint64_t whole[STATS_SIDES])
{
	double value[STATS_SIDES];
	for (int side = 0; side < STATS_SIDES; side++)
		value[side] = 100 * share(part[side], whole[side]);
	row(s, out, what, value, "%");
}

static void row_of_numbers(const struct replay_stats *s, FILE *out,
	const char *what, const uint64_t number[STATS_SIDES])
{
	fprintf(out, "%-34s", what);
	for (int side = 0; side < STATS_SIDES && s->side[side].answers; side++)
		fprintf(out, " %11llu", (unsigned long long)number[side]);
	fprintf(out, "\n");
}

/* The counters of both sides. */
#define BOTH(s, field)                                 \
	(const uint64_t[])                             \
	{                                              \
		(s)->side[0].field, (s)->side[1].field \
	}

static void print_figures(const struct replay_stats *s, FILE *out)
{
	double path[STATS_SIDES];
	for (int side = 0; side < STATS_SIDES; side++)
		path[side] = s->side[side].answers
			? s->side[side].path_sum / (double)s->side[side].answers
			: -1;
	row_of_shares(s, out, "answers to full nodes", BOTH(s, full),
		BOTH(s, answers));
	row(s, out, "mean path", path, "ms");
	row_of_shares(s, out, "answers over measured paths", BOTH(s, measured),
		BOTH(s, answers));
	row_of_shares(s, out, "answers over bad paths", BOTH(s, bad),
		BOTH(s, answers));
	row_of_numbers(s, out, "answers over bad paths, number", BOTH(s, bad));
	row_of_shares(s, out, "of these: a better one was free",
		BOTH(s, better), BOTH(s, bad));
	row_of_shares(s, out, "line 1 again after its TTL: same", BOTH(s, same),
		BOTH(s, next));
	row_of_shares(s, out, "other lines on the node of line 1",
		BOTH(s, on_node), BOTH(s, further));
	row_of_shares(s, out, "other lines on the site of line 1",
		BOTH(s, on_site), BOTH(s, further));
}

static uint64_t answers_of(const struct replay_stats *s, unsigned node)
{
	return s->answers[STATS_REPLAYED][node] +
		s->answers[STATS_RECORDED][node];
}

/* The next node in the order of answers, then of number; n_nodes: no more. */
static unsigned after(const struct replay_stats *s, unsigned last)
{
	uint64_t bound = last < s->n_nodes ? answers_of(s, last) : UINT64_MAX;
	unsigned best = s->n_nodes;
	for (unsigned i = 0; i < s->n_nodes; i++) {
		uint64_t n = answers_of(s, i);
		bool later = n < bound || (n == bound && i > last);
		if (n && later && last != i &&
			(best == s->n_nodes || n > answers_of(s, best)))
			best = i;
	}
	return best;
}

static void print_nodes(const struct replay_stats *s, FILE *out,
	const char *(*name_of)(const void *arg, unsigned node), const void *arg)
{
	char what[80];
	unsigned node = after(s, s->n_nodes);
	for (int i = 0; i < NODES_SHOWN && node < s->n_nodes; i++) {
		const uint64_t part[] = {s->answers[STATS_REPLAYED][node],
			s->answers[STATS_RECORDED][node]};
		snprintf(what, sizeof what, "node %s", name_of(arg, node));
		row_of_shares(s, out, what, part, BOTH(s, answers));
		node = after(s, node);
	}
}

void stats_print(const struct replay_stats *s, FILE *out,
	const char *(*name_of)(const void *arg, unsigned node), const void *arg)
{
	const struct figures *f = &s->side[STATS_REPLAYED];

	fprintf(out, "%llu queries, %llu for line 1, %llu for other lines\n",
		(unsigned long long)f->answers, (unsigned long long)f->line1,
		(unsigned long long)(f->answers - f->line1));
	if (s->hot)
		fprintf(out, "hottest node %s, %.2f %% full at %lld\n",
			name_of(arg, s->hot_node), 100 * s->hottest,
			(long long)s->hot_ms);
	if (!f->answers)
		return;
	if (s->side[STATS_RECORDED].answers)
		fprintf(out, "%-34s %11s %11s\n", "", "replayed", "recorded");
	print_figures(s, out);
	print_nodes(s, out, name_of, arg);
}
