/* descriptors.h - how many file descriptors (RLIMIT_NOFILE) each part of the process
 * may use: fixed at start, so that one kind of client cannot use up another's.
 *
 * What dnsd itself needs comes first, then polls of the nodes and DNS over TCP,
 * HTTP has the rest.
 */
#ifndef CONTROL_DESCRIPTORS_H
#define CONTROL_DESCRIPTORS_H

#include "base/err.h"
#include "conf/conf.h"

struct descriptors {
	unsigned own;     /* sockets, files, the control socket's clients */
	unsigned polls;   /* questions to nodes at a time */
	unsigned tcp;     /* connections of DNS over TCP */
	unsigned http;    /* connections of each HTTP listener */
	unsigned streams; /* of events, beside them */
};

/* Of a limit, when `open` of them are in use already. */
struct descriptors descriptors_of(
	unsigned limit, unsigned open, unsigned nodes, unsigned tcp_max);

/* Raises the process's limit as far as it may; once, at start. */
void descriptors_raise(void);

/* As the process is now; a warning if the limit is less than the configuration
 * wants. */
struct descriptors descriptors_now(const struct conf *conf, struct err *err);

#endif
