#include "store/history.h"

#include <string.h>

#include "base/arena.h"
#include "store/private.h"

#define LOAD_MAX 1e15 /* of connections, bit/s ... */

const char history_schema[] =
	"CREATE TABLE IF NOT EXISTS history_node ("
	" id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE IF NOT EXISTS history ("
	" node INTEGER NOT NULL, at_s INTEGER NOT NULL,"
	" connections REAL NOT NULL, utilisation REAL NOT NULL,"
	" bandwidth_bps REAL NOT NULL,"
	" PRIMARY KEY (node, at_s)) WITHOUT ROWID;";

unsigned store_history_step_s(unsigned n_nodes)
{
	unsigned times =
		(n_nodes + HISTORY_NODES_A_MINUTE - 1) / HISTORY_NODES_A_MINUTE;
	return HISTORY_STEP_S * (times ? times : 1);
}

static bool history_run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q = NULL;
	return sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK ? q
								      : NULL;
}

static bool step(sqlite3_stmt *q)
{
	bool ok = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_reset(q);
	return ok;
}

static bool write_rows(
	sqlite3 *db, const struct store_history_row *rows, unsigned n)
{
	sqlite3_stmt *name = prepare(
		db, "INSERT OR IGNORE INTO history_node (name) VALUES (?1)");
	sqlite3_stmt *row = prepare(db,
		"INSERT OR REPLACE INTO history SELECT id, ?2, ?3, ?4, ?5"
		" FROM history_node WHERE name = ?1");
	bool ok = name && row;

	for (unsigned i = 0; ok && i < n; i++) {
		sqlite3_bind_text(name, 1, rows[i].node, -1, SQLITE_STATIC);
		sqlite3_bind_text(row, 1, rows[i].node, -1, SQLITE_STATIC);
		sqlite3_bind_int64(row, 2, rows[i].mean.at_s);
		sqlite3_bind_double(row, 3, (double)rows[i].mean.connections);
		sqlite3_bind_double(row, 4, (double)rows[i].mean.utilisation);
		sqlite3_bind_double(row, 5, (double)rows[i].mean.bandwidth_bps);
		ok = step(name) && step(row);
	}
	sqlite3_finalize(name);
	sqlite3_finalize(row);
	return ok;
}

/* A range of each node: what is kept is not looked at. */
static bool drop_old(sqlite3 *db, int64_t before_s)
{
	sqlite3_stmt *q = prepare(db,
		"DELETE FROM history WHERE at_s < ?1 AND"
		" node IN (SELECT id FROM history_node)");
	bool ok = q;

	if (ok) {
		sqlite3_bind_int64(q, 1, before_s);
		ok = step(q);
	}
	sqlite3_finalize(q);
	return ok &&
		history_run(db,
			"DELETE FROM history_node WHERE NOT EXISTS"
			" (SELECT 1 FROM history WHERE node = id)");
}

bool history_write(sqlite3 *db, const struct store_history_row *rows,
	unsigned n, int64_t now_s)
{
	if (!history_run(db, "BEGIN"))
		return false;
	if (write_rows(db, rows, n) && drop_old(db, now_s - HISTORY_KEPT_S) &&
		history_run(db, "COMMIT"))
		return true;
	history_run(db, "ROLLBACK");
	return false;
}

/* What is no load is a gap. */
static bool point_of(sqlite3_stmt *q, struct store_point *point)
{
	double load[3];
	for (int i = 0; i < 3; i++)
		if (!store_real(q, i + 1, 0, LOAD_MAX, &load[i]))
			return false;
	*point = (struct store_point){.connections = (float)load[0],
		.utilisation = (float)load[1],
		.bandwidth_bps = (float)load[2]};
	return store_whole(q, 0, 0, INT64_MAX / 2, &point->at_s);
}

bool history_read(sqlite3 *db, const char *node, int64_t since_s,
	struct store_point **points, unsigned *n)
{
	sqlite3_stmt *q = prepare(db,
		"SELECT at_s, connections, utilisation, bandwidth_bps"
		" FROM history WHERE at_s >= ?2 AND"
		" node = (SELECT id FROM history_node WHERE name = ?1)"
		" ORDER BY at_s");
	unsigned room = 0;
	int got = SQLITE_ERROR;

	*points = NULL;
	*n = 0;
	if (!q)
		return false;
	sqlite3_bind_text(q, 1, node, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, since_s);
	while ((got = sqlite3_step(q)) == SQLITE_ROW) {
		if (*n == room) {
			room = room * 2 + 64;
			*points = mem_grow(*points, room * sizeof **points);
		}
		*n += point_of(q, &(*points)[*n]);
	}
	sqlite3_finalize(q);
	return got == SQLITE_DONE;
}
