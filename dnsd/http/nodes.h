/* nodes.h - the nodes as JSON, for the call and the control socket. Private to http/. */
#ifndef HTTP_NODES_H
#define HTTP_NODES_H

#include <jansson.h>

struct snapshot;

/* All of them, or the one of that name. The caller owns it. */
json_t *nodes_json(const struct snapshot *snap, const char *only);

#endif
