/* sockets.h - what all that accept connections share.
 *
 * Pure functions; any thread.
 */
#ifndef BASE_SOCKETS_H
#define BASE_SOCKETS_H

#include <errno.h>
#include <stdbool.h>

/* Whether accept(2) failed for want of a descriptor or memory. The connection
 * still waits: a listener that is watched on would spin. */
static inline bool sockets_lack_room(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
		error == ENOMEM;
}

#endif
