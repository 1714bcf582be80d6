/* keys_watch.h - keys of signed zones that come or go by their times, and signatures that
 * are about to expire. Control thread.
 */
#ifndef CONTROL_KEYS_WATCH_H
#define CONTROL_KEYS_WATCH_H

struct control;

/* Reads all anew at the time that a key's file names; once a second. */
void keys_watch(struct control *c);

#endif
