/* etcd.h - a client of etcd (3.4 and later) by the JSON gateway of its v3 API: all keys
 * under one prefix, watched; changes by compare-and-swap on the revision of a key; keys
 * under a lease.
 *
 * A thread of its own does all that waits. Callbacks run in the owner's mailbox; what
 * they are given is theirs until they return. Every other function is called by the
 * thread that runs this mailbox, and returns at once but for etcd_close().
 *
 * Endpoints are tried in turn, with back-off and jitter. Every request asks for a
 * leader (Grpc-Metadata-hasleader), so that a member without quorum says so, and ends
 * its watch. A watch is resumed from the revision that was seen last; where that is
 * compacted away, or belongs to another etcd (its cluster id differs, or its revision
 * or term is lower), all is read anew; also when a lease was lost, for a wiped etcd may
 * count its revisions past those that were seen.
 *
 * Memory is bounded. At most ETCD_ALL_MAX octets: all that is under the prefix, what the
 * owner has not taken yet (the watch then waits), and the changes that wait, of which
 * there are at most 65536. Announcements have no limit but the number of keys that the
 * owner announces; their list is searched from its start. Keys of others that are longer than ETCD_KEY_MAX, or
 * have a \0, are left out; a value longer than ETCD_VALUE_MAX counts as none.
 */
#ifndef ETCD_ETCD_H
#define ETCD_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"

#define ETCD_KEY_MAX 512       /* octets, the prefix included */
#define ETCD_VALUE_MAX 1048576 /* etcd takes requests of 1.5 MiB */
#define ETCD_ALL_MAX 134217728 /* of all items under the prefix */

/* Keys are without the prefix, both are ended by \0 beside their length. */
struct etcd_item {
	const char *key;
	const char *value; /* NULL: it was deleted */
	size_t len;
	int64_t revision; /* of this change */
};

struct etcd_events {
	void *arg;
	/* All there is, in the order of keys, at a revision: instead of what was
	 * known. Before any `changed`, and again when a watch cannot be resumed. */
	void (*all)(void *arg, int64_t revision, const struct etcd_item *items,
		unsigned n);
	/* What changed since, in order; revision: of the last of them. */
	void (*changed)(void *arg, int64_t revision,
		const struct etcd_item *items, unsigned n);
	/* The watch stands (why NULL), or it does not, for a reason as the log says
	 * it. Called when that changes, not for each try; once more when it turns
	 * out that etcd has no quorum. */
	void (*connected)(void *arg, const char *why);
};

enum etcd_lease {
	ETCD_BRIEF, /* ends some seconds after this process does, or is cut off */
	ETCD_LASTING /* an hour */
};
#define ETCD_BRIEF_S 10
#define ETCD_LASTING_S 3600

struct etcd_options {
	unsigned n_endpoints;
	const char *const *endpoint; /* http://HOST:PORT or https:// */
	const char *prefix; /* of all keys, as it is; 1 to ETCD_KEY_MAX */
	/* Paths of PEM files; "": none. Without ca the system's authorities. */
	const char *ca, *cert, *key;
	unsigned timeout_ms; /* of a request */
	/* The watch counts as lost when nothing has come by it for so long: the owner
	 * announces something more often than that. */
	unsigned silence_ms;
	struct mailbox *mailbox; /* is freed after etcd_close() */
	struct etcd_events events;
};

struct etcd;

/* Copies the options. Starts the thread; whether etcd is there is said by
 * `connected`. */
struct etcd *etcd_open(const struct etcd_options *options);

/* Gives the brief lease back, within timeout_ms, and stops; what is under the lasting
 * one stays for its hour. What waits is dropped without its done(). After it, no
 * callback runs. NULL allowed. */
void etcd_close(struct etcd *etcd);

enum etcd_result {
	ETCD_DONE,
	ETCD_CONFLICT, /* the key has another revision than was expected */
	ETCD_UNSURE /* no answer in time, or an error: it may be done or not */
};

/* Sets key to value (copied; NULL: deletes it) if its last change was of that revision;
 * 0: if there is no such key. done(arg, key, result, revision, why), not NULL, gets the
 * revision of the change; with ETCD_UNSURE why it is not known, as the log would say
 * it. Changes are sent in the order of the calls, one at a time, each once; it has
 * timeout_ms from when it is the first to find an endpoint and to be answered. Key and
 * value have at most the lengths above. */
void etcd_change(struct etcd *etcd, const char *key, const char *value,
	int64_t revision,
	void (*done)(void *arg, const char *key, enum etcd_result result,
		int64_t revision, const char *why),
	void *arg);

/* Sets key to value (copied) under a lease, whatever it was. Without an answer: if it
 * fails, it is sent again until it is there or another value takes its place; also when
 * the lease was lost. Of one key only the last value waits. value NULL: it is deleted
 * and no longer kept. Failures are logged once. A value that etcd does not take at all
 * (its limit may be lower) is given up. */
void etcd_announce(struct etcd *etcd, enum etcd_lease lease, const char *key,
	const char *value);

#endif
