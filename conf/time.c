/* Times of day: ISO 8601, local without a zone. */
#include <string.h>
#include <time.h>

#include "conf/conf.h"

/* Exactly n digits, least to most. */
static bool digits(const char **text, unsigned n, int least, int most, int *out)
{
	int v = 0;
	for (unsigned i = 0; i < n; i++, ++*text) {
		if (**text < '0' || **text > '9')
			return false;
		v = v * 10 + (**text - '0');
	}
	*out = v;
	return v >= least && v <= most;
}

static bool time_mark(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

/* Nothing, Z, or +HH:MM; *local: nothing. */
static bool zone(const char *text, bool *local, int *east_s)
{
	int h = 0, m = 0, sign = *text == '-' ? -1 : 1;
	*local = !*text;
	*east_s = 0;
	if (!*text || !strcmp(text, "Z"))
		return true;
	if ((!time_mark(&text, '+') && !time_mark(&text, '-')) ||
		!digits(&text, 2, 0, 14, &h))
		return false;
	time_mark(&text, ':');
	*east_s = sign * 3600 * h;
	if (!*text)
		return true;
	if (!digits(&text, 2, 0, 59, &m) || *text)
		return false;
	*east_s += sign * 60 * m;
	return true;
}

bool conf_time(const char *text, int64_t *wall_ms)
{
	struct tm tm = {.tm_isdst = -1};
	bool local;
	int east_s;

	if (!digits(&text, 4, 1970, 9999, &tm.tm_year) ||
		!time_mark(&text, '-') ||
		!digits(&text, 2, 1, 12, &tm.tm_mon) ||
		!time_mark(&text, '-') ||
		!digits(&text, 2, 1, 31, &tm.tm_mday) ||
		!time_mark(&text, 'T') ||
		!digits(&text, 2, 0, 23, &tm.tm_hour) ||
		!time_mark(&text, ':') ||
		!digits(&text, 2, 0, 59, &tm.tm_min) ||
		(time_mark(&text, ':') &&
			!digits(&text, 2, 0, 59, &tm.tm_sec)) ||
		!zone(text, &local, &east_s))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	struct tm same = tm;
	time_t utc = timegm(&same);
	if (same.tm_mday != tm.tm_mday) /* the 31st of April */
		return false;
	time_t at = local ? mktime(&tm) : utc - east_s;
	*wall_ms = (int64_t)at * 1000;
	return true;
}
