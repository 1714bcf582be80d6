/* querylog.h - one line for a sample of the queries, on the log.
 *
 * The share is the configuration's (query_log); whatever it is, a thread logs
 * at most a few hundred lines a second and says how many it held back.
 */
#ifndef NET_QUERYLOG_H
#define NET_QUERYLOG_H

#include "answer/answer.h"
#include "base/log.h"
#include "base/rng.h"

/* Owned by the answering thread; starts as {0}. */
struct querylog {
	struct rng rng;
	struct log_limit limit;
};

/* Logs the answered job if chance has it. snap is still acquired. */
void querylog_job(struct querylog *log, const struct answerer *answerer,
        const struct answer_job *job);

#endif
