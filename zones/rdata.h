/* rdata.h - where names stand in the RDATA of the types that need it.
 * Pure functions; any thread.
 */
#ifndef ZONES_RDATA_H
#define ZONES_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rdata_names {
	uint8_t before;  /* octets in front of the first name */
	uint8_t count;   /* names in a row */
	bool compressed; /* may be compressed (RFC 3597 4: RFC 1035 types) */
	bool target;     /* addresses of the name go into additional */
};

/* count 0: none that matter here. */
struct rdata_names rdata_names(uint16_t type);

/* Whether RDATA is as long as its type asks and its names are well-formed.
 * Types without such knowledge are always valid. */
bool rdata_valid(uint16_t type, const uint8_t *rdata, size_t len);

/* The wire name whose addresses are additional data, or NULL. */
const uint8_t *rdata_target(uint16_t type, const uint8_t *rdata, size_t len);

#endif
