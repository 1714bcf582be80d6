#include "answer/lookup.h"

#include "answer/asked.h"
#include "answer/steered.h"
#include "answer/walk.h"
#include "snapshot/snapshot.h"
#include "zones/zone.h"

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
	walk_note_expansion(w);
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
	if (walk_signs(w) && s.records && !name->why)
		sign_decided(w, end, map->names[name->name].ttl_max_s);
	if (s.records || w->r->full)
		return;
	walk_end_with_soa(w, s.ttl_s);
	walk_deny_type(w);
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
		: walk_signs(w) ? SIGNED_NSEC | SIGNED_RRSIG
				: SIGNED_NSEC;

	by_type.signing = w->zone->signing;
	bool found = walk_answer_nsec(w, &by_type, parts);
	w->dnssec.missing |= by_type.missing;
	if (!found)
		walk_no_data(w);
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
		walk_any_steered(w);
	else
		walk_no_data(w);
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

	if (w->steps == WALK_STEPS_MAX)
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
	walk_write_set(w, set, w->at, TTL_MAX);
	walk_sign_found(w, set);
	walk_note_expansion(w);
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
		walk_write_set(w, set, walk_suffix_at(w, m->labels), TTL_MAX);
		walk_sign_set(
			w, m->node, set, walk_suffix_at(w, m->labels), TTL_MAX);
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
		walk_minimal_any(w, node);
	else if ((set = zone_rrset(node, qtype)))
		walk_positive(w, set);
	else if ((set = zone_rrset(node, RR_CNAME)))
		return follow_cname(w, set);
	else
		walk_no_data(w);
	return false;
}

/* At a cut only the DS is the parent's (RFC 4035 3.1.4.1). */
static void at_cut(struct walk *w, const struct zone_match *m)
{
	if (w->job->q.qtype != RR_DS || m->labels != w->name->labels) {
		walk_referral(w, m);
		return;
	}
	const struct zone_rrset *ds = zone_rrset(m->node, RR_DS);
	if (ds)
		walk_positive(w, ds);
	else
		walk_no_data(w);
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
		walk_no_name(w);
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
	walk_prove_expansions(w);
	w->result->unsigned_yet =
		w->dnssec.missing && !w->r->full && !w->result->defer;
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
		walk_end_with_soa(&w, s.ttl_s);
		walk_deny_type(&w);
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
		walk_write_soa(job->zone, reply, apex_at(job), s.ttl_s);
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
