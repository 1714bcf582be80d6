#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK_MIN 4096
#define BLOCK_MAX (1 << 20)

#define SMALL_PAGE ((uintptr_t)4096)
#define LARGE_PAGE ((uintptr_t)MEM_LARGE_PAGE)

/* Blocks are a list, newest first; only the newest has room. */
struct block {
	struct block *next;
	size_t used, size;
	_Alignas(64) uint8_t bytes[];
};

struct arena {
	struct block *newest;
	size_t size; /* sum of the blocks, headers included */
};

void *mem_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);
	if (!p) {
		fprintf(stderr, "dnsd: out of memory (%zu bytes)\n", size);
		abort();
	}
	return p;
}

void *mem_zero(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);
	if (!p) {
		fprintf(stderr, "dnsd: out of memory (%zu x %zu)\n", count,
			size);
		abort();
	}
	return p;
}

void *mem_grow(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);
	if (!p) {
		fprintf(stderr, "dnsd: out of memory (%zu bytes)\n", size);
		abort();
	}
	return p;
}

char *mem_strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	return memcpy(mem_alloc(n), text, n);
}

/* Tables of many megabytes are looked up at random: with pages of 2 MB a lookup
 * misses the cache, but not the translation of addresses as well. A wish only. */
static void want_large_pages(void *block, size_t size)
{
	uintptr_t from =
		((uintptr_t)block + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
	uintptr_t to = ((uintptr_t)block + size) & ~(LARGE_PAGE - 1);
	if (to > from)
		madvise((void *)from, to - from, MADV_HUGEPAGE);
}

void *mem_large(size_t size)
{
	return mem_large_grow(NULL, size);
}

void *mem_large_zero(size_t size)
{
	void *p = mem_zero(1, size);
	want_large_pages(p, size);
	return p;
}

void *mem_large_grow(void *old, size_t size)
{
	void *p = mem_grow(old, size);
	want_large_pages(p, size);
	return p;
}

static size_t whole_pages(size_t size)
{
	return (size + SMALL_PAGE - 1) & ~(SMALL_PAGE - 1);
}

void *mem_pages(size_t size, bool large)
{
	assert(size > 0);
	size = whole_pages(size);
	size_t spare = large ? LARGE_PAGE : 0;
	char *p = mmap(NULL, size + spare, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		abort();
	if (!large)
		return p;
	/* What is before the first large page's place, and behind, goes back. */
	size_t before = -(uintptr_t)p & (LARGE_PAGE - 1);
	if (before)
		munmap(p, before);
	munmap(p + before + size, spare - before);
	madvise(p + before, size, MADV_HUGEPAGE);
	return p + before;
}

void mem_pages_free(void *pages, size_t size)
{
	if (pages)
		munmap(pages, whole_pages(size));
}

struct arena *arena_new(void)
{
	return mem_zero(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	for (struct block *b = arena->newest, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(arena);
}

static void *arena_take(struct arena *arena, size_t size, size_t align)
{
	struct block *b = arena->newest;
	size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;
	if (!b || at + size > b->size) {
		/* Blocks grow with the arena, so that small things stay
		 * small and large ones need few blocks. */
		size_t room = arena->size < BLOCK_MIN ? BLOCK_MIN
			: arena->size > BLOCK_MAX     ? BLOCK_MAX
						      : arena->size;
		if (room < size)
			room = size;
		size_t all = (sizeof *b + room + 63) & ~(size_t)63;
		struct block *fresh = aligned_alloc(64, all);
		if (!fresh)
			abort();
		want_large_pages(fresh, all);
		*fresh = (struct block){.next = b, .size = all - sizeof *b};
		arena->newest = b = fresh;
		arena->size += all;
		at = 0;
	}
	b->used = at + size;
	return b->bytes + at;
}

void *arena_room(struct arena *arena, size_t size)
{
	return arena_take(arena, size, size && size % 64 == 0 ? 64 : 8);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_room(arena, size), 0, size);
}

void *arena_bytes(struct arena *arena, const void *bytes, size_t size)
{
	void *p = arena_take(arena, size, 1);
	return size ? memcpy(p, bytes, size) : p;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_bytes(arena, text, strlen(text) + 1);
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	assert(n >= 0);
	va_end(ap);
	char *p = arena_take(arena, (size_t)n + 1, 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

size_t arena_size(const struct arena *arena)
{
	return arena->size;
}
