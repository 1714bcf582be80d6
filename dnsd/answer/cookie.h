/* cookie.h - server cookies as RFC 9018 makes them, so that all name servers
 * of a zone agree. Pure functions; any thread.
 */
#ifndef ANSWER_COOKIE_H
#define ANSWER_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "snapshot/options.h"
#include "wire/edns.h"

enum cookie_state { COOKIE_NONE, COOKIE_BAD, COOKIE_GOOD };

/* What to make of the cookie of a query (8 or 16..40 octets), and what to send
 * back: the client's half and a server cookie that is good now. */
enum cookie_state cookie_answer(const struct server_options *options,
	const struct edns *edns, const struct addr *client, uint32_t now_s,
	uint8_t out[COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN]);

#endif
