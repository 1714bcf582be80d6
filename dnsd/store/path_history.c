#include "store/path_history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/private.h"

#define RTT_MAX 1e6f /* ms; more is not what dnsd writes */

/* In the body of a row, in this machine's order of octets. */
struct kept_point {
	uint64_t area;
	float rtt_ms, loss;
};

/* -- writing, on the store's thread -- */

struct write_request {
	struct store *store;
	int64_t at_s;
	unsigned n;
	struct store_path_row rows[];
};

static bool write_step(sqlite3_stmt *q)
{
	bool ok = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_reset(q);
	return ok;
}

/* The rows from `first` on that are of one node, as one; how many they are. */
static unsigned write_node(sqlite3_stmt *q, const struct write_request *r,
	unsigned first, struct kept_point *body, bool *ok)
{
	const char *node = r->rows[first].node;
	unsigned n = 0;
	for (const struct store_path_row *row = &r->rows[first];
		first + n < r->n && !strcmp(row->node, node); row++)
		body[n++] =
			(struct kept_point){row->area, row->rtt_ms, row->loss};
	sqlite3_bind_int64(q, 1, r->at_s);
	sqlite3_bind_text(q, 2, node, -1, SQLITE_STATIC);
	sqlite3_bind_blob(q, 3, body, (int)(n * sizeof *body), SQLITE_STATIC);
	*ok = write_step(q);
	return n;
}

static bool write_nodes(sqlite3 *db, const struct write_request *r)
{
	sqlite3_stmt *q;
	bool ok = true;
	if (sqlite3_prepare_v2(db,
		    "INSERT OR REPLACE INTO path_history VALUES (?1, ?2, ?3)",
		    -1, &q, NULL) != SQLITE_OK)
		return false;
	struct kept_point *body = mem_zero(r->n + 1, sizeof *body);
	for (unsigned i = 0; ok && i < r->n;)
		i += write_node(q, r, i, body, &ok);
	free(body);
	sqlite3_finalize(q);
	return ok;
}

static bool drop_old(sqlite3 *db, int64_t before_s)
{
	sqlite3_stmt *q;
	if (sqlite3_prepare_v2(db, "DELETE FROM path_history WHERE at_s < ?1",
		    -1, &q, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_int64(q, 1, before_s);
	bool ok = write_step(q);
	sqlite3_finalize(q);
	return ok;
}

static void write_run(void *arg)
{
	struct write_request *r = arg;
	sqlite3 *db = r->store->db;
	bool ok = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
		write_nodes(db, r) &&
		drop_old(db, r->at_s - PATH_HISTORY_KEPT_S) &&
		sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	store_note(r->store, &r->store->path_history, "history of paths", ok);
	if (!ok)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	free(r);
}

void store_path_history(struct store *s, const struct store_path_row *rows,
	unsigned n, int64_t at_s)
{
	assert(n <= PATH_HISTORY_PAIRS);
	struct write_request *r = mem_alloc(sizeof *r + n * sizeof *rows);
	*r = (struct write_request){.store = s, .at_s = at_s, .n = n};
	if (n)
		memcpy(r->rows, rows, n * sizeof *rows);
	mailbox_post(s->mailbox, write_run, r);
}

/* -- reading -- */

struct read_request {
	struct store *store;
	char node[64];
	uint64_t area;
	int64_t since_s;
	bool ok;
	struct store_path_point *points;
	unsigned n, room;
	struct mailbox *mailbox;
	void (*done)(void *arg, bool ok, struct store_path_point *points,
		unsigned n);
	void *arg;
};

static bool point_is_sane(const struct kept_point *k)
{
	return k->rtt_ms >= 0 && k->rtt_ms <= RTT_MAX && k->loss >= 0 &&
		k->loss <= 1;
}

static void read_add(struct read_request *r, const struct store_path_point *p)
{
	if (r->n == r->room) {
		r->room = 2 * r->room + 64;
		r->points = mem_grow(r->points, r->room * sizeof *r->points);
	}
	r->points[r->n++] = *p;
}

/* The area's point of a row, if it has one. */
static void read_row(struct read_request *r, sqlite3_stmt *q)
{
	struct kept_point k;
	int64_t at_s;
	const uint8_t *body = sqlite3_column_blob(q, 1);
	int len = sqlite3_column_bytes(q, 1);
	if (!store_whole(q, 0, 0, INT64_MAX / 2, &at_s) ||
		sqlite3_column_type(q, 1) != SQLITE_BLOB ||
		len % (int)sizeof k) {
		store_skip(r->store, "the history of paths", q, "out of range");
		return;
	}
	for (int at = 0; at < len; at += (int)sizeof k) {
		memcpy(&k, body + at, sizeof k);
		if (k.area != r->area || !point_is_sane(&k))
			continue;
		read_add(r, &(struct store_path_point){at_s, k.rtt_ms, k.loss});
		return;
	}
}

static bool read_rows(struct read_request *r)
{
	sqlite3_stmt *q;
	int got;
	if (sqlite3_prepare_v2(r->store->db,
		    "SELECT at_s, body FROM path_history"
		    " WHERE at_s >= ?1 AND node = ?2 ORDER BY at_s",
		    -1, &q, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_int64(q, 1, r->since_s);
	sqlite3_bind_text(q, 2, r->node, -1, SQLITE_STATIC);
	while ((got = sqlite3_step(q)) == SQLITE_ROW)
		read_row(r, q);
	sqlite3_finalize(q);
	return got == SQLITE_DONE;
}

static void read_done(void *arg)
{
	struct read_request *r = arg;
	r->done(r->arg, r->ok, r->points, r->n);
	free(r);
}

static void read_run(void *arg)
{
	struct read_request *r = arg;
	r->ok = read_rows(r);
	if (!r->ok)
		store_complain(r->store, "history of paths not read");
	mailbox_post(r->mailbox, read_done, r);
}

void store_path_history_read(struct store *s, const char *node, uint64_t area,
	int64_t since_s, struct mailbox *mailbox,
	void (*done)(void *arg, bool ok, struct store_path_point *points,
		unsigned n),
	void *arg)
{
	struct read_request *r = mem_zero(1, sizeof *r);
	*r = (struct read_request){.store = s,
		.area = area,
		.since_s = since_s,
		.mailbox = mailbox,
		.done = done,
		.arg = arg};
	strncpy(r->node, node, sizeof r->node - 1);
	mailbox_post(s->mailbox, read_run, r);
}
