#include "tls/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

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
	if (tls && fill(tls, cert, key, err)) {
		if (tls_expires_s(tls) < time(NULL))
			err_warn(err, "%s: the certificate has expired", cert);
		return tls;
	}
	SSL_CTX_free(tls);
	return NULL;
}

SSL_CTX *tls_load_listener(
	const struct conf_listener *l, const char *section, struct err *err)
{
	struct err own = {0};
	SSL_CTX *tls = tls_load(l->cert, l->key, &own);
	/* An error begins with the path at fault. */
	const struct conf_where *where =
		!tls && !strncmp(err_text(&own), l->key, strlen(l->key))
		? &l->key_where
		: &l->cert_where;

	if (!tls)
		err_add(err, "%s:%u: %s: %s", where->file, where->line, section,
			err_text(&own));
	else if (own.warnings)
		err_warn(err, "%s:%u: %s: %.*s", where->file, where->line,
			section, (int)strcspn(own.warnings, "\n"),
			own.warnings);
	err_fini(&own);
	return tls;
}

int64_t tls_expires_s(const SSL_CTX *tls)
{
	const X509 *cert = SSL_CTX_get0_certificate(tls);
	struct tm end;
	if (!cert || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) != 1)
		return INT64_MAX;
	return timegm(&end);
}

SSL_CTX *tls_take(SSL_CTX *tls)
{
	SSL_CTX_up_ref(tls);
	return tls;
}

void tls_free(SSL_CTX *tls)
{
	SSL_CTX_free(tls);
}
