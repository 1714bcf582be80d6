#include "control/pending.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define SILENT_MS 600000
#define SHOWN_MS 1000 /* news are shown after so long */

struct pending {
	struct pending_list *list; /* room for PENDING_MAX */
	bool changed;
	int64_t shown_ms;
};

struct pending *pending_new(void)
{
	struct pending *p = mem_zero(1, sizeof *p);
	p->list = mem_zero(
		1, sizeof *p->list + PENDING_MAX * sizeof(struct pending_node));
	return p;
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	free(p->list);
	free(p);
}

/* By both ids: SRS writes an id of its own where the operator gave none. */
static struct pending_node *pending_find(
	const struct pending *p, const char *server, const char *device)
{
	for (unsigned i = 0; i < p->list->n; i++) {
		struct pending_node *s = &p->list->one[i];
		if (!strcmp(s->server, server) && !strcmp(s->device, device))
			return s;
	}
	return NULL;
}

static struct addr pending_net_of(const struct addr *a)
{
	return addr_mask(a, a->family == 4 ? 24 : 48);
}

static bool net_is_full(const struct pending *p, const struct addr *from)
{
	struct addr net = pending_net_of(from);
	unsigned n = 0;
	for (unsigned i = 0; i < p->list->n; i++) {
		struct addr other = pending_net_of(&p->list->one[i].from);
		n += addr_equal(&net, &other);
	}
	return n >= PENDING_PER_NET;
}

static void drop(struct pending *p, unsigned i)
{
	p->list->one[i] = p->list->one[--p->list->n];
	p->changed = true;
}

static void drop_silent(struct pending *p, int64_t now_ms)
{
	for (unsigned i = p->list->n; i-- > 0;)
		if (now_ms - p->list->one[i].last_ms > SILENT_MS)
			drop(p, i);
}

static struct pending_node *pending_add(
	struct pending *p, const struct pending_node *report, int64_t now_ms)
{
	const char *server = report->server, *device = report->device;

	drop_silent(p, now_ms);
	if (p->list->n == PENDING_MAX || net_is_full(p, &report->from))
		return NULL;
	struct pending_node *s = &p->list->one[p->list->n++];
	*s = *report;
	s->first_ms = now_ms;
	/* "vid-..." is what SRS names itself. */
	bool given = *server && (strncmp(server, "vid-", 4) || !*device);
	strcpy(s->name, given ? server : device);
	return s;
}

void pending_report(
	struct pending *p, const struct pending_node *report, int64_t now_ms)
{
	struct pending_node *s =
		pending_find(p, report->server, report->device);
	if (!s)
		s = pending_add(p, report, now_ms);
	if (!s)
		return;
	s->from = report->from;
	s->connections = report->connections;
	s->last_ms = now_ms;
	p->changed = true;
}

static bool is_called(const struct pending_node *s, const char *name)
{
	return !strcmp(s->name, name) || !strcmp(s->server, name) ||
		!strcmp(s->device, name);
}

bool pending_address(
	const struct pending *p, const char *name, char out[ADDR_TEXT_MAX])
{
	for (unsigned i = 0; i < p->list->n; i++)
		if (is_called(&p->list->one[i], name)) {
			addr_text(&p->list->one[i].from, out);
			return true;
		}
	return false;
}

void pending_enrolled(struct pending *p, const char *name)
{
	for (unsigned i = p->list->n; i-- > 0;)
		if (is_called(&p->list->one[i], name))
			drop(p, i);
}

bool pending_changed(struct pending *p, int64_t now_ms)
{
	if (now_ms - p->shown_ms < SHOWN_MS)
		return false;
	drop_silent(p, now_ms);
	if (!p->changed)
		return false;
	p->changed = false;
	p->shown_ms = now_ms;
	return true;
}

struct pending_list *pending_copy(struct pending *p)
{
	size_t size =
		sizeof *p->list + p->list->n * sizeof(struct pending_node);
	return memcpy(mem_alloc(size), p->list, size);
}
