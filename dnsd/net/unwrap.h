/* unwrap.h - datagrams of DNS proxies: the PROXY header before the query (wire/proxy.h).
 * Answering threads.
 */
#ifndef NET_UNWRAP_H
#define NET_UNWRAP_H

#include "answer/answer.h"

/* If the peer is a proxy of the configuration, what it has sent becomes its client's:
 * without a good header it is no query. snap is acquired. */
void unwrap_job(struct answerer *answerer, struct answer_job *job);

#endif
