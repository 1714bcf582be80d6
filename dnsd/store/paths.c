#include "store/paths.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/private.h"

#define BODY_MAX 16777216

struct paths_request {
	struct store *store;
	struct store_paths paths;
};

static bool paths_write(struct store *s, const struct store_paths *paths)
{
	sqlite3_stmt *q;
	if (sqlite3_prepare_v2(s->db,
		    "INSERT OR REPLACE INTO path VALUES (?1, ?2, ?3)", -1, &q,
		    NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_text(q, 1, paths->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, paths->at_ms);
	sqlite3_bind_blob64(q, 3, paths->body, paths->len, SQLITE_STATIC);
	bool ok = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_finalize(q);
	return ok;
}

static void paths_run(void *arg)
{
	struct paths_request *r = arg;
	store_note(r->store, &r->store->paths, "paths",
		paths_write(r->store, &r->paths));
	free(r->paths.body);
	free(r);
}

void store_paths_keep(struct store *s, const struct store_paths *paths)
{
	struct paths_request *r = mem_alloc(sizeof *r);
	*r = (struct paths_request){s, *paths};
	mailbox_post(s->mailbox, paths_run, r);
}

static bool paths_row(struct store *s, sqlite3_stmt *q, struct store_paths *p)
{
	*p = (struct store_paths){0};
	int len = sqlite3_column_bytes(q, 2);
	if (!store_name(q, 0, p->name, sizeof p->name) ||
		!store_whole(q, 1, 0, INT64_MAX / 2, &p->at_ms) ||
		sqlite3_column_type(q, 2) != SQLITE_BLOB || len > BODY_MAX) {
		store_skip(s, "the paths", q, "out of range");
		return false;
	}
	p->len = (size_t)len;
	p->body = mem_alloc(p->len + 1);
	if (p->len)
		memcpy(p->body, sqlite3_column_blob(q, 2), p->len);
	return true;
}

bool store_paths_load(struct store *s, struct store_paths **list, unsigned *n,
	struct err *err)
{
	sqlite3_stmt *q = NULL;
	unsigned room = 0;
	int step = SQLITE_ERROR;

	*list = NULL;
	*n = 0;
	if (sqlite3_prepare_v2(s->db, "SELECT node, at_ms, body FROM path", -1,
		    &q, NULL) == SQLITE_OK)
		while ((step = sqlite3_step(q)) == SQLITE_ROW) {
			if (*n == room) {
				room = room * 2 + 64;
				*list = mem_grow(*list, room * sizeof **list);
			}
			*n += paths_row(s, q, &(*list)[*n]);
		}
	sqlite3_finalize(q);
	return step == SQLITE_DONE ||
		err_add(err, "store: %s", sqlite3_errmsg(s->db));
}

void store_paths_free(struct store_paths *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(list[i].body);
	free(list);
}
