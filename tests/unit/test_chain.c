/* test_chain.c - names of zones in canonical order, and NSEC's RDATA. */
#include "unit/dns.h"

#include "base/arena.h"
#include "base/rng.h"
#include "zones/chain.h"

static struct zone_chain *chain_of(const struct zone *zone)
{
	struct err err = {0};
	struct zone_chain *chain = zone_chain_build(zone, zone->arena, &err);
	if (!chain)
		fail_msg("%s", err_text(&err));
	return chain;
}

static const char *text_at(
	const struct zone_chain *chain, uint32_t place, char *out)
{
	struct name name;
	zone_node_name(chain->zone, zone_chain_node(chain, place), &name);
	return name_text(&name, out);
}

static unsigned rng_below(struct rng *rng, unsigned n)
{
	return (unsigned)(rng_next(rng) % n);
}

/* The order of RFC 4034 6.1's example; what is in it and what is not. */
static void test_order(void **state)
{
	static const char text[] =
		"$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.example.\n"
		"z TXT x\n\\200 TXT x\n*.z TXT x\n\\001.z TXT x\nzABC.a TXT x\n"
		"Z.a TXT x\nyljkjljk.a TXT x\na TXT x\n"
		"cut NS x.cut\nx.cut A 192.0.2.1\nd DNAME z\n"
		"deep.ent TXT x\n";
	static const char *const expected[] = {"example", "a.example",
		"yljkjljk.a.example", "z.a.example", "zabc.a.example",
		"cut.example", "d.example", "deep.ent.example", "z.example",
		"\\001.z.example", "*.z.example", "\\200.example"};
	char out[NAME_TEXT_MAX];
	struct zone *zone = zone_text("example", text);
	struct zone_chain *chain = chain_of(zone);
	assert_int_equal(chain->n, sizeof expected / sizeof *expected);
	for (uint32_t i = 0; i < chain->n; i++) {
		assert_string_equal(text_at(chain, i, out), expected[i]);
		assert_int_equal(zone_chain_next(chain, i), (i + 1) % chain->n);
	}
	zone_free(zone);
}

/* A random label of few octets, so that many are alike; \000 and \001 as well, which
 * are what ends a label in a key, and what hides it. */
static void random_label(struct rng *rng, char *out)
{
	static const char *const octets[] = {"a", "b", "B", "-", "\\000",
		"\\001", "\\002", "\\003", "\\255", "*"};
	unsigned n = 1 + rng_below(rng, rng_below(rng, 4) ? 3 : 12);
	*out = '\0';
	while (n--)
		strcat(out, octets[rng_below(rng, 10)]);
}

/* Some are below labels that fill a key, or nearly, so that keys are equal. */
static void random_name(struct rng *rng, char *out)
{
	static const char *const tops[] = {"abcdefg", "abcdefgh", "abcdefghi",
		"abcdef\\000", "abcdefg\\001"};
	char label[64];
	unsigned n = 1 + rng_below(rng, 3);
	*out = '\0';
	while (n--) {
		random_label(rng, label);
		strcat(strcat(out, label), n ? "." : "");
	}
	if (rng_below(rng, 2))
		strcat(strcat(out, "."), tops[rng_below(rng, 5)]);
}

static uint32_t find_slowly(
	const struct zone_chain *chain, const struct name *name, bool *exact)
{
	uint32_t best = 0;
	*exact = false;
	for (uint32_t i = 0; i < chain->n; i++) {
		struct name at;
		zone_node_name(chain->zone, zone_chain_node(chain, i), &at);
		int order = name_compare(&at, name);
		if (order <= 0)
			best = i;
		*exact |= !order;
	}
	return best;
}

/* Of random names: in order, and found where a search from the front finds them. */
static void test_random(void **state)
{
	struct rng rng = {7};
	for (unsigned world = 0; world < 60; world++) {
		char text[20000] =
			"$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.example.\n";
		char name[600], line[700];
		for (unsigned i = 0; i < 40; i++) {
			random_name(&rng, name);
			snprintf(line, sizeof line, "%s TXT x\n", name);
			strcat(text, line);
		}
		struct zone *zone = zone_text("example", text);
		struct zone_chain *chain = chain_of(zone);
		for (uint32_t i = 1; i < chain->n; i++) {
			struct name a, b;
			zone_node_name(zone, zone_chain_node(chain, i - 1), &a);
			zone_node_name(zone, zone_chain_node(chain, i), &b);
			assert_true(name_compare(&a, &b) < 0);
		}
		for (unsigned i = 0; i < 200; i++) {
			bool exact, slowly;
			random_name(&rng, name);
			snprintf(line, sizeof line, "%s.example", name);
			struct name asked = nm(line);
			assert_int_equal(zone_chain_find(chain, &asked, &exact),
				find_slowly(chain, &asked, &slowly));
			assert_int_equal(exact, slowly);
		}
		zone_free(zone);
	}
}

/* RFC 4034 4.3, and what ldns reads of it. */
static void test_nsec(void **state)
{
	static const char text[] =
		"$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.example.\n"
		"alfa A 192.0.2.1\nalfa MX 1 x\nalfa TYPE1234 \\# 0\n"
		"cut NS x.example.\ncut DS 1 13 2 "
		"0000000000000000000000000000000000000000000000000000000000000000\n"
		"host A 192.0.2.1\n";
	static const uint8_t expected[] = {4, 'h', 'o', 's', 't', 7, 'e', 'x',
		'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0, 0x00, 0x06, 0x40,
		0x01, 0x00, 0x00, 0x00, 0x03, 0x04, 0x1b, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20};
	static const uint16_t none[ZONE_CHAIN_TYPES] = {0};
	static const uint16_t steered[ZONE_CHAIN_TYPES] = {
		RR_A, RR_AAAA, RR_HTTPS};
	uint8_t out[ZONE_NSEC_MAX];
	bool exact;
	struct zone *zone = zone_text("example.com", text);
	struct zone_chain *chain = chain_of(zone);
	struct name name = nm("alfa.example.com"),
		    next = nm("host.example.com");
	uint32_t at = zone_chain_find(chain, &name, &exact);
	assert_true(exact);
	assert_int_equal(
		zone_nsec_rdata(zone_chain_node(chain, at), none, &next, out),
		sizeof expected);
	assert_memory_equal(out, expected, sizeof expected);
	/* At a cut: NS, DS, RRSIG, NSEC. */
	name = nm("cut.example.com");
	at = zone_chain_find(chain, &name, &exact);
	size_t n =
		zone_nsec_rdata(zone_chain_node(chain, at), none, &next, out);
	assert_int_equal(n, next.len + 8);
	assert_memory_equal(
		out + next.len, ((uint8_t[]){0, 6, 0x20, 0, 0, 0, 0, 0x13}), 8);
	/* What a mark answers stands among the others. */
	name = nm("host.example.com");
	at = zone_chain_find(chain, &name, &exact);
	n = zone_nsec_rdata(zone_chain_node(chain, at), steered, &next, out);
	assert_int_equal(n, next.len + 11);
	assert_memory_equal(out + next.len,
		((uint8_t[]){0, 9, 0x40, 0, 0, 0x08, 0, 0x03, 0, 0, 0x40}), 11);
	/* And one that is made. */
	n = zone_nsec_made(&next, out);
	assert_int_equal(n, next.len + 8);
	assert_memory_equal(
		out + next.len, ((uint8_t[]){0, 6, 0, 0, 0, 0, 0, 0x03}), 8);
	zone_free(zone);
}

/* A zone whose name "many" has so many types. */
static struct zone *zone_of_types(unsigned n)
{
	char text[8000] = "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.example.\n";
	for (unsigned i = 0; i < n; i++) {
		char line[80];
		snprintf(line, sizeof line, "many TYPE%u \\# 0\n", 1000 + i);
		strcat(text, line);
	}
	return zone_text("example", text);
}

/* As many types as there may be, with those of a mark: all stand in the NSEC, and
 * nothing of what is behind them. */
static void test_most(void **state)
{
	static const uint16_t more[ZONE_CHAIN_TYPES + 1] = {
		RR_A, RR_AAAA, RR_HTTPS, RR_TXT, RR_MX};
	uint8_t out[ZONE_NSEC_MAX];
	unsigned bits = 0;
	bool exact;
	struct zone *zone = zone_of_types(ZONE_CHAIN_SETS);
	struct zone_chain *chain = chain_of(zone);
	struct name many = nm("many.example");
	uint32_t at = zone_chain_find(chain, &many, &exact);
	size_t n = zone_nsec_rdata(
		zone_chain_node(chain, at), more, &zone->apex, out);
	for (size_t i = zone->apex.len; i < n; i += 2u + out[i + 1])
		for (unsigned k = 0; k < out[i + 1]; k++)
			bits += (unsigned)__builtin_popcount(out[i + 2 + k]);
	assert_int_equal(bits, ZONE_CHAIN_SETS + ZONE_CHAIN_TYPES + 2);
	zone_free(zone);
}

static void test_too_many(void **state)
{
	struct err err = {0};
	struct zone *zone = zone_of_types(ZONE_CHAIN_SETS + 1);
	assert_null(zone_chain_build(zone, zone->arena, &err));
	assert_string_equal(err_text(&err),
		"many.example: more than 64 types of records in a signed zone");
	err_fini(&err);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_nsec),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
