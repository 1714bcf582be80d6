/* mailbox.h - how one thread asks another to do something.
 *
 * Many threads post, the owner runs what was posted, in order, when its event
 * loop sees the file descriptor readable. Never on the query path.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

struct mailbox;

struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox *mailbox); /* drops what was not run */

/* Readable while there is something to run. */
int mailbox_fd(const struct mailbox *mailbox);

/* Any thread: has the owner call run(arg). */
void mailbox_post(struct mailbox *mailbox, void (*run)(void *arg), void *arg);

/* The same; drop(arg) is called by mailbox_free() instead, if it was not run. */
void mailbox_post_owned(struct mailbox *mailbox, void (*run)(void *arg),
	void (*drop)(void *arg), void *arg);

/* Owner: runs all that was posted. */
void mailbox_run(struct mailbox *mailbox);

/* Owner without an event loop: waits for something, then runs all. */
void mailbox_wait(struct mailbox *mailbox);

#endif
