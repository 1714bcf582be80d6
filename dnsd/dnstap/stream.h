/* stream.h - a frame stream (by libfstrm) to the reader that listens on a unix socket.
 *
 * Its owner's thread waits in these calls, but never long for one that takes or says
 * nothing; and its owner ends that when it has something else to do.
 */
#ifndef DNSTAP_STREAM_H
#define DNSTAP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct stream;

/* A stream that is not open. When wake_fd is readable, it hurries. */
struct stream *stream_new(int wake_fd);
void stream_free(struct stream *stream); /* it is not open */

/* Connects and agrees on the content. False: stream_why(). */
bool stream_open(struct stream *stream, const char *path);
bool stream_is_open(const struct stream *stream);

/* To be polled for input while it is open: any is the end of the reader. */
int stream_fd(const struct stream *stream);

/* It is to end: all waits until then are at most a second. */
void stream_hurry(struct stream *stream);

/* Takes a frame, which is sent by stream_flush() or earlier. False: it is broken. */
bool stream_write(struct stream *stream, const void *frame, size_t len);
bool stream_flush(struct stream *stream);

/* Says that it is the end, if it is not broken, and closes it. NULL why: no error. */
void stream_close(struct stream *stream, const char *why);

/* Why it is broken, or did not open. */
const char *stream_why(const struct stream *stream);

/* Frames that were sent, and those that were taken and could not be. */
struct stream_counts {
	unsigned long sent, lost;
};
struct stream_counts stream_counts(const struct stream *stream);

#endif
