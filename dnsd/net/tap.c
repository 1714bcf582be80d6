#include "net/tap.h"

#include "base/clock.h"
#include "dnstap/ring.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"

int64_t tap_now(const struct answerer *answerer)
{
	return answerer->snap->options->dnstap ? clock_wall_ns() : 0;
}

void tap_job(struct tap *tap, const struct answerer *answerer,
	const struct answer_job *job, int64_t query_ns, int64_t response_ns)
{
	uint64_t share = answerer->snap->options->dnstap;

	if (!share || !tap->ring || !job->reply_len ||
		rng_next(&tap->rng) > share)
		return;
	struct tap_event event = {.query_ns = query_ns,
		.response_ns = response_ns,
		.peer = job->peer,
		.port = job->port,
		.query_len = job->query_len,
		.reply_len = job->reply_len,
		.tcp = job->tcp,
		.tls = job->tls,
		.query = job->query,
		.reply = job->reply};
	tap_ring_put(tap->ring, &event);
}
