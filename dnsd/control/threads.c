#include "control/threads.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "control/descriptors.h"
#include "http/http.h"
#include "ledger/accounts.h"
#include "ledger/sent.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "replay/recorder.h"
#include "snapshot/counters.h"

#define WORKERS_MAX 256 /* if the configuration does not say how many */
#define OPERATORS_PORT 8053
#define PUBLIC_PORT 8080

struct threads {
	struct descriptors shares;
	struct listeners listeners;
	struct http_sockets http_sockets;
	unsigned n_workers;
	struct udp_worker **workers; /* NULL until they are made */
	struct tcp_server *tcp;
	struct http *http; /* NULL: none */
	struct sent_table
		*sent; /* what client nets were sent to; of all threads */
	struct accounts *own;
	struct record *record;
	uint64_t secret;
};

/* -- sockets -- */

static unsigned worker_count(const struct conf *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (conf->workers)
		return (unsigned)conf->workers;
	return cores > 0 && cores <= WORKERS_MAX ? (unsigned)cores : 1;
}

struct threads *threads_open(const struct conf *conf, struct err *err)
{
	struct threads *t = mem_zero(1, sizeof *t);
	struct http_sockets *http = &t->http_sockets;

	rng_secret(&t->secret, sizeof t->secret);
	t->n_workers = worker_count(conf);
	bool ok =
		listen_open(&t->listeners, &conf->listen, t->n_workers, err) &&
		listen_streams(&conf->http.listen, OPERATORS_PORT,
			&http->operators, err) &&
		listen_streams(&conf->public.listen, PUBLIC_PORT, &http->public,
			err) &&
		http_load_tls(conf, &http->tls, err);
	t->shares = descriptors_now(conf, err);
	http->connections = t->shares.http;
	http->streams = t->shares.streams;
	if (ok)
		return t;
	threads_free(t);
	return NULL;
}

unsigned threads_polls(const struct threads *t)
{
	return t->shares.polls;
}

/* -- begin -- */

void threads_make(
	struct threads *t, const struct conf *conf, struct published *published)
{
	assert(!t->workers && !t->tcp);
	t->sent = sent_table_new((unsigned)conf->client_nets, t->secret);
	t->own = accounts_new(1, t->sent, t->secret);
	struct net_shared shared = {published, t->sent, t->secret};
	t->workers = mem_zero(t->n_workers, sizeof(struct udp_worker *));
	for (unsigned i = 0; i < t->n_workers; i++)
		t->workers[i] =
			udp_worker_new(i, &t->listeners.udp[i * t->listeners.n],
				t->listeners.n, &shared);
	t->tcp = tcp_server_new(t->listeners.tcp, t->listeners.n, t->shares.tcp,
		(unsigned)(conf->tcp.idle_s * 1000), &shared);
}

/* The rings: UDP workers, TCP, HTTP. */
struct record *threads_record(struct threads *t)
{
	unsigned n = t->n_workers;
	t->record = record_new(n + 2);
	for (unsigned i = 0; i < n; i++)
		udp_worker_thread(t->workers[i])->answerer.ring =
			record_ring(t->record, i);
	tcp_server_thread(t->tcp)->answerer.ring = record_ring(t->record, n);
	return t->record;
}

void threads_start(struct threads *t)
{
	assert(t->workers && t->tcp);
	for (unsigned i = 0; i < t->n_workers; i++)
		udp_worker_start(t->workers[i]);
	tcp_server_start(t->tcp);
}

void threads_start_http(struct threads *t, const struct conf *conf,
	struct published *published, const struct callee *callee)
{
	assert(t->record && !t->http);
	struct http_links links = {.published = published,
		.control = callee,
		.sent = t->sent,
		.ring = record_ring(t->record, t->n_workers + 1),
		.secret = t->secret};
	if (conf->http.listen.n || conf->public.listen.n)
		t->http = http_start(conf, &t->http_sockets, &links);
}

void threads_reconfigure(
	struct threads *t, const struct conf *conf, struct err *err)
{
	if (t->http)
		http_reconfigure(t->http, conf, err);
}

/* -- end -- */

void threads_stop(struct threads *t)
{
	if (!t)
		return;
	http_stop(t->http);
	t->http = NULL;
	for (unsigned i = 0; i < t->n_workers && t->workers; i++)
		udp_worker_stop(t->workers[i]);
	if (t->tcp)
		tcp_server_stop(t->tcp);
	for (unsigned i = 0; i < t->n_workers && t->workers; i++)
		udp_worker_free(t->workers[i]);
	if (t->tcp)
		tcp_server_free(t->tcp);
	free(t->workers);
	t->workers = NULL;
	t->tcp = NULL;
}

void threads_free(struct threads *t)
{
	if (!t)
		return;
	listen_close(&t->listeners);
	accounts_free(t->own);
	sent_table_free(t->sent);
	free(t->http_sockets.operators);
	free(t->http_sockets.public);
	free(t);
}

/* -- what they write -- */

const struct accounts *threads_accounts(const struct threads *t, unsigned i)
{
	if (i < t->n_workers)
		return udp_worker_thread(t->workers[i])->answerer.accounts;
	i -= t->n_workers;
	if (t->tcp && i-- == 0)
		return tcp_server_thread(t->tcp)->answerer.accounts;
	return t->http && i == 0 ? http_accounts(t->http) : NULL;
}

const struct accounts *threads_own_accounts(const struct threads *t)
{
	return t->own;
}

unsigned threads_workers(const struct threads *t)
{
	return t->n_workers;
}

unsigned threads_tcp_connections(const struct threads *t)
{
	return t->tcp ? tcp_server_connections(t->tcp) : 0;
}

void threads_counters(const struct threads *t, struct answer_counters *sum)
{
	for (unsigned i = 0; i < t->n_workers; i++)
		counters_add(sum,
			&udp_worker_thread(t->workers[i])->answerer.counters);
	if (t->tcp)
		counters_add(
			sum, &tcp_server_thread(t->tcp)->answerer.counters);
}
