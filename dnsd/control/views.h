/* views.h - what each name server believes of the nodes: this one's word goes to the
 * others every some seconds, and theirs to the fleet (fleet_heard()). Control thread
 * only.
 *
 * A word counts while it is fresh: for three of its own intervals after it came by the
 * watch. One that was there when etcd was read may be of any age and does not count.
 */
#ifndef CONTROL_VIEWS_H
#define CONTROL_VIEWS_H

#include <stdbool.h>

struct control;
struct etcd;
struct servers;
struct views;

/* name: of this server, copied. */
struct views *views_new(const char *name);
void views_free(struct views *views); /* NULL allowed */

/* What another server wrote; text NULL: it is gone. live: just now. */
void views_take(
	struct control *c, const char *server, const char *text, bool live);

/* Etcd was read anew: what is not given again is gone. */
void views_forget(struct views *views);

/* Another map is in service: what others said is of other nodes. */
void views_renumber(struct control *c);

/* Every 100 ms: says what is to be said, and gives the fleet what is known. */
void views_step(struct control *c, struct etcd *etcd);

/* How many name servers there are, this one included; before: of these, those whose
 * name is less than this one's. */
unsigned views_servers(const struct views *views, unsigned *before);

/* Into what the operator is shown: peers, malloc'd. */
void views_report(const struct views *views, struct servers *out);

#endif
