/* memory.h - how much memory the program has taken and not given back, for tests of
 * `new` and `free`: done twice, the second time takes nothing more. */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

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
