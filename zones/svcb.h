/* svcb.h - SVCB and HTTPS (RFC 9460) in master files. ldns takes a parameter twice,
 * one that is missing, ports above 65535, and does not know commas that are
 * escaped (appendix A.1). Pure; builder thread.
 */
#ifndef ZONES_SVCB_H
#define ZONES_SVCB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name;
struct text_fault;

/* SvcPriority, TargetName and SvcParams to wire form; out has room for UINT16_MAX.
 * False, and what is wrong. */
bool svcb_read(const char *text, const struct name *origin, uint8_t *out,
	size_t *len, struct text_fault *fault);

/* Whether wire form is well-formed (RFC 9460 2.2 and 8). False, and what is
 * wrong. */
bool svcb_check(const uint8_t *rdata, size_t len, struct text_fault *fault);

#endif
