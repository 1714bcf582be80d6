#include "control/presign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "control/build.h"
#include "control/state.h"
#include "sign/signer.h"
#include "wire/rr.h"

struct presign {
	struct sign_ring *ring;
	/* What is in service, and the place in it; name: behind the last if all is
	 * done. */
	uint32_t signing_sum; /* of the numbers of the zones' builds */
	int64_t epochs;
	unsigned name, line, node;
	bool of_streams; /* the wildcard below the line */
	bool v6;
};

struct presign *presign_new(struct sign_ring *ring)
{
	struct presign *p = mem_zero(1, sizeof *p);
	p->ring = ring;
	return p;
}

void presign_free(struct presign *p)
{
	free(p);
}

/* -- the way through all names, lines, nodes, families -- */

static void next_name(struct presign *p)
{
	p->name++;
	p->line = p->node = 0;
	p->of_streams = p->v6 = false;
}

static void next_line(struct presign *p, const struct map_name *name)
{
	p->node = 0;
	if (name->streams && !p->of_streams) {
		p->of_streams = true;
		return;
	}
	p->of_streams = false;
	if (++p->line > name->lines)
		next_name(p);
}

static void next(struct presign *p, const struct map_name *name)
{
	p->v6 = !p->v6;
	if (!p->v6 && ++p->node == name->of->n)
		next_line(p, name);
}

/* -- what is asked for -- */

static bool owner_of(
	const struct presign *p, const char *name, struct name *out)
{
	char text[320], line[16] = "";
	if (p->line)
		snprintf(line, sizeof line, "line%u.", p->line);
	snprintf(text, sizeof text, "%s%s%s", p->of_streams ? "*." : "", line,
		name);
	return name_from_text(out, text);
}

/* Of the zone that a name lies in; NULL: it is not signed. */
static const struct zone_signing *signing_of(
	const struct built *b, const char *text)
{
	struct name name;
	const struct zone *zone = name_from_text(&name, text)
		? zoneset_find(b->zoneset, &name)
		: NULL;
	return zone ? zone->signing : NULL;
}

/* As an answer has them, but for the TTL, which does not count. */
static void put_addresses(struct sign_request *q, const struct map_node *node)
{
	bool v6 = q->type == RR_AAAA;
	unsigned n = v6 ? node->n6 : node->n4, len = v6 ? 16 : 4;
	const struct addr *address = node->address + (v6 ? node->n4 : 0);
	uint64_t contents = 0;

	q->count = 0;
	q->len = 0;
	for (unsigned i = 0; i < n; i++) {
		uint8_t *p = q->records + q->len;
		if (q->len + RR_POINTER_LEN + len > SIGN_RECORDS_MAX)
			return;
		put16(p, 0xc000u | HEADER_LEN);
		put16(p + 2, q->type);
		put16(p + 4, CLASS_IN);
		put32(p + 6, q->ttl_s);
		put16(p + 10, len);
		memcpy(p + RR_POINTER_LEN, address[i].bytes, len);
		q->len = (uint16_t)(q->len + RR_POINTER_LEN + len);
		q->count++;
		contents += sign_record_contents(address[i].bytes, len);
	}
	q->set = sign_set_id(&q->owner, q->type, q->ttl_s, contents);
}

/* False: the ring is full. */
static bool ask(struct presign *p, const struct zone_signing *signing,
	const struct map *map)
{
	const struct map_name *name = &map->names[p->name];
	const struct map_node *node = &map->nodes[name->of->node[p->node]];
	struct name owner;

	if (!(p->v6 ? node->n6 : node->n4) || !owner_of(p, name->name, &owner))
		return true;
	struct sign_request *q = sign_ask_begin(p->ring);
	if (!q)
		return false;
	q->signing = signing->id;
	q->table = SIGN_SETS;
	q->node = NULL;
	q->type = p->v6 ? RR_AAAA : RR_A;
	q->ttl_s = name->ttl_max_s;
	q->labels = sign_labels(&owner);
	q->owner = owner;
	put_addresses(q, node);
	sign_ask(p->ring);
	return true;
}

/* Whether another build or epoch is in service than before. */
static bool is_new(struct presign *p, const struct built *b)
{
	int64_t now_s = clock_wall_ms() / 1000, epochs = 0;
	uint32_t sum = 0;

	for (unsigned i = 0; i < b->n_zones; i++)
		if (b->signing[i]) {
			sum += b->signing[i]->id;
			epochs += now_s / (b->signing[i]->validity_s / 2);
		}
	bool same = p->signing_sum == sum && p->epochs == epochs;
	p->signing_sum = sum;
	p->epochs = epochs;
	return !same;
}

void presign_step(struct control *c)
{
	struct presign *p = c->presign;
	const struct built *b = c->built;

	if (is_new(p, b)) {
		p->name = (unsigned)-1;
		next_name(p);
	}
	while (p->name < b->map->n_names) {
		const struct map_name *name = &b->map->names[p->name];
		const struct zone_signing *signing = signing_of(b, name->name);
		if (!signing || name->answers > 1 || p->node >= name->of->n)
			next_name(p);
		else if (ask(p, signing, b->map))
			next(p, name);
		else
			return;
	}
}
