#include "snapshot/counters.h"

#include <stddef.h>

const char *count_type_text(enum count_type type)
{
	static const char *const texts[COUNT_TYPES] = {"A", "AAAA", "NS", "SOA",
		"TXT", "MX", "CNAME", "HTTPS", "SRV", "PTR", "ANY", "other"};
	return texts[type];
}

void counters_add(
	struct answer_counters *sum, const struct answer_counters *from)
{
	/* The struct is nothing but counters. */
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *add = (const uint64_t *)from;
	for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
		to[i] += count_read(&add[i]);
}
