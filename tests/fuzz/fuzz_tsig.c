/* Any octets as a message with a TSIG: what is read lies within them, nothing that was
 * not signed is good, and what is signed behind any message is. The first octet chooses
 * the algorithm. */
#include <stdlib.h>
#include <string.h>

#include "tsig/tsig.h"
#include "wire/query.h"
#include "wire/rr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1700000000u

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void read_it(const struct tsig_key *key, uint8_t *message, size_t len)
{
	struct tsig tsig;
	struct query q;
	struct name name;
	size_t at = tsig_find(message, len);

	if (query_read(&q, &name, message, len) && q.tsig)
		must(q.tsig == at);
	if (!at || !tsig_read(&tsig, message, len, at))
		return;
	must(tsig.mac + tsig.mac_len <= message + len);
	must(tsig.other + tsig.other_len == message + len);
	const struct tsig_key *found = tsig_key_find(key, 1, &tsig);
	must(tsig_verify(found, &tsig, message, len, NULL, NOW) != TSIG_GOOD);
}

/* The message with a TSIG behind it. */
static void sign_it(
	const struct tsig_key *key, const uint8_t *message, size_t len)
{
	uint8_t *room = malloc(len + 1024);
	struct tsig_chain chain = {.key = key};
	struct tsig tsig;

	memcpy(room, message, len);
	size_t n = tsig_sign(&chain, room, len, NOW);
	if (tsig_find(room, n) == len) { /* else its counts do not hold */
		must(tsig_read(&tsig, room, n, len));
		must(n - len <= tsig_room(&tsig));
		must(tsig_verify(key, &tsig, room, n, NULL, NOW) == TSIG_GOOD);
		memcpy(room, message, len);
		n = tsig_refuse(room, len, &tsig, TSIG_BADSIG);
		must(n - len <= tsig_room(&tsig));
	}
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[32] = "a secret of the fuzzer's process";
	struct tsig_key key;

	if (size < 1 + HEADER_LEN || size > 4096)
		return 0;
	must(tsig_key_set(&key, "ns2.example",
		(enum tsig_algorithm)(*data % TSIG_ALGORITHMS), secret,
		sizeof secret));
	uint8_t *exact = malloc(size - 1);
	memcpy(exact, data + 1, size - 1);
	read_it(&key, exact, size - 1);
	sign_it(&key, exact, size - 1);
	free(exact);
	return 0;
}
