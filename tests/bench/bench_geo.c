/* bench_geo.c - the prefix table beside libmaxminddb, on the same addresses in
 * the same run: bench_geo FILE.mmdb... (e.g. city data for IPv4 and IPv6).
 *
 * Addresses are drawn evenly from the ranges that the databases know, so that
 * IPv6 is not all empty space. "loop" is lookup and reading latitude and
 * longitude, one address after the other, for both; in "chain" each lookup waits
 * for the one before; "batch" is how workers ask.
 */
#define _GNU_SOURCE 1
#include <maxminddb.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "geo/cache.h"
#include "geo/mmdb.h"

#define ADDRESSES (1 << 20)
#define BATCH 32
#define ROUNDS 7

static struct addr *addresses;
static volatile uint64_t sink;

/* Random addresses that have data, of one family. */
static void draw(const struct geo *geo, unsigned family)
{
	struct rng rng = {family};
	for (unsigned n = 0; n < ADDRESSES;) {
		struct addr a = {.family = (uint8_t)family};
		uint64_t r[2] = {rng_next(&rng), rng_next(&rng)};
		memcpy(a.bytes, r, family == 4 ? 4 : 16);
		if (family == 6) { /* 2000::/12 .. 2c00::/12, dense part */
			static const uint8_t first[] = {
				0x20, 0x24, 0x26, 0x28, 0x2a, 0x2c};
			a.bytes[0] = first[r[0] % 6];
			a.bytes[1] &= a.bytes[0] == 0x20 ? 1 : 15;
			a.bytes[2] &= 15;
		}
		if (geo_find(geo, &a).place)
			addresses[n++] = a;
	}
}

/* Each lookup waits for the one before, as latency would have it. */
static double ours_in_a_chain(const void *geo)
{
	uint64_t sum = 0;
	int64_t start = clock_ns();
	unsigned at = 0;
	for (unsigned n = 0; n < ADDRESSES; n++) {
		struct geo_leaf leaf = geo_find(geo, &addresses[at]);
		const struct place *p = geo_place(geo, leaf.place);
		at = (n + 1 + (p->lat > 90)) & (ADDRESSES - 1);
		sum += leaf.scope;
	}
	sink = sum;
	return (double)(clock_ns() - start) / ADDRESSES;
}

/* The same loop that libmaxminddb gets. */
static double ours(const void *geo)
{
	uint64_t sum = 0;
	int64_t start = clock_ns();
	for (unsigned n = 0; n < ADDRESSES; n++) {
		struct geo_leaf leaf = geo_find(geo, &addresses[n]);
		const struct place *p = geo_place(geo, leaf.place);
		sum += leaf.scope + (p->lat > p->lon);
	}
	sink = sum;
	return (double)(clock_ns() - start) / ADDRESSES;
}

static double ours_batch(const void *geo)
{
	uint64_t sum = 0;
	int64_t start = clock_ns();
	for (unsigned n = 0; n < ADDRESSES; n += BATCH) {
		struct geo_search search[BATCH];
		for (unsigned i = 0; i < BATCH; i++)
			geo_begin(&search[i], geo, &addresses[n + i]);
		for (unsigned i = 0; i < BATCH; i++)
			geo_go_on(&search[i]);
		for (unsigned i = 0; i < BATCH; i++) {
			struct geo_leaf leaf =
				geo_end(&search[i], &addresses[n + i]);
			const struct place *p = geo_place(geo, leaf.place);
			sum += leaf.scope + (p->lat > p->lon);
		}
	}
	sink = sum;
	return (double)(clock_ns() - start) / ADDRESSES;
}

static socklen_t to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (a->family == 4) {
		struct sockaddr_in *in = (void *)out;
		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (void *)out;
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, a->bytes, 16);
	return sizeof *in6;
}

static double theirs(const void *db)
{
	static const char *const flat[2][3] = {{"latitude"}, {"longitude"}};
	static const char *const city[2][3] = {
		{"location", "latitude"}, {"location", "longitude"}};
	unsigned found = 0, count = ADDRESSES / 4;
	uint64_t sum = 0;
	int64_t start = clock_ns();
	for (unsigned n = 0; n < count; n++) {
		struct sockaddr_storage to;
		int error;
		MMDB_entry_data_s value;
		to_sockaddr(&addresses[n], &to);
		MMDB_lookup_result_s r =
			MMDB_lookup_sockaddr(db, (void *)&to, &error);
		if (!r.found_entry)
			continue;
		found++;
		for (int i = 0; i < 2; i++)
			if (MMDB_aget_value(&r.entry, &value, flat[i]) != 0)
				MMDB_aget_value(&r.entry, &value, city[i]);
		sum += value.has_data;
	}
	sink = sum;
	return found > count / 2 ? (double)(clock_ns() - start) / count : 0;
}

/* The best of some rounds, so that what else the machine does counts less. */
static double best(double (*measure)(const void *), const void *arg)
{
	double least = measure(arg);
	for (unsigned round = 1; round < ROUNDS; round++) {
		double ns = measure(arg);
		least = ns < least ? ns : least;
	}
	return least;
}

/* Keeps the table in a file and takes it from there, as starts do; returns the
 * one that was read, for lookups are to be as fast in it. */
static struct geo *keep(struct geo *geo, const char *const *files, unsigned n)
{
	char path[] = "/tmp/bench-geo-XXXXXX";
	struct err err = {0};
	double digest_ms = 1e9, read_ms = 1e9;
	int file = mkstemp(path);
	int64_t start = clock_ns();

	if (file < 0 || !geo_cache_write(path, geo, 1, &err))
		return geo;
	printf("kept in %.1f ms", (double)(clock_ns() - start) / 1e6);
	for (int i = 0; i < ROUNDS; i++) {
		start = clock_ns();
		uint64_t digest = geo_cache_digest(NULL, files, n);
		int64_t then = clock_ns();
		geo_free(geo);
		int64_t before = clock_ns();
		geo = geo_cache_read(path, 1, &err);
		int64_t end = clock_ns();
		if (!digest || !geo)
			abort();
		digest_ms = fmin(digest_ms, (double)(then - start) / 1e6);
		read_ms = fmin(read_ms, (double)(end - before) / 1e6);
	}
	printf(", digest %.2f ms, read in %.1f ms\n", digest_ms, read_ms);
	unlink(path);
	close(file);
	return geo;
}

static long peak_mb(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	double files_mb = 0;
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (stat(argv[i], &st) == 0)
			files_mb += (double)st.st_size / 1e6;
	}
	int64_t start = clock_ms();
	struct geo *geo = geo_load(NULL, (const char *const *)argv + 1,
		(unsigned)(argc - 1), &err);
	if (!geo) {
		fprintf(stderr, "%s\n", err_text(&err));
		return 1;
	}
	printf("files %.1f MB, loaded in %.2f s, table %.1f MB, %u places, "
	       "peak RSS %ld MB\n",
		files_mb, (double)(clock_ms() - start) / 1e3,
		(double)geo_size(geo) / 1e6, geo_places(geo), peak_mb());
	geo = keep(geo, (const char *const *)argv + 1, (unsigned)(argc - 1));

	addresses = mem_alloc(ADDRESSES * sizeof *addresses);
	printf("%-6s %10s %10s %10s  %s\n", "", "chain", "loop", "batch",
		"MMDB_lookup_sockaddr + latitude + longitude (loop)");
	for (unsigned family = 4; family <= 6; family += 2) {
		draw(geo, family);
		printf("IPv%u   %7.1f ns %7.1f ns %7.1f ns ", family,
			best(ours_in_a_chain, geo), best(ours, geo),
			best(ours_batch, geo));
		for (int i = 1; i < argc; i++) {
			MMDB_s db;
			if (MMDB_open(argv[i], MMDB_MODE_MMAP, &db) != 0)
				continue;
			double ns = best(theirs, &db);
			if (ns > 0)
				printf(" %.1f ns", ns);
			MMDB_close(&db);
		}
		printf("\n");
	}
	free(addresses);
	geo_free(geo);
	err_fini(&err);
	return 0;
}
