/* generate.h - $GENERATE of master files, as BIND has it.
 *
 *	$GENERATE FROM-TO[/STEP] OWNER [TTL] [CLASS] TYPE RDATA
 *
 * writes a record for each number of the range. In it $ is the number,
 * ${OFFSET[,WIDTH[,BASE]]} the number plus an offset, with zeros in front up to a
 * width, in base d, o, x, X, or n and N: hexadecimal digits from the last to the
 * first with dots between. $$ is a dollar sign. Pure; builder thread.
 */
#ifndef ZONES_GENERATE_H
#define ZONES_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct text_fault;

/* Of all files of a zone together: a /14 of reverse names. */
#define GENERATE_MAX (1u << 18)
#define GENERATE_OCTETS_MAX (64u << 20)

struct generate_range {
	uint32_t from, to, step;
};

/* False: not a range. */
bool generate_range(const char *text, struct generate_range *range);

static inline uint64_t generate_count(const struct generate_range *range)
{
	return ((uint64_t)range->to - range->from) / range->step + 1;
}

/* Appends the text for one number, ended by \0. False, and what is wrong. */
bool generate_text(const char *template, uint32_t number, struct buf *out,
	struct text_fault *fault);

#endif
