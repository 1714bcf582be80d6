#include "page/page.h"

/* The file lies in the program as it is; the path is that of the build. */
__asm__(".section .rodata\n"
	".global page_html\n"
	"page_html: .incbin \"" PAGE_FILE "\"\n"
	"page_html_end: .byte 0\n"
	".balign 8\n"
	".global page_html_len\n"
	"page_html_len: .quad page_html_end - page_html\n"
	".text\n");
