#include "net/dot.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "tls/tls.h"

/* With TLS 1.2: forward secrecy, and no cipher that needs care (RFC 9325 4.2). */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define TICKETS 1 /* after a whole handshake with TLS 1.3 */

/* RFC 7301 3.2. A client that offers nothing is served. */
static int choose_alpn(SSL *dot, const unsigned char **out,
	unsigned char *out_len, const unsigned char *in, unsigned in_len,
	void *arg)
{
	static const unsigned char ours[] = {3, 'd', 'o', 't'};
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours, in,
		    in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

struct ssl_ctx_st *dot_load(
	const struct conf_listener *listener, struct err *err)
{
	SSL_CTX *context = tls_load_listener(listener, "tls", err);
	if (!context)
		return NULL;
	/* A peer that only shuts its side down still waits for answers. */
	SSL_CTX_set_options(context,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
			SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* What is not written is kept, and given again from another address. Without
	 * AUTO_RETRY a record that is no data ends a call: a peer that sends nothing
	 * else has its turn like others. */
	SSL_CTX_set_mode(context,
		SSL_MODE_ENABLE_PARTIAL_WRITE |
			SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_cipher_list(context, CIPHERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, TICKETS);
	SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
	return context;
}

void dot_renew_tickets(SSL_CTX *context)
{
	unsigned char keys[80]; /* the length that OpenSSL takes */
	size_t n = (size_t)SSL_CTX_get_tlsext_ticket_keys(context, NULL, 0);

	if (n <= sizeof keys && RAND_bytes(keys, (int)n) == 1)
		SSL_CTX_set_tlsext_ticket_keys(context, keys, (long)n);
	OPENSSL_cleanse(keys, sizeof keys);
}

SSL *dot_new(SSL_CTX *context, int fd)
{
	SSL *dot = SSL_new(context);
	if (dot && SSL_set_fd(dot, fd) == 1) {
		SSL_set_accept_state(dot);
		return dot;
	}
	SSL_free(dot);
	ERR_clear_error();
	return NULL;
}

void dot_free(SSL *dot)
{
	if (SSL_is_init_finished(dot))
		SSL_shutdown(dot);
	SSL_free(dot);
	ERR_clear_error();
}

/* Why a call did not do it. The queue of errors is the thread's: it is left empty. */
static enum dot_result why(const SSL *dot, int result)
{
	int error = SSL_get_error(dot, result);
	ERR_clear_error();
	return error == SSL_ERROR_WANT_READ      ? DOT_WANTS_READ
		: error == SSL_ERROR_WANT_WRITE  ? DOT_WANTS_WRITE
		: error == SSL_ERROR_ZERO_RETURN ? DOT_ENDED
						 : DOT_FAILED;
}

enum dot_result dot_handshake(SSL *dot)
{
	int result = SSL_do_handshake(dot);
	if (result == 1)
		return DOT_DONE;
	enum dot_result of = why(dot, result);
	return of == DOT_ENDED ? DOT_FAILED : of;
}

bool dot_resumed(SSL *dot)
{
	return SSL_session_reused(dot);
}

enum dot_result dot_read(SSL *dot, uint8_t *to, size_t *n)
{
	*n = 0;
	int result = SSL_read_ex(dot, to, DOT_RECORD_MAX, n);
	return result == 1 ? DOT_DONE : why(dot, result);
}

size_t dot_write(SSL *dot, const uint8_t *from, size_t n)
{
	while (n) {
		size_t written;
		int result = SSL_write_ex(dot, from, n, &written);
		if (result != 1) {
			enum dot_result of = why(dot, result);
			return of == DOT_WANTS_WRITE ? n : 0;
		}
		from += written;
		n -= written;
	}
	return 0;
}

bool dot_holds(const SSL *dot)
{
	return SSL_has_pending(dot);
}
