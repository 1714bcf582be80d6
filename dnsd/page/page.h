/* page.h - the operator's page, built into the program. */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H

#include <stddef.h>

extern const char page_html[];
extern const size_t page_html_len;

#endif
