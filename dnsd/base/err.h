/* err.h - what went wrong, for people.
 *
 * The one error idiom for files, configuration and JSON:
 *
 *	bool f(..., struct err *err)
 *
 * returns false and leaves at least one line in err, "file:line: what" where
 * there is a file. A checker may add many lines before it returns false.
 * Warnings go beside them and do not make a call fail.
 *
 * An err belongs to the caller that declared it; start with {0}, end with
 * err_fini(). Not shared between threads.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

struct err {
	char *text; /* error lines, each ended by \n; NULL if none */
	size_t text_len;
	char *warnings; /* warning lines, likewise */
	size_t warnings_len;
	unsigned count; /* error lines */
};

/* Adds one error line. Always returns false: return err_add(err, ...); */
bool err_add(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds one warning line. */
void err_warn(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The error lines without the last newline; "" if there are none. */
const char *err_text(struct err *err);

/* Adds the lines of another, which is empty then. */
void err_move(struct err *err, struct err *from);

/* Frees the lines; err may be used again. */
void err_fini(struct err *err);

#endif
