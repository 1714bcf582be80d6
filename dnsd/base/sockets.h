/* sockets.h - what all that accept connections share.
 *
 * Any thread.
 */
#ifndef BASE_SOCKETS_H
#define BASE_SOCKETS_H

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Whether accept(2) failed for want of a descriptor or memory. The connection
 * still waits: a listener that is watched on would spin. */
static inline bool sockets_lack_room(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
		error == ENOMEM;
}

/* What the peer has not taken is dropped when the socket is closed: else the kernel
 * would keep it, and try to send it, for minutes. */
static inline void sockets_forget_output(int fd)
{
	struct linger none = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

#endif
