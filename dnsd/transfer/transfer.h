/* transfer.h - the thread that sends zones to other name servers, notifies them when one
 * has changed (notify.h), and takes zones from others (secondary.h).
 *
 * The TCP thread hands a connection over with a question that is allowed, and gets it
 * back when all is sent. So a name server that reads slowly delays no other. At most
 * TRANSFERS_MAX run at a time; others are answered SERVFAIL. One whose peer takes nothing
 * for TRANSFER_STALL_MS, or that is not over after TRANSFER_LONGEST_MS, is given up.
 */
#ifndef TRANSFER_TRANSFER_H
#define TRANSFER_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "transfer/secondary.h"
#include "transfer/source.h"

#define TRANSFERS_MAX 10
#define TRANSFER_STALL_MS 60000
#define TRANSFER_LONGEST_MS (4 * 3600 * 1000)

struct transfers;

/* A connection of DNS over TCP. What is malloc'd is the holder's. */
struct handed_over {
	int fd;
	struct addr peer;
	uint16_t port;
	bool forgeable; /* as in struct answer_job */
	bool ended;     /* the peer sends nothing more */
	uint8_t *in; /* that came behind the request, malloc'd; NULL: nothing */
	size_t in_len;
	uint8_t *
		out; /* that is still to be sent first, malloc'd; NULL: nothing */
	size_t out_len;

	/* The request, of whom is asked for; NULL when it comes back. */
	struct transfer_source *source; /* taken */
	const struct transfer_zone *zone;
	const struct tsig_key *key; /* that signed it; NULL: none */
	uint8_t *request;           /* malloc'd */
	uint16_t request_len;
};

/* Closes the connection too. */
void handed_over_free(struct handed_over *h);

/* Since the start, and now. */
struct transfer_counts {
	uint64_t done, refused, failed; /* refused: too many ran */
	uint64_t records;               /* of those that are done */
	uint64_t notified, unanswered;  /* NOTIFY */
	unsigned running;
};

struct transfers *transfers_new(void);

/* Where connections go back to: called in the thread, takes h. Before the start. */
void transfers_give_back(struct transfers *transfers,
	void (*back)(void *arg, struct handed_over *h), void *arg);

void transfers_start(
	struct transfers *transfers); /* if it does not run already */
/* Transfers that run are broken off. It may be started again. */
void transfers_stop(struct transfers *transfers);
void transfers_free(struct transfers *transfers); /* NULL allowed */

/* Any thread: begins a transfer. Takes h. */
void transfers_hand(struct transfers *transfers, struct handed_over *h);

/* The same for zones that come (secondary.h). Before the start. */
void transfers_link(
	struct transfers *transfers, const struct secondaries_links *links);

/* Any thread: as secondaries_settled(), secondaries_refresh(), secondaries_status(),
 * secondaries_bell(). */
void transfers_settled(
	struct transfers *transfers, const char *zone, const char *why);
void transfers_refresh(
	struct transfers *transfers, const char *zone, bool force);
struct secondary_status *transfers_secondaries(
	struct transfers *transfers, unsigned *n);
struct bell *transfers_bell(struct transfers *transfers);

/* Control: the zones as they are from now on. NOTIFY goes out for each zone whose serial
 * changed; at the first call for all. */
void transfers_use(struct transfers *transfers, struct transfer_source *source);

/* Any thread. */
struct transfer_counts transfers_counts(const struct transfers *transfers);

#endif
