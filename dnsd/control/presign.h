/* presign.h - asks the signer for the signatures of what steered names are answered with,
 * the addresses of one node, before a client asks: its first answer need not wait then.
 * Sets of several nodes, and HTTPS records, are signed when they are asked for. Control
 * thread only.
 */
#ifndef CONTROL_PRESIGN_H
#define CONTROL_PRESIGN_H

struct control;
struct presign;
struct sign_ring;

/* The ring is this thread's own. */
struct presign *presign_new(struct sign_ring *ring);
void presign_free(struct presign *presign); /* NULL allowed */

/* As many as the ring has room for, of what is in service; from the beginning when that
 * has changed, or an epoch of signatures has begun. Now and then. */
void presign_step(struct control *c);

#endif
