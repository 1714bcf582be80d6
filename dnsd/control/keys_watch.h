/* keys_watch.h - keys of signed zones that come or go by their times, or that would not
 * be there at the next start, and signatures that are about to expire. Control thread,
 * but for the look at the folders: a job of the builder.
 */
#ifndef CONTROL_KEYS_WATCH_H
#define CONTROL_KEYS_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct control;
struct keys_watch;
struct report_signing;

struct keys_watch *keys_watch_new(void);
void keys_watch_free(struct keys_watch *w); /* NULL allowed */

/* Reads all anew at the time that a key's file names; looks at the folders each minute;
 * says in the log what is wrong. Once a second. */
void keys_watch(struct control *c);

/* Makes what is to be published anew: other zones are signed. */
void keys_watch_show(struct control *c);

/* Signatures of some zone are late. */
bool keys_watch_late(const struct keys_watch *w);

/* What to publish, if it is new: what was is *old then, to be freed when no thread reads
 * it. */
void keys_watch_news(struct keys_watch *w, struct report_signing **published,
	struct report_signing **old);

/* What is wrong with the first zone that has a fault, for one line; "": nothing.
 * signing: NULL allowed. Writes into out and returns it. */
const char *keys_watch_fault(
	const struct report_signing *signing, char *out, size_t room);

#endif
