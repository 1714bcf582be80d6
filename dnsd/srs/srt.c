#include "srs/srt.h"

#include <string.h>

/* A control packet of type 0, a handshake, and the words of it, of 32 bits in the order
 * of the network. */
#define CONTROL_HANDSHAKE 0x80000000u
#define INDUCTION 1
#define OF_CALLER 4  /* the version that a caller begins with ... */
#define DATAGRAM 2   /* ... and its kind of socket */
#define OF_SERVER 5  /* the version that a listener answers with ... */
#define MAGIC 0x4a17 /* ... and this instead, in the low 16 bits */
#define PACKET_MAX 1500
#define WINDOW 8192

enum srt_word {
	WORD_KIND,
	WORD_TO = 3,
	WORD_VERSION,
	WORD_FIELDS,
	WORD_PACKET = 7,
	WORD_WINDOW,
	WORD_STEP,
	WORD_SOCKET,
};

static void put_word(unsigned char *at, enum srt_word word, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[word * 4 + i] = (unsigned char)(value >> (24 - 8 * i));
}

static uint32_t word_of(const unsigned char *at, enum srt_word word)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < 4; i++)
		value = value << 8 | at[word * 4 + i];
	return value;
}

void srt_request(unsigned char to[SRT_HANDSHAKE], uint32_t socket)
{
	memset(to, 0, SRT_HANDSHAKE);
	put_word(to, WORD_KIND, CONTROL_HANDSHAKE);
	put_word(to, WORD_VERSION, OF_CALLER);
	put_word(to, WORD_FIELDS, DATAGRAM);
	put_word(to, WORD_PACKET, PACKET_MAX);
	put_word(to, WORD_WINDOW, WINDOW);
	put_word(to, WORD_STEP, INDUCTION);
	put_word(to, WORD_SOCKET, socket);
}

bool srt_answers(const void *bytes, size_t n, uint32_t socket)
{
	const unsigned char *at = bytes;
	return n >= SRT_HANDSHAKE &&
		word_of(at, WORD_KIND) == CONTROL_HANDSHAKE &&
		word_of(at, WORD_TO) == socket &&
		word_of(at, WORD_VERSION) == OF_SERVER &&
		(word_of(at, WORD_FIELDS) & 0xffff) == MAGIC &&
		word_of(at, WORD_STEP) == INDUCTION;
}
