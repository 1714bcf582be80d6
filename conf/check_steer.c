/* Cross-checks of the steered names: the nodes of their pools, and that no name has two
 * meanings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/index.h"
#include "conf/check.h"

/* -- pools -- */

static int role_of(const char *text)
{
	for (int i = 0; i < ROLES; i++)
		if (!strcmp(conf_roles[i], text))
			return i;
	return -1;
}

static int check_node_of(const struct conf *conf, const char *text)
{
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (!strcasecmp(conf->nodes[i].name, text))
			return (int)i;
	return -1;
}

/* seen: the nodes that are in it, by index. */
static void pool_add(struct conf_steer *steer, bool *seen, unsigned node)
{
	if (!seen[node])
		steer->node[steer->n_nodes++] = (uint16_t)node;
	seen[node] = true;
}

static bool has_family(const struct conf_node *node, uint8_t family)
{
	for (unsigned i = 0; i < node->n_addresses; i++)
		if (node->address[i].family == family)
			return true;
	return false;
}

/* A node as a message about another place names it: one of another file, or that
 * was approved, is not to be looked for here. */
static const char *node_text(const struct conf_node *node,
	const struct conf_where *reported, char *out, size_t room)
{
	if (strcmp(node->where.file, reported->file))
		snprintf(out, room, "%s (%s:%u)", node->name, node->where.file,
			node->where.line);
	else
		snprintf(out, room, "%s", node->name);
	return out;
}

/* A viewer with IPv4 only must reach whatever node is picked. */
static bool check_families(const struct conf *conf,
	const struct conf_steer *steer, struct err *err)
{
	char line[720], one[320], other[320];
	const struct conf_node *with = NULL, *without = NULL;
	for (unsigned i = 0; i < steer->n_nodes; i++) {
		const struct conf_node *node = &conf->nodes[steer->node[i]];
		if (has_family(node, 4))
			with = node;
		else
			without = node;
	}
	if (!with || !without)
		return true;
	snprintf(line, sizeof line,
		"in the pool, %s has an IPv4 address and %s has none",
		node_text(with, &steer->where, one, sizeof one),
		node_text(without, &steer->where, other, sizeof other));
	return conf_complain(err, steer->where, line, steer->name);
}

static bool read_pool(struct conf *conf, struct conf_steer *steer, bool *seen,
	struct err *err)
{
	char line[160];
	bool ok = true;

	for (unsigned i = 0; i < steer->pool.n; i++) {
		const char *text = steer->pool.text[i];
		int role = role_of(text), node = check_node_of(conf, text);
		if (node >= 0)
			pool_add(steer, seen, (unsigned)node);
		for (unsigned k = 0; role >= 0 && k < conf->n_nodes; k++)
			if (conf->nodes[k].role == role)
				pool_add(steer, seen, k);
		if (role < 0 && node < 0) {
			snprintf(line, sizeof line,
				"pool: '%.80s' is neither a role nor a node",
				text);
			ok = conf_complain(
				err, steer->pool.where[i], line, steer->name);
		}
	}
	return ok;
}

static bool check_pool(
	struct conf *conf, struct conf_steer *steer, struct err *err)
{
	bool *seen = mem_zero(conf->n_nodes, sizeof *seen);
	steer->node = arena_alloc(
		conf->arena, (conf->n_nodes + 1) * sizeof *steer->node);
	bool ok = read_pool(conf, steer, seen, err);
	free(seen);
	if (ok && !steer->n_nodes)
		ok = conf_complain(
			err, steer->where, "the pool is empty", steer->name);
	return ok && check_families(conf, steer, err);
}

/* The names' pools. Those written alike share one list of nodes: a hundred thousand
 * names of one role would else take time and memory for each of its nodes. */
struct pools {
	struct index *index;             /* of what is written */
	const struct conf_steer **first; /* its first name; NULL: not valid */
};

static uint32_t pool_number(struct pools *pools, const struct conf_texts *pool)
{
	struct buf text = {0};
	bool made;
	buf_printf(&text, "%u\n", pool->n);
	for (unsigned i = 0; i < pool->n; i++)
		buf_printf(&text, "%s\n", pool->text[i]);
	uint32_t n = index_number(pools->index, text.text, text.len, &made);
	buf_fini(&text);
	return n;
}

static bool share_pool(struct conf *conf, struct conf_steer *steer,
	struct pools *pools, struct err *err)
{
	const struct conf_steer **first =
		&pools->first[pool_number(pools, &steer->pool)];
	if (*first) {
		steer->node = (*first)->node;
		steer->n_nodes = (*first)->n_nodes;
		return true;
	}
	if (!check_pool(conf, steer, err))
		return false;
	*first = steer;
	return true;
}

/* -- names -- */

static bool is_below(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);
	if (n < z || strcmp(name + n - z, zone))
		return false;
	return n == z || name[n - z - 1] == '.';
}

/* Protocols with a comma between, as many as an HTTPS record has room for. */
static bool alpn_ok(const char *list)
{
	if (!*list)
		return true;
	if (strlen(list) > 120)
		return false;
	for (;; list++) {
		size_t n = strcspn(list, ",");
		if (n == 0)
			return false;
		list += n;
		if (!*list)
			return true;
	}
}

static bool check_steer(struct conf *conf, struct conf_steer *steer,
	struct pools *pools, struct err *err)
{
	bool inside = false, ok = share_pool(conf, steer, pools, err);
	for (unsigned i = 0; i < conf->n_zones; i++)
		inside |= is_below(steer->name, conf->zones[i].name);
	if (!inside)
		ok = conf_complain(
			err, steer->where, "outside every zone", steer->name);
	if (!alpn_ok(steer->https))
		ok = conf_complain(err, steer->where,
			"https is not a list of protocols such as h2,http/1.1",
			steer->name);
	/* lineN, _why and a stream label stand in front of it. */
	if (strlen(steer->name) > 253 - 64)
		ok = conf_complain(err, steer->where,
			"too long for its lines and streams", steer->name);
	return ok;
}

bool conf_check_steers(struct conf *conf, struct err *err)
{
	struct pools pools = {
		index_new(), mem_zero(conf->n_steer, sizeof *pools.first)};
	bool ok = true;
	for (unsigned i = 0; i < conf->n_steer; i++)
		ok &= check_steer(conf, &conf->steer[i], &pools, err);
	index_free(pools.index);
	free(pools.first);
	return ok;
}

static bool is_line_or_why(const char *name, const struct conf_steer *of)
{
	unsigned line;
	int used = 0;
	return !strncmp(name, "_why.", 5) ||
		(sscanf(name, "line%u%n", &line, &used) == 1 &&
			name[used] == '.' && line <= (unsigned)of->lines);
}

/* A steered name's line or _why must not be another steered name, and two
 * names must not give one owner name two meanings. */
bool conf_check_lines(const struct conf *conf, struct err *err)
{
	struct index *names = index_new();
	uint32_t *at = mem_zero(conf->n_steer, sizeof *at);
	bool made, ok = true;

	for (unsigned i = 0; i < conf->n_steer; i++) {
		const char *name = conf->steer[i].name;
		at[index_number(names, name, strlen(name), &made)] = i;
	}
	uint32_t n = index_count(names);
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const char *name = conf->steer[i].name;
		const char *dot = strchr(name, '.');
		uint32_t of = dot
			? index_number(names, dot + 1, strlen(dot + 1), &made)
			: n;
		if (of < n && is_line_or_why(name, &conf->steer[at[of]]))
			ok = conf_complain(err, conf->steer[i].where,
				"is a line or _why of another steered name",
				name);
	}
	index_free(names);
	free(at);
	return ok;
}
