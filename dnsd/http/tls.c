#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

static bool tls_complain(const char *path, struct err *err)
{
	unsigned long code = ERR_get_error();
	const char *why = ERR_SYSTEM_ERROR(code)
		? strerror(ERR_GET_REASON(code))
		: ERR_reason_error_string(code);

	if (!why)
		why = "not usable";
	ERR_clear_error();
	return err_add(err, "%s: %s", path, why);
}

static bool fill(
	SSL_CTX *tls, const char *cert, const char *key, struct err *err)
{
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1)
		return tls_complain(cert, err);
	if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(tls) != 1)
		return tls_complain(key, err);
	return true;
}

SSL_CTX *tls_load(const char *cert, const char *key, struct err *err)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	if (tls && fill(tls, cert, key, err))
		return tls;
	SSL_CTX_free(tls);
	return NULL;
}

void tls_free(SSL_CTX *tls)
{
	SSL_CTX_free(tls);
}
