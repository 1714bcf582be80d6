#include "store/stability.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/private.h"

#define FIGURES 10
#define FIGURE_MAX 1e12 /* of any of them */

/* In the order of the columns behind node and at_ms. */
static void figures(struct store_stability *s, double *of[FIGURES])
{
	double *const all[FIGURES] = {&s->lost, &s->lost_long, &s->rtt_ms,
		&s->rtt_long_ms, &s->jitter_ms, &s->jitter_long_ms, &s->dropped,
		&s->restarts, &s->downs, &s->back_ms};
	memcpy(of, all, sizeof all);
}

struct keep_request {
	struct store *store;
	unsigned n;
	struct store_stability nodes[];
};

static bool write_all(struct store *s, struct keep_request *r)
{
	sqlite3_stmt *q;
	if (sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_prepare_v2(s->db,
			"INSERT OR REPLACE INTO steadiness VALUES (?1, ?2, ?3,"
			" ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
			-1, &q, NULL) != SQLITE_OK)
		return false;
	bool ok = true;
	for (unsigned i = 0; ok && i < r->n; i++) {
		double *of[FIGURES];
		figures(&r->nodes[i], of);
		sqlite3_bind_text(q, 1, r->nodes[i].name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(q, 2, r->nodes[i].at_ms);
		for (int k = 0; k < FIGURES; k++)
			sqlite3_bind_double(q, k + 3, *of[k]);
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
	bool ok = write_all(r->store, r);
	store_note(r->store, &r->store->stability, "stability", ok);
	if (!ok)
		sqlite3_exec(r->store->db, "ROLLBACK", NULL, NULL, NULL);
	free(r);
}

void store_stability_keep(
	struct store *s, const struct store_stability *nodes, unsigned n)
{
	struct keep_request *r = mem_alloc(sizeof *r + n * sizeof *nodes);
	*r = (struct keep_request){.store = s, .n = n};
	memcpy(r->nodes, nodes, n * sizeof *nodes);
	mailbox_post(s->mailbox, keep_run, r);
}

static bool row(struct store *store, sqlite3_stmt *q, struct store_stability *s)
{
	double *of[FIGURES];
	bool good;

	*s = (struct store_stability){0};
	figures(s, of);
	good = store_name(q, 0, s->name, sizeof s->name) &&
		store_whole(q, 1, 0, INT64_MAX / 2, &s->at_ms);
	for (int k = 0; good && k < FIGURES; k++)
		good = sqlite3_column_type(q, k + 2) == SQLITE_NULL ||
			store_real(q, k + 2, 0, FIGURE_MAX, of[k]);
	if (!good)
		store_skip(store, "the stability", q, "out of range");
	return good;
}

bool store_stability_load(struct store *s, struct store_stability **nodes,
	unsigned *n, struct err *err)
{
	sqlite3_stmt *q = NULL;
	unsigned room = 0;
	int step = SQLITE_ERROR;

	*nodes = NULL;
	*n = 0;
	if (sqlite3_prepare_v2(s->db, "SELECT * FROM steadiness", -1, &q,
		    NULL) == SQLITE_OK)
		while ((step = sqlite3_step(q)) == SQLITE_ROW) {
			if (*n == room) {
				room = room * 2 + 64;
				*nodes =
					mem_grow(*nodes, room * sizeof **nodes);
			}
			*n += row(s, q, &(*nodes)[*n]);
		}
	sqlite3_finalize(q);
	if (step == SQLITE_DONE)
		return true;
	return err_add(err, "store: %s", sqlite3_errmsg(s->db));
}
