/* registry.h - what the operators decided, shared by all name servers: a table of keys
 * that etcd holds, this server's copy of it, and its changes that etcd has not
 * confirmed yet.
 *
 *	nodes/NAME    an approved node: its keys as in the configuration, or
 *	              {"removed": true}
 *	drains/NAME   {"drained": true} or {"drained": false}
 *	expect/ID     an entry of the schedule
 *	registry      {"id": ..., "seeds": N}: the mark by which a server knows that
 *	              this is the registry that it has a copy of
 *
 * Values are JSON objects; "by" in one is the name server that wrote it, absent if
 * another program did.
 *
 * In force is what this server wants and etcd has not decided on, else what etcd has.
 * A change is based on a revision of its key: etcd takes it if the key still has that
 * one. If not, what etcd has wins, and the change has ended in a conflict; unless it
 * is a change of this very server that came before, or says the same: then the change
 * is based on that one and sent again. A change is done only when etcd has taken this very
 * change. So an older change that still waits at another server meets a conflict and
 * cannot undo it.
 *
 * Nothing that etcd has is taken while it is not known to be this registry: without the
 * mark it was wiped; with another, it is another registry; with keys older than the
 * copy's, it was set back. What is in force then stays until registry_seed() or
 * registry_adopt(), which an operator asks for.
 *
 * Pure: no I/O, no clock, no log; the owner's thread. What is to be done comes by the
 * events, which may not call back but for registry_row().
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define REGISTRY_KEY_MAX 128
#define REGISTRY_VALUE_MAX 8192
#define REGISTRY_ROWS_MAX 200000
#define REGISTRY_MARK "registry" /* the key */

/* What etcd is to this server. */
enum registry_state {
	REGISTRY_UNREAD, /* not read since the start */
	REGISTRY_OURS,   /* in force */
	REGISTRY_WIPED,  /* there is no mark, though this server has a copy */
	REGISTRY_OTHER,  /* another mark */
	REGISTRY_BACK,   /* keys are older than the copy's */
	REGISTRY_MARKING /* it is empty, or being seeded: the mark is to come */
};
extern const char *const registry_states[]; /* as the operator reads them */

struct registry_row {
	char *key;
	char *value;      /* as etcd had it last, taken; NULL: nothing */
	int64_t revision; /* of that or its deletion; 0: it never was there */
	/* This server's change that is not confirmed; NULL: none; "": a deletion. */
	char *wanted;
	int64_t base; /* what it is based on: 0, or the revision of a value */

	/* -- not kept over a restart -- */
	bool sent;         /* on its way: */
	char *sending;     /* so */
	int64_t sent_base; /* and based on that */
	bool replaced;     /* what is on its way is not what is wanted now */
	bool tried;        /* what is wanted was sent, once at least */
	/* Etcd may have taken, or may still take, an earlier change of this server. */
	bool doubtful;
	bool offered; /* ended without `ended`: no operator asked for it */
	char *seen;   /* what etcd has, until it is taken; NULL: nothing */
	int64_t seen_revision;
	char *refused; /* why etcd's value is not in force; NULL: it is */
};

struct registry_item {
	const char *key;
	const char *value; /* NULL: deleted */
	int64_t revision;
};

enum registry_end {
	REGISTRY_DONE,    /* etcd has it */
	REGISTRY_CONFLICT /* what etcd has is in force instead */
};

struct registry_events {
	void *arg;
	/* Whether a value may be in force. False with the reason: the one before
	 * stays. */
	bool (*check)(
		void *arg, const char *key, const char *value, struct err *err);
	/* In force of a key now; value NULL: nothing. by: "" if not known. */
	void (*in_force)(
		void *arg, const char *key, const char *value, const char *by);
	/* The row has changed and is to be kept; without value and wanted: forgotten
	 * (its revision 0: it may be dropped). */
	void (*keep)(void *arg, const struct registry_row *row);
	/* To be changed in etcd (value NULL: deleted) if its revision is base;
	 * registry_answer() says how it ended. */
	void (*send)(
		void *arg, const char *key, const char *value, int64_t base);
	/* A change by registry_want() has ended. by: of what is in force after a
	 * conflict. */
	void (*ended)(void *arg, const char *key, enum registry_end end,
		const char *by);
	void (*refused)(void *arg, const char *key, const char *why);
};

struct registry;

/* name: of this server. mark: a new registry gets it as its id, should this server be
 * the one that begins it. Both are copied. */
struct registry *registry_new(const char *name, const char *mark,
	const struct registry_events *events);
void registry_free(struct registry *registry); /* NULL allowed */

/* A row of the copy that was kept: all before anything else. Takes nothing. Without
 * events: the owner reads the rows (registry_row_at()). */
void registry_restore(
	struct registry *registry, const struct registry_row *row);

/* Whether there is a copy: this server has been part of a registry. */
bool registry_has_copy(const struct registry *registry);

/* What is in force on a server without a copy, from its time alone: it becomes part of
 * the registry unless that has the key. */
void registry_offer(
	struct registry *registry, const char *key, const char *value);

/* A change by the operator of this server; value NULL: the key is deleted. In force at
 * once. "by" is added. */
void registry_want(
	struct registry *registry, const char *key, const char *value);

/* All that etcd has, and what changed since. */
void registry_all(struct registry *registry, int64_t revision,
	const struct registry_item *items, unsigned n);
void registry_changed(struct registry *registry,
	const struct registry_item *items, unsigned n);

/* How a change that was sent has ended: etcd took it, with this revision; refused it,
 * since the key has another revision (which `changed` tells of); or it is not known. */
enum registry_answer { REGISTRY_TAKEN, REGISTRY_STALE, REGISTRY_UNKNOWN };
void registry_answer(struct registry *registry, const char *key,
	enum registry_answer answer, int64_t revision);

/* Etcd is there, or no longer: what waits is sent as long as it is. */
void registry_connected(struct registry *registry, bool connected);

/* What this server has in force becomes the registry. False with the reason: it is in
 * force, or was not read. */
bool registry_seed(struct registry *registry, struct err *err);

/* The registry that etcd has is in force here, instead of this server's copy; what
 * this server wants is dropped. False as above. */
bool registry_adopt(struct registry *registry, struct err *err);

enum registry_state registry_state(const struct registry *registry);

/* Rows in the order of keys. NULL: no such row. */
unsigned registry_count(const struct registry *registry);
const struct registry_row *registry_row_at(
	const struct registry *registry, unsigned i);
const struct registry_row *registry_row(
	const struct registry *registry, const char *key);

/* In force; NULL: nothing. */
const char *registry_value(const struct registry_row *row);

/* How many changes are not confirmed. */
unsigned registry_pending(const struct registry *registry);

/* "by" of a value, "" if there is none. */
void registry_author(const char *value, char *by, size_t room);

#endif
