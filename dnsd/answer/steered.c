#include "answer/steered.h"

#include <stdio.h>
#include <string.h>

#include "replay/ring.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "steer/explain.h"
#include "wire/name.h"
#include "wire/reply.h"
#include "wire/rr.h"
#include "wire/svcb.h"

/* Seldom done: apart, so that the others pay neither room nor registers for it. */
#define COLD __attribute__((noinline, cold))
/* Done for each question, here and where a chain led to a steered name. */
#define INLINE inline __attribute__((always_inline))

#define HTTPS_RECORDS 3   /* a line and the next ones */
#define WHY_CANDIDATES 10 /* more would not fit a UDP answer */

/* -- records -- */

static inline void add_address(const struct map_node *node, bool v6, unsigned i,
	struct reply *reply, uint16_t owner, uint32_t ttl_s)
{
	if (v6)
		reply_rr(reply, owner, RR_AAAA, ttl_s,
			node->address[node->n4 + i].bytes, 16);
	else
		reply_rr(reply, owner, RR_A, ttl_s, node->address[i].bytes, 4);
}

/* The best node's addresses all, of the others the first. */
static inline unsigned steered_add_addresses(const struct map *map,
	const struct steer_decision *d, bool v6, struct reply *reply,
	uint16_t owner)
{
	unsigned records = 0;
	for (unsigned i = 0; i < d->n; i++) {
		const struct map_node *node = &map->nodes[d->node[i]];
		unsigned n = v6 ? node->n6 : node->n4;
		for (unsigned k = 0; k < n && (i == 0 || k == 0); k++) {
			add_address(node, v6, k, reply, owner, d->ttl_s);
			records++;
		}
	}
	return records;
}

/* Where one ServiceMode record leads. */
struct service {
	uint16_t priority;
	unsigned line; /* whose name is the target; 0: the owner's itself */
	const struct map_node *node;
};

static const struct name *line_name(
	const struct map_name *name, unsigned line, struct name *out)
{
	char text[NAME_TEXT_MAX];
	snprintf(text, sizeof text, "line%u.%s", line, name->name);
	name_from_text(out, text);
	return out;
}

/* The target, its protocols, its addresses. */
static void add_service(const struct map_name *name, struct service service,
	struct reply *reply, uint16_t owner, uint32_t ttl_s)
{
	uint8_t rdata[SVCB_RDATA_MAX];
	const struct map_node *node = service.node;
	struct name target;

	uint8_t *p = svcb_begin(rdata, service.priority,
		service.line ? line_name(name, service.line, &target) : NULL);
	p = svcb_alpn(p, name->https);
	p = svcb_hints(p, 4, node->address, node->n4);
	p = svcb_hints(p, 6, node->address + node->n4, node->n6);
	reply_rr(reply, owner, RR_HTTPS, ttl_s, rdata, (size_t)(p - rdata));
}

/* The line itself first, then the next lines, so that browsers fail over by
 * themselves; what those would lead to is decided, but no client is sent there. */
COLD static unsigned add_https(const struct answerer *answerer,
	const struct steered_question *question, const struct steer_decision *d,
	struct reply *reply, uint16_t owner)
{
	const struct steer_state *state = &answerer->snap->steer;
	const struct map_name *name = &state->map->names[question->name->name];
	struct steer_query query = question->query;
	unsigned records = 1;

	if (!*name->https)
		return 0;
	add_service(name,
		(struct service){1, 0, &state->map->nodes[d->node[0]]}, reply,
		owner, d->ttl_s);
	while (!question->name->stream && records < HTTPS_RECORDS &&
		query.line < name->lines) {
		struct steer_decision next;
		query.line++;
		steer_decide(state, answerer->accounts, &query,
			answerer->now_ms, &next, NULL);
		struct service service = {(uint16_t)++records, query.line,
			&state->map->nodes[next.node[0]]};
		add_service(name, service, reply, owner, d->ttl_s);
	}
	return records;
}

/* -- _why -- */

static void add_text(struct reply *reply, uint16_t owner, const char *line)
{
	uint8_t rdata[1 + EXPLAIN_LINE_MAX];
	size_t n = strlen(line);
	_Static_assert(EXPLAIN_LINE_MAX <= 256, "a character-string");
	rdata[0] = (uint8_t)n;
	memcpy(rdata + 1, line, n);
	reply_rr(reply, owner, RR_TXT, 0, rdata, n + 1);
}

COLD static void why(struct answerer *answerer, const struct answer_job *job,
	const struct steered_question *question, struct reply *reply,
	uint16_t owner, struct steered_result *result)
{
	const struct steer_query *query = &question->query;
	const struct steer_state *state = &answerer->snap->steer;
	struct steer_decision d;
	struct steer_trace trace;
	char line[EXPLAIN_LINE_MAX];

	result->refused = !options_trusts(answerer->snap->options, &job->peer);
	if (result->refused)
		return;
	steer_decide(
		state, answerer->accounts, query, answerer->now_ms, &d, &trace);
	explain_client(state, query, line);
	add_text(reply, owner, line);
	explain_pick(state, &d, &trace, question->leaf.scope, line);
	add_text(reply, owner, line);
	for (unsigned i = 0; i < trace.n && i < WHY_CANDIDATES; i++) {
		explain_candidate(state, &trace.candidate[i], line);
		add_text(reply, owner, line);
	}
	result->records = trace.n + 2;
	result->scope = question->leaf.scope;
}

COLD static void record(struct answerer *answerer, const struct answer_job *job,
	const struct steered_question *asked, const struct steer_decision *d)
{
	const struct edns_ecs *ecs = &job->q.edns.ecs;
	const struct steer_state *state = &answerer->snap->steer;
	bool subnet = ecs->present && ecs->source;
	struct record_question question = {.query = &asked->query,
		.stream = asked->name->stream,
		.stream_len = asked->name->stream_len,
		.scope = subnet ? asked->leaf.scope : 0,
		.subnet = subnet,
		.share = answerer->snap->options->record};
	record_answer(answerer->ring, state, &question, d, answerer->now_ms);
}

/* -- what is found before -- */

/* What is asked of steering, but for the name: the leaf is found. */
INLINE static void ask(const struct answerer *answerer,
	const struct answer_job *job, struct steered_question *question)
{
	const struct edns_ecs *ecs = &job->q.edns.ecs;
	const struct steered_name *name = question->name;
	struct steer_query *query = &question->query;

	query->name = name->name;
	query->line = name->line;
	query->type = (uint8_t)steered_type(job->q.qtype);
	query->stream = name->stream_hash;
	query->asker = job->peer;
	query->trusted = options_trusts(answerer->snap->options, &job->peer);
	query->proven = job->proven;
	steer_client(query, answer_client(job),
		ecs->present && ecs->source
			? (unsigned)ecs->source - ecs->mapped
			: 128,
		question->leaf);
	steer_look_up(&answerer->snap->steer, answerer->accounts, query,
		&question->found);
}

void steered_find_all(const struct answerer *answerer, struct answer_job *first)
{
	const struct steer_state *state = &answerer->snap->steer;
	struct answer_job *job;

	for (job = first; job; job = job->next_steered)
		geo_begin(&job->steer.search, state->geo, answer_client(job));
	for (job = first; job; job = job->next_steered)
		geo_go_on(&job->steer.search);
	for (job = first; job; job = job->next_steered) {
		job->steer.leaf =
			geo_end(&job->steer.search, answer_client(job));
		map_prefetch(state->map, job->steer.leaf.place);
	}
	for (job = first; job; job = job->next_steered) {
		job->steer.name = &job->asked->steered;
		ask(answerer, job, &job->steer);
	}
	for (job = first; job; job = job->next_steered)
		steer_prefetch(answerer->accounts, &job->steer.found);
}

/* -- the answer -- */

/* The first polls are awaited for a moment (UDP keeps the question). */
static inline bool too_early(
	const struct answerer *answerer, const struct answer_job *job)
{
	return !answerer->snap->steer.load->ready && !job->tcp;
}

/* The records of what was decided. */
INLINE static void write_records(struct answerer *answerer,
	const struct answer_job *job, const struct steered_question *question,
	const struct steer_decision *d, struct reply *reply, uint16_t owner,
	struct steered_result *result)
{
	const struct snapshot *snap = answerer->snap;
	uint16_t qtype = job->q.qtype;

	if (snap->options->record)
		record(answerer, job, question, d);
	result->records = qtype == RR_HTTPS
		? add_https(answerer, question, d, reply, owner)
		: steered_add_addresses(
			  snap->steer.map, d, qtype == RR_AAAA, reply, owner);
	result->ttl_s = d->ttl_s;
	result->scope = question->leaf.scope;
}

void steered_answer(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct steered_result *result)
{
	const struct steered_question *question = &job->steer;
	struct steer_decision d;

	*result = (struct steered_result){.defer = too_early(answerer, job)};
	if (result->defer)
		return;
	if (job->accounted)
		steer_decide(&answerer->snap->steer, answerer->accounts,
			&question->query, answerer->now_ms, &d, NULL);
	else
		steer_answer_lookup(&answerer->snap->steer, answerer->accounts,
			&question->query, &question->found, answerer->now_ms,
			&d);
	write_records(answerer, job, question, &d, reply, HEADER_LEN, result);
}

COLD void steered_answer_at(struct answerer *answerer,
	const struct answer_job *job, const struct steered_name *name,
	struct reply *reply, uint16_t owner, struct steered_result *result)
{
	struct steered_question question = {.name = name};
	struct steer_decision d;

	*result = (struct steered_result){.defer = too_early(answerer, job)};
	if (result->defer)
		return;
	question.leaf = geo_find(answerer->snap->steer.geo, answer_client(job));
	ask(answerer, job, &question);
	if (name->why) {
		why(answerer, job, &question, reply, owner, result);
		return;
	}
	if (job->accounted)
		steer_decide(&answerer->snap->steer, answerer->accounts,
			&question.query, answerer->now_ms, &d, NULL);
	else
		steer_answer(&answerer->snap->steer, answerer->accounts,
			&question.query, answerer->now_ms, &d);
	write_records(answerer, job, &question, &d, reply, owner, result);
}
