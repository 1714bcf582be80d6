#include "geo/table.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* The next place in the block; without one only the sizes count. */
static void *table_take(char *block, size_t *offset, size_t size)
{
	size_t at = *offset;
	*offset += (size + 63) & ~(size_t)63;
	return block ? block + at : NULL;
}

size_t table_lay_out(struct geo *geo, void *block)
{
	struct table *const tables[2] = {&geo->v4, &geo->v6};
	size_t offset = 0;
	for (int i = 0; i < 2; i++) {
		struct table *t = tables[i];
		t->top = table_take(
			block, &offset, sizeof *t->top << t->top_bits);
		t->words = table_take(
			block, &offset, t->n_words * sizeof *t->words);
	}
	geo->places =
		table_take(block, &offset, geo->n_places * sizeof *geo->places);
	return offset;
}

void *table_block(size_t size)
{
	size_t align = size >= HUGE_PAGE ? HUGE_PAGE : 64;
	void *block = aligned_alloc(align, (size + align - 1) & ~(align - 1));
	if (!block)
		abort(); /* no memory */
	if (align == HUGE_PAGE)
		madvise(block, size, MADV_HUGEPAGE);
	return block;
}
