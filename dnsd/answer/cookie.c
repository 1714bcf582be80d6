#include "answer/cookie.h"

#include <string.h>

#include "base/rng.h"
#include "wire/rr.h"

/* | client cookie 8 | version 1 | reserved 3 | timestamp 4 | hash 8 | */
#define AT_VERSION 8
#define AT_TIME 12
#define AT_HASH 16
#define COOKIE_LEN 24
#define VERSION 1

/* RFC 9018 4.3 */
#define FUTURE_S 300
#define VALID_S 3600
#define FRESH_S 1800

static void hash(const uint8_t secret[16], const uint8_t *cookie,
	const struct addr *client, uint8_t out[8])
{
	uint8_t input[AT_HASH + 16];
	unsigned n = addr_bits(client) / 8;
	memcpy(input, cookie, AT_HASH);
	memcpy(input + AT_HASH, client->bytes, n);
	uint64_t h = siphash(secret, input, AT_HASH + n);
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(h >> 8 * i);
}

static bool is_ours(const uint8_t secret[16], const uint8_t *cookie,
	const struct addr *client)
{
	uint8_t expect[8], differ = 0;
	hash(secret, cookie, client, expect);
	for (int i = 0; i < 8; i++)
		differ |= expect[i] ^ cookie[AT_HASH + i];
	return !differ;
}

enum cookie_state cookie_answer(const struct server_options *options,
	const struct edns *edns, const struct addr *client, uint32_t now_s,
	uint8_t out[COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN])
{
	const uint8_t *sent = edns->cookie;
	enum cookie_state state = COOKIE_NONE;
	/* Serial arithmetic: the stamp wraps in 2106. */
	int32_t age = 0;

	if (edns->cookie_len > COOKIE_CLIENT_LEN) {
		bool current = false, previous = false;
		age = (int32_t)(now_s - get32(sent + AT_TIME));
		if (edns->cookie_len == COOKIE_LEN &&
			sent[AT_VERSION] == VERSION && age >= -FUTURE_S &&
			age <= VALID_S) {
			current = is_ours(options->cookie_secret, sent, client);
			previous = !current && options->have_previous &&
				is_ours(options->cookie_previous, sent, client);
		}
		state = current || previous ? COOKIE_GOOD : COOKIE_BAD;
		if (current && age < FRESH_S) {
			memcpy(out, sent, COOKIE_LEN);
			return state;
		}
	}
	memcpy(out, sent, COOKIE_CLIENT_LEN);
	memset(out + AT_VERSION, 0, AT_TIME - AT_VERSION);
	out[AT_VERSION] = VERSION;
	put32(out + AT_TIME, now_s);
	hash(options->cookie_secret, out, client, out + AT_HASH);
	return state;
}
