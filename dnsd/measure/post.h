/* post.h - sends a report to name servers, by HTTP or HTTPS, without waiting for any.
 *
 * One event loop, one thread. A report that a server does not take is lost: the next
 * one comes soon. What fails is logged once, and when it is over.
 */
#ifndef MEASURE_POST_H
#define MEASURE_POST_H

#include <stdbool.h>

#include "base/err.h"

struct event_base;
struct post;

/* urls: "http[s]://HOST[:PORT][/],..." of name servers; the path of the call is added.
 * token: NULL or the bearer token; copied. NULL with messages on errors. */
struct post *post_new(struct event_base *base, const char *urls,
	const char *token, struct err *err);
void post_free(struct post *post); /* NULL allowed */

/* Sends a part of a report to all of them; last: no other part follows. One that has
 * not answered the last report yet gets
 * this one in its place. */
void post_send(struct post *post, const char *body, size_t len, bool last);

#endif
