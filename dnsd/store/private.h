/* private.h - what the files of the store share. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <pthread.h>
#include <sqlite3.h>

#include "base/log.h"
#include "store/store.h"

struct store {
	sqlite3 *db;
	struct mailbox *mailbox; /* of the store's thread */
	pthread_t thread;
	bool stop;
	/* What is kept by itself, every few seconds. */
	struct log_fault states, stability, history;
};

/* The last error of the database, logged. */
void store_complain(struct store *store, const char *what);

/* Something kept by itself was kept, or not: said once, and when it is over. */
void store_note(struct store *store, struct log_fault *fault, const char *what,
	bool kept);

#endif
