/* threads.h - the threads that answer, as control sees them: UDP workers, TCP and
 * HTTP, their sockets, and what each of them writes and control reads. Control
 * thread only.
 */
#ifndef CONTROL_THREADS_H
#define CONTROL_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sections.h"
#include "conf/conf.h"
#include "net/listen.h"
#include "transfer/transfer.h"

struct accounts;
struct answer_counters;
struct callee;
struct dnstap;
struct fleet;
struct mailbox;
struct published;
struct record;
struct report_xdp;
struct sign_ring;
struct signer;
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct resolver_rates;
struct rrl_table;
struct sent_table;
struct threads;
struct transfer_source;

/* All sockets, the key and the limits, while we are root. NULL with a message. */
struct threads *threads_open(const struct conf *conf, struct err *err);

/* The same with what another process gives: its sockets, of which there are as many for
 * each worker as it had, and its secret. */
struct threads_handed {
	struct listen_handed sockets;
	uint64_t secret;
};
struct threads *threads_take(const struct conf *conf,
	struct threads_handed *handed, struct err *err);

/* What this process can give. The sockets stay its own, even if HTTP closes them. */
void threads_give(const struct threads *threads, struct threads_handed *handed);

/* Sockets are closed; all threads have been stopped. NULL allowed. */
void threads_free(struct threads *threads);

/* How many questions to nodes there may be at a time: their share of the file
 * descriptors. */
unsigned threads_polls(const struct threads *threads);

/* Makes the threads that answer DNS, over what is published. */
void threads_make(struct threads *threads, const struct conf *conf,
	struct published *published);

/* What DNS over TLS shows from now on (dot_load()); NULL: as before. Takes a reference. */
void threads_certificate(
	struct threads *threads, struct ssl_ctx_st *certificate);

/* A recorder with a ring for each thread; before they start. */
struct record *threads_record(struct threads *threads);

/* Makes the signer, and gives each answering thread its ring; own: that of control. The
 * caller frees it, when they have ended. */
struct signer *threads_signer(struct threads *threads, struct sign_ring **own);

/* A dnstap with a ring for each thread of DNS; before they start. */
struct dnstap *threads_dnstap(struct threads *threads);

/* Static names are answered from here on. */
void threads_start(struct threads *threads);

/* HTTP, if the configuration has a listener. What it asks goes to the callee. */
void threads_start_http(struct threads *threads, const struct conf *conf,
	struct published *published, const struct callee *callee);

/* NULL: they have ended. */
struct transfers *threads_transfers(struct threads *threads);
struct transfer_counts threads_transfer_counts(const struct threads *threads);

/* After a reload; err takes warnings. */
void threads_reconfigure(
	struct threads *threads, const struct conf *conf, struct err *err);

/* AF_XDP: each second, at the start, and what is reported of its interfaces: how many. */
void threads_look(struct threads *threads);
void threads_log(const struct threads *threads);
unsigned threads_xdp(const struct threads *threads, struct report_xdp *out);

/* -- to the process that takes over, in this order -- */

/* HTTP comes to an end, then rested(arg) is called in the mailbox, and
 * threads_stop_http() follows. False: this process has no HTTP. */
bool threads_rest_http(struct threads *threads, struct mailbox *mailbox,
	void (*rested)(void *arg), void *arg);
void threads_stop_http(struct threads *threads);

/* Tables, from which on changes are noted. The caller publishes in between. */
void threads_note_changes(struct threads *threads, bool on);
void threads_hand_tables(const struct threads *threads, struct buf *out);

/* Stops UDP and TCP, which go on by threads_start(). */
void threads_pause(struct threads *threads);

/* What has come meanwhile, counters, and the connections of TCP: their descriptors are malloc'd,
 * and the server's. How many. */
unsigned threads_hand_rest(const struct threads *threads,
	const struct fleet *fleet, unsigned n_nodes, int **fds,
	struct buf *out);

/* It has them: threads_free() closes nothing that it uses. */
void threads_forget(struct threads *threads);

/* -- and there, before threads_start() -- */

void threads_take_tables(struct threads *threads, struct sections *in);
void threads_take_rest(struct threads *threads, struct sections *in,
	const int *fds, unsigned n);

/* Of the large resolvers, for fleet_take(). */
struct resolver_rates *threads_resolver_rates(const struct threads *threads);

/* Stops all and waits for them. */
void threads_stop(struct threads *threads);

/* The accounts of one thread after the other, from 0; the same number for the same
 * thread. NULL: no more. */
const struct accounts *threads_accounts(
	const struct threads *threads, unsigned i);

/* Accounts of this thread, for explanations. */
const struct accounts *threads_own_accounts(const struct threads *threads);

/* What asking networks were answered. */
struct rrl_table *threads_rrl(const struct threads *threads);

unsigned threads_workers(const struct threads *threads);
unsigned threads_tcp_connections(const struct threads *threads);
unsigned threads_tls_connections(const struct threads *threads);

/* Adds what the threads counted. */
void threads_counters(
	const struct threads *threads, struct answer_counters *sum);

#endif
