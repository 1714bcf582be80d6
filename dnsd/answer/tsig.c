#include "answer/tsig.h"

#include "snapshot/snapshot.h"
#include "transfer/source.h"
#include "wire/rr.h"

static size_t refuse(struct answer_job *job, unsigned rcode, size_t room)
{
	job->steered = false;
	job->q.rcode = (uint16_t)rcode;
	return room;
}

size_t answer_tsig_begin(const struct answerer *answerer,
	struct answer_job *job, struct answer_tsig *s)
{
	const struct transfer_source *source = answerer->snap->transfers;
	struct tsig *tsig = &s->tsig;

	s->error = TSIG_FORMERR;
	if (!tsig_read(tsig, job->query, job->query_len, job->q.tsig))
		return refuse(job, RCODE_FORMERR, 0);
	s->key = source ? tsig_key_find(source->keys, source->n_keys, tsig)
			: NULL;
	s->error = tsig_verify(s->key, tsig, job->query, job->query_len, NULL,
		answerer->wall_s);
	if (s->error == TSIG_FORMERR)
		return refuse(job, RCODE_FORMERR, 0);
	if (s->error != TSIG_GOOD)
		return refuse(job, RCODE_NOTAUTH, tsig_room(tsig));
	job->key = s->key;
	job->proven = true;
	return tsig_room(tsig);
}

void answer_tsig_end(const struct answerer *answerer, struct answer_job *job,
	const struct answer_tsig *s)
{
	struct tsig_chain chain;
	uint8_t *reply = job->reply;
	size_t len = job->reply_len;

	if (s->error == TSIG_GOOD || s->error == TSIG_BADTIME)
		tsig_follow(&chain, s->key, &s->tsig);
	if (s->error == TSIG_GOOD)
		len = tsig_sign(&chain, reply, len, answerer->wall_s);
	else if (s->error == TSIG_BADTIME)
		len = tsig_sign_badtime(
			&chain, reply, len, &s->tsig, answerer->wall_s);
	else
		len = tsig_refuse(reply, len, &s->tsig, s->error);
	job->reply_len = (uint16_t)len;
}
