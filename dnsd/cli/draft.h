/* draft.h - a first configuration, from words of the command line and from what is
 * found of the nodes: the text that `dnsd init` writes. No I/O.
 *
 * What the words mean is not judged here: the text is read as any configuration is,
 * and an error there is led back to the word by its line.
 */
#ifndef CLI_DRAFT_H
#define CLI_DRAFT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define DRAFT_KEYS_MAX 24

struct draft_node {
	const char *name;
	unsigned n;
	struct draft_key {
		const char *name, *value; /* lists with commas */
	} key[DRAFT_KEYS_MAX];            /* the first is the address */
	/* Lines of it in the text that was written last. */
	unsigned first_line, last_line;
	/* What was found. NULL: nothing is to be said or added. */
	const char *found;  /* in words, one line */
	const char *flv;    /* ADDRESS:PORT that answers */
	const char *at;     /* LAT, LON */
	const char *at_why; /* how it is known, or why it is not */
};

/* All texts are in the arena, or the command line's. */
struct draft {
	struct arena *arena;
	const char *zone;
	unsigned n_ns, n_geoip, n_nodes;
	const char **ns;    /* "NAME ADDRESS..." */
	const char **geoip; /* paths */
	struct draft_node *nodes;
	const char *store; /* NULL: the default */
	unsigned ns_line;  /* as of nodes */
};

/* NAME=ADDRESS[,ADDRESS...]; a name without a dot is one of the zone. False with a
 * message. */
bool draft_ns(struct draft *draft, const char *word, struct err *err);

/* NAME=ADDRESS[,ADDRESS...][,KEY=VALUE...]: the keys are those of a node. */
bool draft_node(struct draft *draft, const char *word, struct err *err);

/* The value of a node's key; NULL if it was not given. */
const char *draft_value(const struct draft_node *node, const char *key);

/* Writes the configuration to the end of out, which is empty, and sets lines. */
void draft_write(struct draft *draft, struct buf *out);

#endif
