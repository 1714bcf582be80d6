#include "control/threads.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "control/descriptors.h"
#include "dnstap/dnstap.h"
#include "fleet/handed.h"
#include "http/http.h"
#include "ledger/accounts.h"
#include "ledger/rrl.h"
#include "ledger/sent.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "replay/recorder.h"
#include "sign/signer.h"
#include "snapshot/counters.h"
#include "xdp/xdp.h"

#define WORKERS_MAX 256 /* if the configuration does not say how many */
#define OPERATORS_PORT 8053
#define PUBLIC_PORT 8080
#define TLS_PORT 853

struct threads {
	struct descriptors shares;
	struct listeners listeners;
	/* DNS over TLS: its addresses, and their sockets. */
	unsigned n_tls;
	char **tls_text;
	int *tls_fds;
	struct http_sockets http_sockets;
	unsigned n_workers;
	struct udp_worker **workers; /* NULL until they are made */
	struct tcp_server *tcp;
	struct xdp *xdp; /* NULL: none */
	struct transfers *transfers;
	struct http *http; /* NULL: none */
	struct sent_table
		*sent; /* what client nets were sent to; of all threads */
	struct rrl_table *rrl; /* and what asking networks were answered */
	struct accounts *own;
	struct record *record;
	uint64_t secret;
	struct answer_counters before; /* of the process before this one */
	/* HTTP's sockets: it gets copies, which it closes when it ends. */
	struct listen_handed http_kept;
};

/* -- sockets -- */

static unsigned worker_count(const struct conf *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (conf->workers)
		return (unsigned)conf->workers;
	return cores > 0 && cores <= WORKERS_MAX ? (unsigned)cores : 1;
}

/* A list of listen_streams() goes to the handed. */
static void keep_http(struct threads *t, enum listen_kind kind,
	const struct conf_texts *addresses, int *fds)
{
	for (unsigned i = 0; fds && i < addresses->n; i++)
		if (fds[i] >= 0)
			listen_give(&t->http_kept, kind, 0, addresses->text[i],
				fds[i]);
	free(fds);
}

static bool open_http(struct threads *t, const struct conf *conf,
	struct listen_handed *handed, struct err *err)
{
	int *operators = NULL, *public = NULL;
	bool ok = listen_streams(&conf->http.listen, OPERATORS_PORT,
			  LISTEN_HTTP, handed, &operators, err) &&
		listen_streams(&conf->public.listen, PUBLIC_PORT, LISTEN_PUBLIC,
			handed, &public, err) &&
		http_load_tls(conf, &t->http_sockets.tls, err);
	keep_http(t, LISTEN_HTTP, &conf->http.listen, operators);
	keep_http(t, LISTEN_PUBLIC, &conf->public.listen, public);
	return ok;
}

static bool open_tls(struct threads *t, const struct conf *conf,
	struct listen_handed *handed, struct err *err)
{
	const struct conf_texts *from = &conf->tls.listen;

	bool ok = listen_streams(
		from, TLS_PORT, LISTEN_TLS, handed, &t->tls_fds, err);
	t->tls_text = mem_zero(from->n + 1, sizeof *t->tls_text);
	for (t->n_tls = 0; t->n_tls < from->n; t->n_tls++)
		t->tls_text[t->n_tls] = mem_strdup(from->text[t->n_tls]);
	return ok;
}

static void close_tls(struct threads *t)
{
	for (unsigned i = 0; i < t->n_tls; i++) {
		if (t->tls_fds[i] >= 0)
			close(t->tls_fds[i]);
		free(t->tls_text[i]);
	}
	free(t->tls_fds);
	free(t->tls_text);
}

struct threads *threads_take(
	const struct conf *conf, struct threads_handed *handed, struct err *err)
{
	struct threads *t = mem_zero(1, sizeof *t);
	struct listen_handed *sockets = handed ? &handed->sockets : NULL;

	rng_secret(&t->secret, sizeof t->secret);
	t->n_workers = worker_count(conf);
	if (handed) {
		t->secret = handed->secret;
		t->n_workers = sockets->workers;
	}
	bool ok = listen_open(&t->listeners, &conf->listen, t->n_workers,
			  sockets, err) &&
		open_tls(t, conf, sockets, err) &&
		open_http(t, conf, sockets, err);
	if (ok)
		t->xdp = xdp_open(conf, &t->listeners, sockets, err);
	t->shares = descriptors_now(conf, err);
	t->http_sockets.connections = t->shares.http;
	t->http_sockets.streams = t->shares.streams;
	if (ok)
		return t;
	threads_free(t);
	return NULL;
}

struct threads *threads_open(const struct conf *conf, struct err *err)
{
	return threads_take(conf, NULL, err);
}

void threads_give(const struct threads *t, struct threads_handed *handed)
{
	const struct listeners *l = &t->listeners;
	const struct listen_handed *http = &t->http_kept;
	handed->secret = t->secret;
	for (unsigned i = 0; i < l->n; i++) {
		listen_give(
			&handed->sockets, LISTEN_TCP, 0, l->text[i], l->tcp[i]);
		for (unsigned w = 0; w < l->workers; w++)
			listen_give(&handed->sockets, LISTEN_UDP, w, l->text[i],
				l->udp[w * l->n + i].fd);
	}
	for (unsigned i = 0; i < t->n_tls; i++)
		listen_give(&handed->sockets, LISTEN_TLS, 0, t->tls_text[i],
			t->tls_fds[i]);
	for (unsigned i = 0; i < http->n; i++)
		listen_give(&handed->sockets,
			(enum listen_kind)http->one[i].kind, 0,
			http->one[i].text, http->one[i].fd);
	xdp_give(t->xdp, &handed->sockets);
}

unsigned threads_polls(const struct threads *t)
{
	return t->shares.polls;
}

/* -- the threads of DNS, by number: UDP, TCP, XDP -- */

static unsigned dns_threads(const struct threads *t)
{
	return t->n_workers + 1 + xdp_threads(t->xdp);
}

static struct net_thread *dns_thread(const struct threads *t, unsigned i)
{
	if (i < t->n_workers)
		return udp_worker_thread(t->workers[i]);
	i -= t->n_workers;
	return i ? xdp_thread(t->xdp, i - 1) : tcp_server_thread(t->tcp);
}

/* -- begin -- */

static void make_tcp(struct threads *t, const struct conf *conf,
	const struct net_shared *shared)
{
	unsigned plain = t->listeners.n, n = plain + t->n_tls;
	int *fds = mem_zero(n, sizeof *fds);

	memcpy(fds, t->listeners.tcp, plain * sizeof *fds);
	memcpy(fds + plain, t->tls_fds, t->n_tls * sizeof *fds);
	t->tcp = tcp_server_new(fds, n, t->n_tls, t->shares.tcp,
		(unsigned)(conf->tcp.idle_s * 1000), shared);
	free(fds);
}

void threads_make(
	struct threads *t, const struct conf *conf, struct published *published)
{
	assert(!t->workers && !t->tcp);
	t->sent = sent_table_new((unsigned)conf->client_nets, t->secret);
	t->own = accounts_new(1, t->sent, t->secret);
	t->rrl = rrl_table_new(t->secret);
	struct net_shared shared = {published, t->sent, t->rrl, t->secret,
		(enum sandbox_mode)conf->sandbox};
	t->workers = mem_zero(t->n_workers, sizeof(struct udp_worker *));
	for (unsigned i = 0; i < t->n_workers; i++)
		t->workers[i] =
			udp_worker_new(i, &t->listeners.udp[i * t->listeners.n],
				t->listeners.n, &shared);
	make_tcp(t, conf, &shared);
	xdp_make(t->xdp, &shared);
	t->transfers = transfers_new();
	tcp_server_transfers(t->tcp, t->transfers);
	for (unsigned i = 0; i < dns_threads(t); i++)
		dns_thread(t, i)->answerer.bell = transfers_bell(t->transfers);
}

void threads_certificate(struct threads *t, struct ssl_ctx_st *certificate)
{
	if (certificate)
		tcp_server_certificate(t->tcp, certificate);
}

/* The rings: of DNS, then HTTP's. */
struct record *threads_record(struct threads *t)
{
	unsigned n = dns_threads(t);
	t->record = record_new(n + 1);
	for (unsigned i = 0; i < n; i++)
		dns_thread(t, i)->answerer.ring = record_ring(t->record, i);
	return t->record;
}

struct signer *threads_signer(struct threads *t, struct sign_ring **own)
{
	unsigned n = dns_threads(t);
	struct signer *signer = signer_new(n + 1);
	for (unsigned i = 0; i < n; i++)
		dns_thread(t, i)->answerer.sign_ring = signer_ring(signer, i);
	*own = signer_ring(signer, n);
	return signer;
}

struct dnstap *threads_dnstap(struct threads *t)
{
	unsigned n = dns_threads(t);
	struct dnstap *tap = dnstap_new(n);
	for (unsigned i = 0; i < n; i++)
		dns_thread(t, i)->tap.ring = dnstap_ring(tap, i);
	return tap;
}

void threads_start(struct threads *t)
{
	assert(t->workers && t->tcp);
	for (unsigned i = 0; i < t->n_workers; i++)
		udp_worker_start(t->workers[i]);
	transfers_start(t->transfers); /* it runs on in a pause */
	tcp_server_start(t->tcp);
	xdp_start(t->xdp);
}

/* Copies of the sockets of one listener, ended by -1. */
static int *copy_http(const struct threads *t, enum listen_kind kind)
{
	int *fds = mem_alloc((t->http_kept.n + 1) * sizeof *fds);
	unsigned n = 0;
	for (unsigned i = 0; i < t->http_kept.n; i++) {
		int fd = t->http_kept.one[i].kind == (uint32_t)kind
			? fcntl(t->http_kept.one[i].fd, F_DUPFD_CLOEXEC, 0)
			: -1;
		if (fd >= 0)
			fds[n++] = fd;
	}
	fds[n] = -1;
	return fds;
}

/* It has ended before, for a process that did not take over: its certificate went with
 * it. */
static void renew_tls(struct threads *t, const struct conf *conf)
{
	struct err err = {0};
	if (!t->http_sockets.tls &&
		!http_load_tls(conf, &t->http_sockets.tls, &err))
		log_lines(LOG_LVL_ERROR, "", err_text(&err));
	err_fini(&err);
}

void threads_start_http(struct threads *t, const struct conf *conf,
	struct published *published, const struct callee *callee)
{
	assert(t->record && !t->http);
	struct http_links links = {.published = published,
		.control = callee,
		.sent = t->sent,
		.ring = record_ring(t->record, dns_threads(t)),
		.secret = t->secret,
		.sandbox = (enum sandbox_mode)conf->sandbox};
	if (!t->http_kept.n)
		return;
	renew_tls(t, conf);
	struct http_sockets *sockets = &t->http_sockets;
	sockets->operators = copy_http(t, LISTEN_HTTP);
	sockets->public = copy_http(t, LISTEN_PUBLIC);
	t->http = http_start(conf, sockets, &links);
	free(sockets->operators);
	free(sockets->public);
	sockets->operators = sockets->public = NULL;
	sockets->tls = NULL; /* it owns it */
}

struct transfers *threads_transfers(struct threads *t)
{
	return t->transfers;
}

struct transfer_counts threads_transfer_counts(const struct threads *t)
{
	return transfers_counts(t->transfers);
}

void threads_reconfigure(
	struct threads *t, const struct conf *conf, struct err *err)
{
	if (t->http)
		http_reconfigure(t->http, conf, err);
	xdp_configure(t->xdp, conf, err);
}

void threads_look(struct threads *t)
{
	xdp_look(t->xdp);
}

void threads_log(const struct threads *t)
{
	xdp_log(t->xdp);
}

unsigned threads_xdp(const struct threads *t, struct report_xdp *out)
{
	return xdp_report(t->xdp, out);
}

/* -- end -- */

void threads_stop(struct threads *t)
{
	if (!t)
		return;
	http_stop(t->http);
	t->http = NULL;
	xdp_stop(t->xdp);
	for (unsigned i = 0; i < t->n_workers && t->workers; i++)
		udp_worker_stop(t->workers[i]);
	if (t->tcp)
		tcp_server_stop(t->tcp);
	if (t->transfers)
		transfers_stop(t->transfers);
	for (unsigned i = 0; i < t->n_workers && t->workers; i++)
		udp_worker_free(t->workers[i]);
	if (t->tcp)
		tcp_server_free(t->tcp);
	xdp_free(t->xdp);
	t->xdp = NULL;
	transfers_free(t->transfers);
	t->transfers = NULL;
	free(t->workers);
	t->workers = NULL;
	t->tcp = NULL;
}

void threads_free(struct threads *t)
{
	if (!t)
		return;
	xdp_free(t->xdp);
	listen_close(&t->listeners);
	close_tls(t);
	accounts_free(t->own);
	sent_table_free(t->sent);
	rrl_table_free(t->rrl);
	for (unsigned i = 0; i < t->http_kept.n; i++)
		close(t->http_kept.one[i].fd);
	free(t->http_kept.one);
	free(t);
}

/* -- to the process that takes over -- */

#define COUNTERS_VERSION 2 /* of what the struct means */

bool threads_rest_http(struct threads *t, struct mailbox *mailbox,
	void (*rested)(void *arg), void *arg)
{
	if (t->http)
		http_rest(t->http, mailbox, rested, arg);
	return t->http != NULL;
}

void threads_stop_http(struct threads *t)
{
	http_stop(t->http);
	t->http = NULL;
}

void threads_note_changes(struct threads *t, bool on)
{
	if (on)
		sent_changes_begin(t->sent);
	else
		sent_changes_end(t->sent);
}

void threads_hand_tables(const struct threads *t, struct buf *out)
{
	handed_sent(t->sent, out);
	for (unsigned i = 0; i < dns_threads(t); i++)
		handed_accounts(dns_thread(t, i)->answerer.accounts, i, out);
}

static void hand_counters(const struct threads *t, struct buf *out)
{
	struct answer_counters sum = {0};
	threads_counters(t, &sum);
	sections_add(out, "counters", COUNTERS_VERSION, sizeof sum, &sum, 1);
}

void threads_pause(struct threads *t)
{
	xdp_stop(t->xdp);
	for (unsigned i = 0; i < t->n_workers; i++)
		udp_worker_stop(t->workers[i]);
	tcp_server_stop(t->tcp);
}

unsigned threads_hand_rest(const struct threads *t, const struct fleet *fleet,
	unsigned n_nodes, int **fds, struct buf *out)
{
	handed_sent_changes(t->sent, out);
	for (unsigned i = 0; i < dns_threads(t); i++)
		handed_accounts_rest(dns_thread(t, i)->answerer.accounts, i,
			fleet_merged(fleet, i), n_nodes, out);
	hand_counters(t, out);
	return tcp_server_hand(t->tcp, fds, out);
}

void threads_forget(struct threads *t)
{
	tcp_server_forget(t->tcp);
}

void threads_take_tables(struct threads *t, struct sections *in)
{
	if (!handed_take_sent(t->sent, in))
		log_warn(
			"take-over: what client nets were sent to is not known: 'client_nets' has changed");
	for (unsigned i = 0; i < dns_threads(t); i++)
		handed_take_accounts(
			dns_thread(t, i)->answerer.accounts, i, in);
}

static void take_counters(struct threads *t, struct sections *in)
{
	size_t n;
	const struct answer_counters *before = sections_find(
		in, "counters", COUNTERS_VERSION, sizeof *before, &n);
	if (n == 1)
		t->before = *before;
}

void threads_take_rest(
	struct threads *t, struct sections *in, const int *fds, unsigned n)
{
	handed_take_sent(t->sent, in);
	for (unsigned i = 0; i < dns_threads(t); i++)
		handed_take_accounts_rest(
			dns_thread(t, i)->answerer.accounts, i, in);
	take_counters(t, in);
	tcp_server_take(t->tcp, in, fds, n);
}

struct resolver_rates *threads_resolver_rates(const struct threads *t)
{
	return t->sent->rates;
}

/* -- what they write -- */

struct rrl_table *threads_rrl(const struct threads *t)
{
	return t->rrl;
}

const struct accounts *threads_accounts(const struct threads *t, unsigned i)
{
	unsigned n = t->tcp ? dns_threads(t) : 0;

	if (i < n)
		return dns_thread(t, i)->answerer.accounts;
	return t->http && i == n ? http_accounts(t->http) : NULL;
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

unsigned threads_tls_connections(const struct threads *t)
{
	return t->tcp ? tcp_server_tls_connections(t->tcp) : 0;
}

void threads_counters(const struct threads *t, struct answer_counters *sum)
{
	counters_add(sum, &t->before);
	for (unsigned i = 0; t->tcp && i < dns_threads(t); i++)
		counters_add(sum, &dns_thread(t, i)->answerer.counters);
}
