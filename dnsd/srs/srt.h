/* srt.h - does SRT answer? The first step of its handshake (induction), which keeps
 * nothing at the server: what is said, and what is heard. Pure.
 */
#ifndef SRS_SRT_H
#define SRS_SRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SRT_HANDSHAKE 64 /* octets */

/* The datagram that a caller begins with. socket: its number, by which the answer is
 * known. */
void srt_request(unsigned char to[SRT_HANDSHAKE], uint32_t socket);

/* Whether a datagram is the answer of a listener of SRT 1.3 or later to that. */
bool srt_answers(const void *bytes, size_t n, uint32_t socket);

#endif
