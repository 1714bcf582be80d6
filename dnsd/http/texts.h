/* texts.h - what calls of the API answer, for `dnsd ctl --json`: one form for programs,
 * whichever way they ask. Thread: one that may read the snapshot. Malloc'd texts.
 */
#ifndef HTTP_TEXTS_H
#define HTTP_TEXTS_H

struct snapshot;

char *texts_status(const struct snapshot *snap); /* GET /api/v1/status */
char *texts_nodes(const struct snapshot *snap);  /* GET /api/v1/nodes */

#endif
