/* private.h - what the files of the store share. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <pthread.h>
#include <sqlite3.h>

#include "base/log.h"
#include "store/figures.h"

struct store {
	sqlite3 *db;
	struct mailbox *mailbox; /* of the store's thread */
	pthread_t thread;
	bool stop;
	unsigned skipped; /* rows, since it was opened */
	/* What is kept by itself, every few seconds. */
	struct log_fault states, history, paths, path_history, shared;
	struct log_fault figures[STORE_MULTIPLIER + 1];
};

/* The last error of the database, logged. */
void store_complain(struct store *store, const char *what);

/* A row that is not what dnsd writes is left out, named in the log; not too many
 * of them. key: the first column. */
void store_skip(struct store *store, const char *what, sqlite3_stmt *row,
	const char *why);

/* A column as a number from least to most; false: it is something else. */
bool store_whole(sqlite3_stmt *row, int column, int64_t least, int64_t most,
	int64_t *out);
bool store_real(
	sqlite3_stmt *row, int column, double least, double most, double *out);

/* Room for one more of a list that grows by half. */
void *store_room(void *list, unsigned n, unsigned *room, size_t size);

/* A name, 1 to room - 1 octets. */
bool store_name(sqlite3_stmt *row, int column, char *out, size_t room);

/* Something kept by itself was kept, or not: said once, and when it is over. */
void store_note(struct store *store, struct log_fault *fault, const char *what,
	bool kept);

#endif
