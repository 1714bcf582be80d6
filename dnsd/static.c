/* static.c - what the one-file program of `make static` needs beside main.c. It runs on
 * systems of other makers and ages, so it loads none of their libraries. */
#include <nss.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Before main, where no thread asks for a name yet. */
__attribute__((constructor)) static void static_prepare(void)
{
	/* Where SUSE, Red Hat and others keep what Debian has at the place that
	 * libcurl was built for. */
	static const char *const authorities[] = {
		"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

	/* Other services of nsswitch.conf are libraries for another glibc. */
	__nss_configure_lookup("hosts", "files dns");
	__nss_configure_lookup("passwd", "files");
	__nss_configure_lookup("group", "files");
	__nss_configure_lookup("initgroups", "files");
	__nss_configure_lookup("services", "files");
	__nss_configure_lookup("protocols", "files");
	/* It may name modules to load, which are for another OpenSSL. */
	setenv("OPENSSL_CONF", "/dev/null", 1);
	for (size_t i = 0; i < sizeof authorities / sizeof *authorities; i++)
		if (!access(authorities[i], R_OK)) {
			setenv("SSL_CERT_FILE", authorities[i], 0);
			break;
		}
}

/* What Debian's libcurl calls for protocols that dnsd does not permit it (request.c,
 * post.c: http and https alone) and for Kerberos, which dnsd does not ask for.
 * Debian has no static libraries of Kerberos, and none of what its LDAP and RTMP need,
 * so nothing stands behind these names. */
static void absent(void)
{
	fputs("dnsd: libcurl called what is not in this program\n", stderr);
	abort();
}

#define ABSENT(name)     \
	void name(void); \
	void name(void) __attribute__((alias("absent")));

void *GSS_C_NT_HOSTBASED_SERVICE;
ABSENT(RTMP_Alloc)
ABSENT(RTMP_Close)
ABSENT(RTMP_Connect1)
ABSENT(RTMP_ConnectStream)
ABSENT(RTMP_Free)
ABSENT(RTMP_Init)
ABSENT(RTMP_Read)
ABSENT(RTMP_SetBufferMS)
ABSENT(RTMP_SetupURL)
ABSENT(RTMP_Write)
ABSENT(ber_bvfree)
ABSENT(ber_free)
ABSENT(ber_memfree)
ABSENT(ber_sockbuf_add_io)
ABSENT(gss_delete_sec_context)
ABSENT(gss_display_name)
ABSENT(gss_display_status)
ABSENT(gss_import_name)
ABSENT(gss_init_sec_context)
ABSENT(gss_inquire_context)
ABSENT(gss_release_buffer)
ABSENT(gss_release_name)
ABSENT(gss_unwrap)
ABSENT(gss_wrap)
ABSENT(ldap_abandon_ext)
ABSENT(ldap_err2string)
ABSENT(ldap_free_urldesc)
ABSENT(ldap_get_attribute_ber)
ABSENT(ldap_get_dn_ber)
ABSENT(ldap_get_option)
ABSENT(ldap_init_fd)
ABSENT(ldap_memfree)
ABSENT(ldap_msgfree)
ABSENT(ldap_msgtype)
ABSENT(ldap_parse_result)
ABSENT(ldap_parse_sasl_bind_result)
ABSENT(ldap_pvt_url_scheme2proto)
ABSENT(ldap_result)
ABSENT(ldap_sasl_bind)
ABSENT(ldap_search_ext)
ABSENT(ldap_set_option)
ABSENT(ldap_start_tls)
ABSENT(ldap_unbind_ext)
ABSENT(ldap_url_parse)
