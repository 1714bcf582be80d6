#include "answer/xfr.h"

#include "snapshot/snapshot.h"
#include "transfer/bell.h"
#include "transfer/source.h"
#include "wire/rr.h"

unsigned xfr_answer(const struct answerer *answerer, struct answer_job *job,
	struct reply *reply)
{
	const struct transfer_source *source = answerer->snap->transfers;
	const struct transfer_zone *zone = NULL;

	if (source && job->zone)
		zone = transfer_zone_at(source, &job->asked->name);
	if (source && !zone)
		return RCODE_NOTAUTH;
	if (!zone ||
		!transfer_allowed(source, zone,
			job->forgeable ? NULL : &job->peer, job->key))
		return RCODE_REFUSED;
	if (job->tls) /* a descriptor alone can't be handed on */
		return RCODE_REFUSED;
	if (job->tcp)
		job->transfer = zone;
	else if (job->q.qtype == RR_AXFR)
		return RCODE_FORMERR; /* RFC 5936 4.2: it is not defined */
	else
		zone_rrset_write(zone->zone->soa, reply, HEADER_LEN, HEADER_LEN,
			TTL_MAX);
	return RCODE_NOERROR;
}

/* The address of a question over UDP may be forged: a NOTIFY costs a question to the
 * primary at most, once a second. */
unsigned xfr_notified(
	const struct answerer *answerer, const struct answer_job *job)
{
	const struct transfer_source *source = answerer->snap->transfers;
	const struct transfer_zone *zone;

	if (!source || !source->any_from)
		return RCODE_NOTIMP;
	zone = job->q.qtype == RR_SOA && job->q.qclass == CLASS_IN
		? transfer_zone_at(source, &job->asked->name)
		: NULL;
	if (!zone || !zone->conf->from.n_primary)
		return RCODE_NOTAUTH;
	if (!transfer_is_primary(source, zone, &job->peer, job->key))
		return RCODE_REFUSED;
	if (answerer->bell)
		bell_ring(answerer->bell, &zone->zone->apex);
	return RCODE_NOERROR;
}
