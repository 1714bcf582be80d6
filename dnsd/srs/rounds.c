/* Rounds over a node's clients, page by page. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "srs/ask.h"

#define CLIENTS_PATH "/api/v1/clients/"

bool rounds_due(struct asked *node)
{
	struct poller *p = node->poller;
	if (!p->clients_ms)
		return false;
	if (node->clients) /* the next page */
		return true;
	int64_t now_ms = clock_ms();
	if (!node->clients_ms)
		node->clients_ms =
			now_ms + (int64_t)(p->clients_ms * rng_unit(&p->rng));
	if (now_ms < node->clients_ms)
		return false;
	node->clients_ms = now_ms + p->clients_ms;
	node->clients = mem_zero(1, sizeof *node->clients);
	return true;
}

size_t rounds_url(const struct asked *node, char *to, size_t room)
{
	size_t n = strlen(node->url), path = strlen(SUMMARIES_PATH);
	if (n >= path && !strcmp(node->url + n - path, SUMMARIES_PATH))
		n -= path;
	return (size_t)snprintf(to, room, "%.*s%s?start=%u&count=%d", (int)n,
		node->url, CLIENTS_PATH, node->clients->listed, CLIENTS_PAGE);
}

void rounds_drop(struct asked *node)
{
	free(node->clients);
	node->clients = NULL;
}

/* Gives the round to the callback. */
static void rounds_end(struct ask *ask, bool ok, const char *why)
{
	struct asked *node = ask->node;
	struct poll_events *events = &node->poller->events;
	struct client_list *list = node->clients;
	node->clients = NULL;
	if (ok)
		ask_ended(ask, true);
	events->clients(events->arg, node->node, ok ? list : NULL, why);
	free(list);
}

void rounds_page(struct ask *ask, const char *body, size_t len)
{
	struct client_list *list = ask->node->clients;
	struct err err = {0};
	unsigned page = 0;
	if (!clients_parse(body, len, list, &page, &err))
		transfer_failed(ask, SAMPLE_UNREADABLE, err_text(&err));
	else if (page == CLIENTS_PAGE && list->listed < CLIENTS_MAX)
		poll_timer_add(ask->again, 0);
	else
		rounds_end(ask, true, "");
	err_fini(&err);
}

void rounds_failed(struct ask *ask, const char *why)
{
	rounds_end(ask, false, why);
}
