/* svcb.h - the RDATA of SVCB and HTTPS records in ServiceMode (RFC 9460 2.2), written
 * in order: begin, alpn, hints of IPv4, hints of IPv6. Pure functions.
 */
#ifndef WIRE_SVCB_H
#define WIRE_SVCB_H

#include <stdint.h>

#include "base/addr.h"
#include "wire/name.h"

/* Room for all that these write. */
#define SVCB_RDATA_MAX 1024
#define SVCB_ALPN_MAX 128 /* octets of the value; what is beyond is left out */
#define SVCB_HINTS_MAX 8  /* addresses of a family */

/* Priority and target, never compressed; NULL: the owner itself. Each returns where
 * the next one goes on. */
uint8_t *svcb_begin(uint8_t *p, uint16_t priority, const struct name *target);

/* Protocols, a list separated by commas; nothing if it is empty. */
uint8_t *svcb_alpn(uint8_t *p, const char *list);

/* Addresses, all of that family (4, 6); nothing if there is none. */
uint8_t *svcb_hints(
	uint8_t *p, unsigned family, const struct addr *addresses, unsigned n);

#endif
