/* in.h - the messages of one transfer from a primary (RFC 5936): the questions, and what
 * comes as a master file. Names are read and checked by ldns; signatures of a zone that its
 * primary has signed are left out, since other records are added to it here. No socket;
 * one thread.
 */
#ifndef TRANSFER_IN_H
#define TRANSFER_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "tsig/tsig.h"
#include "wire/name.h"

/* A header, a question, a TSIG. */
#define IN_QUESTION_MAX 1024

enum in_part { IN_FIRST, IN_RECORDS, IN_DONE };

struct in {
	struct name apex;
	const struct tsig_key *key; /* borrowed; NULL: nothing is signed */
	FILE *file;                 /* borrowed; what records are written to */

	uint16_t id, qtype;
	struct tsig_chain chain;
	struct buf
		between; /* messages without a TSIG since the last with one */
	unsigned n_between;
	enum in_part part;
	uint32_t serial; /* of the SOA that came first */
	uint64_t records, messages, octets;
	uint64_t left_out; /* signatures and what belongs to them */
	char why[200];     /* why it is broken */
};

void in_begin(
	struct in *in, const struct name *apex, const struct tsig_key *key);
void in_end(struct in *in);

/* Writes a question for SOA or AXFR with its length in front; what comes then answers
 * it. Returns the octets. */
size_t in_question(struct in *in, uint16_t qtype,
	uint8_t frame[IN_QUESTION_MAX], uint64_t now_s);

/* Reads the answer to the question for the SOA. False: in->why. */
bool in_soa(struct in *in, const uint8_t *message, size_t len, uint64_t now_s,
	uint32_t *serial);

/* Reads the next message of the AXFR and writes its records; with the last one part is
 * IN_DONE. False: in->why. */
bool in_message(
	struct in *in, const uint8_t *message, size_t len, uint64_t now_s);

/* Whether a serial is newer than one before (RFC 1982 3.2). */
static inline bool in_is_newer(uint32_t serial, uint32_t before)
{
	return (int32_t)(serial - before) > 0;
}

#endif
