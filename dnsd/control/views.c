#include "control/views.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "control/build.h"
#include "control/state.h"
#include "etcd/etcd.h"
#include "fleet/fleet.h"
#include "registry/view.h"
#include "replay/recorder.h"
#include "snapshot/servers.h"

#define EVERY_MS 2500 /* a view comes so often, if all of them together ... */
#define BYTES_PER_S 262144 /* ... are no more than this */
#define CHANGED_MS 500 /* a change is said sooner, but no sooner than this */
#define FRESH_INTERVALS 3
#define PEERS_MAX 128

struct peer {
	char name[64];
	char *text;        /* as it came, to be read again */
	struct view *view; /* NULL: not readable */
	int64_t heard_ms;  /* 0: not since it is watched */
	bool fresh;
	struct log_fault fault;
};

/* This server's word of a node. */
struct word {
	enum view_state state;
	int64_t since_ms; /* 0: none yet */
};

struct views {
	char name[64];
	uint64_t run;
	unsigned n_peers;
	struct peer *peer; /* by name */
	struct word *word; /* by node */
	unsigned n_words;
	struct fleet_others *heard; /* by node, as the fleet has it */
	unsigned n_heard;
	bool changed; /* what others say, since then */
	bool news;    /* this server's word, since it was said */
	int64_t said_ms;
	unsigned every_ms,
		changed_ms; /* the next comes; at a change, at least */
	struct log_fault twin;
};

/* How often a view of so many octets may come. */
static void pace(struct views *v, size_t octets)
{
	double ms = 1000.0 * (double)octets * (v->n_peers + 1) / BYTES_PER_S;
	unsigned least_ms =
		ms < VIEW_EVERY_MAX_MS ? (unsigned)ms : VIEW_EVERY_MAX_MS;
	v->every_ms = least_ms > EVERY_MS ? least_ms : EVERY_MS;
	v->changed_ms = least_ms > CHANGED_MS ? least_ms : CHANGED_MS;
}

struct views *views_new(const char *name)
{
	struct views *v = mem_zero(1, sizeof *v);
	strncpy(v->name, name, sizeof v->name - 1);
	rng_secret(&v->run, sizeof v->run);
	v->run &= (UINT64_C(1) << 52) - 1;
	pace(v, 0);
	return v;
}

static void peer_fini(struct peer *p)
{
	view_drop(p->view);
	free(p->text);
}

void views_free(struct views *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < v->n_peers; i++)
		peer_fini(&v->peer[i]);
	free(v->peer);
	free(v->word);
	free(v->heard);
	free(v);
}

/* -- what others say -- */

/* Where a peer of this name is, or would be. */
static unsigned peer_place(const struct views *v, const char *name)
{
	unsigned i = 0;
	while (i < v->n_peers && strcmp(v->peer[i].name, name) < 0)
		i++;
	return i;
}

static struct peer *peer_get(struct views *v, const char *name)
{
	unsigned at = peer_place(v, name);
	if (at < v->n_peers && !strcmp(v->peer[at].name, name))
		return &v->peer[at];
	if (v->n_peers >= PEERS_MAX || strlen(name) >= sizeof v->peer->name)
		return NULL;
	v->peer = mem_grow(v->peer, (v->n_peers + 1) * sizeof *v->peer);
	memmove(v->peer + at + 1, v->peer + at,
		(v->n_peers - at) * sizeof *v->peer);
	v->n_peers++;
	v->peer[at] = (struct peer){0};
	strcpy(v->peer[at].name, name);
	return &v->peer[at];
}

static void peer_remove(struct views *v, const char *name)
{
	unsigned at = peer_place(v, name);
	if (at == v->n_peers || strcmp(v->peer[at].name, name))
		return;
	peer_fini(&v->peer[at]);
	v->n_peers--;
	memmove(v->peer + at, v->peer + at + 1,
		(v->n_peers - at) * sizeof *v->peer);
	v->changed = true;
}

static int node_of(const void *arg, const char *name)
{
	return map_find_node(arg, name);
}

static void peer_read(struct control *c, struct peer *p)
{
	struct err err = {0};
	view_drop(p->view);
	p->view = view_parse(p->text, node_of, c->built->map, &err);
	if (!p->view && log_failed(&p->fault, err_text(&err), clock_ms()))
		log_warn("etcd: the view of %s is not read: %s", p->name,
			err_text(&err));
	if (p->view && log_mended(&p->fault, clock_ms()))
		log_info("etcd: the view of %s is read again", p->name);
	err_fini(&err);
}

/* Another process writes this server's view. */
static void watch_twin(struct views *v, const char *text)
{
	char head[40];
	snprintf(head, sizeof head, VIEW_HEAD, (unsigned long long)v->run);
	if (strncmp(text, head, strlen(head)) &&
		log_failed(&v->twin, "", clock_ms()))
		log_warn(
			"etcd: another name server is '%s' too: each needs a name of its own (etcd: as)",
			v->name);
}

void views_take(
	struct control *c, const char *server, const char *text, bool live)
{
	struct views *v = c->views;
	if (!strcmp(server, v->name)) {
		if (text && live)
			watch_twin(v, text);
		return;
	}
	if (!text) {
		peer_remove(v, server);
		return;
	}
	struct peer *p = peer_get(v, server);
	if (!p)
		return;
	free(p->text);
	p->text = mem_strdup(text);
	p->heard_ms = live ? clock_ms() : 0;
	peer_read(c, p);
	v->changed = true;
}

void views_forget(struct views *v)
{
	for (unsigned i = 0; i < v->n_peers; i++)
		peer_fini(&v->peer[i]);
	v->n_peers = 0;
	v->changed = true;
}

void views_renumber(struct control *c)
{
	struct views *v = c->views;
	for (unsigned i = 0; i < v->n_peers; i++)
		peer_read(c, &v->peer[i]);
	v->changed = true;
}

/* -- to the fleet -- */

static bool is_fresh(const struct peer *p, int64_t now_ms)
{
	return p->view && p->heard_ms &&
		now_ms - p->heard_ms <=
		FRESH_INTERVALS * (int64_t)p->view->every_ms;
}

static void add_word(const struct peer *p, const struct view_node *said,
	struct fleet_others *o)
{
	int64_t good_ms = p->heard_ms - said->sample_age_ms;
	bool down = said->state == VIEW_DOWN;
	/* With a suspect network it may be it that fails. */
	if (p->view->suspect && said->state != VIEW_UP)
		return;
	o->any++;
	o->down += down;
	if (said->state != VIEW_UP || said->sample_age_ms < 0)
		return;
	o->up++;
	if (good_ms > o->good_ms)
		o->good_ms = good_ms;
}

static bool is_new(const struct fleet_others *a, const struct fleet_others *b)
{
	return a->any != b->any || a->up != b->up || a->down != b->down ||
		a->good_ms != b->good_ms;
}

static void tell_fleet(struct control *c, const struct fleet_others *now)
{
	struct views *v = c->views;
	int64_t now_ms = clock_ms();
	for (unsigned i = 0; i < v->n_heard; i++) {
		const struct fleet_node *node = fleet_node(c->fleet, i);
		if (!node->exists)
			continue;
		fleet_heard(c->fleet, i, &now[i], now_ms);
		if (!is_new(&v->heard[i], &now[i]))
			continue;
		/* When it was reached matters only while it fails here. */
		if (now[i].any != v->heard[i].any ||
			now[i].down != v->heard[i].down || node->health.fails)
			record_heard(c->record, i, &now[i], now_ms);
		v->heard[i] = now[i];
	}
}

static void hear(struct control *c)
{
	struct views *v = c->views;
	unsigned n = c->built->map->n_nodes;
	struct fleet_others *now = mem_zero(n + 1, sizeof *now);

	if (v->n_heard < n) {
		v->heard = mem_grow(v->heard, n * sizeof *v->heard);
		memset(v->heard + v->n_heard, 0,
			(n - v->n_heard) * sizeof *v->heard);
		v->n_heard = n;
	}
	for (unsigned i = 0; i < v->n_peers; i++) {
		const struct peer *p = &v->peer[i];
		for (unsigned k = 0; p->fresh && k < p->view->n; k++)
			add_word(p, &p->view->node[k],
				&now[p->view->node[k].node]);
	}
	tell_fleet(c, now);
	free(now);
	v->changed = false;
}

/* -- what this server says -- */

static enum view_state state_here(const struct health *h)
{
	return h->state == NODE_DOWN || h->held ? VIEW_DOWN
		: h->state == NODE_UP           ? VIEW_UP
						: VIEW_UNKNOWN;
}

static bool is_asked(const struct fleet_node *node)
{
	return node->exists && node->watched && node->health.seen;
}

/* Since when this server's word of each node is what it is. */
static void words_renew(struct control *c, int64_t now_ms)
{
	struct views *v = c->views;
	unsigned n = c->built->map->n_nodes;
	if (v->n_words < n) {
		v->word = mem_grow(v->word, n * sizeof *v->word);
		memset(v->word + v->n_words, 0,
			(n - v->n_words) * sizeof *v->word);
		v->n_words = n;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct fleet_node *node = fleet_node(c->fleet, i);
		enum view_state state = state_here(&node->health);
		if (!is_asked(node) ||
			(v->word[i].since_ms && v->word[i].state == state))
			continue;
		v->news |= v->word[i].since_ms && v->word[i].state != state;
		v->word[i] = (struct word){state, now_ms};
	}
}

static void add_node(
	const struct control *c, struct buf *out, unsigned i, int64_t now_ms)
{
	const struct fleet_node *node = fleet_node(c->fleet, i);
	const struct health *h = &node->health;
	int64_t age_ms = h->good_ms ? now_ms - h->good_ms : -1;
	struct view_word word = {.name = c->built->map->nodes[i].name,
		.state = c->views->word[i].state,
		.why = h->held ? "polls time out" : h->why,
		.since_s =
			(int32_t)((now_ms - c->views->word[i].since_ms) / 1000),
		.sample_age_ms = age_ms < 1000000000 ? (int32_t)age_ms : -1,
		.rtt_ms = node->stability.known ? node->stability.rtt_ms : 0,
		.connections = node->connections};
	view_add(out, &word);
}

static void say(struct control *c, struct etcd *etcd, int64_t now_ms)
{
	struct views *v = c->views;
	const struct map *map = c->built->map;
	struct buf out = {0};
	char key[80];

	view_begin(&out, v->run, v->every_ms, fleet_looks_blind(c->fleet));
	for (unsigned i = 0; i < map->n_nodes; i++)
		if (map->nodes[i].name && is_asked(fleet_node(c->fleet, i)))
			add_node(c, &out, i, now_ms);
	view_end(&out);
	snprintf(key, sizeof key, "views/%s", v->name);
	if (out.len <= ETCD_VALUE_MAX)
		etcd_announce(etcd, ETCD_BRIEF, key, out.text);
	pace(v, out.len);
	v->said_ms = now_ms;
	v->news = false;
	buf_fini(&out);
}

void views_step(struct control *c, struct etcd *etcd)
{
	struct views *v = c->views;
	int64_t now_ms = clock_ms();

	for (unsigned i = 0; i < v->n_peers; i++) {
		bool fresh = is_fresh(&v->peer[i], now_ms);
		v->changed |= fresh != v->peer[i].fresh;
		v->peer[i].fresh = fresh;
	}
	if (v->changed)
		hear(c);
	words_renew(c, now_ms);
	unsigned wait_ms =
		v->news && v->every_ms == EVERY_MS ? CHANGED_MS : v->every_ms;
	if (!v->said_ms || now_ms - v->said_ms >= wait_ms)
		say(c, etcd, now_ms);
}

unsigned views_servers(const struct views *v, unsigned *before)
{
	*before = peer_place(v, v->name);
	return v->n_peers + 1;
}

void views_report(const struct views *v, struct servers *out)
{
	out->n_peers = v->n_peers;
	out->peer = mem_zero(v->n_peers + 1, sizeof *out->peer);
	for (unsigned i = 0; i < v->n_peers; i++) {
		const struct peer *from = &v->peer[i];
		struct servers_peer *to = &out->peer[i];
		strcpy(to->name, from->name);
		to->heard_ms = from->heard_ms;
		to->fresh = from->fresh;
		to->view = from->view ? view_keep(from->view) : NULL;
	}
}
