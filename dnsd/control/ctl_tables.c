#include "control/ctl_tables.h"

#include <time.h>

#include "base/clock.h"
#include "base/columns.h"
#include "base/words.h"
#include "control/ctl_servers.h"
#include "control/publish.h"
#include "control/state.h"
#include "fleet/fleet.h"
#include "snapshot/report.h"
#include "transfer/secondary_status.h"
#include "zones/zoneset.h"

/* -- status: a subject and what is to be said of it -- */

static void add_zones(const struct built *built, struct columns *t)
{
	char name[NAME_TEXT_MAX];
	for (unsigned i = 0; i < zoneset_count(built->zoneset); i++) {
		const struct zone *zone = zoneset_at(built->zoneset, i);
		columns_add(t, "zone %s", name_text(&zone->apex, name));
		columns_add(t, "serial %u, %u records", zone->serial,
			zone->records);
	}
}

/* Of each zone that is signed. */
static void add_signing(const struct report_signing *signing, struct columns *t)
{
	int64_t now_s = clock_wall_ms() / 1000;
	char text[WORDS_TEXT_MAX];

	for (unsigned i = 0; signing && i < signing->n; i++) {
		const struct report_signed *zone = &signing->zone[i];
		int64_t left_s = zone->expires_s - now_s;
		columns_add(t, "signing of %s", zone->name);
		if (!zone->expires_s || left_s <= 0)
			columns_add(t, "%s",
				zone->expires_s ? "signatures have EXPIRED"
						: "begins");
		else
			columns_add(t, "signatures %s in %s%s",
				zone->late ? "are LATE: they expire" : "expire",
				words_duration(text, left_s),
				zone->to_do ? ", renewing" : "");
		if (zone->keys_error) {
			columns_add(t, "keys of %s", zone->name);
			columns_add(t, "cannot be read: %s", zone->keys_error);
		}
	}
}

static void add_reload(const struct report *r, struct columns *t)
{
	time_t at = (time_t)(r->reload_wall_ms / 1000);
	struct tm tm;
	char text[32], age[WORDS_TEXT_MAX];

	if (!r->reload_wall_ms)
		return;
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	columns_add(t, "last reload");
	columns_add(t, "%s, %s ago: %s", text,
		words_duration(
			age, (clock_wall_ms() - r->reload_wall_ms) / 1000),
		*r->reload_error ? r->reload_error : "ok");
}

static void add_limits(
	const struct conf *conf, const struct report *r, struct columns *t)
{
	if (!conf->rrl.rate)
		return;
	columns_add(t, "rate limit");
	columns_add(t,
		"%d answers/s to a network; beyond it %llu had TC, %llu were not sent",
		conf->rrl.rate, (unsigned long long)r->counters.rrl_truncated,
		(unsigned long long)r->counters.rrl_dropped);
}

static void add_xdp(const struct report *r, struct columns *t)
{
	for (unsigned i = 0; i < r->n_xdp; i++) {
		const struct report_xdp *x = &r->xdp[i];
		columns_add(t, "xdp %s", x->name);
		if (*x->why) {
			columns_add(
				t, "%s, sockets answer: %s", x->mode, x->why);
			continue;
		}
		columns_add(t,
			"%s, %u queues; %llu received, %llu answered; dropped: %llu bad checksum, %llu malformed, %llu no room",
			x->mode, x->queues, (unsigned long long)x->received,
			(unsigned long long)x->answered,
			(unsigned long long)x->bad_checksum,
			(unsigned long long)x->malformed,
			(unsigned long long)x->no_room);
	}
}

/* If some zone may be had by others. */
static void add_transfers(const struct control *c, struct columns *t)
{
	const struct conf *conf = c->built->conf;
	const struct report *r = c->publisher->report;
	bool any = false;

	for (unsigned i = 0; i < conf->n_zones; i++)
		any |= conf->zones[i].transfer.n_to ||
			conf->zones[i].transfer.n_notify;
	if (!any)
		return;
	columns_add(t, "transfers");
	columns_add(t,
		"%u running, %llu done, %llu refused, %llu failed; notified %llu, no answer from %llu",
		r->transfers_running, (unsigned long long)r->transfers_done,
		(unsigned long long)r->transfers_refused,
		(unsigned long long)r->transfers_failed,
		(unsigned long long)r->notifies_answered,
		(unsigned long long)r->notifies_unanswered);
}

/* "serial 7, current 12 s ago, expires in 7 d; asked again in 48 min" */
static void add_secondary(const struct secondary_status *z, struct columns *t)
{
	char age[WORDS_TEXT_MAX], left[WORDS_TEXT_MAX], next[WORDS_TEXT_MAX];
	int64_t now_s = clock_wall_ms() / 1000;

	columns_add(t, "secondary %s", z->zone);
	if (z->here)
		columns_add(t,
			"from %s: serial %u, current %s ago, expires in %s; asked again in %s%s%s",
			z->primary, z->serial,
			words_duration(age, now_s - z->current_s),
			words_duration(left, z->until_s - now_s),
			words_duration(next, z->next_s - now_s),
			*z->why ? "; " : "", z->why);
	else
		columns_add(t,
			"not answered from (SERVFAIL), %s; asked again in %s%s%s",
			z->current_s ? "it has expired" : "it has not come yet",
			words_duration(next, z->next_s - now_s),
			*z->why ? "; " : "", z->why);
}

void ctl_table_status(const struct control *c, struct buf *out)
{
	const struct report *r = c->publisher->report;
	char uptime[WORDS_TEXT_MAX];
	struct columns t;

	columns_begin(&t, "ll");
	columns_add(&t, "version");
	columns_add(&t, DNSD_VERSION);
	columns_add(&t, "running");
	columns_add(&t, "for %s",
		words_duration(uptime, (clock_ms() - c->start_ms) / 1000));
	columns_add(&t, "published");
	columns_add(&t, "generation %llu", (unsigned long long)r->generation);
	add_zones(c->built, &t);
	add_signing(r->signing, &t);
	columns_add(&t, "geography");
	columns_add(&t, "%u places, %zu KiB", geo_places(c->built->geo),
		geo_size(c->built->geo) / 1024);
	add_limits(c->built->conf, r, &t);
	add_xdp(r, &t);
	if (fleet_is_blind(c->fleet)) {
		columns_add(&t, "network");
		columns_add(&t,
			"suspect: most nodes time out, the last good states are held");
	}
	add_transfers(c, &t);
	for (unsigned i = 0; i < r->n_secondaries; i++)
		add_secondary(&r->secondaries[i], &t);
	if (c->publisher->servers)
		ctl_servers(c->publisher->servers, &t);
	add_reload(r, &t);
	columns_end(&t, out);
}

/* -- nodes -- */

/* Why it is as it is, and what else an operator should know. */
static void add_why(const struct report_node *node, struct columns *t)
{
	struct buf why = {0};
	buf_printf(&why, "%s", node->why);
	if (node->streams_left_out)
		buf_printf(&why, "%s%u unreadable streams left out",
			why.len ? "; " : "", node->streams_left_out);
	if (node->contradicted > 0)
		buf_printf(&why,
			"%sheartbeats ignored: one reported %.0f connections",
			why.len ? "; " : "", node->contradicted);
	columns_add(t, "%s", why.len ? why.text : "");
	buf_fini(&why);
}

static void add_node(const struct report_node *node, struct columns *t)
{
	char text[WORDS_TEXT_MAX];

	columns_add(t, "%s", node->name);
	columns_add(t, "%s", node->role);
	columns_add(t, "%s", node_states[node->state]);
	columns_add(t, "%.0f %%", node->utilisation * 100);
	columns_add(t, "%.0f of %.0f", node->connections, node->capacity);
	columns_add(t, "%s", words_rate(text, node->bandwidth_bps));
	columns_add(t, "%.0f %%", node->cpu * 100);
	if (node->sample_age_ms < 0)
		columns_add(t, "none yet");
	else
		columns_add(t, "%s ago",
			words_duration(text, node->sample_age_ms / 1000));
	columns_add(t, "%llu", (unsigned long long)node->answers);
	add_why(node, t);
}

void ctl_table_nodes(const struct control *c, struct buf *out)
{
	static const char *const heads[] = {"node", "role", "state", "load",
		"connections", "sends", "cpu", "sample", "answers", "why"};
	const struct report *r = c->publisher->report;
	struct columns t;

	columns_begin(&t, "lllrrrrrrl");
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		columns_add(&t, "%s", heads[i]);
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (r->nodes[i].name)
			add_node(&r->nodes[i], &t);
	columns_end(&t, out);
}
