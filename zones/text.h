/* text.h - words of RDATA in a master file (RFC 1035 5.1), on one line already.
 * Pure functions; builder thread.
 */
#ifndef ZONES_TEXT_H
#define ZONES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As it stands there, quotes and escapes included. */
struct text_word {
	const char *at;
	size_t len;
};

/* What is wrong with some text, for a message: what, and the word. */
struct text_fault {
	char what[96];
	struct text_word word;
};

/* Cuts the next word off *rest: up to a space outside of quotes. False: there is
 * none. */
bool text_next(const char **rest, struct text_word *word);

/* The octets of a character string. Their number; -1: more than room, or an escape
 * that is none. */
long text_octets(const struct text_word *word, uint8_t *out, size_t room);

/* Digits alone, at most max. */
bool text_number(const struct text_word *word, uint64_t max, uint64_t *out);

static inline bool text_quoted(const struct text_word *word)
{
	return word->len && *word->at == '"';
}

/* Always false. word may be NULL. */
bool text_bad(struct text_fault *fault, const struct text_word *word,
	const char *what, ...) __attribute__((format(printf, 3, 4)));

#endif
