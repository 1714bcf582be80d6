/* mark.h - what ties a zone's owner names to steering: a zone stores a number, 0 for
 * none, which the builder of snapshots makes and answers read.
 */
#ifndef SNAPSHOT_MARK_H
#define SNAPSHOT_MARK_H

#include <stdbool.h>
#include <stdint.h>

/* A mark: what an owner name is to steering. */
enum mark_kind { MARK_NONE, MARK_NAME, MARK_WHY };
struct mark {
	enum mark_kind kind;
	uint8_t line;  /* 1..255 */
	bool streams;  /* labels directly below are streams */
	uint32_t name; /* index of the steered name in the map */
};

static inline uint32_t mark_pack(struct mark m)
{
	return (uint32_t)m.kind | (uint32_t)m.streams << 2 |
		(uint32_t)m.line << 3 | m.name << 11;
}

static inline struct mark mark_unpack(uint32_t v)
{
	return (struct mark){.kind = (enum mark_kind)(v & 3),
		.streams = v >> 2 & 1,
		.line = (uint8_t)(v >> 3),
		.name = v >> 11};
}

#endif
