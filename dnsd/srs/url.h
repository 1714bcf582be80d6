/* url.h - where a node's API is, as the library says that asks it.
 *
 * Two readings of one URL lead to two places: http://a/@b is asked at a, and looks
 * like b. So where a URL leads is decided here alone: by libcurl's own parser, which
 * the poller uses as well. Pure; any thread.
 */
#ifndef SRS_URL_H
#define SRS_URL_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"

/* The address of http[s]://[user:password@]ADDRESS[:port], and nothing behind
 * that. False with one line, which never quotes the URL (it may hold a password):
 * it is another kind of URL, its host is a name, or it has more parts. */
bool srs_url_address(const char *url, struct addr *host, struct err *err);

#endif
