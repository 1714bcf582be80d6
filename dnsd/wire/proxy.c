#include "wire/proxy.h"

#include <string.h>

#include "wire/rr.h"

/* | signature 12 | version, command 1 | family, transport 1 | length 2 | ... */
#define AT_VERSION 12
#define AT_FAMILY 13
#define AT_LENGTH 14
#define AT_ADDRESSES 16

enum command { LOCAL, PROXY };
enum family { UNSPEC, INET, INET6, UNIX };
enum transport { UNKNOWN, STREAM, DATAGRAM };

static const uint8_t signature[AT_VERSION] = {
	'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

/* The first n octets, 16 at most. */
static bool begins_well(const uint8_t *p, size_t n)
{
	size_t part = n < sizeof signature ? n : sizeof signature;
	if (memcmp(p, signature, part) != 0)
		return false;
	if (n > AT_VERSION &&
		(p[AT_VERSION] >> 4 != 2 || (p[AT_VERSION] & 15) > PROXY))
		return false;
	if (n > AT_FAMILY &&
		(p[AT_FAMILY] >> 4 > UNIX || (p[AT_FAMILY] & 15) > DATAGRAM))
		return false;
	return true;
}

/* What the addresses of a family take: source, destination, and their ports. */
static unsigned addresses_len(unsigned family)
{
	return family == INET ? 12 : family == INET6 ? 36 : 0;
}

static void read_client(const uint8_t *p, struct proxy_header *h)
{
	bool v4 = p[AT_FAMILY] >> 4 == INET;
	unsigned octets = v4 ? 4 : 16;

	h->client.family = v4 ? 4 : 6;
	memcpy(h->client.bytes, p + AT_ADDRESSES, octets);
	addr_unmap(&h->client);
	h->port = get16(p + AT_ADDRESSES + 2 * octets);
	h->stream = (p[AT_FAMILY] & 15) == STREAM;
}

enum proxy_read proxy_header_read(
	const uint8_t *p, size_t n, struct proxy_header *h)
{
	*h = (struct proxy_header){0};
	if (!begins_well(p, n < AT_ADDRESSES ? n : AT_ADDRESSES))
		return PROXY_BAD;
	if (n < AT_ADDRESSES)
		return PROXY_MORE;
	bool local = (p[AT_VERSION] & 15) == LOCAL;
	unsigned addresses = local ? 0 : addresses_len(p[AT_FAMILY] >> 4);
	unsigned rest = get16(p + AT_LENGTH);
	if (rest < addresses || AT_ADDRESSES + rest > PROXY_HEADER_MAX)
		return PROXY_BAD;
	if (n < AT_ADDRESSES + rest)
		return PROXY_MORE;
	h->len = AT_ADDRESSES + rest;
	if (addresses)
		read_client(p, h);
	return PROXY_READ;
}

unsigned proxy_header_more(const uint8_t *p, size_t n)
{
	size_t least = n < AT_ADDRESSES ? AT_ADDRESSES
					: AT_ADDRESSES + get16(p + AT_LENGTH);
	return (unsigned)(least - n);
}
