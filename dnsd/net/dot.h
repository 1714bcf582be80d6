/* dot.h - a connection of DNS over TLS (RFC 7858), as OpenSSL reads and writes it on a
 * descriptor that does not block: TLS 1.2 or 1.3, ALPN "dot" or none, sessions that are
 * resumed by tickets; no renegotiation, no compression, no early data. The TCP thread,
 * but for dot_load().
 */
#ifndef NET_DOT_H
#define NET_DOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct ssl_st;     /* and SSL */

/* Memory that it may hold between two calls: during the handshake, the largest
 * ClientHello and a record; later, a record of which a part has come. */
#define DOT_HANDSHAKE_KEEPS (148 << 10)
#define DOT_RECORD_KEEPS (17 << 10)

/* What dot_read() writes at once, at most, and must have room for: one record. */
#define DOT_RECORD_MAX (16 << 10)

/* The keys for tickets are replaced after this time; a ticket is valid until then. */
#define DOT_TICKETS_MS 43200000

enum dot_result {
	DOT_DONE,
	DOT_WANTS_READ, /* nothing done: again when the descriptor is readable */
	DOT_WANTS_WRITE, /* ... writable */
	DOT_ENDED,       /* the peer sends nothing more */
	DOT_FAILED,      /* nothing can be read or written any more */
};

/* Reads certificate and key. NULL with messages that have file and line. Any thread;
 * tls_free() frees it. */
struct ssl_ctx_st *dot_load(
	const struct conf_listener *listener, struct err *err);

/* Replaces the keys for tickets. No other thread may use the context meanwhile. */
void dot_renew_tickets(struct ssl_ctx_st *context);

/* fd stays the caller's. NULL: no memory. */
struct ssl_st *dot_new(struct ssl_ctx_st *context, int fd);

/* Sends close_notify, if the handshake is over and the socket has room; frees it. */
void dot_free(struct ssl_st *dot);

enum dot_result dot_handshake(struct ssl_st *dot);
bool dot_resumed(struct ssl_st *dot);

/* Reads at most one record: *n octets. */
enum dot_result dot_read(struct ssl_st *dot, uint8_t *to, size_t *n);

/* How many octets the socket did not take: these must be given again, with or without
 * more behind them. A peer that is gone takes everything. */
size_t dot_write(struct ssl_st *dot, const uint8_t *from, size_t n);

/* Whether a part of a record has come. */
bool dot_holds(const struct ssl_st *dot);

#endif
