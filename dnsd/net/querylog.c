#include "net/querylog.h"

#include <stdio.h>

#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "wire/rr.h"

#define LINES_PER_S 200

static void write_line(const struct answer_job *job, unsigned held)
{
	char name[NAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
	char from[ADDR_TEXT_MAX], net[PREFIX_TEXT_MAX] = "-", more[32] = "";
	const struct edns_ecs *ecs = &job->q.edns.ecs;

	if (ecs->present && ecs->source) {
		struct prefix prefix = {ecs->addr, ecs->source};
		prefix_text(&prefix, net);
	}
	if (held)
		snprintf(more, sizeof more, " held=%u", held);
	log_info(
		"query from=%s transport=%s ecs=%s name=%s type=%s rcode=%u size=%u%s",
		addr_text(&job->peer, from),
		job->tls           ? "tls"
			: job->tcp ? "tcp"
				   : "udp",
		net, name_text(&job->asked->name, name),
		rr_type_text(job->q.qtype, type), job->reply[3] & 15u,
		job->reply_len, more);
}

void querylog_job(struct querylog *log, const struct answerer *answerer,
	const struct answer_job *job)
{
	double share = answerer->snap->options->query_log;
	unsigned held;

	if (share <= 0 || !job->reply_len || !job->q.question_len)
		return;
	if (rng_unit(&log->rng) < share &&
		log_allowed(&log->limit, answerer->now_ms, LINES_PER_S, &held))
		write_line(job, held);
}
