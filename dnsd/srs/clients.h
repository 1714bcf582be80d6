/* clients.h - reads SRS's list of clients: the bits of each client and its stream.
 * Pure; fuzzed.
 *
 * Reads the body of GET /api/v1/clients/ of SRS 4 to 7, a page of it. Kept are
 * clients whose bits show something: publishers, and players of RTMP and HTTP-FLV with
 * sound and picture, all for as long as SRS needs for its first figure (kbps of the
 * last 30 s, made anew every 30 s, 0 before that). Players of HLS come and go, and
 * fetch ahead. An entry that cannot be read is left out: a client chooses some of
 * its text.
 */
#ifndef SRS_CLIENTS_H
#define SRS_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#define CLIENTS_PAGE 500 /* are asked for at once */
#define CLIENTS_MAX 5000 /* of one SRS in one round; more are not seen */
#define CLIENTS_ALIVE_S 65.0

struct srs_client {
	uint64_t stream; /* hash of its url */
	struct addr addr;
	bool publishes;
	float kbps; /* to a player, from a publisher; above 0 */
};

struct client_list {
	unsigned listed; /* entries that SRS gave, of all kinds */
	unsigned n;      /* of those, kept */
	struct srs_client client[CLIENTS_MAX];
};

/* Adds a page. False with one line that says what is wrong, and nothing is added.
 * body need not end in \0. *page: how many entries it has. */
bool clients_parse(const char *body, size_t len, struct client_list *list,
	unsigned *page, struct err *err);

#endif
