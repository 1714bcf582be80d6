/* sets.h - records as ldns has them, the sets that they make, and the signatures of these.
 */
#ifndef TESTS_SETS_H
#define TESTS_SETS_H

#include "unit/dns.h"

static UNUSED ldns_rr *rr_of(const struct name *owner, uint16_t type,
	uint32_t ttl_s, const uint8_t *rdata, size_t len)
{
	static uint8_t wire[NAME_WIRE_MAX + RR_FIXED_LEN + UINT16_MAX];
	uint8_t *p = wire + owner->len;
	ldns_rr *rr = NULL;
	size_t at = 0;

	memcpy(wire, owner->bytes, owner->len);
	put16(p, type);
	put16(p + 2, CLASS_IN);
	put32(p + 4, ttl_s);
	put16(p + 8, (unsigned)len);
	memcpy(p + RR_FIXED_LEN, rdata, len);
	assert_int_equal(
		ldns_wire2rr(&rr, wire, owner->len + RR_FIXED_LEN + len, &at,
			LDNS_SECTION_ANSWER),
		LDNS_STATUS_OK);
	return rr;
}

/* RRSIGs of a list that are for a set. */
static UNUSED ldns_rr_list *signatures_of(
	const ldns_rr_list *all, const ldns_rr *of)
{
	ldns_rr_list *out = ldns_rr_list_new();
	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++) {
		ldns_rr *rr = ldns_rr_list_rr(all, i);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG &&
			!ldns_dname_compare(
				ldns_rr_owner(rr), ldns_rr_owner(of)) &&
			ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr)) ==
				ldns_rr_get_type(of))
			ldns_rr_list_push_rr(out, rr);
	}
	return out;
}

static UNUSED ldns_rr_list *set_of(
	const ldns_rr_list *all, const ldns_rr *first)
{
	ldns_rr_list *out = ldns_rr_list_new();
	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++) {
		ldns_rr *rr = ldns_rr_list_rr(all, i);
		if (ldns_rr_get_type(rr) == ldns_rr_get_type(first) &&
			!ldns_dname_compare(
				ldns_rr_owner(rr), ldns_rr_owner(first)))
			ldns_rr_list_push_rr(out, rr);
	}
	return out;
}

#endif
