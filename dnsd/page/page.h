/* page.h - the operator's page, built into the program; as it is, and compressed. */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H

#include <stddef.h>

extern const char page_html[], page_gzip[];
extern const size_t page_html_len, page_gzip_len;

#endif
