#include "control/pending.h"

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
	struct pending *w = mem_zero(1, sizeof *w);
	w->list = mem_zero(
		1, sizeof *w->list + PENDING_MAX * sizeof(struct pending_node));
	return w;
}

void pending_free(struct pending *w)
{
	if (!w)
		return;
	free(w->list);
	free(w);
}

/* By both ids: SRS writes an id of its own where the operator gave none. */
static struct pending_node *find(
	const struct pending *w, const char *server, const char *device)
{
	for (unsigned i = 0; i < w->list->n; i++) {
		struct pending_node *s = &w->list->one[i];
		if (!strcmp(s->server, server) && !strcmp(s->device, device))
			return s;
	}
	return NULL;
}

static struct addr net_of(const struct addr *a)
{
	return addr_mask(a, a->family == 4 ? 24 : 48);
}

static bool net_is_full(const struct pending *w, const struct addr *from)
{
	struct addr net = net_of(from);
	unsigned n = 0;
	for (unsigned i = 0; i < w->list->n; i++) {
		struct addr other = net_of(&w->list->one[i].from);
		n += addr_equal(&net, &other);
	}
	return n >= PENDING_PER_NET;
}

static void drop(struct pending *w, unsigned i)
{
	w->list->one[i] = w->list->one[--w->list->n];
	w->changed = true;
}

static void drop_silent(struct pending *w, int64_t now_ms)
{
	for (unsigned i = w->list->n; i-- > 0;)
		if (now_ms - w->list->one[i].last_ms > SILENT_MS)
			drop(w, i);
}

static struct pending_node *add(struct pending *w, const char *server,
	const char *device, const struct addr *from, int64_t now_ms)
{
	drop_silent(w, now_ms);
	if (w->list->n == PENDING_MAX || net_is_full(w, from))
		return NULL;
	struct pending_node *s = &w->list->one[w->list->n++];
	*s = (struct pending_node){.first_ms = now_ms};
	strncpy(s->server, server, sizeof s->server - 1);
	strncpy(s->device, device, sizeof s->device - 1);
	/* "vid-..." is what SRS names itself. */
	bool given = *server && (strncmp(server, "vid-", 4) || !*device);
	strncpy(s->name, given ? server : device, sizeof s->name - 1);
	return s;
}

void pending_reported(struct pending *w, const char *server, const char *device,
	const struct addr *from, float connections, int64_t now_ms)
{
	struct pending_node *s = find(w, server, device);
	if (!s)
		s = add(w, server, device, from, now_ms);
	if (!s)
		return;
	s->from = *from;
	s->connections = connections;
	s->last_ms = now_ms;
	w->changed = true;
}

static bool is_called(const struct pending_node *s, const char *name)
{
	return !strcmp(s->name, name) || !strcmp(s->server, name) ||
		!strcmp(s->device, name);
}

bool pending_address(
	const struct pending *w, const char *name, char out[ADDR_TEXT_MAX])
{
	for (unsigned i = 0; i < w->list->n; i++)
		if (is_called(&w->list->one[i], name)) {
			addr_text(&w->list->one[i].from, out);
			return true;
		}
	return false;
}

void pending_enrolled(struct pending *w, const char *name)
{
	for (unsigned i = w->list->n; i-- > 0;)
		if (is_called(&w->list->one[i], name))
			drop(w, i);
}

bool pending_changed(struct pending *w, int64_t now_ms)
{
	if (now_ms - w->shown_ms < SHOWN_MS)
		return false;
	drop_silent(w, now_ms);
	if (!w->changed)
		return false;
	w->changed = false;
	w->shown_ms = now_ms;
	return true;
}

struct pending_list *pending_copy(struct pending *w)
{
	size_t size =
		sizeof *w->list + w->list->n * sizeof(struct pending_node);
	return memcpy(mem_alloc(size), w->list, size);
}
