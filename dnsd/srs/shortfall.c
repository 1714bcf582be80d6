#include "srs/shortfall.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define PLAYERS_LEAST 4
#define SHARE_LEAST 0.25f
#define SHARE_FULL 0.9f
#define SHARE_MORE 1.1f
#define LOSS_OF_SHARE 0.25f
#define LOSS_MOST 0.1f

/* A player whose stream's bits are known. */
struct viewer {
	struct addr net;
	float share;
};

static int addr_order(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof *a);
}

/* -- streams -- */

/* By stream, its publisher first, then by bits. */
static int client_order(const void *a, const void *b)
{
	const struct srs_client *x = a, *y = b;
	if (x->stream != y->stream)
		return x->stream < y->stream ? -1 : 1;
	if (x->publishes != y->publishes)
		return x->publishes ? -1 : 1;
	return (x->kbps > y->kbps) - (x->kbps < y->kbps);
}

/* Of the clients of one stream, in order; 0: not known. */
static float stream_kbps(const struct srs_client *client, unsigned n)
{
	if (client->publishes)
		return client->kbps;
	return n >= PLAYERS_LEAST ? client[n / 2].kbps : 0;
}

/* Whether players get more than there should be: it was another rate when they were
 * counted. */
static bool is_unsteady(const struct srs_client *client, unsigned n, float kbps)
{
	unsigned more = 0, players = n - client->publishes;
	for (unsigned i = client->publishes; i < n; i++)
		more += client[i].kbps > SHARE_MORE * kbps;
	return more && 4 * more >= players;
}

static bool is_loopback(const struct addr *a)
{
	static const struct addr six = {.family = 6, .bytes[15] = 1};
	return a->family == 4 ? a->bytes[0] == 127 : addr_equal(a, &six);
}

/* The players of one stream that count; how many. */
static unsigned stream_viewers(
	const struct srs_client *client, unsigned n, struct viewer *viewers)
{
	float kbps = stream_kbps(client, n);
	unsigned found = 0;
	if (kbps <= 0 || is_unsteady(client, n, kbps))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		float share = client[i].kbps / kbps;
		const struct addr *addr = &client[i].addr;
		if (client[i].publishes || share < SHARE_LEAST ||
			is_loopback(addr))
			continue;
		viewers[found++] = (struct viewer){
			addr_mask(addr,
				addr->family == 4 ? SHORTFALL_V4
						  : SHORTFALL_V6),
			share};
	}
	return found;
}

static unsigned list_viewers(struct client_list *list, struct viewer *viewers)
{
	struct srs_client *client = list->client;
	unsigned found = 0;
	qsort(client, list->n, sizeof *client, client_order);
	for (unsigned i = 0, next; i < list->n; i = next) {
		for (next = i + 1; next < list->n &&
			client[next].stream == client[i].stream;)
			next++;
		found += stream_viewers(&client[i], next - i, viewers + found);
	}
	return found;
}

/* -- networks -- */

static int viewer_order(const void *a, const void *b)
{
	const struct viewer *x = a, *y = b;
	int order = addr_order(&x->net, &y->net);
	return order ? order : (x->share > y->share) - (x->share < y->share);
}

static unsigned join_nets(
	struct viewer *viewers, unsigned n, struct shortfall_net *nets)
{
	unsigned found = 0;
	qsort(viewers, n, sizeof *viewers, viewer_order);
	for (unsigned i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n &&
			!addr_order(&viewers[next].net, &viewers[i].net);)
			next++;
		float missing = SHARE_FULL - viewers[(i + next) / 2].share;
		nets[found++] = (struct shortfall_net){viewers[i].net,
			fminf(LOSS_MOST, LOSS_OF_SHARE * fmaxf(0, missing)),
			next - i};
	}
	return found;
}

static int past_order(const void *a, const void *b)
{
	return addr_order(a, b);
}

/* Leaves out those that are short for the first time; past is this round then. */
static unsigned confirm(
	struct shortfall_net *nets, unsigned n, struct shortfall_past *past)
{
	struct shortfall_past now = {.net = mem_zero(n, sizeof *now.net)};
	unsigned kept = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct shortfall_net net = nets[i];
		if (net.loss > 0)
			now.net[now.n++] = net.net;
		if (net.loss <= 0 ||
			(past->n &&
				bsearch(&net.net, past->net, past->n,
					sizeof net.net, past_order)))
			nets[kept++] = net;
	}
	shortfall_forget(past);
	*past = now;
	return kept;
}

unsigned shortfall_judge(struct client_list *list, struct shortfall_past *past,
	struct shortfall_net *nets)
{
	struct viewer *viewers = mem_zero(list->n, sizeof *viewers);
	unsigned n = list_viewers(list, viewers), is_short = 0;
	for (unsigned i = 0; i < n; i++)
		is_short += viewers[i].share < SHARE_FULL;
	unsigned found = 0;
	if (2 * is_short >= n)
		shortfall_forget(past);
	else
		found = confirm(nets, join_nets(viewers, n, nets), past);
	free(viewers);
	return found;
}

void shortfall_forget(struct shortfall_past *past)
{
	free(past->net);
	*past = (struct shortfall_past){0};
}
