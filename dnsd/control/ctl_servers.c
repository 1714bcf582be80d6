#include "control/ctl_servers.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/columns.h"
#include "base/words.h"
#include "snapshot/report.h"
#include "snapshot/servers.h"
#include "state/map.h"

#define VIEWS_LINES 50

static long long seconds_since(int64_t then_ms)
{
	return (long long)(clock_ms() - then_ms) / 1000;
}

static void add_lines(struct columns *rows, const char *what,
	const struct servers_lines *lines)
{
	char age[WORDS_TEXT_MAX];

	for (unsigned i = 0; i < lines->n; i++) {
		const struct servers_line *line = &lines->line[i];
		columns_add(rows, "%s %s", what, line->key);
		if (line->at_ms)
			columns_add(rows, "%s (%s ago)", line->text,
				words_duration(
					age, seconds_since(line->at_ms)));
		else
			columns_add(rows, "%s", line->text);
	}
	if (lines->all > lines->n) {
		columns_add(rows, "%s", what);
		columns_add(rows, "%u more", lines->all - lines->n);
	}
}

static void add_peer(struct columns *rows, const struct servers_peer *peer)
{
	unsigned count[3] = {0};
	char heard[WORDS_TEXT_MAX + 32] = "not heard yet", age[WORDS_TEXT_MAX];

	for (unsigned i = 0; peer->view && i < peer->view->n; i++)
		count[peer->view->node[i].state]++;
	if (peer->heard_ms)
		snprintf(heard, sizeof heard, "%sheard %s ago",
			peer->fresh ? "" : "not counted, ",
			words_duration(age, seconds_since(peer->heard_ms)));
	columns_add(rows, "peer %s", peer->name);
	columns_add(rows, "%s, finds %u up, %u unknown, %u down%s", heard,
		count[VIEW_UP], count[VIEW_UNKNOWN], count[VIEW_DOWN],
		peer->view && peer->view->suspect
			? "; its own network is suspect"
			: "");
}

void ctl_servers(const struct servers *s, struct columns *rows)
{
	char since[WORDS_TEXT_MAX];

	words_duration(since, seconds_since(s->since_ms));
	columns_add(rows, "etcd");
	if (s->connected)
		columns_add(rows,
			"connected as %s for %s, revision %lld, the registry is %s, %u pending",
			s->name, since, (long long)s->revision, s->registry,
			s->pending.all);
	else
		columns_add(rows,
			"not connected as %s for %s: %s; the registry was %s, %u pending",
			s->name, since, s->why, s->registry, s->pending.all);
	add_lines(rows, "pending", &s->pending);
	add_lines(rows, "refused", &s->refused);
	add_lines(rows, "conflict", &s->conflicts);
	for (unsigned i = 0; i < s->n_peers; i++)
		add_peer(rows, &s->peer[i]);
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
