/* tls.h - the certificates that listeners show, as OpenSSL's contexts. Any thread.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/* Reads a certificate chain and its key (PEM). NULL with a message that names
 * the file at fault. The first certificate's end is a warning if it has passed. */
struct ssl_ctx_st *tls_load(const char *cert, const char *key, struct err *err);

/* The same as the configuration has it: messages name the line of `section`. */
struct ssl_ctx_st *tls_load_listener(const struct conf_listener *listener,
	const char *section, struct err *err);

/* When its certificate ends, in seconds since 1970. */
int64_t tls_expires_s(const struct ssl_ctx_st *tls);

/* One more holder, that calls tls_free() too. Returns it. */
struct ssl_ctx_st *tls_take(struct ssl_ctx_st *tls);
void tls_free(struct ssl_ctx_st *tls); /* NULL allowed */

#endif
