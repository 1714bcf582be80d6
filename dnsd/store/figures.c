#include "store/figures.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/private.h"

#define FIGURE_MAX 9007199254740992.0 /* of any of them: 2^53 */

/* What is said of a kind, its table and how many figures it has. */
static const struct table {
	const char *says, *name;
	int figures;
} tables[] = {
	[STORE_STABILITY] = {"stability", "steadiness", FIGURE_BACK_MS + 1},
	[STORE_CAPACITY] = {"capacity", "capacity", FIGURE_BITRATE_BPS + 1},
	[STORE_MULTIPLIER] = {"multiplier", "multiplier", FIGURE_RESERVED + 1},
};

struct keep_request {
	struct store *store;
	enum store_kind kind;
	unsigned n;
	struct store_figures rows[];
};

static sqlite3_stmt *insertion(struct store *s, const struct table *table)
{
	char sql[256];
	sqlite3_stmt *q = NULL;
	int at = snprintf(sql, sizeof sql,
		"INSERT OR REPLACE INTO %s VALUES (?1, ?2", table->name);
	for (int i = 0; i < table->figures; i++)
		at += snprintf(
			sql + at, sizeof sql - (size_t)at, ", ?%d", i + 3);
	assert((size_t)at + 2 < sizeof sql);
	strcpy(sql + at, ")");
	sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
	return q;
}

static bool write_all(struct store *s, const struct keep_request *r)
{
	const struct table *table = &tables[r->kind];
	sqlite3_stmt *q;
	if (sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
		!(q = insertion(s, table)))
		return false;
	bool ok = true;
	for (unsigned i = 0; ok && i < r->n; i++) {
		const struct store_figures *row = &r->rows[i];
		sqlite3_bind_text(q, 1, row->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(q, 2, row->at_ms);
		for (int k = 0; k < table->figures; k++)
			sqlite3_bind_double(q, k + 3, row->of[k]);
		ok = sqlite3_step(q) == SQLITE_DONE;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return ok &&
		sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

static void keep_run(void *arg)
{
	struct keep_request *r = arg;
	struct store *s = r->store;
	bool ok = write_all(s, r);
	store_note(s, &s->figures[r->kind], tables[r->kind].says, ok);
	if (!ok)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	free(r);
}

void store_figures_keep(struct store *s, enum store_kind kind,
	const struct store_figures *rows, unsigned n)
{
	struct keep_request *r = mem_alloc(sizeof *r + n * sizeof *rows);
	*r = (struct keep_request){.store = s, .kind = kind, .n = n};
	memcpy(r->rows, rows, n * sizeof *rows);
	mailbox_post(s->mailbox, keep_run, r);
}

static bool row(struct store *store, const struct table *table, sqlite3_stmt *q,
	struct store_figures *out)
{
	*out = (struct store_figures){0};
	bool good = store_name(q, 0, out->name, sizeof out->name) &&
		store_whole(q, 1, 0, INT64_MAX / 2, &out->at_ms);
	for (int k = 0; good && k < table->figures; k++)
		good = sqlite3_column_type(q, k + 2) == SQLITE_NULL ||
			store_real(q, k + 2, 0, FIGURE_MAX, &out->of[k]);
	if (!good) {
		char what[64];
		snprintf(what, sizeof what, "the %s", table->says);
		store_skip(store, what, q, "out of range");
	}
	return good;
}

bool store_figures_load(struct store *s, enum store_kind kind,
	struct store_figures **rows, unsigned *n, struct err *err)
{
	const struct table *table = &tables[kind];
	sqlite3_stmt *q = NULL;
	char sql[64];
	unsigned room = 0;
	int step = SQLITE_ERROR;

	*rows = NULL;
	*n = 0;
	snprintf(sql, sizeof sql, "SELECT * FROM %s", table->name);
	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK)
		while ((step = sqlite3_step(q)) == SQLITE_ROW) {
			if (*n == room) {
				room = room * 2 + 64;
				*rows = mem_grow(*rows, room * sizeof **rows);
			}
			*n += row(s, table, q, &(*rows)[*n]);
		}
	sqlite3_finalize(q);
	if (step == SQLITE_DONE)
		return true;
	return err_add(err, "store: %s", sqlite3_errmsg(s->db));
}
