#include "store/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/private.h"

#define TEXT_MAX 65536

void store_shared_free(struct store_shared *rows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		free(rows[i].key);
		free(rows[i].value);
		free(rows[i].wanted);
	}
	free(rows);
}

/* -- writing, on the store's thread -- */

struct shared_request {
	struct store *store;
	struct store_shared *rows;
	unsigned n;
	bool ok;
	struct store_waiter waiter;
};

static void bind_text(sqlite3_stmt *q, int at, const char *text)
{
	if (text) /* else NULL */
		sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
}

static bool shared_write(struct store *s, const struct store_shared *row)
{
	static const char add[] =
		"INSERT OR REPLACE INTO shared VALUES (?1, ?2, ?3, ?4, ?5)";
	static const char forget[] = "DELETE FROM shared WHERE key = ?1";
	bool is_kept = row->value || row->wanted;
	sqlite3_stmt *q;
	if (sqlite3_prepare_v2(s->db, is_kept ? add : forget, -1, &q, NULL) !=
		SQLITE_OK)
		return false;
	sqlite3_bind_text(q, 1, row->key, -1, SQLITE_STATIC);
	if (is_kept) {
		bind_text(q, 2, row->value);
		sqlite3_bind_int64(q, 3, row->revision);
		bind_text(q, 4, row->wanted);
		sqlite3_bind_int64(q, 5, row->base);
	}
	bool ok = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_finalize(q);
	return ok;
}

static bool shared_write_all(const struct shared_request *r)
{
	sqlite3 *db = r->store->db;
	bool ok = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
	for (unsigned i = 0; ok && i < r->n; i++)
		ok = shared_write(r->store, &r->rows[i]);
	ok = ok && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	store_note(r->store, &r->store->shared, "the copy of the registry", ok);
	if (!ok)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return ok;
}

static void shared_done(void *arg)
{
	struct shared_request *r = arg;
	r->waiter.done(r->waiter.arg, r->ok);
	free(r);
}

static void shared_run(void *arg)
{
	struct shared_request *r = arg;
	r->ok = shared_write_all(r);
	store_shared_free(r->rows, r->n);
	if (r->waiter.done)
		mailbox_post(r->waiter.mailbox, shared_done, r);
	else
		free(r);
}

void store_shared_keep(struct store *s, struct store_shared *rows, unsigned n,
	struct store_waiter waiter)
{
	struct shared_request *r = mem_zero(1, sizeof *r);
	*r = (struct shared_request){
		.store = s, .rows = rows, .n = n, .waiter = waiter};
	mailbox_post(s->mailbox, shared_run, r);
}

/* -- reading -- */

/* A text of a row or NULL. False: it is neither. */
static bool text_of(sqlite3_stmt *q, int column, char **out)
{
	int type = sqlite3_column_type(q, column);
	const unsigned char *text = sqlite3_column_text(q, column);
	size_t n = text ? strlen((const char *)text) : 0;
	*out = NULL;
	if (type == SQLITE_NULL)
		return true;
	if (type != SQLITE_TEXT || n >= TEXT_MAX ||
		n != (size_t)sqlite3_column_bytes(q, column))
		return false;
	*out = mem_strdup((const char *)text);
	return true;
}

static bool shared_row(sqlite3_stmt *q, struct store_shared *row)
{
	*row = (struct store_shared){0};
	return text_of(q, 0, &row->key) && row->key && *row->key &&
		text_of(q, 1, &row->value) &&
		store_whole(q, 2, 0, INT64_MAX / 2, &row->revision) &&
		text_of(q, 3, &row->wanted) &&
		store_whole(q, 4, 0, INT64_MAX / 2, &row->base);
}

bool store_shared_load(struct store *s, struct store_shared **rows, unsigned *n,
	struct err *err)
{
	static const char sql[] =
		"SELECT key, value, revision, wanted, base FROM shared";
	sqlite3_stmt *q = NULL;
	unsigned room = 0;
	int step = SQLITE_ERROR;

	*rows = NULL;
	*n = 0;
	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK)
		while ((step = sqlite3_step(q)) == SQLITE_ROW) {
			*rows = store_room(*rows, *n, &room, sizeof **rows);
			if (shared_row(q, &(*rows)[(*n)++]))
				continue;
			store_skip(s, "what is shared", q, "out of range");
			--*n;
			free((*rows)[*n].key);
			free((*rows)[*n].value);
			free((*rows)[*n].wanted);
		}
	sqlite3_finalize(q);
	return step == SQLITE_DONE ||
		err_add(err, "store: %s: the copy of the registry is forgotten",
			sqlite3_errmsg(s->db));
}
