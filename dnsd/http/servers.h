/* servers.h - the other name servers as JSON, for the API and the page. */
#ifndef HTTP_SERVERS_H
#define HTTP_SERVERS_H

#include <jansson.h>

struct servers;

/* All of it but what they believe of nodes. The caller's. */
json_t *servers_json(const struct servers *servers);

/* What they believe of a node: a list. The caller's. */
json_t *servers_views_json(const struct servers *servers, unsigned node);

#endif
