/* fuzz_zonefile.c - any text as a master file. What is accepted must compile,
 * be enumerable, and every set must be found again and make a message that
 * ldns can read; what is refused must have said why.
 */
#include <assert.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "zones/zone.h"
#include "zones/zonefile.h"

static void check_set(const struct zone *zone, const struct name *name,
	const struct zone_rrset *set)
{
	static uint8_t reply[65535];
	uint8_t packet[HEADER_LEN + NAME_WIRE_MAX + 4] = {[5] = 1};
	struct query q;
	struct name qname;
	struct reply r;
	ldns_pkt *pkt = NULL;

	memcpy(packet + HEADER_LEN, name->bytes, name->len);
	put16(packet + HEADER_LEN + name->len, set->type);
	put16(packet + HEADER_LEN + name->len + 2, CLASS_IN);
	assert(query_read(&q, &qname, packet, HEADER_LEN + name->len + 4u));
	reply_begin(&r, reply, sizeof reply, 0, &q);
	zone_rrset_write(set, &r, HEADER_LEN,
		(uint16_t)(HEADER_LEN + name->len - zone->apex.len), TTL_MAX);
	assert(!r.full && r.counts[REPLY_ANSWER] == set->count);
	size_t len = reply_end(&r, 0, 0, NULL);
	/* RFC 3597 text gives a type whatever octets it likes; ldns may not
	 * take them for those that it knows. It must not crash, nor we. */
	if (ldns_wire2pkt(&pkt, reply, len) == LDNS_STATUS_OK) {
		assert(ldns_pkt_ancount(pkt) == set->count);
		ldns_pkt_free(pkt);
	}
}

static void check_zone(const struct zone *zone)
{
	const struct zone_node *node = zone_apex(zone);
	uint32_t nodes = 0, records = 0;

	for (; node; node = zone_next(node), nodes++) {
		struct name name;
		zone_node_name(zone, node, &name);
		struct zone_match m;
		zone_find(zone, &name, zone_hash(zone, &name), &m);
		assert(m.node == node || m.found == ZONE_CUT);
		const struct zone_rrset *set = zone_rrset_first(node);
		for (unsigned i = node->sets; i; i--) {
			check_set(zone, &name, set);
			records += set->count;
			set = zone_rrset_next(set);
		}
	}
	assert(nodes == zone->nodes && records == zone->records);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	struct name apex;

	name_from_text(&apex, "example.com");
	struct zone_builder *b = zone_builder_new(&apex);
	bool good = zonefile_parse(b, NULL, (const char *)data, size, &err);
	struct zone *zone = zone_build(b, &err);
	assert(good || !zone);
	assert(!zone == (err.count > 0));
	if (zone)
		check_zone(zone);
	zone_free(zone);
	err_fini(&err);
	return 0;
}
