/* queue.h - the AF_XDP socket of one queue of an interface, its frames and its rings.
 *
 * The memory of the frames is a file without a name (memfd), in which the numbers of
 * those that nobody else has are kept too, so that another process can go on with the
 * descriptors of both where this one has stopped: between two turns all that counts is in
 * the file and in the rings.
 *
 * A frame's place is of FRAME_PLACE octets: the kernel writes what comes into the first
 * half, a reply is written into the second. Used by one thread at a time.
 */
#ifndef XDP_QUEUE_H
#define XDP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xdp/frame.h"

#define FRAME_PLACE 4096
#define QUEUE_FRAMES 4096
#define QUEUE_RING 2048              /* entries of each ring */
#define QUEUE_DEFERRED 512           /* questions that wait */
#define QUEUE_STATE_MARK 0x646e7364u /* "dnsd" */
#define QUEUE_STATE_VERSION 1

/* A question that can't be answered yet; its frame stays. */
struct queue_deferred {
	uint32_t frame; /* number */
	uint16_t at;    /* of the frame in its place */
	uint16_t len;
	uint16_t tries;
	uint16_t accounted; /* as in the job */
};

struct queue_counts {
	uint64_t received, answered;
	uint64_t bad_checksum, malformed;
	uint64_t no_room; /* for the reply, or for the question to wait */
};

/* In the file, behind the frames. */
struct queue_state {
	uint32_t mark, version, frames, ring;
	uint32_t ifindex, native;
	struct queue_counts counts; /* by the thread; others read words */
	uint32_t n_deferred;
	struct queue_deferred deferred[QUEUE_DEFERRED];
	uint32_t n_free;
	uint32_t free[QUEUE_FRAMES];
};

struct queue_ring {
	uint32_t *producer, *consumer, *flags;
	void *entries;
	void *map; /* to be unmapped */
	size_t map_len;
};

struct queue {
	int socket, file; /* -1: none */
	bool zero_copy;
	uint8_t *frames;
	struct queue_state *state;
	struct queue_ring fill, done, received, sent;
};

/* A frame that came. */
struct queue_frame {
	uint32_t number;
	uint32_t at; /* in its place */
	uint32_t len;
};

/* Opens it and binds it. native: the driver may give frames without a copy. False with
 * errno, and nothing left. */
bool queue_open(
	struct queue *queue, unsigned ifindex, unsigned number, bool native);

/* The same with descriptors of another process, which are the queue's from now on, also if
 * it fails. */
bool queue_take(struct queue *queue, int socket, int file);
void queue_close(struct queue *queue);

/* Takes back the frames of replies that were sent, and gives the kernel frames for what
 * comes. */
void queue_refill(struct queue *queue);

/* Frames that came, at most `most`. Each is the caller's until it is sent or freed. */
unsigned queue_receive(
	struct queue *queue, struct queue_frame *frames, unsigned most);

static inline uint8_t *queue_at(const struct queue *queue, uint32_t number)
{
	return queue->frames + (size_t)number * FRAME_PLACE;
}

/* Where a frame's reply is written. */
static inline uint8_t *queue_reply(const struct queue *queue, uint32_t number)
{
	return queue_at(queue, number) + FRAME_PLACE / 2;
}

/* Puts the reply into the ring; false: there is no room. queue_flush() sends. */
bool queue_send(struct queue *queue, uint32_t number, size_t len);
void queue_free(struct queue *queue, uint32_t number);

/* Has the kernel send what is in the ring; true: all is taken. */
bool queue_flush(struct queue *queue);

/* Frames that the kernel dropped, for all the time of the socket. */
uint64_t queue_dropped(const struct queue *queue);

#endif
