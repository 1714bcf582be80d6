#include "srs/request.h"

#include <stdlib.h>

const char *request_authorities(void)
{
	return getenv("SSL_CERT_FILE");
}

void request_options(CURL *curl, long timeout_ms, const char *authorities)
{
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "dnsd");
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	/* A name lookup that outlives its deadline is left to its thread;
	 * without this, dropping the transfer would wait for it. */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	/* The bundle alone: curl keeps it parsed only if there is no directory
	 * too, and to parse it anew holds the loop up for 50 ms each time. */
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	if (authorities)
		curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
}
