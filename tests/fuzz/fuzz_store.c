/* The store's rows, as somebody else may have written them: any value in any column
 * of any table. What is read is bounded text and finite numbers, or is left out;
 * reading always ends well or with a message.
 *
 * The input is rows: a byte for the table, then for each column a byte for the type
 * and, for text and numbers, octets. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths/paths.h"
#include "store/enrolled.h"
#include "store/history.h"
#include "store/path_history.h"
#include "store/paths.h"
#include "store/private.h"
#include "store/figures.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static struct store *store;
static struct mailbox *mailbox;

static const struct {
	const char *name, *insert;
	int columns;
} tables[] = {{"override", "INSERT OR IGNORE INTO override VALUES (?,?)", 2},
	{"state", "INSERT OR IGNORE INTO state VALUES (?,?,?)", 3},
	{"expect", "INSERT OR IGNORE INTO expect VALUES (?,?,?,?,?,?,?)", 7},
	{"node", "INSERT OR IGNORE INTO node VALUES (?,?)", 2},
	{"steadiness",
		"INSERT OR IGNORE INTO steadiness VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
		12},
	{"history_node", "INSERT OR IGNORE INTO history_node VALUES (?,?)", 2},
	{"history", "INSERT OR IGNORE INTO history VALUES (?,?,?,?,?)", 5},
	{"path", "INSERT OR IGNORE INTO path VALUES (?,?,?)", 3},
	{"capacity",
		"INSERT OR IGNORE INTO capacity VALUES"
		" (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		17},
	{"multiplier", "INSERT OR IGNORE INTO multiplier VALUES (?,?,?,?)", 4},
	{"path_history", "INSERT OR IGNORE INTO path_history VALUES (?,?,?)",
		3}};
#define TABLES (sizeof tables / sizeof *tables)
static sqlite3_stmt *insert[TABLES];

static void sql(const char *text)
{
	if (sqlite3_exec(store->db, text, NULL, NULL, NULL) != SQLITE_OK)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err = {0};
	snprintf(path, sizeof path, "/dev/shm/dnsd-fuzz-store-%d", getpid());
	unlink(path);
	store = store_open(path, &err);
	if (!store) {
		fprintf(stderr, "%s\n", err_text(&err));
		abort();
	}
	mailbox = mailbox_new();
	log_set_level(LOG_LVL_ERROR);
	sql("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0");
	for (size_t i = 0; i < TABLES; i++)
		if (sqlite3_prepare_v2(store->db, tables[i].insert, -1,
			    &insert[i], NULL) != SQLITE_OK)
			abort();
	return 0;
}

struct input {
	const uint8_t *at;
	size_t left;
};

static unsigned take(struct input *in)
{
	return in->left ? (in->left--, *in->at++) : 0;
}

static const uint8_t *take_octets(struct input *in, size_t n)
{
	const uint8_t *p = in->at;
	if (n > in->left)
		return NULL;
	in->at += n;
	in->left -= n;
	return p;
}

static void bind_value(sqlite3_stmt *q, int column, struct input *in)
{
	unsigned type = take(in), n = take(in);
	const uint8_t *p;
	double real;
	int64_t whole;

	switch (type % 6) {
	case 0: /* null */
		break;
	case 1:
		p = take_octets(in, sizeof whole);
		if (p) {
			memcpy(&whole, p, sizeof whole);
			sqlite3_bind_int64(q, column, whole);
		}
		break;
	case 2:
		p = take_octets(in, sizeof real);
		if (p) {
			memcpy(&real, p, sizeof real);
			sqlite3_bind_double(q, column, real);
		}
		break;
	case 3:
		sqlite3_bind_int(q, column, (int)n);
		break;
	default: /* text, a blob */
		p = take_octets(in, n);
		if (p && type % 6 == 4)
			sqlite3_bind_text(q, column, (const char *)p, (int)n,
				SQLITE_TRANSIENT);
		else if (p)
			sqlite3_bind_blob(
				q, column, p, (int)n, SQLITE_TRANSIENT);
	}
}

static void write_rows(struct input *in)
{
	sql("BEGIN");
	for (unsigned i = 0; i < TABLES; i++) {
		char text[64];
		snprintf(text, sizeof text, "DELETE FROM %s", tables[i].name);
		sql(text);
	}
	while (in->left) {
		unsigned i = take(in) % TABLES;
		for (int k = 1; k <= tables[i].columns; k++)
			bind_value(insert[i], k, in);
		sqlite3_step(insert[i]); /* a constraint may refuse it */
		sqlite3_reset(insert[i]);
		sqlite3_clear_bindings(insert[i]);
	}
	sql("COMMIT");
}

static void bounded(const char *text, size_t room)
{
	if (strnlen(text, room) == room)
		abort();
}

/* What is kept of paths, learned again. */
static void restore_paths(const struct store_paths *list, unsigned n)
{
	static struct map_node node = {.name = "a", .placed = true};
	static const struct map map = {.n_nodes = 1, .nodes = &node};
	struct paths *paths = paths_new();
	paths_set_map(paths, &map);
	for (unsigned i = 0; i < n; i++) {
		bounded(list[i].name, sizeof list[i].name);
		paths_restore(paths, 0, list[i].body, list[i].len, 1000,
			1000000000000);
	}
	paths_fit(paths, 1000000000000);
	path_table_free(paths_table(paths));
	paths_free(paths);
}

static void on_path_points(
	void *arg, bool ok, struct store_path_point *points, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!isfinite(points[i].rtt_ms) || !isfinite(points[i].loss) ||
			points[i].at_s < 0)
			abort();
	free(points);
	*(bool *)arg = true;
}

static void read_path_history(void)
{
	bool answered = false;
	store_path_history_read(
		store, "a", 1, 0, mailbox, on_path_points, &answered);
	while (!answered)
		mailbox_wait(mailbox);
}

static void read_all(void)
{
	struct err err = {0};
	unsigned n;
	struct store_node *nodes;
	struct conf_expect *expects;
	struct store_figures *figures;
	struct store_enrolled *enrolled;
	struct store_point *points;
	struct store_paths *paths;

	if (store_load(store, &nodes, &n, &err)) {
		for (unsigned i = 0; i < n; i++)
			bounded(nodes[i].name, sizeof nodes[i].name);
		free(nodes);
	}
	if (store_load_schedule(store, &expects, &n, &err)) {
		for (unsigned i = 0; i < n; i++)
			bounded(expects[i].name, sizeof expects[i].name);
		free(expects);
	}
	for (enum store_kind kind = 0; kind <= STORE_MULTIPLIER; kind++) {
		if (!store_figures_load(store, kind, &figures, &n, &err))
			continue;
		for (unsigned i = 0; i < n; i++)
			bounded(figures[i].name, sizeof figures[i].name);
		free(figures);
	}
	if (store_enrolled_read(path, &enrolled, &n, &err))
		store_enrolled_free(enrolled, n);
	if (history_read(store->db, "a", INT64_MIN, &points, &n))
		free(points);
	if (store_paths_load(store, &paths, &n, &err))
		restore_paths(paths, n);
	store_paths_free(paths, n);
	read_path_history();
	err_fini(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	write_rows(&in);
	read_all();
	return 0;
}
