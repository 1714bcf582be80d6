/* httpdns.h - the shapes of HTTPDNS services (httpdns.c) on the public listener, if the
 * configuration says `httpdns: true`. Private to http/, on its thread.
 */
#ifndef HTTP_HTTPDNS_H
#define HTTP_HTTPDNS_H

#include <stdbool.h>

struct request;

/* False: not one of their paths, or they are off; nothing was answered. */
bool httpdns_route(struct request *r);

#endif
