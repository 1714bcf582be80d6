/* xdp.h - answers past the kernel: the interfaces of `xdp`, each with its program, a queue
 * and a thread for each of its receive queues.
 *
 * What the program does not pass to a queue the kernel's sockets answer, so all of this may
 * fail, be switched off or end at any moment. Control thread only.
 */
#ifndef XDP_XDP_H
#define XDP_XDP_H

#include "base/err.h"
#include "conf/conf.h"
#include "net/listen.h"
#include "net/thread.h"

struct report_xdp;
struct xdp;

/* Opens the interfaces of the configuration, while we are root, but for those in the handed
 * (NULL: none), which are as another process opened them. What cannot be opened is
 * answered by sockets, with a warning. listeners: borrowed. NULL: none is configured. */
struct xdp *xdp_open(const struct conf *conf, const struct listeners *listeners,
	struct listen_handed *handed, struct err *err);

/* All of what follows: NULL allowed. */

/* Adds what another process can go on with; all stays ours. */
void xdp_give(const struct xdp *xdp, struct listen_handed *handed);

/* Makes the threads; which are there, from 0: NULL: no more. */
void xdp_make(struct xdp *xdp, const struct net_shared *shared);
struct net_thread *xdp_thread(const struct xdp *xdp, unsigned i);
unsigned xdp_threads(const struct xdp *xdp);

/* Starts them, then has queries passed to them. */
void xdp_start(struct xdp *xdp);

/* The kernel gets all from here on; what has been passed is answered, then the threads
 * have ended. They may be started again. */
void xdp_stop(struct xdp *xdp);
void xdp_free(struct xdp *xdp);

/* After a reload: an interface that is not named any more passes all to the kernel, until
 * it is named again. Warns of what takes a restart. */
void xdp_configure(struct xdp *xdp, const struct conf *conf, struct err *err);

/* Each second: addresses may have changed, or an interface is gone. */
void xdp_look(struct xdp *xdp);

/* Says in the log which interfaces are in service, and how. */
void xdp_log(const struct xdp *xdp);

/* Of each interface; how many. */
unsigned xdp_report(const struct xdp *xdp, struct report_xdp *out);

#endif
