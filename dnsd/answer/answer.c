#include "answer/answer.h"

#include "answer/asked.h"
#include "answer/cookie.h"
#include "answer/ede.h"
#include "answer/lookup.h"
#include "answer/steered.h"
#include "answer/tsig.h"
#include "answer/xfr.h"
#include "ledger/rrl.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "wire/reply.h"
#include "wire/rr.h"

/* The IPv4 minimum that every client takes (RFC 1035 2.3.4). */
#define UDP_MIN 512u

/* So that question and OPT fit into UDP_MIN whatever is asked. */
#define NSID_MAX 128
#define EDE_TEXT_MAX 40

#define PADDING_BLOCK 468u /* RFC 8467 4.1 */
#define PADDING_HEAD 4u    /* code and length of the option */

#define RARELY(x) __builtin_expect((x), 0)

/* What goes around the records of one reply. */
struct frame {
	struct reply reply;
	struct edns_reply edns;
	unsigned rcode, flags;
	bool held;       /* TC is sent instead */
	size_t tsig_len; /* what stands behind the OPT */
};

/* Types that are counted by themselves, less COUNT_OTHER: that is what is not
 * here. */
static const int8_t type_counted[RR_ANY + 1] = {
	[RR_A] = COUNT_A - COUNT_OTHER,
	[RR_AAAA] = COUNT_AAAA - COUNT_OTHER,
	[RR_NS] = COUNT_NS - COUNT_OTHER,
	[RR_SOA] = COUNT_SOA - COUNT_OTHER,
	[RR_TXT] = COUNT_TXT - COUNT_OTHER,
	[RR_MX] = COUNT_MX - COUNT_OTHER,
	[RR_CNAME] = COUNT_CNAME - COUNT_OTHER,
	[RR_HTTPS] = COUNT_HTTPS - COUNT_OTHER,
	[RR_SRV] = COUNT_SRV - COUNT_OTHER,
	[RR_PTR] = COUNT_PTR - COUNT_OTHER,
	[RR_ANY] = COUNT_ANY - COUNT_OTHER,
};

static inline void count_type(struct answer_counters *c, uint16_t qtype)
{
	int counted = qtype <= RR_ANY ? type_counted[qtype] : 0;
	count(&c->types[COUNT_OTHER + counted]);
}

static inline void count_query(
	struct answer_counters *c, const struct answer_job *job)
{
	count(&c->queries[job->tcp + job->tls][job->peer.family == 6]);
	if (job->drop)
		return;
	if (job->q.question_len)
		count_type(c, job->q.qtype);
	if (job->q.edns.ecs.present)
		count(&c->with_ecs);
}

/* Reads a packet. Whether its name has to be fetched. */
static inline bool begin(struct answerer *answerer, const struct asked_of *of,
	struct answer_job *job)
{
	struct query *q = &job->q;

	job->reply_len = 0;
	job->defer = false;
	job->zone = NULL;
	job->transfer = NULL;
	job->key = NULL;
	job->steered = false;
	job->accounted &= job->again;
	job->proven = job->tcp && !job->forgeable;
	job->drop = !query_begin(q, job->query, job->query_len);
	if (!job->drop) {
		job->asked =
			asked_read(of, job->query, job->query_len, &job->own);
		query_end(q, job->query_len,
			job->asked ? job->asked->name.len : 0);
	}
	if (!job->again)
		count_query(&answerer->counters, job);
	if (job->drop || q->rcode != RCODE_NOERROR || !q->question_len ||
		q->qclass != CLASS_IN)
		return false;
	if (q->qtype == RR_DS)
		job->asked = asked_above(of, job->asked, &job->own);
	job->zone = job->asked->zone;
	if (RARELY(job->zone && job->zone->absent)) {
		job->zone = NULL;
		q->rcode = RCODE_SERVFAIL;
	}
	if (!job->zone || job->asked->found || !zone_large(job->zone))
		return false;
	zone_prefetch(job->zone, job->asked->hash);
	return true;
}

/* -- finish -- */

/* Octets that this client may be sent; a signed reply has its TSIG whatever it may. */
static unsigned reply_size(const struct answer_job *job,
	const struct server_options *options, size_t reserve)
{
	unsigned least = HEADER_LEN + job->q.question_len + (unsigned)reserve;
	unsigned size = UDP_MIN;
	if (job->tcp)
		size = UINT16_MAX;
	else if (job->q.edns.present)
		size = job->q.edns.udp_size < options->udp_max
			? job->q.edns.udp_size
			: options->udp_max;
	if (size < UDP_MIN)
		size = UDP_MIN;
	if (size < least)
		size = least;
	return size < job->reply_room ? size : job->reply_room;
}

static void prepare_edns(
	struct frame *f, struct answerer *answerer, struct answer_job *job)
{
	const struct server_options *options = answerer->snap->options;
	const struct edns *edns = &job->q.edns;
	struct edns_reply *e = &f->edns;

	e->udp_size = options->udp_max;
	e->dnssec_ok = edns->dnssec_ok;
	e->scope = 0;
	e->ecs = edns->ecs.present ? &edns->ecs : NULL;
	e->nsid =
		edns->nsid && options->nsid && strlen(options->nsid) <= NSID_MAX
		? options->nsid
		: NULL;
	e->ede = EDE_NONE;
	e->padded = false;
	e->with_cookie = edns->cookie_len > 0;
	if (!e->with_cookie)
		return;
	enum cookie_state state = cookie_answer(
		options, edns, &job->peer, answerer->wall_s, e->cookie);
	if (state == COOKIE_GOOD)
		job->proven = true;
	if (state == COOKIE_GOOD)
		count(&answerer->counters.cookies_ok);
	else if (state == COOKIE_BAD)
		count(&answerer->counters.cookies_bad);
}

/* CHAOS TXT: which server is this? Only what is configured is answered. */
static void chaos(struct frame *f, const struct server_options *options,
	const struct query *q, const struct name *asked)
{
	static const struct {
		const char *name;
		bool version;
	} known[] = {{"version.bind", true}, {"version.server", true},
		{"hostname.bind", false}, {"id.server", false}};
	char name[NAME_TEXT_MAX];
	uint8_t rdata[256];

	f->rcode = RCODE_REFUSED;
	name_text(asked, name);
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

static inline void take_result(struct frame *f, struct answer_job *job,
	const struct lookup_result *result)
{
	f->rcode = result->rcode;
	job->defer = result->defer;
	job->accounted |= result->unsigned_yet;
	f->flags = result->authoritative ? FLAG_AA : 0;
	if (job->q.edns.ecs.present && job->q.edns.ecs.source && result->scope)
		f->edns.scope =
			(uint8_t)(result->scope + job->q.edns.ecs.mapped);
}

static void answer_question(
	struct frame *f, struct answerer *answerer, struct answer_job *job)
{
	const struct query *q = &job->q;

	if (q->rcode != RCODE_NOERROR || !q->question_len) {
		f->rcode = q->rcode;
		if (RARELY(xfr_is_notify(q))) {
			f->rcode = xfr_notified(answerer, job);
			f->flags = f->rcode ? 0 : FLAG_AA;
		}
	} else if (q->qclass == CLASS_CH) {
		chaos(f, answerer->snap->options, q, &job->asked->name);
	} else if (q->qtype == RR_AXFR || q->qtype == RR_IXFR) {
		f->rcode = xfr_answer(answerer, job, &f->reply);
		f->flags = f->rcode ? 0 : FLAG_AA;
	} else if (!job->zone) {
		f->rcode = RCODE_REFUSED;
	} else {
		struct lookup_result result;
		lookup(answerer, job, &f->reply, &result);
		take_result(f, job, &result);
	}
}

static inline void count_reply(
	struct answer_counters *c, unsigned rcode, unsigned flags)
{
	if (rcode == RCODE_BADVERS)
		rcode = COUNT_BADVERS;
	if (rcode < COUNT_RCODES)
		count(&c->rcodes[rcode]);
	if (flags & FLAG_TC)
		count(&c->truncated);
}

/* -- response rate limiting -- */

/* Known clients have no limit. A question that was deferred was counted then. */
static bool passes(
	const struct answerer *answerer, const struct answer_job *job)
{
	const struct server_options *options = answerer->snap->options;
	return job->tcp || job->proven || job->again || !answerer->rrl ||
		options_trusts(options, &job->peer) ||
		rrl_passes(answerer->rrl, &job->peer, options->rrl_cost,
			answerer->now_ms);
}

/* Beyond the limit there is no answer (false), or an empty one with TC, after which a
 * client comes over TCP. That is no larger than the question: OPT has what that had. */
__attribute__((noinline)) static bool limit(struct answerer *answerer,
	const struct answer_job *job, struct frame *f)
{
	struct answer_counters *c = &answerer->counters;
	unsigned slip = answerer->snap->options->rrl_slip;

	if (passes(answerer, job))
		return true;
	if (!slip || ++answerer->limited % slip) {
		count(&c->dropped);
		count(&c->rrl_dropped);
		return false;
	}
	count(&c->rrl_truncated);
	f->held = true;
	f->rcode = job->q.rcode;
	f->edns.nsid = NULL;
	if (job->q.edns.cookie_len < sizeof f->edns.cookie)
		f->edns.with_cookie = false;
	return true;
}

/* -- an answer -- */

static inline void fill(
	struct answerer *answerer, struct answer_job *job, struct frame *f)
{
	if (f->held)
		return;
	if (job->steered) {
		struct lookup_result result;
		job->steer.query.proven = job->proven;
		lookup_steered(answerer, job, &f->reply, &result);
		take_result(f, job, &result);
	} else {
		answer_question(f, answerer, job);
	}
}

/* Adds to the OPT why it is an error, and returns how long that is then. There are no
 * records, so there is room; but it is no reason for TC, where an address may be forged. */
__attribute__((noinline)) static size_t add_reason(
	const struct server_options *options, const struct answer_job *job,
	struct frame *f)
{
	struct ede ede = ede_of(job, f->rcode);
	bool trusted = options_trusts(options, &job->peer);
	size_t without = edns_reply_len(&f->edns), with;

	assert(!ede.text || strlen(ede.text) <= EDE_TEXT_MAX);
	f->edns.ede = ede.code;
	f->edns.ede_text = trusted ? ede.text : NULL;
	with = edns_reply_len(&f->edns);
	if (job->proven || f->reply.len + with <= options->udp_nocookie)
		return with;
	f->edns.ede = EDE_NONE;
	return without;
}

/* Pads the reply, so that its length shows little of the answer (RFC 8467 4.1): only if
 * the query had the padding option and the transport is encrypted. tail: octets behind the
 * records. A TSIG is counted with its greatest length, so replies with one are shorter than
 * the multiple, all by the same number of octets. */
__attribute__((noinline)) static void pad(const struct answer_job *job,
	size_t tail, const struct reply *reply, struct edns_reply *edns)
{
	size_t len = reply->len + tail + PADDING_HEAD;
	size_t padding = (PADDING_BLOCK - len % PADDING_BLOCK) % PADDING_BLOCK;

	if (len > job->reply_room)
		return;
	edns->padded = true;
	edns->padding = (uint16_t)(len + padding > job->reply_room
			? job->reply_room - len
			: padding);
}

static inline bool is_padded(const struct answer_job *job)
{
	return job->tls && job->q.edns.padded;
}

/* Writes it out. */
static inline void end(struct answerer *answerer, struct answer_job *job,
	struct frame *f, size_t opt_len)
{
	const struct server_options *options = answerer->snap->options;
	const struct edns_reply *edns = job->q.edns.present ? &f->edns : NULL;

	if (edns && ede_is_of(&job->q, f->rcode) && !f->held)
		opt_len = add_reason(options, job, f);
	/* Large answers only to addresses that are not forged. */
	if (f->reply.len + opt_len > options->udp_nocookie && !job->proven)
		f->held = true;
	if (f->reply.full || f->held) {
		reply_clear(&f->reply, &job->q);
		f->flags |= FLAG_TC;
	}
	if (edns)
		f->edns.rcode_high = (uint8_t)(f->rcode >> 4);
	if (RARELY(is_padded(job)))
		pad(job, opt_len + f->tsig_len, &f->reply, &f->edns);
	job->reply_len =
		(uint16_t)reply_end(&f->reply, f->flags, f->rcode, edns);
	count_reply(&answerer->counters, f->rcode, f->flags);
}

void answer_finish(struct answerer *answerer, struct answer_job *job)
{
	const struct server_options *options = answerer->snap->options;
	struct frame f;
	struct answer_tsig tsig;
	size_t opt_len = 0;

	if (job->drop) {
		count(&answerer->counters.dropped);
		return;
	}
	if (job->q.edns.present)
		prepare_edns(&f, answerer, job);
	f.rcode = RCODE_NOERROR;
	f.flags = 0;
	f.held = false;
	f.tsig_len = 0;
	if (options->rrl_cost && !limit(answerer, job, &f))
		return;
	if (RARELY(job->q.tsig && !f.held))
		f.tsig_len = answer_tsig_begin(answerer, job, &tsig);
	if (job->q.edns.present)
		opt_len = edns_reply_len(&f.edns);
	reply_begin(&f.reply, job->reply,
		reply_size(job, options, opt_len + f.tsig_len),
		opt_len + f.tsig_len, &job->q);
	fill(answerer, job, &f);
	if (job->defer)
		return;
	if (RARELY(job->transfer != NULL)) {
		count_reply(&answerer->counters, RCODE_NOERROR, 0);
		return;
	}
	end(answerer, job, &f, opt_len);
	if (RARELY(f.tsig_len))
		answer_tsig_end(answerer, job, &tsig);
}

void answer_fail(struct answerer *answerer, struct answer_job *job)
{
	struct edns_reply edns = {.udp_size = answerer->snap->options->udp_max,
		.dnssec_ok = job->q.edns.dnssec_ok,
		.ede = EDE_NOT_READY};
	bool present = job->q.edns.present;
	size_t opt_len = present ? edns_reply_len(&edns) : 0;
	struct reply reply;

	reply_begin(&reply, job->reply,
		reply_size(job, answerer->snap->options, opt_len), opt_len,
		&job->q);
	job->defer = false;
	if (present && is_padded(job))
		pad(job, opt_len, &reply, &edns);
	job->reply_len = (uint16_t)reply_end(
		&reply, 0, RCODE_SERVFAIL, present ? &edns : NULL);
	count_reply(&answerer->counters, RCODE_SERVFAIL, 0);
}

/* -- a batch -- */

void answer_prepare(
	struct answerer *answerer, struct answer_job *jobs, unsigned n)
{
	const struct snapshot *snap = answerer->snap;
	struct asked_of of = {answerer->asked, snap->zones, snap->generation};
	struct answer_job *steered = NULL, **last = &steered;
	unsigned large = 0;

	if (of.table)
		of.table->batch++;
	for (unsigned i = 0; i < n; i++)
		large += begin(answerer, &of, &jobs[i]);
	for (unsigned i = 0; large && i < n; i++)
		if (jobs[i].zone && !jobs[i].asked->found)
			zone_prefetch_node(jobs[i].zone, jobs[i].asked->hash);
	for (unsigned i = 0; i < n; i++)
		if (jobs[i].zone && lookup_begin(&jobs[i])) {
			*last = &jobs[i];
			last = &jobs[i].next_steered;
		}
	*last = NULL;
	if (steered)
		steered_find_all(answerer, steered);
}

unsigned answer_batch(
	struct answerer *answerer, struct answer_job *jobs, unsigned n)
{
	unsigned deferred = 0;

	answer_prepare(answerer, jobs, n);
	for (unsigned i = 0; i < n; i++) {
		answer_finish(answerer, &jobs[i]);
		deferred += jobs[i].defer;
	}
	return deferred;
}
