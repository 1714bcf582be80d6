#include "transfer/bell.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

void bell_init(struct bell *bell)
{
	*bell = (struct bell){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (bell->fd < 0)
		abort(); /* no descriptor at the start */
}

void bell_fini(struct bell *bell)
{
	close(bell->fd);
}

unsigned bell_place(const struct name *zone)
{
	return name_hash(zone->bytes, zone->len, 0) % BELL_PLACES;
}

void bell_ring(struct bell *bell, const struct name *zone)
{
	uint64_t one = 1;
	if (!atomic_exchange(&bell->rung[bell_place(zone)], true) &&
		write(bell->fd, &one, sizeof one) < 0)
		return; /* it is readable already */
}

void bell_take(struct bell *bell, bool rung[BELL_PLACES])
{
	uint64_t n;
	if (read(bell->fd, &n, sizeof n) < 0)
		n = 0; /* none since */
	for (unsigned i = 0; i < BELL_PLACES; i++)
		rung[i] = atomic_exchange(&bell->rung[i], false);
}
