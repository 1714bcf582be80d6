/* private.h - what is kept of paths. Private to paths/. */
#ifndef PATHS_PRIVATE_H
#define PATHS_PRIVATE_H

#include "base/index.h"
#include "paths/paths.h"
#include "state/path.h"

/* What one network said last: of the round trip and of the loss, each when it was said
 * last, so that a report of one alone leaves the other as old as it is. */
struct voice {
	uint64_t net; /* 0: none */
	int64_t rtt_at_ms, loss_at_ms;
	float rtt_ms, loss; /* negative: nothing */
	float weight;
	bool counted; /* the loss, by the node's kernel */
};

/* Numbers of networks that no address has. */
#define VOICE_KEPT 1 /* all that were kept over a restart */
#define VOICE_SERVER UINT64_C(0xff00000000000000) /* ...: other name servers */

static inline bool voice_is_server(uint64_t net)
{
	return net >= VOICE_SERVER && net < VOICE_SERVER + PATHS_SERVERS;
}

static inline int64_t voice_at_ms(const struct voice *v)
{
	return v->rtt_at_ms > v->loss_at_ms ? v->rtt_at_ms : v->loss_at_ms;
}

/* An area and a node. */
struct entry {
	uint64_t area;
	struct place place; /* of its first report */
	uint16_t node;
	uint32_t base,
		of_as; /* parts of the model; of_as: NO_PART without AS */
	struct voice voice[PATHS_NETWORKS];
	float distance_ms;
	/* What the networks said at the last fit; weight 0: of no round trip,
	 * which is the model's then. */
	float rtt_ms, weight, loss, loss_weight;
	float published_ms;             /* NAN: not yet */
	int64_t at_ms, published_at_ms; /* of the last report; of that shown */
};
#define NO_PART UINT32_MAX

/* A part of the model: the mean of residuals, by weight. */
struct part {
	float sum, weight, value;
	float loss_sum, loss_weight; /* of an AS and a node */
};

struct parts {
	struct part *at;
	unsigned n, room;
};

struct paths {
	const struct map *map;
	struct vec *at; /* of nodes */
	unsigned n_nodes;
	struct index *entries, *areas, *as_nodes; /* numbers of keys */
	struct entry *entry;                      /* by number */
	unsigned n, room;
	struct parts base, node, of_as; /* by area, node, AS and node */
	float rate;                     /* of all ways */
};

/* paths.c: forgets entries without a report since then and those of nodes that are gone,
 * and numbers all anew. */
void paths_sweep(struct paths *paths, int64_t since_ms);

/* paths.c: the entry as it was without other name servers. */
struct entry paths_own_entry(const struct entry *entry, int64_t now_ms);

/* voices.c: the entry's rtt_ms and weight anew; its loss, with the weight of those that
 * said so. */
void paths_entry_rtt(struct entry *entry, int64_t now_ms);
float paths_entry_said_loss(
	const struct entry *entry, int64_t now_ms, float *weight);

/* model.c: what is believed of an entry since the last fit; what a loss costs; the loss
 * of an AS and a node. */
float paths_entry_rate(const struct paths *paths, const struct entry *entry);
float paths_entry_loss(const struct paths *paths, const struct entry *entry);
float paths_loss_ms(float loss);
float paths_as_loss(const struct part *part);

#endif
