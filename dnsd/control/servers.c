#include "control/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/evidence.h"
#include "control/registered.h"
#include "control/state.h"
#include "control/views.h"
#include "etcd/etcd.h"
#include "snapshot/servers.h"

#define FORMAT "/1/" /* of keys and values, behind the prefix */
#define TIMEOUT_MS 2000
#define SILENCE_MS 10000 /* this server's own view comes more often */
#define REPORT_MS 1000

struct servers_link {
	struct control *control;
	struct etcd *etcd;
	char name[64], why[160];
	bool connected, news;
	int64_t since_ms, revision, reported_ms;
};

/* -- what comes from etcd -- */

/* Keys of the registry first, in their order. How many they are. */
static unsigned registry_items(
	const struct etcd_item *items, unsigned n, struct etcd_item *out)
{
	unsigned m = 0;
	for (unsigned i = 0; i < n; i++)
		if (registered_has(items[i].key))
			out[m++] = items[i];
	return m;
}

static void take_others(
	struct control *c, const struct etcd_item *items, unsigned n, bool live)
{
	for (unsigned i = 0; i < n; i++)
		if (!strncmp(items[i].key, "views/", 6))
			views_take(c, items[i].key + 6, items[i].value, live);
		else if (!strncmp(items[i].key, "learned/", 8))
			evidence_take(c, items[i].key + 8, items[i].value);
}

static void on_all(
	void *arg, int64_t revision, const struct etcd_item *items, unsigned n)
{
	struct servers_link *link = arg;
	struct control *c = link->control;
	struct etcd_item *own = mem_zero(n + 1, sizeof *own);
	unsigned m = registry_items(items, n, own);

	link->revision = revision;
	registered_all(c->registered, revision, own, m);
	free(own);
	views_forget(c->views);
	take_others(c, items, n, false);
	link->news = true;
}

static void on_changed(
	void *arg, int64_t revision, const struct etcd_item *items, unsigned n)
{
	struct servers_link *link = arg;
	struct control *c = link->control;
	struct etcd_item *own = mem_zero(n + 1, sizeof *own);
	unsigned m = registry_items(items, n, own);

	link->revision = revision;
	if (m)
		registered_changed(c->registered, own, m);
	free(own);
	take_others(c, items, n, true);
}

static void on_connected(void *arg, const char *why)
{
	struct servers_link *link = arg;
	link->connected = !why;
	link->since_ms = clock_ms();
	bool named = why && !strncmp(why, "etcd", 4);
	snprintf(link->why, sizeof link->why, "%s%s",
		why && !named ? "etcd is not reached: " : "", why ? why : "");
	if (why)
		log_warn("etcd: not connected: %s", why);
	else
		log_info("etcd: connected, revision %lld",
			(long long)link->revision);
	registered_connected(link->control->registered, why ? link->why : NULL);
	link->news = true;
}

/* -- what is shown -- */

static struct servers *make_report(const struct servers_link *link)
{
	const struct control *c = link->control;
	struct servers *s = mem_zero(1, sizeof *s);
	strcpy(s->name, link->name);
	strcpy(s->why, link->why);
	s->connected = link->connected;
	s->since_ms = link->since_ms;
	s->revision = link->revision;
	registered_report(c->registered, s);
	views_report(c->views, s);
	return s;
}

bool servers_news(struct servers_link *link, struct servers **report)
{
	int64_t now_ms = clock_ms();
	bool news = registered_news(link->control->registered) || link->news ||
		now_ms - link->reported_ms >= REPORT_MS;
	if (!news)
		return false;
	link->news = false;
	link->reported_ms = now_ms;
	*report = make_report(link);
	return true;
}

/* -- time, maps -- */

void servers_step(struct control *c)
{
	if (!c->link)
		return;
	registered_step(c->registered);
	views_step(c, c->link->etcd);
	evidence_step(c, c->link->etcd);
}

void servers_renumber(struct control *c)
{
	if (!c->link)
		return;
	registered_renumber(c->registered);
	views_renumber(c);
}

/* -- begin and end -- */

void servers_open(struct control *c)
{
	const struct conf *conf = c->built->conf;
	if (!conf->etcd.given)
		return;
	struct servers_link *link = mem_zero(1, sizeof *link);
	char prefix[CONF_PREFIX_MAX + sizeof FORMAT];
	snprintf(prefix, sizeof prefix, "%s" FORMAT, conf->etcd.prefix);
	struct etcd_options options = {.n_endpoints = conf->etcd.endpoints.n,
		.endpoint = conf->etcd.endpoints.text,
		.prefix = prefix,
		.ca = conf->etcd.ca,
		.cert = conf->etcd.cert,
		.key = conf->etcd.key,
		.timeout_ms = TIMEOUT_MS,
		.silence_ms = SILENCE_MS,
		.mailbox = c->mailbox,
		.events = {.arg = link,
			.all = on_all,
			.changed = on_changed,
			.connected = on_connected}};
	strncpy(link->name, conf->etcd.as, sizeof link->name - 1);
	link->control = c;
	link->since_ms = clock_ms();
	strcpy(link->why, "not connected yet");
	c->views = views_new(link->name);
	c->evidence = evidence_new(link->name);
	c->registered = registered_new(c, link->name);
	link->etcd = etcd_open(&options);
	registered_use(c->registered, link->etcd);
	c->link = link;
}

void servers_close(struct control *c)
{
	if (!c->link)
		return;
	etcd_close(c->link->etcd);
	registered_free(c->registered);
	views_free(c->views);
	evidence_free(c->evidence);
	free(c->link);
	c->link = NULL;
}
