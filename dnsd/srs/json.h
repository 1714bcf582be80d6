/* json.h - SRS's JSON as it really comes. Pure; fuzzed.
 *
 * SRS prints what publishers call themselves as it is: octets that are no UTF-8,
 * control characters, escapes that are none. A text with such a one would make
 * the whole answer unreadable; here that one text is marked by DEL (U+007F) in
 * place of what is odd, and summary_id() refuses that text alone. Counters
 * may use all 64 bits, which JSON parsers' own integers do not hold.
 */
#ifndef SRS_JSON_H
#define SRS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

/* NULL: not JSON. body need not end in \0. The caller owns it. */
struct json_t *srs_json(const char *body, size_t len);

/* A whole number from 0 to 2^64 - 1, also one that is written as a real, or was
 * read as one. Above 2^53 a real is the nearest that there is. */
bool srs_json_whole(const struct json_t *value, uint64_t *out);

#endif
