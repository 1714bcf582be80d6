/* request.h - what all HTTP requests to nodes have in common, by libcurl: of which
 * protocols, by which authorities, for how long. Any thread.
 */
#ifndef SRS_REQUEST_H
#define SRS_REQUEST_H

#include <curl/curl.h>

/* A file of certificates that HTTPS is verified by, in place of the system's; NULL: these.
 * From the environment: read it once, while there is one thread. */
const char *request_authorities(void);

/* http and https alone, verified; no redirect, no proxy of the environment, a connection
 * for this request alone (one that is kept stops SRS's graceful exit), timeout_ms for all
 * of it. */
void request_options(CURL *curl, long timeout_ms, const char *authorities);

#endif
