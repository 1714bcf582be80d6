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

/* -- for those who close connections -- */

/* An id as SRS gives it, of letters, digits, '-', '_' and '.': it becomes a part of a
 * URL. */
struct client_id {
	char text[63];
	bool publishes;
};
struct client_ids {
	unsigned n, publishers; /* publishers: of these */
	struct client_id *id;   /* malloc'd */
};

/* The ids of a list, but for entries without a good one. False with one line. */
bool client_ids_parse(
	const char *body, size_t len, struct client_ids *ids, struct err *err);
void client_ids_free(struct client_ids *ids);

/* The answer to DELETE of a client: it is closed, or is not there any more. */
bool client_closed_parse(const char *body, size_t len, struct err *err);

#endif
