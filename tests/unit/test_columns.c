/* Tables for people, and amounts in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/columns.h"
#include "base/words.h"

static void expect(struct columns *c, const char *want)
{
	struct buf out = {0};
	columns_end(c, &out);
	assert_string_equal(out.text ? out.text : "", want);
	buf_fini(&out);
}

static void test_align(void **state)
{
	struct columns c;
	columns_begin(&c, "lrl");
	columns_add(&c, "node");
	columns_add(&c, "load");
	columns_add(&c, "why");
	columns_add(&c, "%s", "hongkong1");
	columns_add(&c, "%d %%", 7);
	columns_add(&c, "a reason that is long");
	columns_add(&c, "x");
	columns_add(&c, "100 %%");
	columns_add(&c, "%s", "");
	expect(&c,
		"node        load  why\n"
		"hongkong1    7 %  a reason that is long\n"
		"x          100 %\n");
	columns_begin(&c, "lr");
	expect(&c, "");
}

/* Width is what a terminal shows; nothing is cut. */
static void test_width(void **state)
{
	static char longest[5000];
	struct columns c;
	columns_begin(&c, "ll");
	columns_add(&c, "\u7ebf\u8def1"); /* 5 places */
	columns_add(&c, "|");
	columns_add(&c, "na\u0308he\u00e9"); /* 5 as well */
	columns_add(&c, "|");
	columns_add(&c, "abcdef");
	columns_add(&c, "|");
	expect(&c, "\u7ebf\u8def1   |\nna\u0308he\u00e9   |\nabcdef  |\n");
	memset(longest, 'x', sizeof longest - 2);
	longest[sizeof longest - 2] = '\n';
	columns_begin(&c, "l");
	columns_add(&c, "%.*s", (int)sizeof longest - 2, longest);
	expect(&c, longest);
}

/* No cell makes a line of its own, or moves a terminal. */
static void test_controls(void **state)
{
	struct columns c;
	columns_begin(&c, "ll");
	columns_add(&c, "a\nb\x1b[2J");
	columns_add(&c, "\xff\xc3");
	expect(&c, "a?b?[2J  ??\n");
}

static void test_words(void **state)
{
	char out[WORDS_TEXT_MAX];
	assert_string_equal(words_duration(out, 0), "0 s");
	assert_string_equal(words_duration(out, 119), "119 s");
	assert_string_equal(words_duration(out, 120), "2 min");
	assert_string_equal(words_duration(out, 7199), "119 min");
	assert_string_equal(words_duration(out, 7200), "2 h");
	assert_string_equal(words_duration(out, 172799), "47 h");
	assert_string_equal(words_duration(out, 172800), "2 days");
	assert_string_equal(words_rate(out, 0), "0 kbit/s");
	assert_string_equal(words_rate(out, 812400), "812 kbit/s");
	assert_string_equal(words_rate(out, 12345678), "12.3 Mbit/s");
	assert_string_equal(words_rate(out, 1.5e9), "1.50 Gbit/s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_align),
		cmocka_unit_test(test_width), cmocka_unit_test(test_controls),
		cmocka_unit_test(test_words)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
