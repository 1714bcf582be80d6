/* out.h - the messages of one transfer (RFC 5936): AXFR, and IXFR answered by the whole
 * zone or, if the asker has it already, by the SOA alone (RFC 1995 4). No socket, no
 * clock; one thread.
 */
#ifndef TRANSFER_OUT_H
#define TRANSFER_OUT_H

#include <stddef.h>

#include "transfer/records.h"
#include "wire/query.h"

/* Of a frame: two octets of length and a message. */
#define OUT_FRAME_MAX (2 + 65535)

enum out_state { OUT_FIRST_SOA, OUT_RECORDS, OUT_LAST_SOA, OUT_DONE };

struct out {
	const struct transfer_zone *zone;
	struct query query; /* borrows the request */
	struct name qname;
	struct records records;
	struct record next; /* that did not fit into the message before */
	bool have_next;
	bool is_signed, all; /* all: not the SOA alone */
	struct tsig_chain chain;
	enum out_state state;
	uint64_t sent_records, sent_messages;
};

/* request: as it came, an AXFR or IXFR of that zone. key: that signed it, NULL: none.
 * All of it is borrowed. */
void out_begin(struct out *out, const struct transfer_source *source,
	const struct transfer_zone *zone, const uint8_t *request, size_t len,
	const struct tsig_key *key);
void out_end(struct out *out);

/* Writes the next message with its length in front, signed at now_s if the request was.
 * Returns the octets; 0: all have been written. */
size_t out_message(
	struct out *out, uint8_t frame[OUT_FRAME_MAX], uint64_t now_s);

/* Instead of all messages one without records. */
size_t out_refuse(struct out *out, uint8_t frame[OUT_FRAME_MAX], unsigned rcode,
	uint64_t now_s);

#endif
