/* servers.h - the name servers of this delegation as this one sees them through etcd: a
 * part of the snapshot, for the operator. Made by control, immutable; NULL: there is no
 * etcd in the configuration.
 */
#ifndef SNAPSHOT_SERVERS_H
#define SNAPSHOT_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/view.h"

#define SERVERS_LINES_MAX 100 /* of each kind; others are counted */

/* A key of the registry and what is to be said of it. */
struct servers_line {
	char key[128], text[160];
	int64_t at_ms; /* clock_ms() */
};

struct servers_lines {
	unsigned n, all;
	struct servers_line *line;
};

struct servers_peer {
	char name[64];
	int64_t heard_ms; /* clock_ms(); 0: not since it is watched */
	bool fresh;       /* its word counts */
	const struct view *view;
};

struct servers {
	char name[64],
		why[160]; /* of this server; why there is no connection */
	bool connected;
	int64_t since_ms, revision;
	const char *registry; /* what etcd's is to this server, static text */
	bool in_force;
	struct servers_lines pending, refused, conflicts;
	unsigned n_peers; /* by name, without this one */
	struct servers_peer *peer;
};

/* What a name server finds of a node, by index of the map; NULL: it says nothing of it. */
static inline const struct view_node *servers_word(
	const struct servers_peer *peer, uint32_t node)
{
	return peer->view ? view_of(peer->view, node) : NULL;
}

/* One line more; beyond SERVERS_LINES_MAX it is counted only. */
void servers_add(
	struct servers_lines *lines, const char *key, const char *text);

/* Control, when no snapshot has it any more. NULL allowed. */
void servers_free(struct servers *servers);

#endif
