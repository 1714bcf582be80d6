/* oldest.h - which way of a bucket makes room: the first free one, else the oldest.
 *
 *	struct oldest oldest = {0};
 *	for (i = 0; i < WAYS && !oldest.is_free; i++)
 *		if (is_free(i))
 *			oldest_free(&oldest, i);
 *		else
 *			oldest_offer(&oldest, i, age(i));
 *	if (oldest.any) ... oldest.way
 *
 * Of equal ones the first. Ages are in any unit that all ways share.
 */
#ifndef BASE_OLDEST_H
#define BASE_OLDEST_H

#include <stdbool.h>
#include <stdint.h>

struct oldest {
	bool any, is_free; /* a way was offered; it is free */
	unsigned way;
	uint32_t age;
};

static inline void oldest_free(struct oldest *oldest, unsigned way)
{
	*oldest = (struct oldest){.any = true, .is_free = true, .way = way};
}

static inline void oldest_offer(
	struct oldest *oldest, unsigned way, uint32_t age)
{
	if (!oldest->any || age > oldest->age)
		*oldest = (struct oldest){.any = true, .way = way, .age = age};
}

#endif
