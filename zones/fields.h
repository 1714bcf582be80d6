/* fields.h - looks at the text of RDATA before ldns reads it.
 *
 * ldns takes numbers modulo their width, so that a serial of 11 digits, an MX of
 * 70000 or a prefix of /300 would mean something else, and its messages do not name
 * a string that is too long. All else is left to it. Pure; builder thread.
 */
#ifndef ZONES_FIELDS_H
#define ZONES_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_fault;

/* False, and what is wrong with the RDATA of such a record. */
bool fields_check(uint16_t type, const char *text, struct text_fault *fault);

/* FLAGS TAG VALUE, the last in quotes or not (RFC 8659 4.1.1; ldns asks for them);
 * out has room for UINT16_MAX. False, and what is wrong. */
bool fields_caa(
	const char *text, uint8_t *out, size_t *len, struct text_fault *fault);

/* Whether a word names a type: not TYPE65537. */
bool fields_type(const char *text);

#endif
