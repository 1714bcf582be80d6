/* test_name.c - owner names: wire, text, order. */
#include "unit/dns.h"

static void test_read(void **state)
{
	static const struct {
		const char *wire;
		size_t room, used; /* used 0: malformed */
		const char *text;
	} rows[] = {
		{"", 1, 1, "."},
		{"\3wWw\7eXample\3COM", 17, 17, "www.example.com"},
		{"\3wWw\7eXample\3COM\0trailing", 25, 17, "www.example.com"},
		{"\3www\7example\3com", 16, 0, NULL}, /* cut short */
		{"\3ww", 3, 0, NULL},
		{"", 0, 0, NULL},
		{"\300\14", 2, 0, NULL}, /* a pointer */
		{"\100x", 3, 0, NULL},   /* RFC 2671's label types */
		{"\1@\1[\1`\1{\0", 9, 9, "\\@.[.`.{"}, /* around A and Z */
		{"\2A\0\2\377.", 7, 7, "a\\000.\\255\\."},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name n;
		char text[NAME_TEXT_MAX];
		size_t used = name_read(
			&n, (const uint8_t *)rows[i].wire, rows[i].room);
		assert_int_equal(used, rows[i].used);
		if (used)
			assert_string_equal(name_text(&n, text), rows[i].text);
	}
}

/* Every octet, at every place in a word, is lowered or not. */
static void test_lower(void **state)
{
	for (unsigned c = 0; c < 256; c++) {
		for (unsigned at = 1; at < 20; at++) {
			uint8_t in[21] = {19};
			struct name name;
			in[at] = (uint8_t)c;
			assert_int_equal(name_read(&name, in, 21), 21);
			for (unsigned i = 0; i < 21; i++)
				assert_int_equal(name.bytes[i],
					in[i] >= 'A' && in[i] <= 'Z'
						? in[i] + 32
						: in[i]);
		}
	}
}

/* Neither length nor any octet may be without effect. */
static void test_hash(void **state)
{
	uint8_t bytes[24] = {0};
	for (size_t n = 1; n <= 24; n++) {
		uint64_t h = name_hash(bytes, n, 7);
		assert_true(h != name_hash(bytes, n - 1, 7));
		assert_true(h != name_hash(bytes, n, 8));
		for (size_t i = 0; i < n; i++) {
			bytes[i] = 1;
			assert_true(h != name_hash(bytes, n, 7));
			bytes[i] = 0;
		}
	}
}

static void test_limits(void **state)
{
	uint8_t wire[300];
	struct name n;

	/* 127 labels of one octet: 255 in all; one more is too many */
	for (size_t i = 0; i < 300; i++)
		wire[i] = i % 2 ? 'a' : 1;
	wire[254] = 0;
	assert_int_equal(name_read(&n, wire, 255), 255);
	assert_int_equal(n.labels, 127);
	wire[254] = 1;
	wire[256] = 0;
	assert_int_equal(name_read(&n, wire, 300), 0);

	char label[70];
	memset(label, 'x', 64);
	label[63] = '\0';
	assert_true(name_from_text(&n, label));
	label[63] = 'x';
	label[64] = '\0';
	assert_false(name_from_text(&n, label));
}

static void test_text(void **state)
{
	static const struct {
		const char *text, *origin, *expect; /* NULL: refused */
	} rows[] = {
		{"www", "example.com", "www.example.com"},
		{"www.", "example.com", "www"},
		{"WWW.Example.COM.", NULL, "www.example.com"},
		{"WWW.Example.COM", NULL, "www.example.com"},
		{"@", "example.com", "example.com"},
		{"@", NULL, "\\@"},
		{".", "example.com", "."},
		{"*", "example.com", "*.example.com"},
		{"a\\.b", "c", "a\\.b.c"},
		{"\\065\\032", "c", "a\\032.c"},
		{"\\\\", "c", "\\\\.c"},
		{"", "example.com", NULL},
		{"..", NULL, NULL},
		{"a..b", NULL, NULL},
		{".a", NULL, NULL},
		{"\\256", NULL, NULL},
		{"\\25", NULL, NULL},
		{"\\2x5", NULL, NULL},
		{"a\\", NULL, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name n, origin;
		char text[NAME_TEXT_MAX];
		if (rows[i].origin)
			origin = nm(rows[i].origin);
		bool good = name_parse(&n, rows[i].text, strlen(rows[i].text),
			rows[i].origin ? &origin : NULL);
		if (good != (rows[i].expect != NULL))
			fail_msg("row %zu: %s", i, rows[i].text);
		if (good)
			assert_string_equal(
				name_text(&n, text), rows[i].expect);
	}
	/* 255 octets with the origin are allowed, 256 are not */
	char text[256];
	struct name n, origin = nm("example.com"); /* 13 octets */
	for (int i = 0; i < 255; i++)
		text[i] = i % 2 ? '.' : 'a';
	assert_true(name_parse(&n, text, 241, &origin));
	assert_int_equal(n.len, 255);
	assert_false(name_parse(&n, text, 243, &origin));
}

static void test_relations(void **state)
{
	struct name a = nm("a.b.example.com"), top = nm("example.com"), n;
	struct name root = nm("."), other = nm("xexample.com");
	char text[NAME_TEXT_MAX];

	assert_true(name_below(&a, &top));
	assert_true(name_below(&top, &top));
	assert_true(name_below(&a, &root));
	assert_false(name_below(&top, &a));
	assert_false(name_below(&other, &top));
	name_strip(&n, &a, 2);
	assert_true(name_equal(&n, &top));
	assert_int_equal(name_suffix_len(&a, 2), top.len);
	assert_memory_equal(name_suffix(&a, 2), top.bytes, top.len);
	assert_true(name_prepend(&n, (const uint8_t *)"\1x\1y", 4, &top));
	assert_string_equal(name_text(&n, text), "x.y.example.com");
}

/* RFC 4034 6.1's own example. */
static void test_order(void **state)
{
	static const char *const sorted[] = {"example", "a.example",
		"yljkjljk.a.example", "Z.a.example", "zABC.a.EXAMPLE",
		"z.example", "\\001.z.example", "*.z.example",
		"\\200.z.example"};
	for (size_t i = 0; i < 9; i++) {
		for (size_t j = 0; j < 9; j++) {
			struct name a = nm(sorted[i]), b = nm(sorted[j]);
			int d = name_compare(&a, &b);
			assert_int_equal((d > 0) - (d < 0), (i > j) - (i < j));
		}
	}
}

/* Names of all lengths, octet by octet: only the case of letters does not count. */
static void test_begins(void **state)
{
	static const uint8_t others[] = {1, 0x10, 0x20, 0x40, 0x80};
	for (size_t n = 3; n < NAME_WIRE_MAX; n++) {
		uint8_t wire[NAME_WIRE_MAX] = {0};
		struct name name;
		for (size_t at = 0; at + 1 < n; at++) {
			size_t left = n - 2 - at;
			size_t label = left < 63 ? left : 63;
			wire[at] = at % 64 ? (uint8_t)("aZ@[`{09"[at % 8])
					   : (uint8_t)label;
		}
		if (n % 64 == 2) /* the last label would be empty */
			continue;
		assert_int_equal(name_read(&name, wire, n), n);
		assert_true(name_begins(&name, wire));
		for (size_t at = 0; at < n; at++) {
			uint8_t was = wire[at];
			bool letter =
				(was | 0x20) >= 'a' && (was | 0x20) <= 'z';
			for (size_t i = 0; i < sizeof others; i++) {
				wire[at] = was ^ others[i];
				assert_int_equal(name_begins(&name, wire),
					letter && others[i] == 0x20);
			}
			wire[at] = was;
		}
	}
}

static void test_skip(void **state)
{
	static const uint8_t p[] = "\3www\300\4\1a\0\100";
	assert_int_equal(name_skip(p, 6, 0), 6);
	assert_int_equal(name_skip(p, 5, 0), 0);
	assert_int_equal(name_skip(p, 9, 6), 3);
	assert_int_equal(name_skip(p, 10, 9), 0);
	assert_int_equal(name_skip(p, 10, 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_relations),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_begins),
		cmocka_unit_test(test_skip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
