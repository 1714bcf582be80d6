#include "net/unwrap.h"

#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "wire/proxy.h"

void unwrap_job(struct answerer *answerer, struct answer_job *job)
{
	struct proxy_header h;

	if (!options_is_proxy(answerer->snap->options, &job->peer))
		return;
	if (proxy_header_read(job->query, job->query_len, &h) != PROXY_READ) {
		count(&answerer->counters.proxy_bad);
		job->query_len = 0;
		return;
	}
	job->query += h.len;
	job->query_len = (uint16_t)(job->query_len - h.len);
	if (!h.client.family)
		return;
	job->peer = h.client;
	job->port = h.port;
}
