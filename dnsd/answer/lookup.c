#include "answer/lookup.h"

#include <assert.h>

#include "answer/asked.h"
#include "answer/signed.h"
#include "answer/steered.h"
#include "snapshot/snapshot.h"
#include "zones/rdata.h"
#include "zones/zone.h"

/* CNAMEs and DNAMEs that one reply follows. Together with a question they end
 * before REPLY_POINTER_MAX - LAYOUT_POINTER_REACH. */
#define CHAIN_MAX 16

/* Targets of one set that are considered for additional addresses. */
#define TARGETS_MAX 32

/* One question on its way through the zone. The name starts as QNAME and
 * moves on along CNAMEs; where it stands in the message, owners point to. */
struct walk {
	struct answerer *answerer;
	const struct answer_job *job;
	const struct zone *zone;
	struct reply *r;
	const struct name *name;        /* current: the question's or target */
	uint16_t at;                    /* its offset in the message */
	uint16_t apex;                  /* the apex's: always in the question */
	const struct zone_match *match; /* of the current name: the question's
					   or later */
	struct zone_match later;
	struct signed_reply dnssec;
	unsigned n_expanded; /* only if it is signed */
	struct {
		struct name name;
		struct zone_match match;
	} expanded[CHAIN_MAX + 1];
	struct lookup_result *result; /* the caller's */
	unsigned steps;
	struct {
		const struct zone_rrset *set;
		uint64_t owner; /* hash of the name that it was followed for */
	} followed[CHAIN_MAX];
	struct name target;
};

/* The offset of the suffix of the current name with that many labels. All
 * names are written in full down to the apex and then point to it. */
static uint16_t suffix_at(const struct walk *w, unsigned labels)
{
	if (labels <= w->zone->apex.labels)
		return w->apex;
	return (uint16_t)(w->at + w->name->offset[w->name->labels - labels]);
}

static void write_set(const struct walk *w, const struct zone_rrset *set,
	uint16_t owner, uint32_t ttl_max)
{
	zone_rrset_write(set, w->r, owner, w->apex, ttl_max);
}

/* -- signatures, where they are asked for -- */

static inline bool is_signed(const struct walk *w)
{
	return w->dnssec.signing != NULL;
}

/* What was written last is a set of that node, whose name stands at owner_at. */
static void sign_node_set(struct walk *w, const struct zone_node *node,
	const struct zone_rrset *set, uint16_t owner_at, uint32_t ttl_max)
{
	struct name owner;
	if (!is_signed(w))
		return;
	zone_node_name(w->zone, node, &owner);
	signed_set(&w->dnssec, node, set, &owner, owner_at, ttl_max);
}

/* The same of the node that the current name was found at. */
static void sign_found(struct walk *w, const struct zone_rrset *set)
{
	if (!is_signed(w))
		return;
	if (w->match->found == ZONE_WILDCARD)
		sign_node_set(w, w->match->node, set, w->at, TTL_MAX);
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

/* What says that the current name was found without a set (RFC 4035 3.1.3.1,
 * 3.1.3.4), or as a wildcard. */
static void deny_type(struct walk *w)
{
	struct name wild;
	if (!is_signed(w))
		return;
	w->r->section = REPLY_AUTHORITY;
	if (w->match->found != ZONE_WILDCARD) {
		signed_denial(&w->dnssec, w->name);
		return;
	}
	zone_node_name(w->zone, w->match->node, &wild);
	signed_denial(&w->dnssec, &wild);
	deny_nearer(w, w->name, w->match);
}

/* What says that there is no such name (RFC 4035 3.1.3.2). */
static void deny_name(struct walk *w)
{
	struct name encloser;
	if (!is_signed(w))
		return;
	signed_denial(&w->dnssec, w->name);
	name_strip(&encloser, w->name, w->name->labels - w->match->labels);
	signed_denial_of_wildcard(&w->dnssec, &encloser);
}

/* An answer that a wildcard gave: its proof stands in the authority section, which
 * begins when the chain has ended. */
static void note_expansion(struct walk *w)
{
	if (!is_signed(w) || w->match->found != ZONE_WILDCARD)
		return;
	assert(w->n_expanded <= CHAIN_MAX);
	w->expanded[w->n_expanded].name = *w->name;
	w->expanded[w->n_expanded++].match = *w->match;
}

/* Before the additional section, at the latest. */
static void prove_expansions(struct walk *w)
{
	if (!is_signed(w))
		return;
	w->r->section = REPLY_AUTHORITY;
	for (unsigned i = 0; i < w->n_expanded; i++)
		deny_nearer(w, &w->expanded[i].name, &w->expanded[i].match);
	w->n_expanded = 0;
}

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
		write_set(w, set, owner, TTL_MAX);
		if (!must)
			sign_node_set(w, node, set, owner, TTL_MAX);
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

/* Returns its TTL. */
static uint32_t write_soa(const struct zone *zone, struct reply *r,
	uint16_t apex, uint32_t ttl_max)
{
	uint32_t ttl = zone->negative_ttl;
	if (ttl > ttl_max)
		ttl = ttl_max;
	r->section = REPLY_AUTHORITY;
	zone_rrset_write(zone->soa, r, apex, apex, ttl);
	return ttl;
}

static void end_with_soa(struct walk *w, uint32_t ttl_max)
{
	uint32_t ttl = write_soa(w->zone, w->r, w->apex, ttl_max);
	if (is_signed(w))
		signed_set(&w->dnssec, zone_apex(w->zone), w->zone->soa,
			&w->zone->apex, w->apex, ttl);
}

static void no_name(struct walk *w)
{
	w->result->rcode = RCODE_NXDOMAIN; /* RFC 6604 3 */
	end_with_soa(w, TTL_MAX);
	deny_name(w);
}

static void no_data(struct walk *w)
{
	w->result->rcode = RCODE_NOERROR;
	end_with_soa(w, TTL_MAX);
	deny_type(w);
}

/* Whether the child zone is signed (RFC 4035 3.1.4). */
static void write_ds(struct walk *w, const struct zone_match *m)
{
	const struct zone_rrset *ds = zone_rrset(m->node, RR_DS);
	uint16_t owner = suffix_at(w, m->labels);
	struct name name;

	if (!is_signed(w))
		return;
	if (ds) {
		write_set(w, ds, owner, TTL_MAX);
		sign_node_set(w, m->node, ds, owner, TTL_MAX);
	} else {
		zone_node_name(w->zone, m->node, &name);
		signed_denial(&w->dnssec, &name);
	}
}

static void referral(struct walk *w, const struct zone_match *m)
{
	const struct zone_rrset *ns = zone_rrset(m->node, RR_NS);
	uint32_t base = w->r->len;

	/* RFC 2181 5.4.1, 1035 4.1.1: AA speaks of the first owner name. */
	if (!w->steps)
		w->result->authoritative = false;
	w->r->section = REPLY_AUTHORITY;
	write_set(w, ns, suffix_at(w, m->labels), TTL_MAX);
	write_ds(w, m);
	prove_expansions(w);
	if (w->r->full)
		return;
	add_targets(w, ns, base, m->node, true);
	if (!w->r->full)
		add_targets(w, ns, base, m->node, false);
}

static void positive(struct walk *w, const struct zone_rrset *set)
{
	uint32_t base = w->r->len;
	write_set(w, set, w->at, TTL_MAX);
	sign_found(w, set);
	note_expansion(w);
	prove_expansions(w);
	if (set->extra & ZONE_TARGETS && !w->r->full)
		add_targets(w, set, base, NULL, false);
}

/* The NSEC of the current name is the answer, or its signature; of a wildcard, which
 * is expanded as for any other type (RFC 4035 3.1.3.3): its own NSEC says that the type
 * is there. False: the name has none. */
static bool answer_nsec(
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
	note_expansion(w);
	return true;
}

/* RFC 8482 4.2: for names that have only steered data; an NSEC where signatures are
 * asked for, since no HINFO is signed. */
static void any_steered(struct walk *w)
{
	static const uint8_t rdata[] = "\007RFC8482"; /* and an empty OS */
	if (!is_signed(w) ||
		!answer_nsec(w, &w->dnssec, SIGNED_NSEC | SIGNED_RRSIG))
		reply_rr(w->r, w->at, RR_HINFO, 3600, rdata, sizeof rdata);
}

/* RFC 8482 4.1: one RRset of those that are there. */
static void minimal_any(struct walk *w, const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset_first(node);

	for (unsigned i = node->sets; i; i--, set = zone_rrset_next(set)) {
		if (set->type == RR_RRSIG || set->type == RR_NSEC)
			continue;
		write_set(w, set, w->at, TTL_MAX);
		sign_found(w, set);
		note_expansion(w);
		return;
	}
	if (zone_mark(node))
		any_steered(w);
	else if (!is_signed(w) ||
		!answer_nsec(w, &w->dnssec, SIGNED_NSEC | SIGNED_RRSIG))
		no_data(w);
}

/* -- steering -- */

/* The CNAMEs that led to a decision may not outlive it. */
static void lower_chain(struct walk *w, uint32_t end, uint32_t ttl_s)
{
	uint32_t at = HEADER_LEN + w->job->q.question_len;
	while (at < end) {
		uint8_t *rr = w->r->at + at;
		if (get32(rr + 6) > ttl_s)
			put32(rr + 6, ttl_s);
		at += RR_POINTER_LEN + get16(rr + 10);
	}
}

/* The owner that a decision for the current name is signed with: a stream is made from
 * the wildcard beside it. */
static const struct name *decided_owner(const struct walk *w, struct name *wild)
{
	static const uint8_t asterisk[] = "\001*";
	struct name encloser;
	if (w->match->found == ZONE_EXACT)
		return w->name;
	name_strip(&encloser, w->name, w->name->labels - w->match->labels);
	return name_prepend(wild, asterisk, 2, &encloser) ? wild : w->name;
}

static void sign_decided(struct walk *w, uint32_t from, uint32_t ttl_s)
{
	struct name wild;
	signed_records(&w->dnssec, from, w->job->q.qtype,
		decided_owner(w, &wild), w->at, ttl_s);
	note_expansion(w);
}

/* Where a chain led to a steered name, or _why is asked. */
static void decide(struct walk *w, const struct steered_name *name)
{
	uint32_t end = w->r->len;
	const struct map *map = w->answerer->snap->steer.map;
	struct steered_result s;

	steered_answer_at(w->answerer, w->job, name, w->r, w->at, &s);
	w->result->defer = s.defer;
	if (s.defer)
		return;
	if (s.refused) {
		reply_clear(w->r, &w->job->q);
		w->result->rcode = RCODE_REFUSED;
		w->result->authoritative = false;
		return;
	}
	w->result->scope = s.scope;
	lower_chain(w, end, s.ttl_s);
	if (is_signed(w) && s.records && !name->why)
		sign_decided(w, end, map->names[name->name].ttl_max_s);
	if (s.records || w->r->full)
		return;
	end_with_soa(w, s.ttl_s);
	deny_type(w);
}

/* `line` and digits only: a line, or one that there is not. */
static bool is_line(const uint8_t *label, unsigned len)
{
	if (len <= 4 || memcmp(label, "line", 4))
		return false;
	for (unsigned i = 4; i < len; i++)
		if (label[i] < '0' || label[i] > '9')
			return false;
	return true;
}

/* A missing name directly below a steered one that looks like a line: it does
 * not exist, and no wildcard makes it; but in a signed zone, where what a wildcard
 * covers cannot be denied. */
static bool no_such_line(const struct zone *zone, const struct name *name,
	const struct zone_match *m, struct mark mark)
{
	const uint8_t *label = name->bytes;
	return mark.kind == MARK_NAME && !zone->signing &&
		m->labels + 1 == name->labels && is_line(label + 1, *label);
}

/* Whether a missing name is a stream of its encloser's. */
static bool is_stream(
	const struct name *name, const struct zone_match *m, struct mark mark)
{
	return mark.streams && m->labels + 1 == name->labels &&
		name->bytes[1] != '_';
}

/* NSEC or RRSIG are asked for by type, in a zone that is signed. */
static bool asks_nsec(const struct walk *w)
{
	uint16_t qtype = w->job->q.qtype;
	return w->zone->signing && (qtype == RR_NSEC || qtype == RR_RRSIG);
}

static void nsec(struct walk *w)
{
	struct signed_reply by_type = w->dnssec;
	unsigned parts = w->job->q.qtype == RR_RRSIG ? SIGNED_RRSIG
		: is_signed(w) ? SIGNED_NSEC | SIGNED_RRSIG
			       : SIGNED_NSEC;

	by_type.signing = w->zone->signing;
	bool found = answer_nsec(w, &by_type, parts);
	w->dnssec.missing |= by_type.missing;
	if (!found)
		no_data(w);
}

/* A missing name directly below a steered one that has streams. */
static void stream(struct walk *w, struct mark mark)
{
	struct steered_name name = steered_name(mark, w->name->bytes);

	if (steered_decides(&name, w->job->q.qtype))
		decide(w, &name);
	else if (asks_nsec(w))
		nsec(w);
	else if (w->job->q.qtype == RR_ANY)
		any_steered(w);
	else
		no_data(w);
}

/* -- the walk -- */

static bool was_followed(const struct walk *w, const struct zone_rrset *set)
{
	for (unsigned i = 0; i < w->steps; i++)
		if (w->followed[i].set == set)
			return true;
	return false;
}

/* Whether to go on along a set that leads elsewhere. The same set for the same
 * name again is a loop; for another name it is a wildcard or a DNAME. */
static bool may_follow(struct walk *w, const struct zone_rrset *set)
{
	uint64_t owner = name_hash(w->name->bytes, w->name->len, 0);

	if (w->steps == CHAIN_MAX)
		return false;
	for (unsigned i = 0; i < w->steps; i++)
		if (w->followed[i].set == set && w->followed[i].owner == owner)
			return false;
	w->followed[w->steps].set = set;
	w->followed[w->steps++].owner = owner;
	return true;
}

/* Makes the target of the last CNAME written the current name. False: it is
 * not ours to go on with. */
static bool move_on(struct walk *w, uint32_t rdata_at)
{
	w->name = &w->target;
	w->at = (uint16_t)rdata_at;
	return !w->r->full && name_below(&w->target, &w->zone->apex);
}

/* The target of a CNAME or DNAME as it stands compiled. */
static bool read_target(
	const struct walk *w, const struct zone_rrset *set, struct name *target)
{
	const uint8_t *rdata = set->body + RR_POINTER_LEN;
	size_t len = get16(set->body + 10);
	uint8_t wire[2 * NAME_WIRE_MAX];

	if (!(set->extra & ZONE_FIXES))
		return name_read(target, rdata, len) != 0;
	memcpy(wire, rdata, len - 2); /* then the pointer to the apex */
	memcpy(wire + len - 2, w->zone->apex.bytes, w->zone->apex.len);
	return name_read(target, wire, len - 2 + w->zone->apex.len) != 0;
}

static bool follow_cname(struct walk *w, const struct zone_rrset *set)
{
	if (!may_follow(w, set))
		return false;
	uint32_t base = w->r->len;
	write_set(w, set, w->at, TTL_MAX);
	sign_found(w, set);
	note_expansion(w);
	return read_target(w, set, &w->target) &&
		move_on(w, base + RR_POINTER_LEN);
}

/* Writes the CNAME that a DNAME makes of the current name; the case of the
 * client's labels and of the zone's target is kept. */
static void write_made(struct walk *w, const struct zone_rrset *set,
	unsigned prefix, const struct name *to, bool ours)
{
	uint8_t rdata[NAME_WIRE_MAX];
	size_t n = prefix + to->len;

	memcpy(rdata, w->at == HEADER_LEN ? w->r->at + w->at : w->name->bytes,
		prefix);
	memcpy(rdata + prefix, set->body + RR_POINTER_LEN, to->len);
	if (ours && w->zone->apex.labels) {
		n -= w->zone->apex.len;
		put16(rdata + n, 0xc000u | w->apex);
		n += 2;
	}
	reply_rr(w->r, w->at, RR_CNAME, zone_rrset_ttl(set), rdata, n);
}

/* RFC 6672 3.2: the DNAME, once, and a CNAME made from it with its TTL. */
static bool follow_dname(struct walk *w, const struct zone_match *m)
{
	const struct zone_rrset *set = zone_rrset(m->node, RR_DNAME);
	unsigned prefix = w->name->offset[w->name->labels - m->labels];
	bool again = was_followed(w, set);
	struct name to, owner, made;

	if (!read_target(w, set, &to))
		return false;
	name_strip(&owner, w->name, w->name->labels - m->labels);
	/* One that leads below itself would go on until nothing fits. */
	if ((again && name_below(&to, &owner)) || !may_follow(w, set))
		return false;
	if (!again) {
		write_set(w, set, suffix_at(w, m->labels), TTL_MAX);
		sign_node_set(
			w, m->node, set, suffix_at(w, m->labels), TTL_MAX);
	}
	if (!name_prepend(&made, w->name->bytes, prefix, &to)) {
		w->result->rcode = RCODE_YXDOMAIN;
		return false;
	}
	uint32_t base = w->r->len;
	write_made(w, set, prefix, &to, name_below(&made, &w->zone->apex));
	w->target = made;
	/* Asked for a CNAME, the one made is the answer. */
	return w->job->q.qtype != RR_CNAME && move_on(w, base + RR_POINTER_LEN);
}

/* The name exists, by itself or through a wildcard. */
static bool found(struct walk *w, const struct zone_node *node)
{
	uint16_t qtype = w->job->q.qtype;
	const struct zone_rrset *set;

	if (node->flags & NODE_MARK) {
		struct steered_name name =
			steered_name(mark_unpack(zone_mark(node)), NULL);
		if (steered_decides(&name, qtype)) {
			decide(w, &name);
			return false;
		}
	}
	if (asks_nsec(w))
		nsec(w);
	else if (qtype == RR_ANY)
		minimal_any(w, node);
	else if ((set = zone_rrset(node, qtype)))
		positive(w, set);
	else if ((set = zone_rrset(node, RR_CNAME)))
		return follow_cname(w, set);
	else
		no_data(w);
	return false;
}

/* At a cut only the DS is the parent's (RFC 4035 3.1.4.1). */
static void at_cut(struct walk *w, const struct zone_match *m)
{
	if (w->job->q.qtype != RR_DS || m->labels != w->name->labels) {
		referral(w, m);
		return;
	}
	const struct zone_rrset *ds = zone_rrset(m->node, RR_DS);
	if (ds)
		positive(w, ds);
	else
		no_data(w);
}

/* The name does not exist: a stream, a line that there is not, or nothing. */
static bool missing(struct walk *w, const struct zone_match *m)
{
	struct mark mark = mark_unpack(zone_mark(m->encloser));
	bool line = no_such_line(w->zone, w->name, m, mark);

	if (!line && is_stream(w->name, m, mark))
		stream(w, mark);
	else if (!line && m->found == ZONE_WILDCARD)
		return found(w, m->node);
	else
		no_name(w);
	return false;
}

/* One name. True: a CNAME or DNAME leads on to another. */
static bool step(struct walk *w)
{
	const struct zone_match *m = &w->job->asked->match;
	if (w->steps) {
		zone_find(w->zone, w->name, zone_hash(w->zone, w->name),
			&w->later);
		m = &w->later;
	}
	w->match = m;
	switch (m->found) {
	case ZONE_EXACT:
		return found(w, m->node);
	case ZONE_CUT:
		at_cut(w, m);
		return false;
	case ZONE_DNAME:
		return follow_dname(w, m);
	case ZONE_WILDCARD:
	case ZONE_NONE:
		return missing(w, m);
	}
	return false;
}

/* What a name that was found by itself is to steering. */
static void find_steering(struct asked *asked)
{
	const struct name *name = &asked->name;
	const struct zone_match *m = &asked->match;

	asked->steered.types = 0;
	if (!(m->encloser->flags & NODE_MARK))
		return;
	struct mark mark = mark_unpack(zone_mark(m->encloser));
	if (m->found == ZONE_EXACT)
		asked->steered = steered_name(mark, NULL);
	else if (is_stream(name, m, mark) &&
		!no_such_line(asked->zone, name, m, mark))
		asked->steered = steered_name(mark, name->bytes);
}

bool lookup_begin(struct answer_job *job)
{
	struct asked *asked = job->asked;

	if (!asked->found) {
		asked_find(asked);
		find_steering(asked);
	}
	job->steered = asked->steered.types & steered_type(job->q.qtype);
	return job->steered;
}

/* Where the apex stands in the message: it ends QNAME. */
static inline uint16_t apex_at(const struct answer_job *job)
{
	return (uint16_t)(HEADER_LEN + job->asked->name.len -
		job->zone->apex.len);
}

/* Whether signatures are asked for, and there. */
static inline bool signs(const struct answer_job *job)
{
	return job->zone->signing && job->q.edns.present &&
		job->q.edns.dnssec_ok;
}

/* Field by field: bytes that are written one by one and then read as one word wait for
 * each other (5 ns of an answer that takes 90). */
static inline void lookup_result_set(
	struct lookup_result *result, uint8_t scope, bool defer)
{
	result->rcode = RCODE_NOERROR;
	result->authoritative = true;
	result->defer = defer;
	result->unsigned_yet = false;
	result->scope = scope;
}

static void walk_begin(struct walk *w, struct answerer *answerer,
	const struct answer_job *job, struct reply *reply,
	struct lookup_result *result)
{
	w->answerer = answerer;
	w->job = job;
	w->zone = job->zone;
	w->r = reply;
	w->name = &job->asked->name;
	w->at = HEADER_LEN;
	w->apex = apex_at(job);
	w->result = result;
	lookup_result_set(result, 0, false);
	w->steps = 0;
	w->dnssec.signing = signs(job) ? job->zone->signing : NULL;
	w->dnssec.ring = answerer->sign_ring;
	w->dnssec.reply = reply;
	w->dnssec.apex = w->apex;
	w->dnssec.now_s = answerer->wall_s;
	w->dnssec.missing = false;
	w->dnssec.n_nsecs = 0;
	w->n_expanded = 0;
}

/* What is not signed yet is answered in a moment. */
static void walk_end(struct walk *w)
{
	prove_expansions(w);
	w->result->unsigned_yet = w->dnssec.missing && !w->r->full;
	w->result->defer |= w->result->unsigned_yet;
}

/* A steered question whose answer is to be signed. */
static void steered_signed(struct answerer *answerer,
	const struct answer_job *job, struct reply *reply,
	struct lookup_result *result)
{
	struct walk w;
	const struct map *map = answerer->snap->steer.map;
	struct steered_result s;

	walk_begin(&w, answerer, job, reply, result);
	w.match = &job->asked->match;
	steered_answer(answerer, job, reply, &s);
	result->scope = s.scope;
	result->defer = s.defer;
	if (s.records) {
		sign_decided(&w, HEADER_LEN + job->q.question_len,
			map->names[job->steer.query.name].ttl_max_s);
	} else if (!s.defer && !reply->full) {
		end_with_soa(&w, s.ttl_s);
		deny_type(&w);
	}
	walk_end(&w);
}

/* The question itself is steered: no walk. */
void lookup_steered(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct lookup_result *result)
{
	struct steered_result s;
	if (signs(job)) {
		steered_signed(answerer, job, reply, result);
		return;
	}
	steered_answer(answerer, job, reply, &s);
	if (!s.records && !s.defer && !reply->full)
		write_soa(job->zone, reply, apex_at(job), s.ttl_s);
	lookup_result_set(result, s.scope, s.defer);
}

void lookup(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct lookup_result *result)
{
	struct walk w;
	walk_begin(&w, answerer, job, reply, result);
	while (step(&w))
		;
	walk_end(&w);
}
