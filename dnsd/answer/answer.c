#include "answer/answer.h"

#include "answer/cookie.h"
#include "answer/lookup.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "wire/reply.h"
#include "wire/rr.h"
#include "zones/zoneset.h"

/* The IPv4 minimum that every client takes (RFC 1035 2.3.4). */
#define UDP_MIN 512u

/* So that question and OPT fit into UDP_MIN whatever is asked. */
#define NSID_MAX 128

/* What goes around the records of one reply. */
struct frame {
	struct reply reply;
	struct edns_reply edns;
	unsigned rcode, flags;
	bool cookie_good;
};

static enum count_type type_counted(uint16_t qtype)
{
	switch (qtype) {
	case RR_A:
		return COUNT_A;
	case RR_AAAA:
		return COUNT_AAAA;
	case RR_NS:
		return COUNT_NS;
	case RR_SOA:
		return COUNT_SOA;
	case RR_TXT:
		return COUNT_TXT;
	case RR_MX:
		return COUNT_MX;
	case RR_CNAME:
		return COUNT_CNAME;
	case RR_HTTPS:
		return COUNT_HTTPS;
	case RR_SRV:
		return COUNT_SRV;
	case RR_PTR:
		return COUNT_PTR;
	case RR_ANY:
		return COUNT_ANY;
	default:
		return COUNT_OTHER;
	}
}

static void count_query(struct answer_counters *c, const struct answer_job *job)
{
	count(&c->queries[job->tcp][job->peer.family == 6]);
	if (job->drop)
		return;
	if (job->q.question_len)
		count(&c->types[type_counted(job->q.qtype)]);
	if (job->q.edns.ecs.present)
		count(&c->with_ecs);
}

/* The zone that a question lies in; the DS of an apex is asked of the zone
 * above, if that is here too (RFC 4035 3.1.4.1). */
static const struct zone *zone_of(
	const struct zoneset *zones, const struct query *q)
{
	const struct zone *zone = zoneset_find(zones, &q->name), *above;
	if (zone && q->qtype == RR_DS && q->name.len == zone->apex.len &&
		(above = zoneset_find_above(zones, &q->name)))
		return above;
	return zone;
}

static bool needs_place(
	const struct answerer *answerer, const struct answer_job *job)
{
	return job->zone && job->zone->marked && answerer->snap->map;
}

void answer_begin(struct answerer *answerer, struct answer_job *job)
{
	const struct snapshot *snap = answerer->snap;
	struct query *q = &job->q;

	job->reply_len = 0;
	job->defer = false;
	job->zone = NULL;
	job->steered = false;
	job->drop = !query_read(q, job->query, job->query_len);
	count_query(&answerer->counters, job);
	if (job->drop || q->rcode != RCODE_NOERROR || !q->question_len ||
		q->qclass != CLASS_IN)
		return;
	job->zone = zone_of(snap->zones, q);
	if (!job->zone)
		return;
	zone_prefetch(job->zone, &q->name);
	job->client = q->edns.ecs.present && q->edns.ecs.source
		? q->edns.ecs.addr
		: job->peer;
	if (needs_place(answerer, job))
		geo_prefetch_top(snap->geo, &job->client);
}

void answer_approach(const struct answerer *answerer, struct answer_job *job)
{
	if (job->zone)
		zone_prefetch_node(job->zone, &job->q.name);
	if (needs_place(answerer, job))
		geo_prefetch(answerer->snap->geo, &job->client);
}

void answer_place(const struct answerer *answerer, struct answer_job *job)
{
	const struct snapshot *snap = answerer->snap;
	if (!needs_place(answerer, job))
		return;
	job->leaf = geo_find(snap->geo, &job->client);
	map_prefetch(snap->map, job->leaf.place);
}

void answer_find(const struct answerer *answerer, struct answer_job *job)
{
	if (job->zone)
		lookup_begin(answerer, job);
}

/* -- finish -- */

/* Octets that this client may be sent. */
static unsigned reply_size(
	const struct answer_job *job, const struct options *options)
{
	unsigned size = UDP_MIN;
	if (job->tcp)
		size = UINT16_MAX;
	else if (job->q.edns.present)
		size = job->q.edns.udp_size < options->udp_max
			? job->q.edns.udp_size
			: options->udp_max;
	if (size < UDP_MIN)
		size = UDP_MIN;
	return size < job->reply_room ? size : job->reply_room;
}

static void prepare_edns(struct frame *f, struct answerer *answerer,
	const struct answer_job *job)
{
	const struct options *options = answerer->snap->options;
	const struct edns *edns = &job->q.edns;
	struct edns_reply *e = &f->edns;

	f->cookie_good = false;
	e->udp_size = options->udp_max;
	e->dnssec_ok = edns->dnssec_ok;
	e->scope = 0;
	e->ecs = edns->ecs.present ? &edns->ecs : NULL;
	e->nsid =
		edns->nsid && options->nsid && strlen(options->nsid) <= NSID_MAX
		? options->nsid
		: NULL;
	e->with_cookie = edns->cookie_len > 0;
	if (!e->with_cookie)
		return;
	enum cookie_state state = cookie_answer(
		options, edns, &job->peer, answerer->wall_s, e->cookie);
	f->cookie_good = state == COOKIE_GOOD;
	if (state == COOKIE_GOOD)
		count(&answerer->counters.cookies_ok);
	else if (state == COOKIE_BAD)
		count(&answerer->counters.cookies_bad);
}

/* CHAOS TXT: who is this server? Only what is configured is told. */
static void chaos(
	struct frame *f, const struct options *options, const struct query *q)
{
	static const struct {
		const char *name;
		bool version;
	} known[] = {{"version.bind", true}, {"version.server", true},
		{"hostname.bind", false}, {"id.server", false}};
	char name[NAME_TEXT_MAX];
	uint8_t rdata[256];

	f->rcode = RCODE_REFUSED;
	name_text(&q->name, name);
	for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
		const char *text =
			known[i].version ? options->version : options->nsid;
		if (!text || strcmp(name, known[i].name))
			continue;
		size_t n = strlen(text);
		rdata[0] = (uint8_t)(n < 255 ? n : 255);
		memcpy(rdata + 1, text, rdata[0]);
		f->rcode = RCODE_NOERROR;
		f->flags = FLAG_AA;
		if (q->qtype == RR_TXT || q->qtype == RR_ANY)
			reply_rr_class(&f->reply, HEADER_LEN, RR_TXT, CLASS_CH,
				0, rdata, rdata[0] + 1u);
	}
}

static void answer_question(
	struct frame *f, struct answerer *answerer, struct answer_job *job)
{
	const struct query *q = &job->q;

	if (q->rcode != RCODE_NOERROR || !q->question_len) {
		f->rcode = q->rcode;
	} else if (q->qclass == CLASS_CH) {
		chaos(f, answerer->snap->options, q);
	} else if (!job->zone || q->qtype == RR_AXFR || q->qtype == RR_IXFR) {
		f->rcode = RCODE_REFUSED;
	} else {
		struct lookup_result result =
			lookup(answerer, job, job->zone, &f->reply);
		f->rcode = result.rcode;
		job->defer = result.defer;
		f->flags = result.authoritative ? FLAG_AA : 0;
		if (q->edns.ecs.present && q->edns.ecs.source)
			f->edns.scope = result.scope;
	}
}

static void count_reply(
	struct answer_counters *c, unsigned rcode, unsigned flags)
{
	if (rcode == RCODE_BADVERS)
		rcode = COUNT_BADVERS;
	if (rcode < COUNT_RCODES)
		count(&c->rcodes[rcode]);
	if (flags & FLAG_TC)
		count(&c->truncated);
}

void answer_finish(struct answerer *answerer, struct answer_job *job)
{
	const struct options *options = answerer->snap->options;
	const struct edns_reply *edns = NULL;
	struct frame f;
	size_t opt_len = 0;

	if (job->drop) {
		count(&answerer->counters.dropped);
		return;
	}
	if (job->q.edns.present) {
		prepare_edns(&f, answerer, job);
		edns = &f.edns;
		opt_len = edns_reply_len(edns);
	}
	f.rcode = RCODE_NOERROR;
	f.flags = 0;
	reply_begin(&f.reply, job->reply, reply_size(job, options), opt_len,
		&job->q);
	answer_question(&f, answerer, job);
	if (job->defer)
		return;

	/* Large answers only to addresses that are not forged. */
	bool held = !job->tcp && options->udp_nocookie &&
		f.reply.len + opt_len > options->udp_nocookie &&
		!(edns && f.cookie_good);
	if (f.reply.full || held) {
		reply_clear(&f.reply, &job->q);
		f.flags |= FLAG_TC;
	}
	if (edns)
		f.edns.rcode_high = (uint8_t)(f.rcode >> 4);
	job->reply_len = (uint16_t)reply_end(&f.reply, f.flags, f.rcode, edns);
	count_reply(&answerer->counters, f.rcode, f.flags);
}
