/* The prefix table against a naive model: random nested and adjacent nets with
 * holes, several layers, both families. The model walks all nets for every
 * address and knows nothing of runs, nodes or scopes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "geo/builder.h"

#define NETS 200
#define LAYERS 3

struct said {
	unsigned layer;
	struct prefix prefix;
	struct place place;
};

struct model {
	struct said nets[NETS];
	unsigned n;
};

static struct addr addr(const char *text)
{
	struct addr a;
	assert_true(addr_parse(&a, text));
	return a;
}

static void add(struct geo_builder *b, unsigned layer, const char *net,
	struct place place)
{
	struct prefix p;
	assert_true(prefix_parse(&p, net, true));
	geo_builder_add(b, layer, &p, &place);
}

/* As it stands there, also if it is IPv4-mapped. */
static struct addr addr6(const char *text)
{
	struct addr a = {.family = 6};
	assert_int_equal(inet_pton(AF_INET6, text, a.bytes), 1);
	return a;
}

static struct geo_leaf leaf(const struct geo *geo, const char *text)
{
	struct addr a = addr(text);
	return geo_find(geo, &a);
}

static const struct place *place(const struct geo *geo, const char *text)
{
	return geo_place(geo, leaf(geo, text).place);
}

#define AT(y, x)                                             \
	{                                                    \
		.lat = y, .lon = x, .source = PLACE_DATABASE \
	}
#define IN(c)                \
	{                    \
		.country = c \
	}
#define OF(n)            \
	{                \
		.asn = n \
	}

static void test_empty(void **state)
{
	struct geo *geo = geo_build(geo_builder_new());
	assert_int_equal(geo_places(geo), 1);
	assert_int_equal(leaf(geo, "1.2.3.4").place, 0);
	assert_int_equal(leaf(geo, "1.2.3.4").scope, 20);
	assert_int_equal(leaf(geo, "2001:db8::1").place, 0);
	assert_int_equal(leaf(geo, "2001:db8::1").scope, 40);
	assert_int_equal(geo_place(geo, 0)->source, PLACE_UNKNOWN);
	geo_free(geo);
	geo_free(NULL);
}

static void test_scopes(void **state)
{
	struct geo_builder *b = geo_builder_new();
	add(b, 1, "10.0.0.0/8", (struct place)AT(1, 1));
	add(b, 1, "10.1.8.0/21", (struct place)AT(2, 2));
	add(b, 1, "10.2.0.0/24", (struct place)AT(3, 3));
	add(b, 1, "10.3.0.128/25", (struct place)AT(3, 3));
	add(b, 0, "10.4.0.7/32", (struct place)AT(4, 4));
	add(b, 1, "11.0.0.0/25", (struct place)AT(5, 5)); /* neighbours that */
	add(b, 1, "11.0.0.128/25", (struct place)AT(5, 5)); /* are one */
	add(b, 1, "2001:db8::/32", (struct place)AT(6, 6));
	add(b, 1, "2001:db8:1:8000::/49", (struct place)AT(7, 7));
	struct geo *geo = geo_build(b);

	assert_int_equal(leaf(geo, "10.200.1.1").scope, 20);
	assert_int_equal(leaf(geo, "10.1.8.1").scope, 21);
	assert_int_equal(leaf(geo, "10.1.15.255").scope, 21);
	assert_int_equal(leaf(geo, "10.1.7.255").scope, 21);
	assert_int_equal(leaf(geo, "10.1.16.0").scope, 20);
	assert_int_equal(leaf(geo, "10.2.0.9").scope, 24);
	assert_int_equal(leaf(geo, "10.2.1.9").scope, 24);
	assert_int_equal(leaf(geo, "10.2.2.9").scope, 23);
	assert_int_equal(leaf(geo, "10.3.0.1").scope, 25);
	assert_int_equal(leaf(geo, "10.3.0.129").scope, 25);
	assert_int_equal(leaf(geo, "10.4.0.7").scope, 32);
	assert_int_equal(leaf(geo, "10.4.0.6").scope, 32);
	assert_int_equal(leaf(geo, "10.4.0.4").scope, 31);
	assert_int_equal(leaf(geo, "11.0.0.200").scope, 24);
	assert_int_equal(leaf(geo, "2001:db8:ffff::1").scope, 40);
	assert_int_equal(leaf(geo, "2001:db8:1:8000::1").scope, 49);
	assert_int_equal(leaf(geo, "2001:db8:1::1").scope, 49);
	assert_int_equal(leaf(geo, "2001:db8::1").scope, 48);
	assert_int_equal(leaf(geo, "2001:db9::1").place, 0);
	assert_int_equal(leaf(geo, "255.255.255.255").place, 0);
	geo_free(geo);
}

static void test_fields(void **state)
{
	struct geo_builder *b = geo_builder_new();
	add(b, 0, "10.0.0.0/24",
		(struct place){.lat = 9, .lon = 9, .source = PLACE_NETS});
	add(b, 1, "10.0.0.0/8", (struct place)IN("GB"));
	add(b, 2, "10.0.0.0/16", (struct place)AT(1, 1));
	add(b, 3, "10.0.0.0/8", (struct place)OF(4134));
	add(b, 3, "10.7.0.0/16", (struct place)OF(4837));
	add(b, 3, "10.7.1.0/24", (struct place)IN("fr"));
	struct geo *geo = geo_build(b);

	const struct place *p = place(geo, "10.0.0.1");
	assert_int_equal(p->source, PLACE_NETS);
	assert_true(p->lat == 9);
	assert_memory_equal(p->country, "GB", 2);
	assert_int_equal(p->asn, 4134);
	p = place(geo, "10.0.1.1"); /* real coordinates, not Britain's centre */
	assert_int_equal(p->source, PLACE_DATABASE);
	assert_true(p->lat == 1);
	p = place(geo, "10.9.0.1");
	assert_int_equal(p->source, PLACE_COUNTRY);
	assert_true(p->lat > 50 && p->lat < 55);
	p = place(geo, "10.7.1.1"); /* within a layer too: field by field */
	assert_int_equal(p->asn, 4837);
	assert_memory_equal(p->country, "GB", 2);
	geo_free(geo);
}

static void test_order_and_doubles(void **state)
{
	struct geo_builder *b = geo_builder_new();
	add(b, 1, "10.1.0.0/16", (struct place)AT(2, 2));
	add(b, 1, "10.0.0.0/8", (struct place)AT(1, 1)); /* shorter, later */
	add(b, 1, "0.0.0.0/0", (struct place)IN("US"));
	add(b, 1, "10.0.0.0/8", (struct place)AT(3, 3)); /* once more */
	add(b, 1, "255.255.255.255/32", (struct place)AT(4, 4));
	add(b, 1, "::/0", (struct place)IN("US"));
	add(b, 1, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		(struct place)AT(4, 4));
	struct geo *geo = geo_build(b);
	assert_true(place(geo, "10.1.2.3")->lat == 2);
	assert_true(place(geo, "10.2.2.3")->lat == 3);
	assert_true(place(geo, "255.255.255.255")->lat == 4);
	assert_int_equal(leaf(geo, "255.255.255.255").scope, 32);
	assert_int_equal(place(geo, "255.255.255.254")->source, PLACE_COUNTRY);
	struct addr last = addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_int_equal(geo_find(geo, &last).scope, 128);
	assert_true(geo_place(geo, geo_find(geo, &last).place)->lat == 4);
	geo_free(geo);
}

/* -- the model -- */

static unsigned below(struct rng *rng, unsigned n)
{
	return (unsigned)(rng_unit(rng) * n);
}

/* Few values near each other, so that nets nest, touch and repeat. */
static struct prefix random_prefix(struct rng *rng, unsigned family)
{
	static const uint8_t lengths4[] = {
		0, 8, 12, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 31, 32};
	static const uint8_t lengths6[] = {0, 12, 19, 20, 21, 26, 32, 38, 39,
		40, 41, 44, 47, 48, 49, 50, 56, 64, 121, 122, 127, 128};
	struct addr a = {.family = (uint8_t)family};
	unsigned bytes = family == 4 ? 4 : 16;
	for (unsigned i = 0; i < bytes; i++)
		a.bytes[i] = below(rng, 3) ? 0 : (uint8_t)rng_next(rng);
	a.bytes[0] = below(rng, 8) ? 32 : (uint8_t)rng_next(rng);
	unsigned len = family == 4 ? lengths4[below(rng, sizeof lengths4)]
				   : lengths6[below(rng, sizeof lengths6)];
	return (struct prefix){addr_mask(&a, len), (uint8_t)len};
}

static struct place random_place(struct rng *rng)
{
	struct place p = {0};
	if (below(rng, 3))
		p = (struct place)AT((float)below(rng, 3) + 1, 5);
	if (!below(rng, 3))
		memcpy(p.country, below(rng, 2) ? "GB" : "FR", 2);
	if (!below(rng, 3))
		p.asn = below(rng, 2) + 1;
	return p;
}

/* The most specific net of a layer that has a field; the later of equals. */
static const struct place *best(const struct model *m, unsigned layer,
	const struct addr *a, bool (*has)(const struct place *))
{
	const struct said *found = NULL;
	for (const struct said *s = m->nets; s < m->nets + m->n; s++)
		if (s->layer == layer && has(&s->place) &&
			prefix_contains(&s->prefix, a) &&
			(!found || s->prefix.len >= found->prefix.len))
			found = s;
	return found ? &found->place : NULL;
}

static bool has_at(const struct place *p)
{
	return p->source != PLACE_UNKNOWN;
}

static bool has_country(const struct place *p)
{
	return p->country[0];
}

static bool has_asn(const struct place *p)
{
	return p->asn;
}

static struct place expected(const struct model *m, const struct addr *a)
{
	struct place p;
	const struct place *found;
	memset(&p, 0, sizeof p); /* padding too: it is compared as bytes */
	for (unsigned layer = LAYERS; layer-- > 0;) {
		if ((found = best(m, layer, a, has_at))) {
			p.lat = found->lat;
			p.lon = found->lon;
			p.source = found->source;
		}
		if ((found = best(m, layer, a, has_country)))
			memcpy(p.country, found->country, 2);
		if ((found = best(m, layer, a, has_asn)))
			p.asn = found->asn;
	}
	if (!p.source && p.country[0] &&
		place_country_centre(p.country, &p.lat, &p.lon))
		p.source = PLACE_COUNTRY;
	return p;
}

/* Where something may change: both sides of each end of each net. */
static struct addr interesting(
	struct rng *rng, const struct model *m, unsigned family)
{
	struct addr a, v4;
	do {
		const struct prefix *p = &m->nets[below(rng, m->n)].prefix;
		a = p->addr;
		unsigned bits = addr_bits(&a);
		if (below(rng, 2)) /* its last address */
			for (unsigned i = p->len; i < bits; i++)
				a.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
		unsigned flip = below(rng, bits + 8);
		if (flip < bits)
			a.bytes[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
		for (unsigned i = 0; i < bits; i++) /* noise in the tail */
			if (i + below(rng, 24) > bits)
				a.bytes[i / 8] ^= (uint8_t)(0x80 >> i % 8);
	} while (a.family != family || addr_inside(&a, &v4));
	return a;
}

static struct addr random_within(
	struct rng *rng, const struct addr *a, unsigned len)
{
	struct addr r = *a;
	for (unsigned i = len; i < addr_bits(a); i++)
		if (below(rng, 2))
			r.bytes[i / 8] ^= (uint8_t)(0x80 >> i % 8);
	return r;
}

/* The first and the last address of a block, and whether no end of a net lies
 * strictly within it: then one address speaks for all. */
static bool uniform(const struct model *m, const struct addr *a, unsigned len)
{
	struct place first = expected(m, a);
	struct prefix block = {addr_mask(a, len), (uint8_t)len};
	for (const struct said *s = m->nets; s < m->nets + m->n; s++) {
		struct addr ends[3] = {s->prefix.addr, s->prefix.addr};
		unsigned bits = addr_bits(&ends[0]);
		for (unsigned i = s->prefix.len; i < bits; i++)
			ends[1].bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
		ends[2] = ends[1]; /* the address behind its last */
		for (unsigned i = bits; i-- > 0;) {
			ends[2].bytes[i / 8] ^= (uint8_t)(0x80 >> i % 8);
			if (ends[2].bytes[i / 8] & (0x80 >> i % 8))
				break;
		}
		for (int i = 0; i < 3; i++) {
			if (!prefix_contains(&block, &ends[i]))
				continue;
			struct place other = expected(m, &ends[i]);
			if (memcmp(&first, &other, sizeof first) != 0)
				return false;
		}
	}
	static const char *const inside[] = {
		"::ffff:0:0", "64:ff9b::", "2002::"};
	for (int i = 0; i < 3; i++) { /* these end a block too */
		struct addr other = addr6(inside[i]);
		if (prefix_contains(&block, &other))
			return false;
	}
	struct place low = expected(m, &block.addr);
	return !memcmp(&first, &low, sizeof first);
}

static void check(struct rng *rng, const struct geo *geo, const struct model *m,
	const struct addr *a)
{
	struct geo_leaf found = geo_find(geo, a);
	struct place want = expected(m, a);
	char text[ADDR_TEXT_MAX];

	if (memcmp(geo_place(geo, found.place), &want, sizeof want) != 0)
		fail_msg("%s: another place", addr_text(a, text));
	for (int i = 0; i < 4; i++) { /* the scope is true */
		struct addr b = random_within(rng, a, found.scope);
		struct geo_leaf other = geo_find(geo, &b);
		if (other.place != found.place || other.scope != found.scope)
			fail_msg("%s/%u is not uniform", addr_text(a, text),
				found.scope);
	}
	unsigned shortest = a->family == 4 ? 20 : 40;
	assert_in_range(found.scope, shortest, addr_bits(a));
	if (!uniform(m, a, found.scope)) /* by the model too */
		fail_msg("%s/%u is not uniform in truth", addr_text(a, text),
			found.scope);
	if (found.scope > shortest && uniform(m, a, found.scope - 1u))
		fail_msg("%s/%u could be shorter", addr_text(a, text),
			found.scope);
}

/* A model of n nets against its table, at some addresses. */
static void compare(unsigned seed, unsigned n, unsigned addresses)
{
	static struct model m;
	struct rng rng = {seed};
	struct geo_builder *b = geo_builder_new();

	m.n = n;
	for (unsigned i = 0; i < n; i++) {
		struct said *s = &m.nets[i];
		s->layer = below(&rng, LAYERS);
		s->prefix = random_prefix(&rng, i % 2 ? 4 : 6);
		s->place = random_place(&rng);
		geo_builder_add(b, s->layer, &s->prefix, &s->place);
	}
	struct geo *geo = geo_build(b);
	for (unsigned i = 0; i < addresses; i++) {
		struct addr a = interesting(&rng, &m, i % 2 ? 4 : 6);
		check(&rng, geo, &m, &a);
	}
	geo_free(geo);
}

static void test_random(void **state)
{
	for (unsigned seed = 1; seed <= 60; seed++)
		compare(seed, 2 + seed % 40 * (seed % 4 ? 1 : 5), 300);
}

/* Every other /24 and /48 of a stretch. */
static struct addr scattered(unsigned i, unsigned family)
{
	struct addr a = {(uint8_t)family, {32}};
	unsigned at = family == 4 ? 2 : 5;
	a.bytes[at] = (uint8_t)(2 * i);
	a.bytes[at - 1] = (uint8_t)(i >> 7);
	a.bytes[at - 2] = (uint8_t)(a.bytes[at - 2] + (i >> 15));
	return a;
}

/* With much data the top arrays are larger. */
static void test_large(void **state)
{
	struct geo_builder *b = geo_builder_new();
	for (unsigned i = 0; i < 80000; i++) {
		unsigned family = i % 2 ? 4 : 6;
		struct prefix p = {
			scattered(i / 2, family), family == 4 ? 24 : 48};
		struct place place = AT((float)(i / 2 % 7), 3);
		geo_builder_add(b, 1, &p, &place);
	}
	struct geo *geo = geo_build(b);
	assert_in_range(geo_size(geo), 1100000, 4000000);
	for (unsigned i = 0; i < 80000; i++) {
		unsigned family = i % 2 ? 4 : 6, at = family == 4 ? 2 : 5;
		struct addr a = scattered(i / 2, family);
		struct geo_leaf leaf_a = geo_find(geo, &a);
		assert_true(geo_place(geo, leaf_a.place)->lat == i / 2 % 7);
		assert_int_equal(leaf_a.scope, family == 4 ? 24 : 48);
		a.bytes[at]++;
		a.bytes[at + 1] = 99;
		assert_int_equal(geo_find(geo, &a).place, 0);
		assert_int_equal(geo_find(geo, &a).scope, leaf_a.scope);
	}
	geo_free(geo);
}

/* -- IPv4 inside IPv6 -- */

static struct addr inside(unsigned begin, const struct addr *v4)
{
	struct addr a = addr(begin == 16 ? "2002::" : "64:ff9b::");
	memcpy(a.bytes + begin / 8, v4->bytes, 4);
	for (unsigned i = begin / 8 + 4; i < 16; i++)
		a.bytes[i] = (uint8_t)(7 * i);
	return a;
}

/* The place of what is inside, and a scope that is true: for random tables. */
static void test_inside_random(void **state)
{
	static struct model m;
	for (unsigned seed = 1; seed <= 40; seed++) {
		struct rng rng = {seed};
		struct geo_builder *b = geo_builder_new();
		m.n = 40;
		for (unsigned i = 0; i < m.n; i++) {
			struct said *s = &m.nets[i];
			s->prefix = random_prefix(&rng, i % 4 ? 4 : 6);
			s->place = random_place(&rng);
			if (s->prefix.addr.family == 6 && s->prefix.len > 8)
				s->prefix.addr.bytes[0] = 0x24;
			geo_builder_add(b, i % LAYERS, &s->prefix, &s->place);
		}
		struct geo *geo = geo_build(b);
		for (unsigned i = 0; i < 200; i++) {
			unsigned begin = i % 2 ? 16 : 96;
			struct addr v4 = interesting(&rng, &m, 4);
			struct addr a = inside(begin, &v4);
			struct geo_leaf want = geo_find(geo, &v4);
			struct geo_leaf got = geo_find(geo, &a);
			assert_int_equal(got.place, want.place);
			unsigned scope = begin + want.scope;
			assert_int_equal(got.scope, scope < 40 ? 40 : scope);
			struct addr c = random_within(&rng, &a, got.scope);
			struct geo_leaf other = geo_find(geo, &c);
			assert_int_equal(other.place, got.place);
			assert_int_equal(other.scope, got.scope);
		}
		geo_free(geo);
	}
}

/* Whoever names them himself is the operator; wider ranges do not name them. */
static void test_inside_named(void **state)
{
	const struct place nets = {.lat = 9, .lon = 9, .source = PLACE_NETS};
	struct geo_builder *b = geo_builder_new();
	add(b, 1, "1.2.3.0/24", (struct place)AT(1, 1));
	add(b, 1, "1.9.0.0/16", (struct place)AT(5, 1));
	add(b, 0, "::/0", (struct place)AT(8, 8));
	add(b, 1, "2000::/3", (struct place)AT(7, 7));
	add(b, 1, "2002::/16", (struct place)OF(6939));
	add(b, 1, "2002:102:300::/40", (struct place)AT(6, 6));
	add(b, 1, "64:ff9b::/96", (struct place)AT(6, 6));
	add(b, 0, "2002:109::/33", nets);
	add(b, 0, "64:ff9b::1.9.0.0/112", nets);
	struct geo *geo = geo_build(b);

	assert_true(place(geo, "2002:102:304::1")->lat == 1);
	assert_int_equal(place(geo, "2002:102:304::1")->asn, 0);
	assert_int_equal(leaf(geo, "2002:102:304::1").scope, 40);
	assert_int_equal(leaf(geo, "2002:505:505::1").place, 0);
	assert_true(place(geo, "64:ff9b::1.2.3.4")->lat == 1);
	assert_int_equal(leaf(geo, "64:ff9b::1.2.3.4").scope, 120);
	assert_true(place(geo, "2002:109:1::1")->lat == 9);
	assert_true(place(geo, "2002:109:8001::1")->lat == 5);
	assert_true(place(geo, "64:ff9b::1.9.5.5")->lat == 9);
	assert_true(place(geo, "64:ff9b:1::1")->lat == 8);
	assert_true(place(geo, "2003::1")->lat == 8);
	geo_free(geo);
}

/* A scope never says that a neighbour is a client with IPv4 inside. */
static void test_inside_neighbours(void **state)
{
	static const struct {
		const char *in, *near;
		unsigned same; /* leading bits */
	} rows[] = {{"64:ff9b::1.2.3.4", "64:ff9b::1:0:0:1", 79},
		{"64:ff9b::1.2.3.4", "64:ff9b:1::1", 47},
		{"::ffff:0:0", "::fffe:0:0", 95}, {"::ffff:0:0", "::1", 80}};
	struct geo_builder *b = geo_builder_new();
	add(b, 1, "1.2.3.0/24", (struct place)AT(1, 1));
	struct geo *geo = geo_build(b);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_in_range(
			leaf(geo, rows[i].near).scope, rows[i].same + 1u, 128);
	geo_free(geo);

	b = geo_builder_new(); /* nothing known of IPv4: nothing to part */
	add(b, 1, "2001:db8::/32", (struct place)AT(1, 1));
	geo = geo_build(b);
	assert_int_equal(leaf(geo, "64:ff9b::1.2.3.4").place, 0);
	assert_int_equal(leaf(geo, "64:ff9b::1.2.3.4").scope, 40);
	geo_free(geo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_order_and_doubles),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_inside_random),
		cmocka_unit_test(test_inside_named),
		cmocka_unit_test(test_inside_neighbours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
