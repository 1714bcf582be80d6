/* geo_watch.h - the files of geography: loaded again when they change, and the table
 * that was made of them kept beside the store for the next start. Control thread;
 * the work is a job of the builder (builder.h).
 */
#ifndef CONTROL_GEO_WATCH_H
#define CONTROL_GEO_WATCH_H

struct control;
struct geo_watch;

struct geo_watch *geo_watch_new(void);
void geo_watch_free(struct geo_watch *watch); /* NULL allowed */

/* Looks whether a file changed, and has it loaded; each second. If the first load
 * fails the server stops. */
void geo_watch_look(struct control *c);

/* Nothing else is to be built: keeps the table if it is not kept yet. */
void geo_watch_keep(struct control *c);

#endif
