#include "sign/rrsig.h"

#include <ldns/ldns.h>
#include <string.h>

#include "wire/rr.h"

size_t rrsig_message_begin(
	uint8_t *message, const struct name *owner, uint16_t type)
{
	memset(message, 0, HEADER_LEN);
	put16(message, 1);     /* any id */
	put16(message + 4, 1); /* questions */
	memcpy(message + HEADER_LEN, owner->bytes, owner->len);
	put16(message + HEADER_LEN + owner->len, type);
	put16(message + HEADER_LEN + owner->len + 2, CLASS_IN);
	return HEADER_LEN + (size_t)owner->len + 4;
}

void rrsig_message_end(uint8_t *message, unsigned count)
{
	put16(message + 6, count);
}

/* Appends the records in canonical form and order. */
static bool put_records(ldns_buffer *to, ldns_rr_list *records, uint32_t ttl_s)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
		ldns_rr_set_ttl(ldns_rr_list_rr(records, i), ttl_s);
	ldns_rr_list_sort(records);
	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
		if (ldns_rr2buffer_wire_canonical(to,
			    ldns_rr_list_rr(records, i),
			    LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
			return false;
	return true;
}

bool rrsig_make(const struct rrsig_fields *f, const uint8_t *message,
	size_t len, uint8_t out[SIGN_SIGNATURE_LEN])
{
	uint8_t head[RRSIG_FIXED_LEN + NAME_WIRE_MAX];
	ldns_pkt *packet;

	if (ldns_wire2pkt(&packet, message, len) != LDNS_STATUS_OK)
		return false;
	ldns_buffer *data = ldns_buffer_new(2 * len + sizeof head);
	ldns_buffer_write(data, head, rrsig_put(f, head));
	bool ok = ldns_pkt_ancount(packet) &&
		put_records(data, ldns_pkt_answer(packet), f->ttl_s) &&
		sign_key_sign(f->key, ldns_buffer_begin(data),
			ldns_buffer_position(data), out);
	ldns_buffer_free(data);
	ldns_pkt_free(packet);
	return ok;
}
