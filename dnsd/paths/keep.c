/* What is known of paths as octets, for the store: a version, then areas, all of a size,
 * in this machine's order of octets. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "paths/private.h"

#define KEPT_VERSION 1
#define KEPT_AGE_MOST_MS 2592000000 /* 30 days */
#define KEPT_WEIGHT_MOST 1000.0f    /* what is kept is less */

struct kept_path {
	float lat, lon;
	uint32_t asn;
	char country[2];
	uint8_t source, unused;
	float rtt_ms, weight, loss;
	uint32_t age_s;
};

static bool is_kept(const struct entry *e, unsigned from, unsigned to)
{
	return e->node >= from && e->node < to && e->weight > 0;
}

static struct kept_path kept_of(const struct entry *e, int64_t now_ms)
{
	struct kept_path k = {.lat = e->place.lat,
		.lon = e->place.lon,
		.asn = e->place.asn,
		.source = e->place.source,
		.rtt_ms = e->rtt_ms,
		.weight = e->weight,
		.loss = e->loss_weight > 0 ? e->loss : -1,
		.age_s = (uint32_t)((now_ms - e->at_ms) / 1000)};
	memcpy(k.country, e->place.country, sizeof k.country);
	return k;
}

void paths_keep(const struct paths *p, unsigned from, unsigned to,
	int64_t now_ms, struct paths_kept *kept)
{
	assert(from <= to);
	memset(kept, 0, (to - from) * sizeof *kept);
	for (unsigned i = 0; i < p->n; i++)
		if (is_kept(&p->entry[i], from, to))
			kept[p->entry[i].node - from].len +=
				sizeof(struct kept_path);
	for (unsigned i = 0; i < to - from; i++) {
		if (!kept[i].len)
			continue;
		kept[i].body = mem_alloc(1 + kept[i].len);
		kept[i].body[0] = KEPT_VERSION;
		kept[i].len = 1;
	}
	for (unsigned i = 0; i < p->n; i++) {
		if (!is_kept(&p->entry[i], from, to))
			continue;
		struct entry own = paths_own_entry(&p->entry[i], now_ms);
		if (own.weight <= 0)
			continue;
		struct kept_path k = kept_of(&own, now_ms);
		struct paths_kept *to_node = &kept[own.node - from];
		memcpy(to_node->body + to_node->len, &k, sizeof k);
		to_node->len += sizeof k;
	}
}

static bool kept_is_sane(const struct kept_path *k)
{
	return k->lat >= -90 && k->lat <= 90 && k->lon >= -180 &&
		k->lon <= 180 && k->source <= PLACE_NETS &&
		k->source != PLACE_UNKNOWN && k->rtt_ms > 0 &&
		k->rtt_ms <= PATH_RTT_MOST_MS && k->weight > 0 &&
		k->weight < KEPT_WEIGHT_MOST && k->loss >= -1 && k->loss <= 1;
}

bool paths_restore(struct paths *p, unsigned node, const uint8_t *kept,
	size_t len, int64_t ago_ms, int64_t now_ms)
{
	if (len < 1 || kept[0] != KEPT_VERSION ||
		(len - 1) % sizeof(struct kept_path))
		return false;
	if (ago_ms < 0) /* the clock was set back */
		ago_ms = 0;
	for (size_t at = 1; at < len; at += sizeof(struct kept_path)) {
		struct kept_path k;
		memcpy(&k, kept + at, sizeof k);
		int64_t age_ms = ago_ms + (int64_t)k.age_s * 1000;
		if (!kept_is_sane(&k))
			return false;
		if (age_ms > KEPT_AGE_MOST_MS)
			continue;
		struct path_report r = {.net = VOICE_KEPT,
			.place = {.lat = k.lat,
				.lon = k.lon,
				.asn = k.asn,
				.country = {k.country[0], k.country[1]},
				.source = k.source},
			.node = node,
			.rtt_ms = k.rtt_ms,
			.loss = k.loss,
			.viewers = (unsigned)fmaxf(1, k.weight * k.weight),
			.by = PATH_BY_NODE};
		paths_report(p, &r, now_ms - age_ms);
	}
	return true;
}
