/* ctl.h - the control socket: a UNIX stream socket, mode 0600.
 *
 * A client sends one line and reads until the end: the first line of the
 * answer is "ok" or "error", the rest is text for people.
 */
#ifndef CONTROL_CTL_H
#define CONTROL_CTL_H

#include "base/err.h"
#include "net/listen.h"

struct control;
struct ctl;

/* Opens the socket at path. If the process before this one handed it over (handed may be
 * NULL), it is taken from there; a socket file that no process listens on is replaced.
 * NULL with a message if another process listens on it or it cannot be made. */
struct ctl *ctl_open(struct control *control, const char *path,
	struct listen_handed *handed, struct err *err);

/* Adds the socket, which stays ours. */
void ctl_give(const struct ctl *ctl, struct listen_handed *handed);

/* Whether another process answers at the socket from now on: then we accept nothing,
 * and leave the socket where it is. */
void ctl_rest(struct ctl *ctl, bool rest);

void ctl_close(struct ctl *ctl); /* removes the socket; NULL allowed */

#endif
