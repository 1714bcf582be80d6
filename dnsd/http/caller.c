#include "http/caller.h"

#include <event2/http.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#define HOST_MAX 256

/* Host without its port, as a NUL-ended string; false: it has no such form. */
static bool host_of(const char *text, char *out)
{
	size_t n = *text == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
	if (n == 0 || n >= HOST_MAX || n > strlen(text))
		return false;
	const char *port = text + n;
	if (*port &&
		(*port != ':' ||
			strspn(port + 1, "0123456789") != strlen(port + 1)))
		return false;
	if (*text == '[') {
		text++;
		n -= 2;
	}
	memcpy(out, text, n);
	out[n] = '\0';
	if (n && out[n - 1] == '.') /* of the root */
		out[n - 1] = '\0';
	return true;
}

bool caller_host_ok(
	const struct evkeyvalq *headers, char *const *names, unsigned n_names)
{
	const char *text = evhttp_find_header(headers, "Host");
	char host[HOST_MAX];
	struct addr addr;

	if (!text)
		return true;
	if (!host_of(text, host))
		return false;
	if (addr_parse(&addr, host) || !strcasecmp(host, "localhost"))
		return true;
	for (unsigned i = 0; i < n_names; i++)
		if (!strcasecmp(host, names[i]))
			return true;
	return false;
}

/* A browser says where a request comes from by Origin, if it posts or reads for a
 * script, and by Sec-Fetch-Site, always. */
bool caller_is_foreign(const struct evkeyvalq *headers)
{
	const char *origin = evhttp_find_header(headers, "Origin");
	const char *site = evhttp_find_header(headers, "Sec-Fetch-Site");
	const char *host = evhttp_find_header(headers, "Host");

	if (site && strcasecmp(site, "same-origin") && strcasecmp(site, "none"))
		return true;
	if (!origin)
		return false;
	if (!strncasecmp(origin, "http://", 7))
		origin += 7;
	else if (!strncasecmp(origin, "https://", 8)) /* TLS ends before us */
		origin += 8;
	else
		return true;
	return !host || strcasecmp(origin, host);
}

bool caller_is_one_of(
	const struct addr *addr, const struct prefix *prefixes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix_contains(&prefixes[i], addr))
			return true;
	return false;
}

bool caller_is_loopback(const struct addr *addr)
{
	static const struct addr v6 = {.family = 6, .bytes = {[15] = 1}};
	return addr->family == 4 ? addr->bytes[0] == 127
				 : addr_equal(addr, &v6);
}

/* -- proxies -- */

/* "1.2.3.4", "2001:db8::1", both also with a port as proxies write them. */
static bool address_of(const char *text, size_t n, struct addr *out)
{
	char line[SOCKADDR_TEXT_MAX], host[HOST_MAX];
	while (n && (*text == ' ' || *text == '\t'))
		text++, n--;
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (n == 0 || n >= sizeof line)
		return false;
	memcpy(line, text, n);
	line[n] = '\0';
	return addr_parse(out, line) ||
		(host_of(line, host) && addr_parse(out, host));
}

/* Goes through a header's list from its end. *found: an address that is no proxy's
 * is in *client. False: nonsense. */
static bool last_client(const char *list, const struct prefix *proxies,
	unsigned n_proxies, struct addr *client, bool *found)
{
	size_t end = strlen(list);
	for (;;) {
		size_t begin = end;
		while (begin && list[begin - 1] != ',')
			begin--;
		if (!address_of(list + begin, end - begin, client))
			return false;
		*found = !caller_is_one_of(client, proxies, n_proxies);
		if (*found || !begin)
			return true;
		end = begin - 1;
	}
}

bool caller_client(const struct evkeyvalq *headers, const struct addr *peer,
	const struct prefix *proxies, unsigned n_proxies, struct addr *client)
{
	struct evkeyval *header;
	bool found = false;

	*client = *peer;
	if (!caller_is_one_of(peer, proxies, n_proxies))
		return true;
	TAILQ_FOREACH_REVERSE(header, headers, evkeyvalq, next)
	{
		if (found || strcasecmp(header->key, "X-Forwarded-For"))
			continue;
		if (!last_client(
			    header->value, proxies, n_proxies, client, &found))
			return false;
	}
	return true;
}
