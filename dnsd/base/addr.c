#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As it stands there. */
static bool parse_as_is(struct addr *a, const char *text)
{
	*a = (struct addr){0};
	if (inet_pton(AF_INET, text, a->bytes) == 1)
		a->family = 4;
	else if (inet_pton(AF_INET6, text, a->bytes) == 1)
		a->family = 6;
	return a->family != 0;
}

bool addr_parse(struct addr *a, const char *text)
{
	if (!parse_as_is(a, text))
		return false;
	addr_unmap(a);
	return true;
}

/* A decimal number without sign or spaces, at most max. */
static bool number_parse(const char *text, unsigned max, unsigned *out)
{
	unsigned v = 0;
	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (unsigned)(*text - '0');
	}
	*out = v;
	return v <= max;
}

bool prefix_parse(struct prefix *p, const char *text, bool strict)
{
	char host[ADDR_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned len;

	if (n >= sizeof host)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (!parse_as_is(&p->addr, host))
		return false;
	len = addr_bits(&p->addr);
	if (slash && !number_parse(slash + 1, addr_bits(&p->addr), &len))
		return false;
	struct addr masked = addr_mask(&p->addr, len);
	if (strict && !addr_equal(&masked, &p->addr))
		return false;
	p->addr = masked;
	p->len = (uint8_t)len;
	prefix_unmap(p);
	return true;
}

const char *addr_text(const struct addr *a, char *out)
{
	if (a->family == 0)
		return strcpy(out, "-");
	inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, out,
		ADDR_TEXT_MAX);
	return out;
}

const char *prefix_text(const struct prefix *p, char *out)
{
	addr_text(&p->addr, out);
	sprintf(out + strlen(out), "/%u", p->len);
	return out;
}

/* Splits HOST:PORT; an IPv6 host with a port is in brackets. */
static bool host_port(const char *text, char *host, size_t room, int *port)
{
	const char *end, *colon = NULL;
	unsigned value;

	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		if (end[1])
			colon = end + 1;
	} else {
		colon = strchr(text, ':');
		if (colon && strchr(colon + 1, ':'))
			colon = NULL; /* a bare IPv6 address */
		end = colon ? colon : text + strlen(text);
	}
	if ((size_t)(end - text) >= room)
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	if (colon) {
		if (!number_parse(colon + 1, 65535, &value) || !value)
			return false;
		*port = (int)value;
	}
	return *port > 0;
}

socklen_t sockaddr_parse(
	struct sockaddr_storage *out, const char *text, int default_port)
{
	char host[ADDR_TEXT_MAX];
	struct addr a;
	int port = default_port;

	if (!host_port(text, host, sizeof host, &port) || !addr_parse(&a, host))
		return 0;
	memset(out, 0, sizeof *out);
	if (a.family == 4) {
		struct sockaddr_in *in = (void *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, a.bytes, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (void *)out;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	memcpy(&in6->sin6_addr, a.bytes, 16);
	return sizeof *in6;
}

const char *sockaddr_text(const struct sockaddr *sa, char *out)
{
	char host[ADDR_TEXT_MAX];
	struct addr a = addr_from_sockaddr(sa);
	unsigned port = 0;
	if (sa->sa_family == AF_INET)
		port = ntohs(((const struct sockaddr_in *)(const void *)sa)
				     ->sin_port);
	else if (sa->sa_family == AF_INET6)
		port = ntohs(((const struct sockaddr_in6 *)(const void *)sa)
				     ->sin6_port);
	sprintf(out, a.family == 6 ? "[%s]:%u" : "%s:%u", addr_text(&a, host),
		port);
	return out;
}
