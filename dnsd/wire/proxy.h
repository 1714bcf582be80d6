/* proxy.h - the header of the PROXY protocol, version 2, that a proxy puts in front of a
 * query, or of the first one of a connection: whose query it is. Version 1, which is
 * text, is none. Pure functions; any thread.
 */
#ifndef WIRE_PROXY_H
#define WIRE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* The longest that is read, with what the proxy has to say beside addresses. */
#define PROXY_HEADER_MAX 4096

struct proxy_header {
	unsigned len;       /* octets of the header */
	struct addr client; /* family 0: the proxy asks for itself */
	uint16_t port;
	bool stream; /* the client has a connection to the proxy */
};

enum proxy_read {
	PROXY_READ, /* all of h is set */
	PROXY_MORE, /* so far it may be a header */
	PROXY_BAD,  /* it is none, whatever follows */
};

enum proxy_read proxy_header_read(
	const uint8_t *octets, size_t n, struct proxy_header *h);

/* Of a header of which n octets are read (PROXY_MORE): how many more are surely its own,
 * for a reader that must leave what comes behind it. */
unsigned proxy_header_more(const uint8_t *octets, size_t n);

#endif
