#include "control/moves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/publish.h"
#include "control/state.h"
#include "fleet/fleet.h"
#include "srs/mover.h"

struct move {
	char name[64]; /* of the node, whose number may change; "": none */
	struct moving moving;
	struct mover_word word; /* the last one */
};

struct moves {
	struct control *control;
	struct mover *mover; /* NULL until the first move */
	struct move *of;     /* by node */
	int64_t *drained_ms; /* by node: seen drained since; 0: it is not */
	unsigned n;
};

struct moves *moves_new(struct control *c)
{
	struct moves *m = mem_zero(1, sizeof *m);
	m->control = c;
	return m;
}

void moves_free(struct moves *m)
{
	if (!m)
		return;
	mover_free(m->mover);
	free(m->of);
	free(m->drained_ms);
	free(m);
}

static void moves_grow(struct moves *m, unsigned n)
{
	if (n <= m->n)
		return;
	m->of = mem_grow(m->of, n * sizeof *m->of);
	m->drained_ms = mem_grow(m->drained_ms, n * sizeof *m->drained_ms);
	memset(m->of + m->n, 0, (n - m->n) * sizeof *m->of);
	memset(m->drained_ms + m->n, 0, (n - m->n) * sizeof *m->drained_ms);
	m->n = n;
}

/* -- what is seen -- */

/* Nodes of a pool that has this one, that viewers can be sent to. */
static bool takes_its_viewers(
	const struct control *c, unsigned other, const bool *mates)
{
	const struct fleet_node *node = fleet_node(c->fleet, other);
	return mates[other] && node->exists && !node->drained &&
		node->health.state == NODE_UP;
}

static void find_mates(const struct map *map, unsigned node, bool *mates)
{
	for (unsigned p = 0; p < map->n_pools; p++) {
		const struct map_pool *pool = &map->pools[p];
		bool has = false;
		for (unsigned i = 0; i < pool->n; i++)
			has |= pool->node[i] == node;
		for (unsigned i = 0; has && i < pool->n; i++)
			mates[pool->node[i]] = pool->node[i] != node;
	}
}

static void see_others(
	const struct control *c, unsigned node, struct moving_seen *seen)
{
	const struct map *map = c->built->map;
	int64_t now_ms = clock_ms();
	bool *mates = mem_zero(map->n_nodes + 1, sizeof *mates);

	find_mates(map, node, mates);
	for (unsigned i = 0; i < map->n_nodes; i++) {
		if (!takes_its_viewers(c, i, mates))
			continue;
		float viewers = fleet_connections(c->fleet, i);
		float used = c->publisher->load->node[i].used;
		seen->others += viewers;
		seen->room += fleet_capacity(c->fleet, i) * fmaxf(1 - used, 0);
		seen->others_left |=
			*fleet_avoided(c->fleet, i, now_ms) != '\0';
	}
	free(mates);
}

static struct moving_seen see(const struct control *c, unsigned node)
{
	const struct move *move = &c->moves->of[node];
	struct moving_seen seen = {
		.drained = fleet_node(c->fleet, node)->drained,
		.viewers = fleet_connections(c->fleet, node),
		.moved = move->word.moved,
		.failures = move->word.failures,
		.ended = move->word.ended};
	see_others(c, node, &seen);
	return seen;
}

static bool in_pool(const struct map_pool *pool, unsigned node)
{
	for (unsigned i = 0; i < pool->n; i++)
		if (pool->node[i] == node)
			return true;
	return false;
}

/* How long an answer that names a node may be kept from when it is drained. */
static int64_t kept_ms(const struct map *map, unsigned node)
{
	bool *within = mem_zero(map->n_pools, sizeof *within);
	unsigned ttl_s = 0;
	for (unsigned i = 0; i < map->n_pools; i++)
		within[i] = in_pool(&map->pools[i], node);
	for (unsigned i = 0; i < map->n_names; i++)
		if (within[map->names[i].pool] &&
			map->names[i].ttl_max_s > ttl_s)
			ttl_s = map->names[i].ttl_max_s;
	free(within);
	return (int64_t)ttl_s * 1000;
}

/* -- the mover -- */

static const struct conf_node *conf_of(const struct control *c, unsigned node)
{
	const struct conf *conf = c->built->conf;
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (c->built->map->of_conf[i] == node)
			return &conf->nodes[i];
	return NULL;
}

static void on_word(void *arg, const struct mover_word *word)
{
	struct moves *m = arg;
	if (word->node < m->n)
		m->of[word->node].word = *word;
}

static void tell_mover(struct control *c, unsigned node, double per_s)
{
	struct moves *m = c->moves;
	const struct conf_node *conf = conf_of(c, node);
	if (!conf || !conf->api)
		return;
	struct mover_target target = {.node = node,
		.api = conf->api,
		.api_token = conf->api_token,
		.per_s = per_s,
		.publishers = m->of[node].moving.publishers};
	if (!m->mover)
		m->mover = mover_new(c->mailbox, on_word, m);
	mover_set(m->mover, &target);
}

/* -- calls -- */

static bool may_move(const struct control *c, const struct call *call, int node,
	const char **why)
{
	const struct conf_node *conf =
		node < 0 ? NULL : conf_of(c, (unsigned)node);
	if (node < 0)
		*why = "there is no such node";
	else if (!fleet_node(c->fleet, (unsigned)node)->drained)
		*why = "it is not drained";
	else if (!conf || !conf->api)
		*why = "it has no API that could close connections";
	else if (!(call->per_s > 0 && call->per_s <= CALL_PER_S_MOST))
		*why = "viewers a second: above 0, at most 1000";
	else
		return true;
	return false;
}

void moves_ask(struct control *c, struct call *call)
{
	struct moves *m = c->moves;
	int node = map_find_node(c->built->map, call->node);
	int64_t now_ms = clock_ms();
	const char *why;

	moves_grow(m, c->built->map->n_nodes);
	if (!may_move(c, call, node, &why)) {
		call_answer(call, node < 0 ? CALL_UNKNOWN : CALL_REFUSED, why);
		return;
	}
	struct move *move = &m->of[node];
	if (!m->drained_ms[node])
		m->drained_ms[node] = now_ms;
	int64_t wait_ms = m->drained_ms[node] +
		kept_ms(c->built->map, (unsigned)node) - now_ms;
	if (m->mover)
		mover_drop(m->mover, (uint32_t)node);
	memset(move, 0, sizeof *move);
	strcpy(move->name, call->node);
	moving_begin(&move->moving, call->per_s, call->publishers,
		wait_ms > 0 ? wait_ms : 0, now_ms);
	log_info(
		"node %s: its viewers are moved, %.1f a second, %sfrom %lld s on",
		move->name, call->per_s,
		call->publishers ? "publishers at last, " : "",
		(long long)(wait_ms > 0 ? wait_ms / 1000 : 0));
	publish_now(c);
	call_answer(call, CALL_KEPT, NULL);
}

/* -- time -- */

static void move_step(struct control *c, unsigned node, int64_t now_ms)
{
	struct move *move = &c->moves->of[node];
	struct moving_seen seen = see(c, node);
	enum moving_state before = move->moving.state;

	double per_s = moving_step(&move->moving, &seen, now_ms);
	if (moving_is_over(&move->moving)) {
		if (c->moves->mover)
			mover_drop(c->moves->mover, node);
		log_info("node %s: moving its viewers: %s after %llu%s%s",
			move->name, moving_states[move->moving.state],
			(unsigned long long)move->moving.moved,
			*move->moving.why ? ": " : "", move->moving.why);
		return;
	}
	if (move->moving.state != before)
		tell_mover(c, node, per_s);
}

void moves_step(struct control *c)
{
	struct moves *m = c->moves;
	int64_t now_ms = clock_ms();

	moves_grow(m, c->built->map->n_nodes);
	for (unsigned i = 0; i < c->built->map->n_nodes; i++) {
		if (!fleet_node(c->fleet, i)->drained)
			m->drained_ms[i] = 0;
		else if (!m->drained_ms[i])
			m->drained_ms[i] = now_ms;
		if (!moving_is_over(&m->of[i].moving))
			move_step(c, i, now_ms);
	}
}

void moves_renumber(struct control *c)
{
	struct moves *m = c->moves;
	for (unsigned i = 0; i < m->n; i++) {
		const char *name = i < c->built->map->n_nodes
			? c->built->map->nodes[i].name
			: NULL;
		if (!*m->of[i].name || (name && !strcmp(name, m->of[i].name)))
			continue;
		if (m->mover)
			mover_drop(m->mover, i);
		memset(&m->of[i], 0, sizeof m->of[i]);
	}
}

const struct moving *moves_of(
	const struct moves *m, unsigned node, const char **why)
{
	if (node >= m->n || m->of[node].moving.state == MOVING_NONE)
		return NULL;
	const struct move *move = &m->of[node];
	*why = *move->moving.why ? move->moving.why : move->word.why;
	return &move->moving;
}
