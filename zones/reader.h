/* reader.h - the text of a zone file, a logical line after the other: on one line,
 * without comments and parentheses (RFC 1035 5.1). Private to zones/: zonefile.c
 * reads records of them.
 */
#ifndef ZONES_READER_H
#define ZONES_READER_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/name.h"
#include "zones/builder.h"
#include "zones/text.h"

/* A logical line longer than this is no record: RDATA ends at 65535 octets,
 * and text of one takes four characters at most. */
#define READER_LINE_MAX (4 * 65536 + 1024)

/* What does not change from file to included file. */
struct loader {
	struct zone_builder *builder;
	struct err *err;
	unsigned depth;
	bool failed;
	bool have_default, have_last;
	uint32_t default_ttl, last_ttl; /* $TTL; the last record's own */
	uint64_t generated, octets;     /* records by $GENERATE, their text */
	uint8_t rdata[UINT16_MAX];      /* of the record being read */
};

/* One file. */
struct reader {
	struct loader *loader;
	const char *path;
	const char *at, *end; /* what is left of the text */
	unsigned line;        /* that `at` is on */
	unsigned first;       /* line on which the logical line began */
	char within[32];      /* of it: the number of $GENERATE; "": none */
	/* The logical line: on one line, without comments and parentheses */
	char *text;
	size_t len, room;

	struct name origin, owner; /* owner: of the last record */
	bool have_owner;
	ldns_rdf *ldns_origin; /* of `origin`, made when needed */
};

/* The next logical line that is not empty into r->text. False at the end. */
bool reader_line(struct reader *r);

/* Cuts the next word off *rest (ends it by \0). NULL: there is none. */
char *reader_word(char **rest);
char *reader_skip_spaces(char *text);

/* An error in the present logical line; text: what of it, or NULL. False. */
bool reader_fault(struct reader *r, const char *what, const char *text);

/* The same for what is wrong with a text; of: the directive or type. */
bool reader_text_fault(
	struct reader *r, const char *of, const struct text_fault *wrong);

#endif
