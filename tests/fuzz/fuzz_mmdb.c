/* Any file as a database: refused with a message, or a table whose scopes are
 * true. The seeds are tests/data/geo. */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/rng.h"
#include "geo/mmdb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libmaxminddb 1.7 loses some hundred bytes when metadata is broken. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

static void check(const struct geo *geo, struct rng *rng, unsigned family)
{
	struct addr a = {.family = (uint8_t)family};
	for (unsigned i = 0; i < addr_bits(&a) / 8; i++)
		a.bytes[i] = rng_next(rng) % 2 ? 0 : (uint8_t)rng_next(rng);
	struct geo_leaf leaf = geo_find(geo, &a);
	if (leaf.place >= geo_places(geo) || leaf.scope > addr_bits(&a))
		abort();
	for (unsigned i = leaf.scope; i < addr_bits(&a); i++)
		if (rng_next(rng) % 2)
			a.bytes[i / 8] ^= (uint8_t)(0x80 >> i % 8);
	struct geo_leaf other = geo_find(geo, &a);
	if (other.place != leaf.place || other.scope != leaf.scope)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct err err = {0};
	struct rng rng = {hash_bytes(data, size, 0)};

	if (size > 16384)
		return 0;
	int file = memfd_create("fuzz", 0);
	if (file < 0 || write(file, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	const char *list = path;
	struct geo *geo = geo_load(NULL, &list, 1, &err);
	if (!geo != (err.count > 0) || (!geo && !strstr(err.text, path)))
		abort();
	for (int i = 0; geo && i < 200; i++)
		check(geo, &rng, i % 2 ? 4 : 6);
	geo_free(geo);
	err_fini(&err);
	close(file);
	return 0;
}
