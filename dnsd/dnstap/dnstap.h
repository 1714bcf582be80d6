/* dnstap.h - copies of questions and answers, as they were received and sent, for a
 * reader of dnstap that listens on a unix socket.
 *
 *	answering threads --rings--> dnstap's thread --frame stream--> SOCKET
 *
 * Its thread is of low priority. While there is no reader, or it does not keep up, the
 * rings fill and what comes is dropped and counted; answering never waits.
 */
#ifndef DNSTAP_DNSTAP_H
#define DNSTAP_DNSTAP_H

#include <stdbool.h>
#include <stdint.h>

struct dnstap;
struct tap_ring;

/* One that is off, for that many answering threads. */
struct dnstap *dnstap_new(unsigned threads);

/* The ring of a thread, 0 .. threads-1. */
struct tap_ring *dnstap_ring(struct dnstap *tap, unsigned thread);

/* Control: the socket, "": off, and the server's name. Starts the thread when it is
 * first on; nothing happens if both are as before. */
void dnstap_set(struct dnstap *tap, const char *path, const char *identity);

/* Writes what is there, if a reader takes it, and stops. All answering threads have
 * ended. NULL allowed. */
void dnstap_close(struct dnstap *tap);

/* Since start. Any thread. */
struct dnstap_counts {
	uint64_t frames, dropped; /* frames that were sent, that were not */
	bool connected;
};
struct dnstap_counts dnstap_counts(const struct dnstap *tap);

#endif
