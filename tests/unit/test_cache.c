/* A table that was kept in a file against the one it was made from, and files
 * that are to be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/rng.h"
#include "geo/cache.h"
#include "geo/mmdb.h"

#define ADDRESSES 200000
#define DIGEST 0x123456789abcdefu

static char folder[] = "/tmp/dnsd-test-XXXXXX";
static char kept[64], source[64]; /* paths in it */

static int set_up(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(kept, sizeof kept, "%s/dnsd.geo", folder);
	snprintf(source, sizeof source, "%s/source", folder);
	return 0;
}

static int tear_down(void **state)
{
	unlink(kept);
	unlink(source);
	return rmdir(folder);
}

static struct addr random_addr(struct rng *rng, unsigned family)
{
	struct addr a = {.family = (uint8_t)family};
	for (unsigned i = 0; i < addr_bits(&a) / 8; i++)
		a.bytes[i] = (uint8_t)rng_next(rng);
	if (family == 6) /* where the nets are dense */
		a.bytes[0] &= 3;
	return a;
}

/* Nets of both families and all lengths, and one in every country. */
static struct geo *make(uint64_t seed, unsigned nets)
{
	struct geo_builder *b = geo_builder_new();
	struct rng rng = {seed};
	for (unsigned i = 0; i < nets; i++) {
		struct prefix p = {random_addr(&rng, i % 3 ? 4 : 6), 0};
		p.len = (uint8_t)(rng_next(&rng) % (addr_bits(&p.addr) + 1));
		p.addr = addr_mask(&p.addr, p.len);
		struct place place = {.asn = (uint32_t)rng_next(&rng) % 1000,
			.country = {(char)('A' + i % 26),
				(char)('A' + i / 26 % 26)}};
		if (i % 2) {
			place.source = PLACE_DATABASE;
			place.lat = (float)(rng_unit(&rng) * 180 - 90);
			place.lon = (float)(rng_unit(&rng) * 360 - 180);
		}
		geo_builder_add(b, i % 2, &p, &place);
	}
	return geo_build(b);
}

static void keep(const struct geo *geo)
{
	struct err err = {0};
	if (!geo_cache_write(kept, geo, DIGEST, &err))
		fail_msg("%s", err_text(&err));
	err_fini(&err);
}

static struct geo *read_kept(void)
{
	struct err err = {0};
	struct geo *geo = geo_cache_read(kept, DIGEST, &err);
	if (!geo)
		fail_msg("%s%s", err_text(&err), err.warnings);
	err_fini(&err);
	return geo;
}

static void assert_same(const struct geo *a, const struct geo *b)
{
	struct rng rng = {1};
	assert_int_equal(geo_places(a), geo_places(b));
	assert_int_equal(geo_size(a), geo_size(b));
	for (uint32_t i = 0; i < geo_places(a); i++)
		assert_memory_equal(
			geo_place(a, i), geo_place(b, i), sizeof(struct place));
	for (unsigned i = 0; i < ADDRESSES; i++) {
		struct addr addr = random_addr(&rng, i % 2 ? 4 : 6);
		struct geo_leaf x = geo_find(a, &addr), y = geo_find(b, &addr);
		struct geo_search search;
		geo_begin(&search, b, &addr);
		geo_go_on(&search);
		struct geo_leaf z = geo_end(&search, &addr);
		if (x.place != y.place || x.scope != y.scope)
			fail_msg("address %u", i);
		if (z.place != y.place || z.scope != y.scope)
			fail_msg("address %u in steps", i);
	}
}

static void test_round_trip(void **state)
{
	static const unsigned nets[] = {0, 1, 300, 30000};
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		struct geo *made = make(i, nets[i]);
		keep(made);
		struct geo *read_back = read_kept();
		assert_same(made, read_back);
		/* It does not need the file, and can be kept too. */
		assert_int_equal(truncate(kept, 0), 0);
		assert_same(made, read_back);
		keep(read_back);
		unlink(kept);
		geo_free(read_back);
		geo_free(made);
	}
}

/* What a table of these nets looks like, with the centres of all countries. If
 * this fails and VERSION of cache.c is that of a release, raise it: tables that
 * are kept would go on as the old code made them. */
static void test_version(void **state)
{
	struct geo *geo = make(1, 3000);
	struct stat st;
	keep(geo);
	int file = open(kept, O_RDONLY);
	assert_int_equal(fstat(file, &st), 0);
	char *bytes = mem_alloc((size_t)st.st_size);
	assert_int_equal(read(file, bytes, (size_t)st.st_size), st.st_size);
	uint64_t hash = hash_bytes(bytes, (size_t)st.st_size, 0);
	union {
		uint32_t word;
		char first;
	} order = {1};
	if (order.first && hash != 0xcdb34292c5542198u)
		fail_msg("the table is another one: %#llx",
			(unsigned long long)hash);
	close(file);
	free(bytes);
	geo_free(geo);
}

/* -- refusals -- */

/* error NULL: a warning is due instead. */
static void refuse(uint64_t digest, const char *error, const char *warning)
{
	struct err err = {0};
	assert_null(geo_cache_read(kept, digest, &err));
	if (!error)
		assert_null(err.text);
	else if (!strstr(err_text(&err), error))
		fail_msg("'%s' is not about %s", err_text(&err), error);
	if (!warning)
		assert_null(err.warnings);
	else if (!err.warnings || !strstr(err.warnings, warning))
		fail_msg("'%s' is not about %s", err.warnings, warning);
	err_fini(&err);
}

static off_t kept_size(void)
{
	struct stat st;
	assert_int_equal(stat(kept, &st), 0);
	return st.st_size;
}

static void flip(off_t at)
{
	uint8_t byte;
	int file = open(kept, O_RDWR);
	assert_int_equal(pread(file, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(file, &byte, 1, at), 1);
	close(file);
}

static void test_refused(void **state)
{
	struct geo *geo = make(1, 3000);
	unlink(kept);
	refuse(DIGEST, NULL, NULL); /* there is none: nothing to tell */
	keep(geo);
	off_t size = kept_size();
	refuse(DIGEST + 1, NULL, "made from other files");

	for (off_t at = 0; at < size; at += at < 128 ? 1 : 997) {
		if (at >= 96 && at < 4096)
			continue; /* nothing there */
		flip(at);
		if (at < 8)
			refuse(DIGEST, "not a table", NULL);
		else if (at < 24)
			refuse(DIGEST, NULL, "of another version");
		else
			refuse(DIGEST, "damaged", NULL);
		flip(at);
	}
	geo_free(read_kept());

	static const off_t sizes[] = {4097, 4096, 4095, 96, 8, 1, 0};
	assert_int_equal(truncate(kept, size - 1), 0);
	refuse(DIGEST, "damaged", NULL);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		assert_int_equal(truncate(kept, sizes[i]), 0);
		refuse(DIGEST, "damaged", NULL);
	}
	assert_int_equal(truncate(kept, size), 0); /* all zero */
	refuse(DIGEST, "not a table", NULL);
	geo_free(geo);
}

static void test_no_file(void **state)
{
	struct geo *geo = make(1, 3);
	struct err err = {0};
	unlink(kept);
	assert_int_equal(mkdir(kept, 0700), 0);
	refuse(DIGEST, "not a file of ours", NULL);
	assert_false(geo_cache_write(kept, geo, DIGEST, &err));
	assert_non_null(strstr(err_text(&err), kept));
	rmdir(kept);
	assert_int_equal(symlink("/dev/zero", kept), 0);
	refuse(DIGEST, kept, NULL);
	unlink(kept);
	err_fini(&err);
	assert_false(
		geo_cache_write("/nonexistent/dnsd.geo", geo, DIGEST, &err));
	assert_non_null(strstr(err_text(&err), "No such file"));
	err_fini(&err);
	geo_free(geo);
}

/* -- digests -- */

static uint64_t digest(void)
{
	const char *databases[] = {source};
	return geo_cache_digest(NULL, databases, 1);
}

/* Writes into the source in place and puts its time back. */
static void alter(off_t at, char byte)
{
	struct stat st;
	int file = open(source, O_WRONLY);
	assert_int_equal(fstat(file, &st), 0);
	assert_int_equal(pwrite(file, &byte, 1, at), 1);
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	assert_int_equal(futimens(file, times), 0);
	close(file);
}

static void assert_seen(off_t at, bool seen)
{
	uint64_t before = digest();
	assert_int_not_equal(before, 0);
	assert_int_equal(digest(), before);
	alter(at, 1);
	if (seen)
		assert_int_not_equal(digest(), before);
	else
		assert_int_equal(digest(), before);
	alter(at, 0);
}

static void test_digest(void **state)
{
	const char *two[] = {source, source};
	int file = open(source, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(ftruncate(file, 1 << 20), 0);
	assert_seen(0, true);
	assert_seen(777777, true); /* all of a small file */
	assert_seen((1 << 20) - 1, true);

	const off_t large = 64 << 20;
	uint64_t small = digest();
	assert_int_equal(ftruncate(file, large), 0);
	assert_int_not_equal(digest(), small);
	assert_seen(0, true);
	assert_seen(large - 1, true);
	assert_seen(large - 100000, true); /* metadata of databases */
	assert_seen(large / 2 + 4095, true);
	assert_seen(large / 2 + 4096, false); /* between samples */

	uint64_t now = digest();
	assert_int_not_equal(geo_cache_digest(source, NULL, 0), now);
	assert_int_not_equal(geo_cache_digest(NULL, two, 2), now);
	assert_int_not_equal(geo_cache_digest(NULL, two, 0), now);
	futimens(file, (struct timespec[2]){{1, 1}, {1, 1}});
	assert_int_not_equal(digest(), now);
	close(file);
	unlink(source);
	assert_int_equal(digest(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_digest),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
