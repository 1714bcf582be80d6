#include "store/enrolled.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/private.h"

#define BUSY_MS 2000

/* -- reading -- */

static char *column(sqlite3_stmt *q, int i)
{
	const unsigned char *text = sqlite3_column_text(q, i);
	return mem_strdup(text ? (const char *)text : "");
}

static bool has_table(sqlite3 *db)
{
	return sqlite3_table_column_metadata(db, NULL, "node", NULL, NULL, NULL,
		       NULL, NULL, NULL) == SQLITE_OK;
}

static int read_rows(sqlite3 *db, struct store_enrolled **nodes, unsigned *n)
{
	sqlite3_stmt *q = NULL;
	unsigned room = 0;
	int step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, "SELECT name, text FROM node ORDER BY name",
		    -1, &q, NULL) == SQLITE_OK)
		while ((step = sqlite3_step(q)) == SQLITE_ROW) {
			if (*n == room) {
				room = room * 2 + 64;
				*nodes =
					mem_grow(*nodes, room * sizeof **nodes);
			}
			(*nodes)[(*n)++] = (struct store_enrolled){
				column(q, 0), column(q, 1)};
		}
	sqlite3_finalize(q);
	return step;
}

bool store_enrolled_read(const char *path, struct store_enrolled **nodes,
	unsigned *n, struct err *err)
{
	sqlite3 *db = NULL;

	*nodes = NULL;
	*n = 0;
	if (access(path, F_OK))
		return true;
	int status = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
	if (status == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		status = sqlite3_exec(
			db, "PRAGMA schema_version", NULL, NULL, NULL);
	}
	bool ok = status == SQLITE_OK &&
		(!has_table(db) || read_rows(db, nodes, n) == SQLITE_DONE);
	if (!ok)
		err_add(err, "%s: approved nodes: %s", path,
			db ? sqlite3_errmsg(db) : "no memory");
	sqlite3_close(db);
	return ok;
}

void store_enrolled_free(struct store_enrolled *nodes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		free(nodes[i].name);
		free(nodes[i].text);
	}
	free(nodes);
}

/* -- writing, on the store's thread -- */

struct keep_request {
	struct store *store;
	char *name, *text;
	bool ok;
	struct store_waiter waiter;
};

static void keep_done(void *arg)
{
	struct keep_request *r = arg;
	if (r->waiter.done)
		r->waiter.done(r->waiter.arg, r->ok);
	free(r->name);
	free(r->text);
	free(r);
}

static bool keep_write(const struct keep_request *r)
{
	static const char add[] = "INSERT OR REPLACE INTO node VALUES (?1, ?2)",
			  forget[] = "DELETE FROM node WHERE name = ?1";
	sqlite3_stmt *q;
	if (sqlite3_prepare_v2(r->store->db, r->text ? add : forget, -1, &q,
		    NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_text(q, 1, r->name, -1, SQLITE_STATIC);
	if (r->text)
		sqlite3_bind_text(q, 2, r->text, -1, SQLITE_STATIC);
	bool ok = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_finalize(q);
	return ok;
}

static void keep_run(void *arg)
{
	struct keep_request *r = arg;
	r->ok = keep_write(r);
	if (!r->ok)
		store_complain(r->store, "node not kept");
	if (r->waiter.done)
		mailbox_post(r->waiter.mailbox, keep_done, r);
	else
		keep_done(r);
}

void store_enrolled_keep(struct store *s, const char *name, const char *text,
	struct store_waiter waiter)
{
	struct keep_request *r = mem_zero(1, sizeof *r);
	*r = (struct keep_request){.store = s,
		.name = mem_strdup(name),
		.text = text ? mem_strdup(text) : NULL,
		.waiter = waiter};
	mailbox_post(s->mailbox, keep_run, r);
}
