/* joined.h - nodes that other name servers approved or removed: built into the
 * configuration, and kept, as if that had been done here (enrol.h). All that came
 * together is built at once; what does not hold is found by halves, refused by name,
 * and what was before stays. Control thread only.
 */
#ifndef CONTROL_JOINED_H
#define CONTROL_JOINED_H

struct control;
struct joined;
struct servers_lines;

/* With what the store keeps. */
struct joined *joined_new(struct control *c);
void joined_free(struct joined *joined); /* NULL allowed */

/* The registry has these keys of a node now: text, which this function frees; NULL: the
 * node is removed. by: the name server that wrote it, for the log. It is built by the next
 * joined_go(). */
void joined_add(
	struct joined *joined, const char *name, char *text, const char *by);
void joined_go(struct joined *joined);

/* It was approved (text), or removed (NULL), on this server. */
void joined_set(struct joined *joined, const char *name, const char *text);

/* Approved nodes that are kept. */
void joined_each(struct joined *joined,
	void (*take)(void *arg, const char *name, const char *text), void *arg);

/* Adds what is refused, and why. */
void joined_report(const struct joined *joined, struct servers_lines *lines);

#endif
