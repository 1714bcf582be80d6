#include "answer/walk.h"

#include "wire/rr.h"
#include "zones/rdata.h"

/* Targets of one set that are considered for additional addresses. */
#define TARGETS_MAX 32

/* -- additional section -- */

static bool node_below(const struct zone *zone, const struct zone_node *node,
	const struct zone_node *top)
{
	while (node != top && node->parent)
		node = zone_node(zone, node->parent);
	return node == top;
}

/* A and AAAA of one target. must: what does not fit makes the reply full;
 * else a set that does not fit is left out whole. */
static void lookup_add_addresses(
	struct walk *w, const struct zone_node *node, uint16_t owner, bool must)
{
	static const uint16_t types[] = {RR_A, RR_AAAA};
	for (unsigned i = 0; i < 2; i++) {
		const struct zone_rrset *set = zone_rrset(node, types[i]);
		if (!set)
			continue;
		struct reply_point point = reply_save(w->r);
		walk_write_set(w, set, owner, TTL_MAX);
		if (!must)
			walk_sign_set(w, node, set, owner, TTL_MAX);
		if (w->r->full && !must)
			reply_restore(w->r, point);
	}
}

static bool seen(const uint32_t *targets, unsigned i)
{
	for (unsigned j = 0; j < i; j++)
		if (targets[j] == targets[i])
			return true;
	return false;
}

/* Addresses of the targets of a set that stands at message offset `base`.
 * For a referral, cut is the delegation: glue in its domain must fit (RFC 9471
 * 3.1) and goes first. */
static void add_targets(struct walk *w, const struct zone_rrset *set,
	uint32_t base, const struct zone_node *cut, bool must)
{
	const uint32_t *targets = zone_targets(set);
	unsigned before = rdata_names(set->type).before, owner;
	const uint8_t *rr = w->r->at + base;

	w->r->section = REPLY_ADDITIONAL;
	for (unsigned i = 0; targets && i < set->count && i < TARGETS_MAX;
		i++, rr += RR_POINTER_LEN + get16(rr + 10)) {
		if (!targets[i] || seen(targets, i))
			continue;
		const struct zone_node *node = zone_node(w->zone, targets[i]);
		if (cut && node_below(w->zone, node, cut) != must)
			continue;
		const uint8_t *name = rr + RR_POINTER_LEN + before;
		/* SVCB's "." is the owner itself (RFC 9460 2.5.2). */
		owner = *name ? (unsigned)(name - w->r->at)
			      : get16(rr) & REPLY_POINTER_MAX;
		if (owner <= REPLY_POINTER_MAX)
			lookup_add_addresses(w, node, (uint16_t)owner, must);
		else if (must)
			w->r->full = true;
	}
}

/* -- ends of a walk -- */

uint32_t walk_write_soa(const struct zone *zone, struct reply *r, uint16_t apex,
	uint32_t ttl_max)
{
	uint32_t ttl = zone->negative_ttl;
	if (ttl > ttl_max)
		ttl = ttl_max;
	r->section = REPLY_AUTHORITY;
	zone_rrset_write(zone->soa, r, apex, apex, ttl);
	return ttl;
}

void walk_end_with_soa(struct walk *w, uint32_t ttl_max)
{
	uint32_t ttl = walk_write_soa(w->zone, w->r, w->apex, ttl_max);
	if (walk_signs(w))
		signed_set(&w->dnssec, zone_apex(w->zone), w->zone->soa,
			&w->zone->apex, w->apex, ttl);
}

void walk_no_name(struct walk *w)
{
	w->result->rcode = RCODE_NXDOMAIN; /* RFC 6604 3 */
	walk_end_with_soa(w, TTL_MAX);
	walk_deny_name(w);
}

void walk_no_data(struct walk *w)
{
	w->result->rcode = RCODE_NOERROR;
	walk_end_with_soa(w, TTL_MAX);
	walk_deny_type(w);
}

/* Whether the child zone is signed (RFC 4035 3.1.4). */
static void write_ds(struct walk *w, const struct zone_match *m)
{
	const struct zone_rrset *ds = zone_rrset(m->node, RR_DS);
	uint16_t owner = walk_suffix_at(w, m->labels);
	struct name name;

	if (!walk_signs(w))
		return;
	if (ds) {
		walk_write_set(w, ds, owner, TTL_MAX);
		walk_sign_set(w, m->node, ds, owner, TTL_MAX);
	} else {
		zone_node_name(w->zone, m->node, &name);
		signed_denial(&w->dnssec, &name);
	}
}

void walk_referral(struct walk *w, const struct zone_match *m)
{
	const struct zone_rrset *ns = zone_rrset(m->node, RR_NS);
	uint32_t base = w->r->len;

	/* RFC 2181 5.4.1, 1035 4.1.1: AA speaks of the first owner name. */
	if (!w->steps)
		w->result->authoritative = false;
	w->r->section = REPLY_AUTHORITY;
	walk_write_set(w, ns, walk_suffix_at(w, m->labels), TTL_MAX);
	write_ds(w, m);
	walk_prove_expansions(w);
	if (w->r->full)
		return;
	add_targets(w, ns, base, m->node, true);
	if (!w->r->full)
		add_targets(w, ns, base, m->node, false);
}

void walk_positive(struct walk *w, const struct zone_rrset *set)
{
	uint32_t base = w->r->len;
	walk_write_set(w, set, w->at, TTL_MAX);
	walk_sign_found(w, set);
	walk_note_expansion(w);
	walk_prove_expansions(w);
	if (set->extra & ZONE_TARGETS && !w->r->full)
		add_targets(w, set, base, NULL, false);
}

void walk_any_steered(struct walk *w)
{
	static const uint8_t rdata[] = "\007RFC8482"; /* and an empty OS */
	if (!walk_signs(w) ||
		!walk_answer_nsec(w, &w->dnssec, SIGNED_NSEC | SIGNED_RRSIG))
		reply_rr(w->r, w->at, RR_HINFO, 3600, rdata, sizeof rdata);
}

void walk_minimal_any(struct walk *w, const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset_first(node);

	for (unsigned i = node->sets; i; i--, set = zone_rrset_next(set)) {
		if (set->type == RR_RRSIG || set->type == RR_NSEC)
			continue;
		walk_write_set(w, set, w->at, TTL_MAX);
		walk_sign_found(w, set);
		walk_note_expansion(w);
		return;
	}
	if (zone_mark(node))
		walk_any_steered(w);
	else if (!walk_signs(w) ||
		!walk_answer_nsec(w, &w->dnssec, SIGNED_NSEC | SIGNED_RRSIG))
		walk_no_data(w);
}
