/* status.h - the server's status as JSON, for the call and the page's events. Private
 * to http/.
 */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

#include <jansson.h>
#include <stdbool.h>

struct snapshot;

/* whole: with lists that have no bound. The caller owns it. */
json_t *status_json(const struct snapshot *snap, bool whole);

#endif
