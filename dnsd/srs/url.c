#include "srs/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

/* A part of the URL is not there, or is this (NULL: is not there). */
static bool part_is(CURLU *url, CURLUPart part, const char *want)
{
	char *text = NULL;
	if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
		return true;
	bool same = want && !strcmp(text, want);
	curl_free(text);
	return same;
}

static bool host_address(CURLU *url, struct addr *host)
{
	char *text = NULL, inner[ADDR_TEXT_MAX];
	bool ok = false;

	if (curl_url_get(url, CURLUPART_HOST, &text, 0) != CURLUE_OK)
		return false;
	size_t n = strlen(text);
	bool six = n > 2 && text[0] == '[' && text[n - 1] == ']';
	if (n - 2 * six < sizeof inner) {
		memcpy(inner, text + six, n - 2 * six);
		inner[n - 2 * six] = '\0';
		ok = addr_parse(host, inner);
	}
	curl_free(text);
	return ok;
}

static bool address_of(CURLU *url, struct addr *host, struct err *err)
{
	if (!part_is(url, CURLUPART_SCHEME, "http") &&
		!part_is(url, CURLUPART_SCHEME, "https"))
		return err_add(err, "not http or https");
	if (!part_is(url, CURLUPART_PATH, "/") ||
		!part_is(url, CURLUPART_QUERY, NULL) ||
		!part_is(url, CURLUPART_FRAGMENT, NULL))
		return err_add(err, "a path, query or fragment is not allowed");
	if (!part_is(url, CURLUPART_OPTIONS, NULL) ||
		!part_is(url, CURLUPART_ZONEID, NULL))
		return err_add(err, "options or a zone are not allowed");
	return host_address(url, host) || err_add(err, "not by an address");
}

bool srs_url_address(const char *text, struct addr *host, struct err *err)
{
	CURLU *url = curl_url();
	if (!url)
		abort(); /* no memory */
	bool ok = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK
		? address_of(url, host, err)
		: err_add(err, "not a URL");
	curl_url_cleanup(url);
	return ok;
}
