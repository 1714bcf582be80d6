/* evidence.h - what name servers learned, shared: of each node a key
 * learned/SERVER/nodes/NODE and of the fleet learned/SERVER/fleet, under a lease of an
 * hour. Control thread only.
 *
 *	{"paths": [[22.3, 114.2, 4134, "HK", 2, 38.5, 3.4, 0.001, 60], ...],
 *	 "capacity": [...], "stability": [...]}
 *	{"multiplier": [JOINED, RESERVED]}
 *
 * Of a path: latitude, longitude, AS number, country, source of the place, round trip in
 * ms, weight, loss (-1: not known), age in s. Each server writes what it learned itself
 * and counts the others' paths as one network more each. What it learns by its own polls,
 * capacity and stability, it takes from others only as long as it has polled a node a
 * few times.
 */
#ifndef CONTROL_EVIDENCE_H
#define CONTROL_EVIDENCE_H

#include <stdbool.h>

struct control;
struct etcd;
struct evidence;

/* name: of this server. */
struct evidence *evidence_new(const char *name);
void evidence_free(struct evidence *evidence); /* NULL allowed */

/* What another server wrote, key without "learned/"; NULL: it is gone. */
void evidence_take(struct control *c, const char *key, const char *text);

/* Every 100 ms: writes a few nodes, all within a minute or longer in large fleets. */
void evidence_step(struct control *c, struct etcd *etcd);

#endif
