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

/* Takes the socket of that path from the gift (NULL: there is none), or the place of a
 * socket without a listener. NULL with a message if there is a living one or it can't
 * be made. */
struct ctl *ctl_open(struct control *control, const char *path,
	struct listen_gift *gift, struct err *err);

/* Adds the socket, which stays ours. */
void ctl_give(const struct ctl *ctl, struct listen_gift *gift);

/* Whether another process answers at the socket from now on: then we accept nothing,
 * and leave the socket where it is. */
void ctl_rest(struct ctl *ctl, bool rest);

void ctl_close(struct ctl *ctl); /* removes the socket; NULL allowed */

#endif
