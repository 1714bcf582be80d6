/* caller.h - where a request comes from, by its headers: Host (DNS rebinding),
 * Origin (a page of another site), X-Forwarded-For (the client behind a proxy).
 * Private to http/; pure functions.
 */
#ifndef HTTP_CALLER_H
#define HTTP_CALLER_H

#include <event2/keyvalq_struct.h>
#include <stdbool.h>

#include "base/addr.h"
#include "conf/conf.h"

/* Whether the Host of a request is ours: an address, localhost or one of the names,
 * with any port, or no Host at all (HTTP/1.0). Any other name is another site's, which was
 * made to resolve to us (DNS rebinding). */
bool caller_host_ok(
	const struct evkeyvalq *headers, char *const *names, unsigned n_names);

/* Whether a browser asks for a page of another origin than the request's own
 * Host. */
bool caller_is_foreign(const struct evkeyvalq *headers);

/* The client of a request that came from peer: peer itself, or, if it is a proxy,
 * the last address of X-Forwarded-For that is none. False: what is there is no
 * address. */
bool caller_client(const struct evkeyvalq *headers, const struct addr *peer,
	const struct prefix *proxies, unsigned n_proxies, struct addr *client);

/* Whether an address is one of these. */
bool caller_is_one_of(
	const struct addr *addr, const struct prefix *prefixes, unsigned n);

/* 127.0.0.0/8, ::1. */
bool caller_is_loopback(const struct addr *addr);

#endif
