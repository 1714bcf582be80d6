/* backoff.h - how long to wait after the n-th failure: twice as long after each.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <assert.h>
#include <stdint.h>

/* first_ms for failure 0, then doubled for each, up to most_ms. */
static inline int64_t backoff_ms(
	int64_t first_ms, int64_t most_ms, unsigned failure)
{
	assert(first_ms > 0 && first_ms <= most_ms);
	int64_t ms = failure < 32 ? first_ms << failure : most_ms;
	return ms < most_ms ? ms : most_ms;
}

#endif
