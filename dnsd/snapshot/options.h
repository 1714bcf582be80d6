/* options.h - settings of the configuration that an answer depends on.
 * Immutable, a part of the snapshot.
 */
#ifndef SNAPSHOT_OPTIONS_H
#define SNAPSHOT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct server_options {
	uint16_t udp_max;      /* largest UDP answer, also advertised: 1232 */
	uint16_t udp_nocookie; /* larger UDP answers to clients without a valid
				  server cookie get TC; UINT16_MAX: no limit */
	int64_t rrl_cost;      /* of an answer over UDP (ledger/rrl.h); 0: there
				  is no limit */
	unsigned rrl_slip;     /* of those beyond it each so many-th gets TC */
	uint8_t cookie_secret[16];   /* server cookies are made with this */
	uint8_t cookie_previous[16]; /* and still accepted with this */
	bool have_previous;
	const char *nsid;    /* NSID, id.server, hostname.bind; NULL: none */
	const char *version; /* version.bind, version.server; NULL: REFUSED */
	double query_log;    /* share of queries that are logged */
	uint64_t dnstap;     /* as many of all random numbers as the share of
				answers that go to dnstap; 0: none */
	uint64_t record;     /* client nets whose hash is at most that are
				recorded; 0: none */
	const struct prefix *trusted; /* addresses that may ask _why */
	unsigned n_trusted;
	const struct prefix *proxy; /* addresses that name the client in front
				       of what they send */
	unsigned n_proxy;
};

/* Whether addr lies in one of the trusted prefixes. */
static inline bool options_trusts(
	const struct server_options *options, const struct addr *addr)
{
	return prefix_any(options->trusted, options->n_trusted, addr);
}

/* Whether it is a proxy's. */
static inline bool options_is_proxy(
	const struct server_options *options, const struct addr *addr)
{
	return prefix_any(options->proxy, options->n_proxy, addr);
}

#endif
