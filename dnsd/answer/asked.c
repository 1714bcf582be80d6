#include "answer/asked.h"

#include "zones/zoneset.h"

/* Of QNAME this much chooses the place; of short names it is also what follows. */
#define KEY_LEN 16

static struct asked *asked_place(struct asked_table *table, const uint8_t *name)
{
	const uint64_t any_case = 0x2020202020202020u;
	uint64_t a, b;
	memcpy(&a, name, 8);
	memcpy(&b, name + 8, 8);
	a = ((a | any_case) * 0x9e3779b97f4a7c15u) ^ (b | any_case);
	a *= 0xbf58476d1ce4e5b9u;
	return &table->entries[a >> 32 & (ASKED - 1)];
}

static void lies_in(struct asked *asked, const struct zone *zone)
{
	asked->found = false;
	asked->zone = zone;
	if (zone)
		asked->hash = zone_hash(zone, &asked->name);
}

struct asked *asked_read(const struct asked_of *of, const uint8_t *packet,
	size_t len, struct asked *own)
{
	const uint8_t *qname = packet + HEADER_LEN;
	struct asked_table *table = of->table;
	struct asked *asked = own;

	len -= HEADER_LEN;
	if (table && len >= KEY_LEN) {
		asked = asked_place(table, qname);
		if (asked->generation == of->generation &&
			len >= asked->name.len &&
			name_begins(&asked->name, qname)) {
			asked->batch = table->batch;
			return asked;
		}
		if (asked->batch == table->batch)
			asked = own;
		asked->batch = table->batch;
	}
	asked->generation = 0;
	if (!name_read(&asked->name, qname, len))
		return NULL;
	asked->generation = of->generation;
	lies_in(asked, zoneset_find(of->zones, &asked->name));
	return asked;
}

struct asked *asked_above(
	const struct asked_of *of, struct asked *asked, struct asked *own)
{
	const struct zone *above;

	if (!asked->zone || asked->name.len != asked->zone->apex.len ||
		!(above = zoneset_find_above(of->zones, &asked->name)))
		return asked;
	own->name = asked->name;
	lies_in(own, above);
	return own;
}
