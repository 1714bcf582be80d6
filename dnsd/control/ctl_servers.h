/* ctl_servers.h - the other name servers in answers of the control socket. Control
 * thread.
 */
#ifndef CONTROL_CTL_SERVERS_H
#define CONTROL_CTL_SERVERS_H

#include "base/buf.h"

struct columns;
struct map;
struct report;
struct servers;

/* For `status`, rows of a subject and a text: the connection, what is pending, the
 * others. */
void ctl_servers(const struct servers *servers, struct columns *rows);

/* For `try`: of each node that not all find well, what each name server finds. */
void ctl_views(const struct servers *servers, const struct map *map,
	const struct report *report, struct buf *out);

#endif
