/* threads.h - the threads that answer, as control sees them: UDP workers, TCP and
 * HTTP, their sockets, and what each of them writes and control reads. Control
 * thread only.
 */
#ifndef CONTROL_THREADS_H
#define CONTROL_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"

struct accounts;
struct answer_counters;
struct callee;
struct published;
struct record;
struct sent_table;
struct threads;

/* All sockets, the key and the limits, while we are root. NULL with a message. */
struct threads *threads_open(const struct conf *conf, struct err *err);

/* Sockets are closed; all threads have been stopped. NULL allowed. */
void threads_free(struct threads *threads);

/* How many questions to nodes there may be at a time: their share of the file
 * descriptors. */
unsigned threads_polls(const struct threads *threads);

/* Makes the threads that answer DNS, over what is published. */
void threads_make(struct threads *threads, const struct conf *conf,
	struct published *published);

/* A recorder with a ring for each thread; before they start. */
struct record *threads_record(struct threads *threads);

/* Static names are answered from here on. */
void threads_start(struct threads *threads);

/* HTTP, if the configuration has a listener. What it asks goes to the callee. */
void threads_start_http(struct threads *threads, const struct conf *conf,
	struct published *published, const struct callee *callee);

/* After a reload; err takes warnings. */
void threads_reconfigure(
	struct threads *threads, const struct conf *conf, struct err *err);

/* Stops all and waits for them. */
void threads_stop(struct threads *threads);

/* The accounts of one thread after the other, from 0; the same number for the same
 * thread. NULL: no more. */
const struct accounts *threads_accounts(
	const struct threads *threads, unsigned i);

/* Accounts of this thread, for explanations. */
const struct accounts *threads_own_accounts(const struct threads *threads);

unsigned threads_workers(const struct threads *threads);
unsigned threads_tcp_connections(const struct threads *threads);

/* Adds what the threads counted. */
void threads_counters(
	const struct threads *threads, struct answer_counters *sum);

#endif
