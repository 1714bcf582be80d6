/* replay.h - the decision core in virtual time, lines in and lines out: the same fleet,
 * merge of accounts, decision and map as in the server, without clock and network.
 * docs/replay.md has the form of the lines. One thread.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <stdbool.h>

#define REPLAY_WORKERS_MAX 64

struct replay_options {
	const char
		*conf_path; /* whose steer block is taken; NULL: a usual one */
	unsigned workers;   /* that answer: 1 .. REPLAY_WORKERS_MAX */
	bool deal_by_id;    /* to them by query id, not by resolver */
	bool stats;         /* a summary at the end, on stderr */
};

/* Reads lines on stdin and writes the answers on stdout. False: a message was
 * printed. */
bool replay_run(const struct replay_options *options);

#endif
