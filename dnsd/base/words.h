/* words.h - amounts for people, with their units. Pure; any thread. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdint.h>

#define WORDS_TEXT_MAX 32

/* "3 s", "12 min", "5 h", "3 days": rounded down. Writes into out
 * (WORDS_TEXT_MAX) and returns it. */
const char *words_duration(char *out, int64_t seconds);

/* "0 kbit/s", "812 kbit/s", "12.3 Mbit/s", "1.20 Gbit/s". Likewise. */
const char *words_rate(char *out, double bits_per_s);

#endif
