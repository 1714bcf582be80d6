/* columns.h - a table for people: texts below each other, aligned.
 *
 *	struct columns c;
 *	columns_begin(&c, "lrl");
 *	columns_add(&c, "node"); columns_add(&c, "load"); columns_add(&c, "why");
 *	columns_add(&c, "%s", name); ...
 *	columns_end(&c, &out);
 *
 * Columns are as wide as their widest cell, by what a terminal shows (UTF-8: East Asian
 * characters take two places, combining ones none). Nothing is cut, whatever
 * the width of the terminal, and no line ends in blanks, so that it can be read by line
 * tools too. Control characters and octets that are no UTF-8 become "?". One thread.
 */
#ifndef BASE_COLUMNS_H
#define BASE_COLUMNS_H

#include "base/buf.h"

#define COLUMNS_MAX 16

struct columns {
	const char *align; /* a letter a column: l or r */
	unsigned n;        /* columns */
	struct buf text;   /* all cells, each ended by \0 */
	unsigned cells;
	unsigned width[COLUMNS_MAX];
};

void columns_begin(struct columns *columns, const char *align);

/* The next cell; rows follow each other. */
void columns_add(struct columns *columns, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes the rows, which are whole, to the end of out, and frees. */
void columns_end(struct columns *columns, struct buf *out);

#endif
