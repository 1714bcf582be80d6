#include "answer/walk.h"

#include <assert.h>

#include "snapshot/mark.h"

void walk_sign_set(struct walk *w, const struct zone_node *node,
	const struct zone_rrset *set, uint16_t owner_at, uint32_t ttl_max)
{
	struct name owner;
	if (!walk_signs(w))
		return;
	zone_node_name(w->zone, node, &owner);
	signed_set(&w->dnssec, node, set, &owner, owner_at, ttl_max);
}

void walk_sign_found(struct walk *w, const struct zone_rrset *set)
{
	if (!walk_signs(w))
		return;
	if (w->match->found == ZONE_WILDCARD)
		walk_sign_set(w, w->match->node, set, w->at, TTL_MAX);
	else
		signed_set(&w->dnssec, w->match->node, set, w->name, w->at,
			TTL_MAX);
}

/* No name is nearer to one than the wildcard that it was made from (RFC 4035
 * 3.1.3.3). */
static void deny_nearer(
	struct walk *w, const struct name *name, const struct zone_match *m)
{
	struct name parent;
	unsigned above = name->labels - m->labels;

	if (!mark_unpack(zone_mark(m->encloser)).streams) {
		signed_denial(&w->dnssec, name);
		return;
	}
	name_strip(&parent, name, above);
	signed_denial_of_stream(
		&w->dnssec, name->bytes + name->offset[above - 1], &parent);
}

void walk_deny_type(struct walk *w)
{
	struct name wild;
	if (!walk_signs(w))
		return;
	if (w->match->found != ZONE_WILDCARD) {
		signed_denial(&w->dnssec, w->name);
		return;
	}
	zone_node_name(w->zone, w->match->node, &wild);
	signed_denial(&w->dnssec, &wild);
	deny_nearer(w, w->name, w->match);
}

void walk_deny_name(struct walk *w)
{
	struct name encloser;
	if (!walk_signs(w))
		return;
	signed_denial(&w->dnssec, w->name);
	name_strip(&encloser, w->name, w->name->labels - w->match->labels);
	signed_denial_of_wildcard(&w->dnssec, &encloser);
}

void walk_note_expansion(struct walk *w)
{
	if (!walk_signs(w) || w->match->found != ZONE_WILDCARD)
		return;
	assert(w->n_expanded <= WALK_STEPS_MAX);
	w->expanded[w->n_expanded].name = *w->name;
	w->expanded[w->n_expanded++].match = *w->match;
}

void walk_prove_expansions(struct walk *w)
{
	if (!walk_signs(w))
		return;
	w->r->section = REPLY_AUTHORITY;
	for (unsigned i = 0; i < w->n_expanded; i++)
		deny_nearer(w, &w->expanded[i].name, &w->expanded[i].match);
	w->n_expanded = 0;
}

bool walk_answer_nsec(
	struct walk *w, struct signed_reply *dnssec, unsigned parts)
{
	const struct name *owner = w->name;
	struct name wild;

	if (w->match->found == ZONE_WILDCARD) {
		zone_node_name(w->zone, w->match->node, &wild);
		owner = &wild;
	}
	if (!signed_nsec_answer(dnssec, owner, w->at, parts))
		return false;
	walk_note_expansion(w);
	return true;
}
