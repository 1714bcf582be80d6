#include "replay/setting.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "fleet/fleet.h"
#include "replay/recorder.h"
#include "state/map.h"

/* Any text as part of a word. */
static void add_word(struct buf *out, const char *key, const char *text)
{
	if (!*text)
		return;
	buf_printf(out, " %s=", key);
	for (; *text; text++)
		buf_add(out,
			(unsigned char)*text > ' ' && *text != ',' ? text : "_",
			1);
}

/* The names whose pool it is in. */
static void add_pools(
	struct buf *out, const struct conf *conf, unsigned conf_index)
{
	const char *before = " for=";
	for (unsigned i = 0; i < conf->n_steer; i++) {
		const struct conf_steer *s = &conf->steer[i];
		for (unsigned k = 0; k < s->n_nodes; k++)
			if (s->node[k] == conf_index) {
				buf_printf(out, "%s%s", before, s->name);
				before = ",";
				break;
			}
	}
	if (*before == ' ')
		buf_printf(out, " for=-");
}

static void add_carriers(struct buf *out, const struct map_node *node)
{
	for (unsigned i = 0; i < node->n_asn; i++)
		buf_printf(out, "%s%u", i ? "," : " asn=", node->asn[i]);
}

static char *node_words(const struct record_world *w, unsigned conf_index)
{
	const struct conf *conf = w->conf;
	const struct conf_node *from = &conf->nodes[conf_index];
	unsigned index = w->map->of_conf[conf_index];
	const struct map_node *node = &w->map->nodes[index];
	const struct fleet_node *fleet = fleet_node(w->fleet, index);
	char address[ADDR_TEXT_MAX];
	struct buf out = {0};

	if (node->placed)
		buf_printf(&out, "%.4f %.4f", (double)node->lat,
			(double)node->lon);
	else
		buf_printf(&out, "- -");
	buf_printf(&out, " cap_conns=%.0f cap_kbps=%.0f ip=%s", from->capacity,
		from->bandwidth_bps / 1000,
		addr_text(&from->address[0], address));
	buf_printf(&out, " overcommit=%g", from->overcommit);
	add_word(&out, "domain", from->site);
	add_word(&out, "provider", from->provider);
	add_carriers(&out, node);
	if (from->bias_ms != 0)
		buf_printf(&out, " bias=%g", from->bias_ms);
	add_pools(&out, conf, conf_index);
	buf_printf(&out, " role=%s polled=%d probed=%d", conf_roles[from->role],
		fleet->polled,
		from->rtmp || from->flv || from->srt || from->whep);
	return out.text;
}

/* As the fleet knows it, for it may have been known for long. */
static void fill_node(const struct record_world *w, unsigned conf_index,
	struct trace_node *to)
{
	unsigned index = w->map->of_conf[conf_index];
	const struct fleet_node *from = fleet_node(w->fleet, index);

	*to = (struct trace_node){.words = node_words(w, conf_index),
		.drained = from->drained,
		.fails = from->health.fails,
		.failure = from->health.failure,
		.load = {.known = from->have_load && from->sampled_at_ms,
			.sampled_ms = from->sampled_at_ms,
			.stamp_ms = from->stamp_ms,
			.bytes = from->bytes,
			.identity = from->identity,
			.connections = (double)from->connections,
			.kbps = (double)from->bandwidth_bps / 1000,
			.cpu = (double)from->cpu}};
	memcpy(to->probe_fails, from->health.probe_fails,
		sizeof to->probe_fails);
	strncpy(to->name, w->map->nodes[index].name, sizeof to->name - 1);
}

static char *hello(const struct record_world *w)
{
	const struct conf *conf = w->conf;
	struct buf out = {0};
	buf_printf(&out,
		"dnsd/" DNSD_VERSION
		" ns=0/%u seed=1 poll_ms=%.0f timeout_ms=%.0f fall=%d rise=%d session=%g",
		w->map->servers, conf->health.interval_s * 1000,
		conf->health.timeout_s * 1000, conf->health.fall,
		conf->health.rise, conf->session_s);
	return out.text;
}

void setting_renew(struct record *record, const struct record_world *w,
	int64_t now_ms, int64_t wall_ms)
{
	const struct conf *conf = w->conf;
	struct record_setting setting = {.n = w->map->n_nodes};

	if (!w->on && !record_is_on(record))
		return;
	setting.nodes = mem_zero(setting.n, sizeof *setting.nodes);
	for (unsigned i = 0; i < conf->n_nodes; i++)
		fill_node(w, i, &setting.nodes[w->map->of_conf[i]]);
	if (w->on) {
		setting.path = mem_strdup(conf->record.file);
		setting.hello = hello(w);
		setting.size = (uint64_t)conf->record.size;
		setting.wall_ms = wall_ms - now_ms;
		record_start(record);
	}
	record_set(record, &setting, now_ms);
}
