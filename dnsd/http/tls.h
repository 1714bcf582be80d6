/* tls.h - the certificate of the public listener. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "base/err.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/* Reads a certificate chain and its key (PEM). NULL with a message that names
 * the file at fault. */
struct ssl_ctx_st *tls_load(const char *cert, const char *key, struct err *err);
void tls_free(struct ssl_ctx_st *tls); /* NULL allowed */

#endif
