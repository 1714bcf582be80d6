/* arena.h - memory with one lifetime.
 *
 * A compiled thing (a zone, a geo table, a configuration) takes all its
 * memory from one arena and is freed whole with it. Allocation never fails:
 * no memory at load time aborts the program (no memory while starting
 * is fatal; the query path does not allocate).
 * One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* A new empty arena; the caller owns it. */
struct arena *arena_new(void);

/* Frees the arena and all that was taken from it. NULL is allowed. */
void arena_free(struct arena *arena);

/* Zeroed memory, aligned to 8 bytes (to 64 when size is a multiple of 64). */
void *arena_alloc(struct arena *arena, size_t size);

/* Memory without alignment and not zeroed, for byte strings. */
void *arena_bytes(struct arena *arena, const void *bytes, size_t size);

/* Memory aligned as by arena_alloc(), not zeroed. */
void *arena_room(struct arena *arena, size_t size);

/* A copy of a string. */
char *arena_strdup(struct arena *arena, const char *text);

/* A formatted string. */
char *arena_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes taken from the system. */
size_t arena_size(const struct arena *arena);

/* malloc, calloc and realloc that abort instead of returning NULL, for the
 * few growing things of builders. Free with free(). */
void *mem_alloc(size_t size);
void *mem_zero(size_t count, size_t size);
void *mem_grow(void *old, size_t size);
char *mem_strdup(const char *text);

/* The same for large tables of builders, in large pages if the system has
 * them: it hands those out many times faster than small ones. free() too. */
void *mem_large(size_t size);
void *mem_large_zero(size_t size);
void *mem_large_grow(void *old, size_t size);

/* The entries of a fixed table, a multiple of 64. Fuzzers have a 64th of them, as
 * they make the tables anew for each input. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define TABLE_BITS(n) ((n)-6)
#else
#define TABLE_BITS(n) (n)
#endif
#define TABLE_SIZE(n) ((n) >> 6 << TABLE_BITS(6))

/* Zeroed whole pages that cost nothing until they are used. Large: as far as 2 MB
 * fit in it, of such pages if the system has them, for tables that are looked up
 * at random: a lookup misses the cache then, but not the translation of addresses
 * as well. Free with mem_pages_free() and the same size. */
#define MEM_LARGE_PAGE ((size_t)2 << 20)
void *mem_pages(size_t size, bool large);
void mem_pages_free(void *pages, size_t size);

#endif
