#include "base/words.h"

#include <stdio.h>

const char *words_duration(char *out, int64_t seconds)
{
	static const struct {
		int64_t s, until; /* below this many seconds it is said in s */
		const char *unit;
	} units[] = {{1, 120, "s"}, {60, 7200, "min"}, {3600, 172800, "h"}};

	for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
		if (seconds < units[i].until) {
			snprintf(out, WORDS_TEXT_MAX, "%lld %s",
				(long long)(seconds / units[i].s),
				units[i].unit);
			return out;
		}
	snprintf(
		out, WORDS_TEXT_MAX, "%lld days", (long long)(seconds / 86400));
	return out;
}

const char *words_rate(char *out, double bits_per_s)
{
	if (bits_per_s < 1e6)
		snprintf(out, WORDS_TEXT_MAX, "%.0f kbit/s", bits_per_s / 1e3);
	else if (bits_per_s < 1e9)
		snprintf(out, WORDS_TEXT_MAX, "%.1f Mbit/s", bits_per_s / 1e6);
	else
		snprintf(out, WORDS_TEXT_MAX, "%.2f Gbit/s", bits_per_s / 1e9);
	return out;
}
