/* Lines: a viewer who switches must not get the node it has now, and better not
 * its site. What lines 1..n-1 were told, or would be told now, conflicts. */
#include "steer/choice.h"

#define BEFORE_MOVED 8      /* quarters of a minute: still cached */
#define OLDER_MOVED 120     /* viewers who were told so long ago still watch */
#define OLDER_MS 25.0f      /* a line on a node they may be on */
#define PROVIDER_MS 15.0f   /* a line in the provider of an earlier line */
#define SECOND_MS 25.0f     /* a line where another server may have sent one */
#define THERE_MS 150.0f     /* a line on a node that has all of the area */
#define THERE_SITE_MS 60.0f /* ... or on its site */
#define SURE 0.25f          /* of that, where line 1 is known */

/* How bad it is to be sent here for somebody who had these nodes before: the
 * same node is worse than the same site, a later line worse than an earlier
 * (players go 1, 2, 3, 1). */
static unsigned conflict_with(
	const struct map *map, unsigned node, const uint16_t *had, unsigned n)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < n; i++) {
		if (had[i] == node)
			sum += CONFLICT_NODE + 10 * i;
		else if (map_same_site(map, had[i], node))
			sum += CONFLICT_SITE + i;
	}
	return sum;
}

/* Extra cost of what may have been told elsewhere for an earlier line. */
static float second_cost(const struct work *w, unsigned node)
{
	for (unsigned i = 0; i < w->n_second; i++)
		if (w->second[i] == node)
			return SECOND_MS;
	return 0;
}

/* Extra cost of a node that viewers of this net may be on since longer: some of
 * them press the button too. */
static float older_cost(const struct work *w, unsigned node)
{
	const struct remembered *past = w->past;
	if (!told_counts(&past->told[0], w->known.now) ||
		told_moved(&past->told[0], w->known.now) > OLDER_MOVED)
		return 0;
	return node == past->told[0].before || node == past->older[0] ||
			node == past->older[1]
		? OLDER_MS
		: 0;
}

/* Whether this net's viewers may be where others of the area are: who is the only
 * name server, and told it one node of late, knows where they are. */
static float unsure_of_line_1(const struct work *w)
{
	const struct told *t = &w->past->told[0];
	bool sure = w->state->map->servers == 1 &&
		told_counts(t, w->known.now) &&
		(t->before == MAP_NO_NODE ||
			told_moved(t, w->known.now) > OLDER_MOVED);
	return sure ? SURE : 1;
}

/* Where viewers of this area are, as far as this thread placed them: another
 * name server or an older answer may have sent this one there. */
static void avoid_places(struct work *w)
{
	struct {
		float viewers;
		uint32_t site;
	} there[SCAN_MAX];
	float at[SCAN_MAX], all = 1;
	unsigned n = 0; /* options where any are */
	if (!w->accounts)
		return;
	float unsure = unsure_of_line_1(w);
	for (unsigned i = 0; i < w->options.n; i++) {
		unsigned node = w->options.option[i].node;
		at[i] = accounts_placed(
			w->accounts, w->area, node, w->known.now);
		all += at[i];
		if (at[i] == 0)
			continue;
		there[n].viewers = at[i];
		there[n++].site = w->state->map->nodes[node].site;
	}
	for (unsigned i = 0; n && i < w->options.n; i++) {
		struct option *o = &w->options.option[i];
		uint32_t own = w->state->map->nodes[o->node].site;
		float site = 0;
		for (unsigned k = 0; k < n; k++)
			site += there[k].viewers *
				(float)(there[k].site == own);
		o->there = unsure * (THERE_MS * at[i] + THERE_SITE_MS * site) /
			all;
	}
}

/* Marks what conflicts with the nodes that earlier lines had; providers and
 * older nodes cost extra but do not exclude. */
static void mark_conflicts(struct work *w, const uint16_t *had, unsigned n)
{
	const struct map *map = w->state->map;
	for (unsigned i = 0; i < w->options.n; i++) {
		struct option *o = &w->options.option[i];
		o->conflict = (uint16_t)conflict_with(map, o->node, had, n);
		o->score = o->alone;
		for (unsigned k = 0; k < n; k++)
			if (map_same_provider(map, had[k], o->node))
				o->score += PROVIDER_MS / w->softness_ms;
		if (n)
			o->score += (older_cost(w, o->node) + o->there +
					    second_cost(w, o->node)) /
				w->softness_ms;
	}
}

/* Another server may have told what is second here. */
static void add_second(struct work *w, unsigned first)
{
	const struct option *best = NULL;
	for (unsigned i = 0; i < w->options.n; i++)
		if (w->options.option[i].node != first &&
			(!best || option_better(&w->options.option[i], best)))
			best = &w->options.option[i];
	if (best)
		w->second[w->n_second++] = best->node;
}

static bool other_site_is_up(const struct work *w)
{
	for (unsigned i = 0; i < w->options.n; i++)
		if (w->options.option[i].state == NODE_UP &&
			w->options.option[i].conflict < CONFLICT_SITE)
			return true;
	return false;
}

/* Marks conflicts, and looks beyond the candidates if they leave no other site,
 * or no other node. */
static void look_around(struct work *w, const uint16_t *had, unsigned n)
{
	mark_conflicts(w, had, n);
	if (!n || w->pool->n <= MAP_CANDIDATES || other_site_is_up(w))
		return;
	options_add_from_pool(w, w->options.best_state, had, n);
	mark_conflicts(w, had, n);
	if (options_best(&w->options)->conflict < CONFLICT_NODE)
		return;
	options_add_from_pool(w, w->options.best_state, NULL, 0);
	mark_conflicts(w, had, n);
}

/* Fills had[] with the nodes of the lines before the asked one: what this
 * client was told, else what it would be told now. */
static unsigned earlier_lines(struct work *w, uint16_t *had)
{
	unsigned n = 0;
	for (unsigned line = 1; line < w->query->line; line++) {
		const struct told *t =
			line <= MEMORY_LINES ? &w->past->told[line - 1] : NULL;
		uint16_t before = MAP_NO_NODE;
		uint16_t node = MAP_NO_NODE;
		if (t && told_counts(t, w->known.now)) {
			node = t->node;
			before = t->before;
		}
		if (node == MAP_NO_NODE) {
			look_around(w, had, n);
			node = options_best(&w->options)->node;
			add_second(w, node);
		}
		/* An answer that named the node before may still be cached. */
		if (before != MAP_NO_NODE && before != node &&
			told_moved(t, w->known.now) < BEFORE_MOVED &&
			n < 2 * CONF_LINES_MAX - 2)
			had[n++] = before;
		had[n++] = node;
	}
	return n;
}

void lines_keep_apart(struct work *w)
{
	uint16_t had[2 * CONF_LINES_MAX] = {0};
	avoid_places(w);
	unsigned n = earlier_lines(w, had);
	if (n)
		look_around(w, had, n);
}
