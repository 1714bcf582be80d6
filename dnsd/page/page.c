#include "page/page.h"

/* The files lie in the program as they are; the path is that of the build. */
#define EMBED(name, file)                                                 \
	__asm__(".section .rodata\n"                                      \
		".global " name "\n" name ": .incbin \"" file "\"\n" name \
		"_end: .byte 0\n"                                         \
		".balign 8\n"                                             \
		".global " name "_len\n" name "_len: .quad " name         \
		"_end - " name "\n"                                       \
		".text\n")

EMBED("page_html", PAGE_FILE);
EMBED("page_gzip", PAGE_FILE ".gz");
