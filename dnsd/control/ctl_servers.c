#include "control/ctl_servers.h"

#include "base/clock.h"
#include "snapshot/report.h"
#include "snapshot/servers.h"
#include "state/map.h"

#define VIEWS_LINES 50

static long long seconds_since(int64_t then_ms)
{
	return (long long)(clock_ms() - then_ms) / 1000;
}

static void add_lines(
	struct buf *out, const char *what, const struct servers_lines *lines)
{
	for (unsigned i = 0; i < lines->n; i++) {
		const struct servers_line *line = &lines->line[i];
		buf_printf(out, "%s %s: %s", what, line->key, line->text);
		if (line->at_ms)
			buf_printf(out, " (%lld s ago)",
				seconds_since(line->at_ms));
		buf_printf(out, "\n");
	}
	if (lines->all > lines->n)
		buf_printf(out, "%s: %u more\n", what, lines->all - lines->n);
}

static void add_peer(struct buf *out, const struct servers_peer *peer)
{
	unsigned count[3] = {0};
	for (unsigned i = 0; peer->view && i < peer->view->n; i++)
		count[peer->view->node[i].state]++;
	buf_printf(out, "peer %s: ", peer->name);
	if (!peer->heard_ms)
		buf_printf(out, "not heard yet");
	else
		buf_printf(out, "%sheard %.1f s ago",
			peer->fresh ? "" : "not counted, ",
			(double)(clock_ms() - peer->heard_ms) / 1000);
	buf_printf(out, ", finds %u up, %u unknown, %u down%s\n",
		count[VIEW_UP], count[VIEW_UNKNOWN], count[VIEW_DOWN],
		peer->view && peer->view->suspect
			? "; its own network is suspect"
			: "");
}

void ctl_servers(const struct servers *s, struct buf *out)
{
	if (s->connected)
		buf_printf(out,
			"etcd connected as %s for %lld s, revision %lld, the registry is %s, %u pending\n",
			s->name, seconds_since(s->since_ms),
			(long long)s->revision, s->registry, s->pending.all);
	else
		buf_printf(out,
			"etcd not connected as %s for %lld s: %s; the registry was %s, %u pending\n",
			s->name, seconds_since(s->since_ms), s->why,
			s->registry, s->pending.all);
	add_lines(out, "pending", &s->pending);
	add_lines(out, "refused", &s->refused);
	add_lines(out, "conflict", &s->conflicts);
	for (unsigned i = 0; i < s->n_peers; i++)
		add_peer(out, &s->peer[i]);
}

static bool is_doubted(const struct servers *s, unsigned node)
{
	for (unsigned i = 0; i < s->n_peers; i++) {
		const struct view_node *word = servers_word(&s->peer[i], node);
		if (word && word->state != VIEW_UP)
			return true;
	}
	return false;
}

static void add_views(struct buf *out, const struct servers *s, unsigned node)
{
	for (unsigned i = 0; i < s->n_peers; i++) {
		const struct servers_peer *peer = &s->peer[i];
		const struct view_node *word = servers_word(peer, node);
		if (!word)
			continue;
		const char *why = peer->view->reasons[word->reason];
		buf_printf(out, "; %s%s: %s", peer->name,
			peer->fresh ? "" : " (not counted)",
			view_states[word->state]);
		if (peer->heard_ms)
			buf_printf(out, " for %lld s",
				word->since_s + seconds_since(peer->heard_ms));
		if (*why)
			buf_printf(out, " (%s)", why);
	}
}

void ctl_views(const struct servers *s, const struct map *map,
	const struct report *report, struct buf *out)
{
	unsigned lines = 0;
	for (unsigned i = 0; i < report->n_nodes && lines < VIEWS_LINES; i++) {
		const struct report_node *node = &report->nodes[i];
		if (!node->name || i >= map->n_nodes ||
			(node->state == NODE_UP && !is_doubted(s, i)))
			continue;
		buf_printf(out, "views of %s: here: %s%s%s%s", node->name,
			node_states[node->state], *node->why ? " (" : "",
			node->why, *node->why ? ")" : "");
		add_views(out, s, i);
		buf_printf(out, "\n");
		lines++;
	}
}
