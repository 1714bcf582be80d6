/* routes.h - which call a request is, by its path and method. Private to http/. */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

struct request;

/* Hands a request to its handler (handlers.h), or answers that there is none. */
void routes_run(struct request *r);

#endif
