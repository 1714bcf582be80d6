/* memory.h - how much memory the program has taken and not given back, for tests of
 * `new` and `free`: done twice, the second time takes nothing more. */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* malloc() counts what a thread's cache of free blocks holds as taken, and that grows by
 * chance: the program is started anew without one. */
__attribute__((constructor)) static void memory_without_cache(
	int argc, char **argv)
{
	if (getenv("GLIBC_TUNABLES"))
		return;
	setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
	execv("/proc/self/exe", argv);
	abort();
}

/* Of malloc(). Sanitizers, which look for leaks themselves, say always 0. */
static inline size_t memory_of_heap(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

/* Of mmap(), by the pages of the address space. */
static inline size_t memory_of_pages(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
