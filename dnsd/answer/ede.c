#include "answer/ede.h"

#include "answer/xfr.h"

static const struct ede opcode = {EDE_NOT_SUPPORTED, "opcode is not QUERY"};
static const struct ede class = {
	EDE_NOT_SUPPORTED, "nothing of that name in this class"};
static const struct ede transfer = {
	EDE_PROHIBITED, "no transfer of this zone to this asker"};
static const struct ede notify = {EDE_PROHIBITED, "no primary of this zone"};
static const struct ede absent = {
	EDE_NOT_READY, "not transferred yet, or expired"};
static const struct ede over_tls = {EDE_NOT_SUPPORTED, "no transfer over TLS"};
static const struct ede outside = {
	EDE_NOT_AUTHORITATIVE, "the name is in no zone of ours"};
/* _why, by an address that is not trusted */
static const struct ede prohibited = {EDE_PROHIBITED, NULL};

struct ede ede_of(const struct answer_job *job, unsigned rcode)
{
	const struct query *q = &job->q;

	if (rcode == RCODE_NOTIMP)
		return opcode;
	if (q->rcode == RCODE_SERVFAIL)
		return absent;
	if (xfr_is_notify(q))
		return notify;
	if (q->qclass != CLASS_IN)
		return class;
	if (!job->zone)
		return outside;
	if (q->qtype == RR_AXFR || q->qtype == RR_IXFR)
		return job->tls ? over_tls : transfer;
	return prohibited;
}
