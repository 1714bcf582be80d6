/* channel.h - messages between two processes on one machine, with file descriptors
 * (unix(7), SCM_RIGHTS). The body of a message is a memory file, so it may be large.
 *
 * One thread a side. Both ends are of one program, but maybe of two versions: a message
 * of another CHANNEL_VERSION is refused.
 */
#ifndef BASE_CHANNEL_H
#define BASE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CHANNEL_FDS 200 /* of a message; the kernel takes 253 */

struct channel_message {
	uint32_t kind;
	const uint8_t *body; /* page aligned; NULL: none */
	size_t len;
	int fds[CHANNEL_FDS]; /* the message's; -1: was taken */
	unsigned n_fds;
};

/* Both ends, close-on-exec. False with errno. */
bool channel_open(int ends[2]);

/* How long the calls below wait for the peer. */
void channel_patience(int end, unsigned ms);

/* body may be NULL; fds stay the caller's. */
bool channel_send(int end, uint32_t kind, const struct buf *body,
	const int *fds, unsigned n_fds, struct err *err);

/* Waits for a message. The caller ends it with channel_message_free(). */
bool channel_receive(int end, struct channel_message *message, struct err *err);

/* Ends a message, and closes the descriptors that were not taken. */
void channel_message_free(struct channel_message *message);

#endif
