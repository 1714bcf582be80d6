#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "store/history.h"
#include "store/private.h"

/* What a row may say. */
#define STATE_UNKNOWN 1
#define STATE_MAX 3
#define CONNECTIONS_MAX 1e9
#define AT_MAX_MS 7258118400000 /* the year 2200 */

static const char schema[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"CREATE TABLE IF NOT EXISTS override ("
	" node TEXT PRIMARY KEY, drained INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS state ("
	" node TEXT PRIMARY KEY, state INTEGER NOT NULL,"
	" connections REAL NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS expect ("
	" id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, name TEXT NOT NULL,"
	" viewers INTEGER NOT NULL, over_s INTEGER NOT NULL,"
	" lat REAL, lon REAL);"
	"CREATE TABLE IF NOT EXISTS node ("
	" name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS steadiness ("
	" node TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, lost REAL, lost_long"
	" REAL, rtt_ms REAL, rtt_long_ms REAL, jitter_ms REAL, jitter_long_ms"
	" REAL, dropped REAL, restarts REAL, downs REAL, back_ms REAL)"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS capacity ("
	" node TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, identity REAL, cpu REAL,"
	" few REAL, idle REAL, by_cpu REAL, off REAL, one_bps REAL,"
	" more_viewers REAL, more_bps REAL, link_bps REAL, top_bps REAL, at_top"
	" REAL, full_viewers REAL, full_bps REAL, bitrate_bps REAL)"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS multiplier ("
	" name TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, joined REAL, reserved"
	" REAL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS path ("
	" node TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, body BLOB NOT NULL);"
	"CREATE TABLE IF NOT EXISTS path_history ("
	" at_s INTEGER NOT NULL, node TEXT NOT NULL, body BLOB NOT NULL,"
	" PRIMARY KEY (at_s, node)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS shared ("
	" key TEXT PRIMARY KEY, value TEXT, revision INTEGER NOT NULL,"
	" wanted TEXT, base INTEGER NOT NULL) WITHOUT ROWID;";

static void *store_thread(void *arg)
{
	struct store *s = arg;
	while (!s->stop)
		mailbox_wait(s->mailbox);
	return NULL;
}

void store_complain(struct store *s, const char *what)
{
	log_error("store: %s: %s", what, sqlite3_errmsg(s->db));
}

#define SKIPPED_MAX 20 /* lines of the log */

void store_skip(
	struct store *s, const char *what, sqlite3_stmt *row, const char *why)
{
	const unsigned char *key = sqlite3_column_text(row, 0);
	char text[80];

	if (s->skipped++ < SKIPPED_MAX)
		log_warn("store: %s of '%s' left out: %s%s", what,
			utf8_visible(text, sizeof text,
				key ? (const char *)key : ""),
			why,
			s->skipped == SKIPPED_MAX ? " (others are not logged)"
						  : "");
}

bool store_whole(sqlite3_stmt *row, int column, int64_t least, int64_t most,
	int64_t *out)
{
	*out = sqlite3_column_int64(row, column);
	return sqlite3_column_type(row, column) == SQLITE_INTEGER &&
		*out >= least && *out <= most;
}

bool store_real(
	sqlite3_stmt *row, int column, double least, double most, double *out)
{
	int type = sqlite3_column_type(row, column);
	*out = sqlite3_column_double(row, column);
	return (type == SQLITE_FLOAT || type == SQLITE_INTEGER) &&
		*out >= least && *out <= most;
}

bool store_name(sqlite3_stmt *row, int column, char *out, size_t room)
{
	const unsigned char *text = sqlite3_column_text(row, column);
	size_t n = text ? strlen((const char *)text) : 0;

	if (sqlite3_column_type(row, column) != SQLITE_TEXT || !n ||
		n >= room || n != (size_t)sqlite3_column_bytes(row, column))
		return false;
	memcpy(out, text, n + 1);
	return true;
}

/* What a file that is no database, or is no longer whole, means. */
static const char *lost(sqlite3 *db)
{
	int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_OK;
	return code == SQLITE_NOTADB || code == SQLITE_CORRUPT
		? ": what it held is forgotten: earlier drains, approved nodes, the schedule"
		: "";
}

void store_note(
	struct store *s, struct log_fault *fault, const char *what, bool kept)
{
	int64_t now_ms = clock_ms();
	if (!kept && log_failed(fault, sqlite3_errmsg(s->db), now_ms))
		log_error(
			"store: %s not kept: %s", what, sqlite3_errmsg(s->db));
	else if (kept && log_mended(fault, now_ms))
		log_info("store: %s kept again", what);
}

struct store *store_open(const char *path, struct err *err)
{
	struct store *s = mem_zero(1, sizeof *s);

	if (sqlite3_open_v2(path, &s->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
		    NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(s->db, 2000) != SQLITE_OK ||
		sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_exec(s->db, history_schema, NULL, NULL, NULL) !=
			SQLITE_OK) {
		err_add(err, "%s: %s%s", path,
			s->db ? sqlite3_errmsg(s->db) : strerror(errno),
			lost(s->db));
		sqlite3_close(s->db);
		free(s);
		return NULL;
	}
	s->mailbox = mailbox_new();
	s->thread = thread_start("dnsd-store", store_thread, s);
	return s;
}

static void on_store_stop(void *arg)
{
	((struct store *)arg)->stop = true;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	mailbox_post(s->mailbox, on_store_stop, s);
	pthread_join(s->thread, NULL);
	sqlite3_close(s->db);
	mailbox_free(s->mailbox);
	free(s);
}

static void on_store_sync(void *arg)
{
	sem_post(arg);
}

void store_sync(struct store *s)
{
	sem_t done;
	sem_init(&done, 0, 0);
	mailbox_post(s->mailbox, on_store_sync, &done);
	while (sem_wait(&done)) /* EINTR */
		;
	sem_destroy(&done);
}

/* What is wrong with a query, and what is not known therefore. */
static bool unread(struct store *s, const char *what, struct err *err)
{
	return err_add(err, "store: %s: %s are forgotten",
		sqlite3_errmsg(s->db), what);
}

void *store_room(void *list, unsigned n, unsigned *room, size_t size)
{
	if (n < *room)
		return list;
	*room += *room / 2 + 64;
	return mem_grow(list, *room * size);
}

/* A drain is kept whatever is wrong with what is known of the node's load. */
static bool store_node_of(
	struct store *s, sqlite3_stmt *q, struct store_node *node)
{
	int64_t drained = 0, state = STATE_UNKNOWN;
	double connections = 0;
	bool has_drain = sqlite3_column_type(q, 1) != SQLITE_NULL;
	bool has_state = sqlite3_column_type(q, 2) != SQLITE_NULL;

	*node = (struct store_node){.state = STATE_UNKNOWN};
	if (!store_name(q, 0, node->name, sizeof node->name)) {
		store_skip(s, "what is known", q, "not the name of a node");
		return false;
	}
	if (has_drain && !store_whole(q, 1, 0, 1, &drained)) {
		store_skip(s, "the drain", q, "neither 0 nor 1");
		drained = 0;
	}
	if (has_state &&
		(!store_whole(q, 2, 0, STATE_MAX, &state) ||
			!store_real(q, 3, 0, CONNECTIONS_MAX, &connections))) {
		store_skip(s, "the state", q, "out of range");
		state = STATE_UNKNOWN;
		connections = 0;
	}
	node->drained = drained;
	node->state = (uint8_t)state;
	node->connections = (float)connections;
	return true;
}

bool store_load(struct store *s, struct store_node **nodes, unsigned *n,
	struct err *err)
{
	static const char sql[] =
		"SELECT node, drained, state, connections FROM"
		" (SELECT node FROM override UNION SELECT node FROM state)"
		" LEFT JOIN override USING (node) LEFT JOIN state USING (node)";
	sqlite3_stmt *q = NULL;
	unsigned room = 0;
	int step = SQLITE_ERROR;

	*nodes = NULL;
	*n = 0;
	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK)
		while ((step = sqlite3_step(q)) == SQLITE_ROW) {
			*nodes = store_room(*nodes, *n, &room, sizeof **nodes);
			*n += store_node_of(s, q, &(*nodes)[*n]);
		}
	sqlite3_finalize(q);
	return step == SQLITE_DONE || unread(s, "earlier drains", err);
}

static bool schedule_entry_of(sqlite3_stmt *q, struct conf_expect *e)
{
	int64_t viewers, over_s;

	*e = (struct conf_expect){
		.has_from = sqlite3_column_type(q, 5) != SQLITE_NULL};
	if (!store_whole(q, 0, 1, INT64_MAX / 2, &e->id) ||
		!store_whole(q, 1, 0, AT_MAX_MS, &e->at_ms) ||
		!store_name(q, 2, e->name, sizeof e->name) ||
		!store_whole(q, 3, 1, CONF_VIEWERS_MAX, &viewers) ||
		!store_whole(q, 4, 1, CONF_OVER_MAX_S, &over_s))
		return false;
	e->viewers = (int)viewers;
	e->over_s = (int)over_s;
	return !e->has_from ||
		(store_real(q, 5, -90, 90, &e->from[0]) &&
			store_real(q, 6, -180, 180, &e->from[1]));
}

bool store_load_schedule(struct store *s, struct conf_expect **list,
	unsigned *n, struct err *err)
{
	static const char sql[] =
		"SELECT id, at_ms, name, viewers, over_s, lat, lon FROM expect";
	sqlite3_stmt *q = NULL;
	unsigned room = 0;
	int step = SQLITE_ERROR;

	*list = NULL;
	*n = 0;
	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK)
		while ((step = sqlite3_step(q)) == SQLITE_ROW) {
			*list = store_room(*list, *n, &room, sizeof **list);
			if (schedule_entry_of(q, &(*list)[*n]))
				++*n;
			else
				store_skip(s, "an entry of the schedule", q,
					"not one, or out of range");
		}
	sqlite3_finalize(q);
	return step == SQLITE_DONE || unread(s, "entries of the schedule", err);
}

/* -- requests -- */

struct drain_request {
	struct store *store;
	char node[64];
	bool drained, ok;
	struct store_waiter waiter;
};

static void drain_done(void *arg)
{
	struct drain_request *r = arg;
	r->waiter.done(r->waiter.arg, r->ok);
	free(r);
}

static bool write_override(struct store *s, const char *node, bool drained)
{
	sqlite3_stmt *q;
	if (sqlite3_prepare_v2(s->db,
		    "INSERT OR REPLACE INTO override VALUES (?1, ?2)", -1, &q,
		    NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_text(q, 1, node, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 2, drained);
	bool ok = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_finalize(q);
	return ok;
}

static void drain_run(void *arg)
{
	struct drain_request *r = arg;
	r->ok = write_override(r->store, r->node, r->drained);
	if (!r->ok)
		store_complain(r->store, "drain not kept");
	if (r->waiter.done)
		mailbox_post(r->waiter.mailbox, drain_done, r);
	else
		free(r);
}

void store_drain(struct store *s, const char *node, bool drained,
	struct store_waiter waiter)
{
	struct drain_request *r = mem_zero(1, sizeof *r);
	*r = (struct drain_request){
		.store = s, .drained = drained, .waiter = waiter};
	strncpy(r->node, node, sizeof r->node - 1);
	mailbox_post(s->mailbox, drain_run, r);
}

struct schedule_request {
	struct store *store;
	struct conf_expect entry;
	bool keep, ok;
	struct store_waiter waiter;
};

static void schedule_done(void *arg)
{
	struct schedule_request *r = arg;
	r->waiter.done(r->waiter.arg, r->ok);
	free(r);
}

static bool schedule_write(
	struct store *s, const struct conf_expect *e, bool keep)
{
	sqlite3_stmt *q;
	if (sqlite3_prepare_v2(s->db,
		    keep ? "INSERT OR REPLACE INTO expect VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
			 : "DELETE FROM expect WHERE id = ?1",
		    -1, &q, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_int64(q, 1, e->id);
	if (keep) {
		sqlite3_bind_int64(q, 2, e->at_ms);
		sqlite3_bind_text(q, 3, e->name, -1, SQLITE_STATIC);
		sqlite3_bind_int(q, 4, e->viewers);
		sqlite3_bind_int(q, 5, e->over_s);
		if (e->has_from) { /* else NULL */
			sqlite3_bind_double(q, 6, e->from[0]);
			sqlite3_bind_double(q, 7, e->from[1]);
		}
	}
	bool ok = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_finalize(q);
	return ok;
}

static void schedule_run(void *arg)
{
	struct schedule_request *r = arg;
	r->ok = schedule_write(r->store, &r->entry, r->keep);
	if (!r->ok)
		store_complain(r->store, "schedule not kept");
	if (r->waiter.done)
		mailbox_post(r->waiter.mailbox, schedule_done, r);
	else
		free(r);
}

void store_schedule(struct store *s, const struct conf_expect *entry, bool keep,
	struct store_waiter waiter)
{
	assert(*entry->name);
	struct schedule_request *r = mem_zero(1, sizeof *r);
	*r = (struct schedule_request){
		.store = s, .entry = *entry, .keep = keep, .waiter = waiter};
	mailbox_post(s->mailbox, schedule_run, r);
}

struct states_request {
	struct store *store;
	unsigned n;
	struct store_node nodes[];
};

static bool write_states(struct store *s, const struct states_request *r)
{
	sqlite3_stmt *q;
	if (sqlite3_exec(s->db, "BEGIN; DELETE FROM state", NULL, NULL, NULL) !=
			SQLITE_OK ||
		sqlite3_prepare_v2(s->db,
			"INSERT INTO state VALUES (?1, ?2, ?3)", -1, &q,
			NULL) != SQLITE_OK)
		return false;
	bool ok = true;
	for (unsigned i = 0; ok && i < r->n; i++) {
		sqlite3_bind_text(q, 1, r->nodes[i].name, -1, SQLITE_STATIC);
		sqlite3_bind_int(q, 2, r->nodes[i].state);
		sqlite3_bind_double(q, 3, (double)r->nodes[i].connections);
		ok = sqlite3_step(q) == SQLITE_DONE;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return ok &&
		sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

static void states_run(void *arg)
{
	struct states_request *r = arg;
	bool ok = write_states(r->store, r);
	store_note(r->store, &r->store->states, "states", ok);
	if (!ok)
		sqlite3_exec(r->store->db, "ROLLBACK", NULL, NULL, NULL);
	free(r);
}

void store_states(struct store *s, const struct store_node *nodes, unsigned n)
{
	struct states_request *r = mem_alloc(sizeof *r + n * sizeof *nodes);
	*r = (struct states_request){.store = s, .n = n};
	if (n)
		memcpy(r->nodes, nodes, n * sizeof *nodes);
	mailbox_post(s->mailbox, states_run, r);
}

/* -- load history -- */

struct history_write_request {
	struct store *store;
	int64_t now_s;
	unsigned n;
	struct store_history_row rows[];
};

static void history_write_run(void *arg)
{
	struct history_write_request *r = arg;
	bool ok = history_write(r->store->db, r->rows, r->n, r->now_s);
	store_note(r->store, &r->store->history, "load history", ok);
	free(r);
}

void store_history(struct store *s, const struct store_history_row *rows,
	unsigned n, int64_t now_s)
{
	struct history_write_request *r =
		mem_alloc(sizeof *r + n * sizeof *rows);
	*r = (struct history_write_request){.store = s, .now_s = now_s, .n = n};
	if (n)
		memcpy(r->rows, rows, n * sizeof *rows);
	mailbox_post(s->mailbox, history_write_run, r);
}

struct history_read_request {
	struct store *store;
	char node[64];
	int64_t since_s;
	bool ok;
	struct store_point *points;
	unsigned n;
	struct mailbox *mailbox;
	void (*done)(
		void *arg, bool ok, struct store_point *points, unsigned n);
	void *arg;
};

static void history_read_done(void *arg)
{
	struct history_read_request *r = arg;
	r->done(r->arg, r->ok, r->points, r->n);
	free(r);
}

static void history_read_run(void *arg)
{
	struct history_read_request *r = arg;
	r->ok = history_read(
		r->store->db, r->node, r->since_s, &r->points, &r->n);
	if (!r->ok)
		store_complain(r->store, "load history not read");
	mailbox_post(r->mailbox, history_read_done, r);
}

void store_history_read(struct store *s, const char *node, int64_t since_s,
	struct mailbox *mailbox,
	void (*done)(
		void *arg, bool ok, struct store_point *points, unsigned n),
	void *arg)
{
	struct history_read_request *r = mem_zero(1, sizeof *r);
	*r = (struct history_read_request){.store = s,
		.since_s = since_s,
		.mailbox = mailbox,
		.done = done,
		.arg = arg};
	strncpy(r->node, node, sizeof r->node - 1);
	mailbox_post(s->mailbox, history_read_run, r);
}
