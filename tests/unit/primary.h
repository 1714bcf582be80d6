/* primary.h - messages that a primary of example.com answers with.
 */
#ifndef TESTS_PRIMARY_H
#define TESTS_PRIMARY_H

#include "unit/dns.h"

#include "tsig/tsig.h"

/* A key that it shares with its secondaries. */
static UNUSED struct tsig_key primary_key(const char *name)
{
	static const uint8_t secret[32] = "a secret of thirty-two octets...";
	struct tsig_key key;
	assert_true(tsig_key_set(
		&key, name, TSIG_HMAC_SHA256, secret, sizeof secret));
	return key;
}

/* Adds a record, "OWNER TTL IN TYPE RDATA", to the answers of a message. */
static UNUSED void primary_record(struct packet *p, const char *record)
{
	ldns_rr *rr = NULL;
	ldns_buffer *wire = ldns_buffer_new(65535);

	assert_int_equal(ldns_rr_new_frm_str(&rr, record, 0, NULL, NULL),
		LDNS_STATUS_OK);
	ldns_rr2buffer_wire(wire, rr, LDNS_SECTION_ANSWER);
	put_bytes(p, ldns_buffer_begin(wire), ldns_buffer_position(wire));
	put16(p->bytes + 6, get16(p->bytes + 6) + 1u);
	ldns_buffer_free(wire);
	ldns_rr_free(rr);
}

/* An answer without records; qtype 0: and without the question. */
static UNUSED struct packet primary_answer(uint16_t id, uint16_t qtype)
{
	struct packet p = packet_header(FLAG_QR | FLAG_AA, qtype != 0);

	put16(p.bytes, id);
	if (!qtype)
		return p;
	put_name(&p, "example.com");
	put_u16(&p, qtype);
	put_u16(&p, CLASS_IN);
	return p;
}

#endif
