/* servers.h - this name server among the others of its delegation, by way of etcd: the
 * registry (registered.h) the views (views.h) and what was learned (evidence.h) share one
 * connection. Control thread only; without `etcd` in the configuration
 * control->link is NULL and nothing of it happens.
 */
#ifndef CONTROL_SERVERS_H
#define CONTROL_SERVERS_H

#include <stdbool.h>

struct control;
struct servers;
struct servers_link;

/* Connects, if that is configured: after the store is open and what it keeps is in
 * force. */
void servers_open(struct control *c);
void servers_close(struct control *c);

/* Every 100 ms. */
void servers_step(struct control *c);

/* Another map is in service. */
void servers_renumber(struct control *c);

/* True: *report is to be shown from now on; the caller's. */
bool servers_news(struct servers_link *link, struct servers **report);

#endif
