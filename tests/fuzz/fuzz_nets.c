/* Any file as a nets file: refused with its line, or a table. */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "geo/nets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct err err = {0};
	struct addr a = {.family = 4, .bytes = {192, 0, 2, 1}};
	int file = memfd_create("fuzz", 0);

	if (file < 0 || write(file, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	struct geo_builder *builder = geo_builder_new();
	bool good = nets_read(builder, 0, path, &err);
	if (good != (err.count == 0) || (!good && !strstr(err.text, path)))
		abort();
	if (good) {
		struct geo *geo = geo_build(builder);
		if (geo_find(geo, &a).place >= geo_places(geo))
			abort();
		geo_free(geo);
	} else {
		geo_builder_free(builder);
	}
	err_fini(&err);
	close(file);
	return 0;
}
