/* The other name servers, and what they believe of the nodes. */
#include "http/servers.h"

#include <string.h>

#include "base/clock.h"
#include "snapshot/servers.h"

static double age_s(int64_t then_ms, int64_t now_ms)
{
	return (double)(now_ms - then_ms) / 1000;
}

static json_t *lines_json(const struct servers_lines *lines, int64_t now_ms)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < lines->n; i++) {
		const struct servers_line *line = &lines->line[i];
		json_t *one = json_pack(
			"{s:s, s:s}", "key", line->key, "text", line->text);
		if (line->at_ms)
			json_object_set_new(one, "age_s",
				json_real(age_s(line->at_ms, now_ms)));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *peer_json(const struct servers_peer *peer, int64_t now_ms)
{
	unsigned count[3] = {0};
	json_t *json = json_pack("{s:s, s:b, s:o}", "name", peer->name, "fresh",
		peer->fresh, "age_s",
		peer->heard_ms ? json_real(age_s(peer->heard_ms, now_ms))
			       : json_null());
	for (unsigned i = 0; peer->view && i < peer->view->n; i++)
		count[peer->view->node[i].state]++;
	for (unsigned i = 0; i < 3; i++)
		json_object_set_new(
			json, view_states[i], json_integer(count[i]));
	json_object_set_new(json, "network_suspect",
		json_boolean(peer->view && peer->view->suspect));
	return json;
}

json_t *servers_json(const struct servers *s)
{
	int64_t now_ms = clock_ms();
	json_t *peers = json_array();
	for (unsigned i = 0; i < s->n_peers; i++)
		json_array_append_new(peers, peer_json(&s->peer[i], now_ms));
	return json_pack(
		"{s:s, s:b, s:f, s:s, s:I, s:s, s:b, s:i, s:o, s:o, s:o, s:o}",
		"as", s->name, "connected", s->connected, "since_s",
		age_s(s->since_ms, now_ms), "why", s->why, "revision",
		(json_int_t)s->revision, "registry", s->registry, "in_force",
		s->in_force, "pending_count", (int)s->pending.all, "pending",
		lines_json(&s->pending, now_ms), "refused",
		lines_json(&s->refused, now_ms), "conflicts",
		lines_json(&s->conflicts, now_ms), "peers", peers);
}

json_t *servers_views_json(const struct servers *s, unsigned node)
{
	int64_t now_ms = clock_ms();
	json_t *list = json_array();
	for (unsigned i = 0; i < s->n_peers; i++) {
		const struct servers_peer *peer = &s->peer[i];
		const struct view_node *word = servers_word(peer, node);
		if (!word)
			continue;
		int64_t heard_ms = peer->heard_ms ? now_ms - peer->heard_ms : 0;
		json_array_append_new(list,
			json_pack("{s:s, s:b, s:s, s:s, s:I, s:I, s:f}",
				"server", peer->name, "fresh", peer->fresh,
				"state", view_states[word->state], "why",
				peer->view->reasons[word->reason], "since_s",
				(json_int_t)(word->since_s + heard_ms / 1000),
				"sample_age_ms",
				(json_int_t)(word->sample_age_ms < 0
						? -1
						: word->sample_age_ms +
							heard_ms),
				"rtt_ms", (double)word->rtt_ms));
	}
	return list;
}
