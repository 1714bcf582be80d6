#include "measure/post.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"

#define PATH "/api/v1/paths"
#define TIMEOUT_S 10
#define ANSWER_MAX 4096 /* octets that are read of an answer */
#define SERVERS_MAX 16

/* Where systems keep the authorities that they trust: SUSE, Red Hat, Debian, others. */
static const char *const authorities[] = {"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"};

/* A name server. connection: of the report under way, else NULL. */
struct post_server {
	struct post *post;
	char *host, *authority; /* of the URL; authority: host and port */
	int port;
	bool tls;
	struct evhttp_connection *connection;
	struct log_fault fault;
};

struct post {
	bool begun; /* a report of which the last part is not sent */
	struct event_base *base;
	struct evdns_base *dns;
	SSL_CTX *tls; /* NULL: no server needs it */
	char *token;
	struct post_server server[SERVERS_MAX];
	unsigned n;
};

/* -- servers -- */

static bool server_add(struct post *post, const char *text, struct err *err)
{
	struct post_server *s = &post->server[post->n];
	struct evhttp_uri *uri = evhttp_uri_parse(text);
	const char *scheme = uri ? evhttp_uri_get_scheme(uri) : NULL;
	const char *host = uri ? evhttp_uri_get_host(uri) : NULL;
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	bool tls = scheme && !strcmp(scheme, "https");
	bool ok = scheme && (tls || !strcmp(scheme, "http")) && host && *host &&
		(!*path || !strcmp(path, "/")) && !evhttp_uri_get_query(uri) &&
		!evhttp_uri_get_userinfo(uri);

	if (ok && post->n == SERVERS_MAX)
		ok = err_add(err, "--to: at most %u name servers", SERVERS_MAX);
	else if (!ok)
		err_add(err, "--to: not http[s]://HOST[:PORT]: %s", text);
	if (ok) {
		int port = evhttp_uri_get_port(uri);
		s->post = post;
		s->tls = tls;
		s->port = port > 0 ? port : tls ? 443 : 80;
		/* libevent leaves the brackets of an IPv6 address in the host. */
		s->authority = mem_alloc(strlen(host) + 8);
		sprintf(s->authority, port > 0 ? "%s:%d" : "%s", host, port);
		s->host = mem_strdup(*host == '[' ? host + 1 : host);
		s->host[strcspn(s->host, "]")] = '\0';
		post->n++;
	}
	if (uri)
		evhttp_uri_free(uri);
	return ok;
}

static bool servers_add(struct post *post, const char *urls, struct err *err)
{
	char *text = mem_strdup(urls), *rest = text, *one;
	bool ok = true;
	while ((one = strsep(&rest, ",")))
		ok &= server_add(post, one, err);
	free(text);
	return ok;
}

/* The file that the environment names, or the places of OpenSSL's build, or, if the
 * program is of another system, those of this one. */
static bool tls_trust(SSL_CTX *tls, struct err *err)
{
	const char *named = getenv(X509_get_default_cert_file_env());
	if (named)
		return SSL_CTX_load_verify_file(tls, named) ||
			err_add(err, "TLS: no certificates in %s", named);
	if (!access(X509_get_default_cert_file(), R_OK) ||
		!access(X509_get_default_cert_dir(), R_OK))
		return SSL_CTX_set_default_verify_paths(tls) ||
			err_add(err, "TLS: no certificates in %s",
				X509_get_default_cert_dir());
	for (size_t i = 0; i < sizeof authorities / sizeof *authorities; i++)
		if (SSL_CTX_load_verify_file(tls, authorities[i]))
			return true;
	return err_add(err,
		"TLS: no certificates of authorities: SSL_CERT_FILE may name them");
}

static bool tls_open(struct post *post, struct err *err)
{
	bool wanted = false;
	for (unsigned i = 0; i < post->n; i++)
		wanted |= post->server[i].tls;
	if (!wanted)
		return true;
	post->tls = SSL_CTX_new(TLS_client_method());
	if (!post->tls)
		return err_add(err, "TLS: %s",
			ERR_error_string(ERR_get_error(), NULL));
	if (!tls_trust(post->tls, err))
		return false;
	SSL_CTX_set_verify(post->tls, SSL_VERIFY_PEER, NULL);
	return true;
}

struct post *post_new(struct event_base *base, const char *urls,
	const char *token, struct err *err)
{
	struct post *post = mem_zero(1, sizeof *post);
	post->base = base;
	post->token = token ? mem_strdup(token) : NULL;
	if (!servers_add(post, urls, err) || !tls_open(post, err)) {
		post_free(post);
		return NULL;
	}
	post->dns = evdns_base_new(base,
		EVDNS_BASE_INITIALIZE_NAMESERVERS |
			EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return post;
}

void post_free(struct post *post)
{
	if (!post)
		return;
	for (unsigned i = 0; i < post->n; i++) {
		if (post->server[i].connection)
			evhttp_connection_free(post->server[i].connection);
		free(post->server[i].host);
		free(post->server[i].authority);
	}
	if (post->dns)
		evdns_base_free(post->dns, 0);
	SSL_CTX_free(post->tls);
	free(post->token);
	free(post);
}

/* -- a report -- */

static void post_ended(struct post_server *s, const char *why)
{
	int64_t now_ms = clock_ms();
	if (!why && log_mended(&s->fault, now_ms))
		log_info("measure: %s takes reports again", s->authority);
	else if (why && log_failed(&s->fault, why, now_ms))
		log_warn("measure: %s does not take reports: %s", s->authority,
			why);
}

static void on_answer(struct evhttp_request *answer, void *arg)
{
	struct post_server *s = arg;
	char why[256];
	int code = answer ? evhttp_request_get_response_code(answer) : 0;

	if (code == 200) {
		post_ended(s, NULL);
	} else if (code) {
		struct evbuffer *in = evhttp_request_get_input_buffer(answer);
		char text[160];
		ev_ssize_t n = evbuffer_copyout(in, text, sizeof text - 1);
		text[n > 0 ? n : 0] = '\0';
		snprintf(why, sizeof why, "HTTP %d %s", code, text);
		post_ended(s, why);
	} else {
		post_ended(s, "no answer");
	}
}

static struct bufferevent *post_tls(struct post_server *s)
{
	struct addr address;
	SSL *ssl = SSL_new(s->post->tls);
	if (!ssl)
		return NULL;
	if (addr_parse(&address, s->host)) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), s->host);
	} else {
		SSL_set_tlsext_host_name(ssl, s->host);
		SSL_set1_host(ssl, s->host);
	}
	struct bufferevent *io = bufferevent_openssl_socket_new(s->post->base,
		-1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	if (io)
		bufferevent_openssl_set_allow_dirty_shutdown(io, 1);
	else
		SSL_free(ssl);
	return io;
}

/* A connection for the parts of a report; what is left of the last one is dropped. */
static void server_connect(struct post_server *s)
{
	struct post *post = s->post;
	struct bufferevent *io = s->tls ? post_tls(s) : NULL;

	if (s->connection)
		evhttp_connection_free(s->connection);
	s->connection = evhttp_connection_base_bufferevent_new(
		post->base, post->dns, io, s->host, (ev_uint16_t)s->port);
	if (!s->connection)
		abort(); /* no memory */
	evhttp_connection_set_timeout(s->connection, TIMEOUT_S);
	evhttp_connection_set_max_body_size(s->connection, ANSWER_MAX);
}

static void server_send(
	struct post_server *s, const char *body, size_t len, bool last)
{
	struct post *post = s->post;
	if (!post->begun)
		server_connect(s);
	struct evhttp_request *request = evhttp_request_new(on_answer, s);
	if (!request)
		abort(); /* no memory */
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	evhttp_add_header(headers, "Host", s->authority);
	evhttp_add_header(headers, "Content-Type", "application/json");
	if (last)
		evhttp_add_header(headers, "Connection", "close");
	if (post->token) {
		char *bearer = mem_alloc(strlen(post->token) + 8);
		sprintf(bearer, "Bearer %s", post->token);
		evhttp_add_header(headers, "Authorization", bearer);
		free(bearer);
	}
	evbuffer_add(evhttp_request_get_output_buffer(request), body, len);
	if (evhttp_make_request(s->connection, request, EVHTTP_REQ_POST, PATH))
		post_ended(s, "no connection");
}

void post_send(struct post *post, const char *body, size_t len, bool last)
{
	assert(len > 0);
	for (unsigned i = 0; i < post->n; i++)
		server_send(&post->server[i], body, len, last);
	post->begun = !last;
}
