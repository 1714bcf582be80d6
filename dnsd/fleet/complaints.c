#include "fleet/complaints.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/oldest.h"
#include "base/rng.h"
#include "base/sections.h"
#include "conf/conf.h"
#include "state/map.h"

#define ASKERS TABLE_SIZE(65536) /* (area, node, network) remembered */
#define ASKER_WAYS 4
#define ROUTES TABLE_SIZE(8192) /* (area, node) */
#define ROUTE_PROBES 8
#define SENT_MS 900000     /* viewers stay: a sent network counts so long */
#define INTERVAL_MS 5000   /* one network leaves at most so often */
#define FADE_S 40.0f       /* of the evidence of a crowd that leaves ... */
#define FADE_SLOW_S 400.0f /* ... and of those few that come and leave */
#define LEFT_MS 60000      /* a network that left counts so long */
#define LEFT_SLOW_MS 600000
#define COUNTS_FROM 0.25f    /* of a question: the network leaves this node */
#define REPEATED_MS 30000    /* slow: one network counts at most so often ... */
#define REPEATED 0.5f        /* ... and each time for so much less */
#define NETWORKS 3.0f        /* that left, at least ... */
#define SHARE_AREA 0.05f     /* ... and of those sent: one area, */
#define SHARE_ELSEWHERE 0.1f /* all areas but its own, */
#define SHARE_EVERYWHERE 0.2f /* all */
#define SIGMAS 5.0f           /* ... beyond what is natural elsewhere */
#define EVIDENCE 3.0f         /* faded questions, at least ... */
#define TIMES 4.0f            /* ... and so many times as often */
#define SEEN_SIGMAS 2.0f      /* where the node's samples agree ... */
#define SEEN_EVIDENCE 1.5f    /* ... that viewers leave */
#define BAD 3                 /* ways at a time that may be bad */
#define CONFIRMED_MS 60000    /* the node's samples agree so long */
#define DISTRUST_MS 120000
#define DOUBLINGS 3
#define TRIED_COST_MS 40.0f /* after that, fading */
#define TRIED_MS 240000
#define FORGIVEN_MS 480000 /* after a doubt: the next one is the first */

/* Evidence of many viewers that leave at once, and of a few that come and leave all
 * the time: viewers that are sent to a bad node one by one. */
enum window { FAST, SLOW, WINDOWS };
static const int64_t switched_ms[WINDOWS] = {LEFT_MS, LEFT_SLOW_MS};

/* Evidence of all askers, which anybody can forge, and beside it that of those
 * alone whose addresses are proven. */
enum witnesses { ANYBODY, PROVEN, WITNESSES };

/* When a network left a node, as some witnesses have it. */
struct switched {
	bool lately[WINDOWS];     /* within LEFT_MS, LEFT_SLOW_MS */
	float weight;             /* slow: of its next question */
	int64_t fast_ms, slow_ms; /* when it counted last; 0: never */
};

/* A network that was sent to a node. */
struct asker {
	uint64_t asker; /* accounts_net() */
	uint32_t area;
	uint16_t node;
	bool used;
	int64_t sent_ms;
	struct switched switched[WITNESSES];
};

/* What speaks against a node, as some witnesses have it. */
struct tally {
	uint32_t networks[WINDOWS]; /* that left within the window */
	float switched[WINDOWS];    /* questions, fading */
};

/* A node as clients of an area see it. */
struct route {
	uint32_t area;
	uint16_t node;
	bool used;
	bool confirmed;   /* by the node's samples, when it was distrusted */
	uint8_t times;    /* distrusted in a row */
	uint32_t sent;    /* networks */
	float viewers;    /* that the threads placed there, mean */
	int64_t until_ms; /* distrusted; then tried for TRIED_MS */
	struct tally tally[WITNESSES];
};

struct complaints {
	struct asker asker[ASKERS];
	struct route route[ROUTES];
	uint16_t in_use[ROUTES]; /* of way[], at the last tick */
	unsigned n_in_use;
	uint32_t askers_sweep; /* next asker to look at */
	int64_t tick_ms;
	uint64_t found[CONF_NODES_MAX + 1];
	int64_t confirmed_ms[CONF_NODES_MAX + 1]; /* 0: never */
};

struct complaints *complaints_new(void)
{
	return mem_zero(1, sizeof(struct complaints));
}

void complaints_free(struct complaints *d)
{
	free(d);
}

/* -- tables -- */

static struct route *route_of(
	struct complaints *d, uint32_t area, unsigned node)
{
	uint64_t h = hash_mix((uint64_t)area << 16 | node);
	struct route *spare = NULL;
	for (unsigned i = 0; i < ROUTE_PROBES; i++) {
		struct route *w = &d->route[(h + i) % ROUTES];
		if (w->used && w->area == area && w->node == node)
			return w;
		if (!spare && (!w->used || (!w->sent && !w->until_ms)))
			spare = w;
	}
	if (spare)
		*spare = (struct route){
			.area = area, .node = (uint16_t)node, .used = true};
	return spare;
}

static void forget_switched(struct complaints *d, struct asker *a,
	enum witnesses by, enum window window)
{
	struct switched *switched = &a->switched[by];
	if (!switched->lately[window])
		return;
	struct route *w = route_of(d, a->area, a->node);
	if (w && w->tally[by].networks[window])
		w->tally[by].networks[window]--;
	switched->lately[window] = false;
	if (window == SLOW)
		switched->weight = 1;
}

static void forget(struct complaints *d, struct asker *a)
{
	for (unsigned by = 0; by < WITNESSES; by++)
		for (unsigned window = 0; window < WINDOWS; window++)
			forget_switched(
				d, a, (enum witnesses)by, (enum window)window);
	struct route *w = route_of(d, a->area, a->node);
	if (w && w->sent)
		w->sent--;
	a->used = false;
}

static struct asker *askers_bucket(
	struct complaints *d, uint64_t asker, uint32_t area, unsigned node)
{
	uint64_t h = hash_mix(hash_mix(asker) ^ (uint64_t)area << 16 ^ node);
	return &d->asker[h % (ASKERS / ASKER_WAYS) * ASKER_WAYS];
}

static struct asker *find_asker(
	struct complaints *d, uint64_t asker, uint32_t area, unsigned node)
{
	struct asker *a = askers_bucket(d, asker, area, node);
	for (unsigned i = 0; i < ASKER_WAYS; i++)
		if (a[i].used && a[i].asker == asker && a[i].area == area &&
			a[i].node == node)
			return &a[i];
	return NULL;
}

static struct asker *make_asker(struct complaints *d, uint64_t asker,
	uint32_t area, unsigned node, int64_t now_ms)
{
	struct asker *a = askers_bucket(d, asker, area, node);
	struct oldest oldest = {0};
	for (unsigned i = 0; i < ASKER_WAYS && !oldest.is_free; i++)
		if (!a[i].used)
			oldest_free(&oldest, i);
		else
			oldest_offer(
				&oldest, i, (uint32_t)(now_ms - a[i].sent_ms));
	a += oldest.way;
	if (a->used)
		forget(d, a);
	*a = (struct asker){.asker = asker,
		.area = area,
		.node = (uint16_t)node,
		.used = true,
		.switched = {{.weight = 1}, {.weight = 1}}};
	struct route *w = route_of(d, area, node);
	if (w)
		w->sent++;
	return a;
}

/* -- evidence -- */

static void complaints_sent(struct complaints *d, uint64_t asker, uint32_t area,
	unsigned node, float viewers, int64_t now_ms)
{
	struct asker *a = find_asker(d, asker, area, node);
	if (!a)
		a = make_asker(d, asker, area, node, now_ms);
	a->sent_ms = now_ms;
	struct route *w = route_of(d, area, node);
	if (w && viewers >= 0)
		w->viewers += 0.2f * (viewers - w->viewers);
}

static bool is_at_home(
	const struct map *map, const struct steer_event *event, unsigned i)
{
	return event->area == map->nodes[event->node[i]].area;
}

/* Whether an event is no complaint, about this node (its i-th) and those after it:
 *  - the same network complained less than INTERVAL_MS ago: the press is repeated;
 *  - its own site's node comes first: that is no complaint about the route from
 *    elsewhere to another node;
 *  - this node is distrusted, so its askers are forgotten: the press is about it,
 *    not about the nodes where the network was before. */
static bool is_explained(struct complaints *d, const struct map *map,
	const struct steer_event *event, unsigned i, uint32_t area,
	const struct switched *last, int64_t now_ms)
{
	if (last && last->fast_ms && now_ms - last->fast_ms < INTERVAL_MS)
		return true;
	if (i == 0 && area == LOAD_ELSEWHERE && is_at_home(map, event, i))
		return true;
	const struct route *route = route_of(d, area, event->node[i]);
	return route && now_ms < route->until_ms;
}

static void network_leaves(struct switched *switched, struct tally *tally,
	enum window window, int64_t now_ms)
{
	tally->networks[window] += !switched->lately[window];
	switched->lately[window] = true;
	if (window == FAST)
		switched->fast_ms = now_ms;
	else
		switched->slow_ms = now_ms;
}

static void leaves_fast(struct switched *switched, struct tally *tally,
	float share, int64_t now_ms)
{
	tally->switched[FAST] += share;
	if (share >= COUNTS_FROM)
		network_leaves(switched, tally, FAST, now_ms);
}

/* So that a few networks stay a few over ten minutes as well. */
static void leaves_slowly(struct switched *switched, struct tally *tally,
	float share, int64_t now_ms)
{
	if (switched->slow_ms && now_ms - switched->slow_ms < REPEATED_MS)
		return;
	tally->switched[SLOW] += share * switched->weight;
	if (share < COUNTS_FROM)
		return;
	network_leaves(switched, tally, SLOW, now_ms);
	switched->weight *= REPEATED;
}

/* Its viewers may be on one of several nodes: one to which it was sent later is
 * likelier, and so is one that others leave as well. */
static void complaints_switched(struct complaints *d, const struct map *map,
	const struct steer_event *event, uint32_t area, enum witnesses by,
	int64_t now_ms)
{
	static const float likely[EVENT_NODES] = {0.6f, 0.25f, 0.1f, 0.05f};
	struct asker *a[EVENT_NODES];
	struct route *w[EVENT_NODES];
	float weight[EVENT_NODES] = {0}, sum = 0;

	for (unsigned i = 0; i < EVENT_NODES; i++) {
		if (event->node[i] == MAP_NO_NODE)
			continue;
		a[i] = find_asker(d, event->asker, area, event->node[i]);
		if (is_explained(d, map, event, i, area,
			    a[i] ? &a[i]->switched[by] : NULL, now_ms))
			return;
		w[i] = a[i] ? route_of(d, area, event->node[i]) : NULL;
		if (is_at_home(map, event, i) && area == LOAD_ELSEWHERE)
			continue;
		if (!w[i])
			continue;
		weight[i] = likely[i] *
			(w[i]->tally[by].switched[FAST] + 0.2f) /
			((float)w[i]->sent + 2);
		sum += weight[i];
	}
	for (unsigned i = 0; i < EVENT_NODES; i++) {
		if (weight[i] <= 0)
			continue;
		float share = weight[i] / sum;
		leaves_fast(
			&a[i]->switched[by], &w[i]->tally[by], share, now_ms);
		leaves_slowly(
			&a[i]->switched[by], &w[i]->tally[by], share, now_ms);
	}
}

static void switched_all(struct complaints *d, const struct map *map,
	const struct steer_event *event, enum witnesses by, int64_t now_ms)
{
	complaints_switched(d, map, event, event->area, by, now_ms);
	complaints_switched(d, map, event, LOAD_ELSEWHERE, by, now_ms);
	complaints_switched(d, map, event, COMPLAINTS_EVERYWHERE, by, now_ms);
}

void complaints_event(struct complaints *d, const struct map *map,
	const struct steer_event *event, int64_t now_ms)
{
	assert(event->kind != EVENT_LARGE_RESOLVER);
	if (event->kind == EVENT_SENT) {
		complaints_sent(d, event->asker, event->area, event->node[0],
			event->at_once, now_ms);
		if (map->nodes[event->node[0]].area != event->area)
			complaints_sent(d, event->asker, LOAD_ELSEWHERE,
				event->node[0], event->rate, now_ms);
		complaints_sent(d, event->asker, COMPLAINTS_EVERYWHERE,
			event->node[0], event->rate, now_ms);
	} else if (event->kind == EVENT_SWITCHED) {
		switched_all(d, map, event, ANYBODY, now_ms);
		if (event->proven)
			switched_all(d, map, event, PROVEN, now_ms);
	}
}

/* -- judgement -- */

/* What is natural: how often the viewers of nodes leave that are well. Those few
 * that are left most may be bad, all of them: they show nothing of it. */
struct background {
	float switched[WINDOWS], viewers[WINDOWS];
	float bound[WINDOWS]; /* a node that is left so often does not count */
};

static float share_of(uint32_t area)
{
	return area == COMPLAINTS_EVERYWHERE ? SHARE_EVERYWHERE
		: area == LOAD_ELSEWHERE     ? SHARE_ELSEWHERE
					     : SHARE_AREA;
}

static uint32_t level_of(const struct route *w)
{
	return w->area >= LOAD_ELSEWHERE ? w->area : 0;
}

/* The evidence against the BAD that are left most, or against a quarter of all. */
static float find_bound(const struct complaints *d, uint32_t level,
	enum witnesses by, enum window window)
{
	float most[BAD] = {0};
	unsigned n = 0;
	for (unsigned i = 0; i < d->n_in_use; i++) {
		const struct route *w = &d->route[d->in_use[i]];
		if (level_of(w) != level)
			continue;
		float switched = w->tally[by].switched[window];
		for (unsigned k = 0; k < BAD; k++)
			if (switched > most[k]) {
				float less = most[k];
				most[k] = switched;
				switched = less;
			}
		n++;
	}
	unsigned bad = n / 4 < BAD ? n / 4 : BAD;
	return bad && most[bad - 1] > 0 ? most[bad - 1] : INFINITY;
}

static struct background routes_look_around(
	const struct complaints *d, uint32_t level, enum witnesses by)
{
	struct background all = {0};
	for (unsigned p = FAST; p < WINDOWS; p++) {
		all.bound[p] = find_bound(d, level, by, (enum window)p);
		for (unsigned i = 0; i < d->n_in_use; i++) {
			const struct route *w = &d->route[d->in_use[i]];
			float switched = w->tally[by].switched[p];
			if (level_of(w) != level || switched >= all.bound[p])
				continue;
			all.switched[p] += switched;
			all.viewers[p] += w->viewers;
		}
	}
	return all;
}

static bool is_switched(const struct route *w, enum witnesses by,
	const struct background *all, enum window window, bool seen)
{
	float sigmas = seen ? SEEN_SIGMAS : SIGMAS;
	const struct tally *tally = &w->tally[by];
	float switched = tally->switched[window],
	      own = switched < all->bound[window];
	float others = (all->switched[window] - own * switched + 1) /
		(all->viewers[window] - own * w->viewers + 10);
	float natural = others * w->viewers;
	float networks = w->times || seen ? NETWORKS - 1 : NETWORKS;
	return switched >= (seen ? SEEN_EVIDENCE : EVIDENCE) + natural +
			sigmas * sqrtf(natural) &&
		switched >= TIMES * natural &&
		(float)tally->networks[window] >= networks &&
		(float)tally->networks[window] >=
		share_of(w->area) * (float)w->sent;
}

/* What was sent before the distrust says nothing of the trial after it. */
static void forget_told(struct complaints *d, const struct route *w)
{
	uint32_t area = w->area;
	uint16_t node = w->node;
	for (unsigned i = 0; i < ASKERS; i++)
		if (d->asker[i].used && d->asker[i].area == area &&
			d->asker[i].node == node)
			forget(d, &d->asker[i]);
}

/* Once is enough for the trials after it: the few viewers of a trial do not show in the
 * node's samples. */
static bool is_confirmed(
	const struct complaints *d, const struct route *w, int64_t now_ms)
{
	int64_t at = d->confirmed_ms[w->node];
	return w->confirmed || (at && now_ms - at <= CONFIRMED_MS);
}

static void distrust(struct complaints *d, struct route *w, int64_t now_ms)
{
	unsigned doubled = w->times < DOUBLINGS ? w->times : DOUBLINGS;
	w->confirmed = is_confirmed(d, w, now_ms);
	w->until_ms = now_ms + ((int64_t)DISTRUST_MS << doubled);
	w->times++;
	memset(w->tally, 0, sizeof w->tally);
	w->viewers = 0;
	d->found[w->node]++;
	forget_told(d, w);
}

void complaints_confirm(struct complaints *d, unsigned node, int64_t now_ms)
{
	assert(node < CONF_NODES_MAX);
	d->confirmed_ms[node] = now_ms;
}

static void routes_judge(
	struct complaints *d, uint32_t level, enum witnesses by, int64_t now_ms)
{
	struct background all = routes_look_around(d, level, by);
	for (unsigned i = 0; i < d->n_in_use; i++) {
		struct route *w = &d->route[d->in_use[i]];
		bool seen = is_confirmed(d, w, now_ms);
		if (level_of(w) == level && now_ms >= w->until_ms &&
			(by == PROVEN || seen) &&
			(is_switched(w, by, &all, FAST, seen) ||
				is_switched(w, by, &all, SLOW, seen)))
			distrust(d, w, now_ms);
	}
}

static void forget_old(struct complaints *d, struct asker *a, enum witnesses by,
	int64_t now_ms)
{
	if (now_ms - a->switched[by].fast_ms > switched_ms[FAST])
		forget_switched(d, a, by, FAST);
	if (now_ms - a->switched[by].slow_ms > switched_ms[SLOW])
		forget_switched(d, a, by, SLOW);
}

static void askers_sweep(struct complaints *d, int64_t now_ms, unsigned n)
{
	for (; n > 0; n--) {
		struct asker *a = &d->asker[d->askers_sweep++ % ASKERS];
		if (!a->used)
			continue;
		for (unsigned by = 0; by < WITNESSES; by++)
			forget_old(d, a, (enum witnesses)by, now_ms);
		if (now_ms - a->sent_ms > SENT_MS)
			forget(d, a);
	}
}

void complaints_tick(struct complaints *d, int64_t now_ms)
{
	int64_t ms = now_ms - d->tick_ms;
	if (ms < 1000)
		return;
	d->tick_ms = now_ms;
	askers_sweep(d, now_ms, ASKERS / 4);
	float seconds = (float)(ms < 60000 ? ms : 60000) * 0.001f;
	float fade = expf(-seconds / FADE_S);
	float fade_slow = expf(-seconds / FADE_SLOW_S);
	d->n_in_use = 0;
	for (unsigned i = 0; i < ROUTES; i++) {
		struct route *w = &d->route[i];
		if (!w->used)
			continue;
		d->in_use[d->n_in_use++] = (uint16_t)i;
		for (unsigned by = 0; by < WITNESSES; by++) {
			w->tally[by].switched[FAST] *= fade;
			w->tally[by].switched[SLOW] *= fade_slow;
		}
		if (w->until_ms && now_ms > w->until_ms + FORGIVEN_MS) {
			w->until_ms = 0;
			w->times = 0;
			w->confirmed = false;
		}
	}
	for (unsigned by = 0; by < WITNESSES; by++) {
		routes_judge(
			d, COMPLAINTS_EVERYWHERE, (enum witnesses)by, now_ms);
		routes_judge(d, LOAD_ELSEWHERE, (enum witnesses)by, now_ms);
		routes_judge(d, 0, (enum witnesses)by, now_ms);
	}
}

/* -- results -- */

static float cost_ms(const struct route *w, int64_t now_ms)
{
	if (!w->until_ms || now_ms >= w->until_ms + TRIED_MS)
		return 0;
	if (now_ms < w->until_ms)
		return DISTRUST_COST_MS;
	return TRIED_COST_MS * (1 - (float)(now_ms - w->until_ms) / TRIED_MS);
}

float complaints_everywhere_ms(
	const struct complaints *d, unsigned node, int64_t now_ms)
{
	uint64_t h = hash_mix((uint64_t)COMPLAINTS_EVERYWHERE << 16 | node);
	for (unsigned i = 0; i < ROUTE_PROBES; i++) {
		const struct route *w = &d->route[(h + i) % ROUTES];
		if (w->used && w->area == COMPLAINTS_EVERYWHERE &&
			w->node == node)
			return cost_ms(w, now_ms);
	}
	return 0;
}

static int by_area_and_node(const void *x, const void *y)
{
	const struct load_distrust *a = x, *b = y;
	if (a->area != b->area)
		return a->area < b->area ? -1 : 1;
	return (int)a->node - (int)b->node;
}

unsigned complaints_of_areas(const struct complaints *d,
	struct load_distrust *out, unsigned room, int64_t now_ms)
{
	unsigned n = 0;
	for (unsigned i = 0; i < d->n_in_use && n < room; i++) {
		const struct route *w = &d->route[d->in_use[i]];
		if (!w->used || w->area == COMPLAINTS_EVERYWHERE ||
			!w->until_ms)
			continue;
		float ms = cost_ms(w, now_ms);
		if (ms > 0)
			out[n++] = (struct load_distrust){w->area, w->node, ms};
	}
	qsort(out, n, sizeof *out, by_area_and_node);
	return n;
}

uint64_t complaints_found(const struct complaints *d, unsigned node)
{
	assert(node < CONF_NODES_MAX);
	return d->found[node];
}

/* -- the process that takes over -- */

#define COMPLAINTS_VERSION 1 /* of what the struct means */

void complaints_hand(const struct complaints *d, struct buf *out)
{
	sections_add(out, "complaints", COMPLAINTS_VERSION, sizeof *d, d, 1);
}

bool complaints_take(struct complaints *d, struct sections *in)
{
	size_t n;
	const struct complaints *from = sections_find(
		in, "complaints", COMPLAINTS_VERSION, sizeof *d, &n);
	if (n == 1)
		*d = *from;
	return n == 1;
}
