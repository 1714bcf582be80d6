/* events.h - what an answering thread tells the control thread beyond sums: a
 * ring with one writer and one reader that nobody waits for. When it is full,
 * notes are lost and counted; what they teach is learned a little later.
 *
 *	answering thread --note_push--> ring --note_pop, every 100 ms--> control
 */
#ifndef LEDGER_EVENTS_H
#define LEDGER_EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTES_SIZE 4096
#define NOTES_URGENT 1024 /* room that only NOTE_CROWD may take */
#define NOTE_NODES 4

enum note_kind {
	NOTE_CROWD, /* a crowd behind one cache was sent to node[] */
	NOTE_TOLD,  /* an asking network was told node[0] */
	NOTE_LEFT,  /* and asks for another line: its viewers may be on one of
		       node[], most likely first */
};

struct note {
	union {
		uint64_t key;   /* NOTE_CROWD: of the client net */
		uint64_t asker; /* others: the asking network, as
				      accounts_net() says */
	};
	uint32_t now_ms;           /* clock, cut to 32 bits */
	float at_once, rate;       /* NOTE_CROWD: viewers, viewers per second;
				      NOTE_TOLD: viewers of the area, of all,
				      on the node; negative: not known */
	uint16_t node[NOTE_NODES]; /* MAP_NO_NODE: none */
	uint32_t area;             /* the site nearest to the client */
	uint16_t held_s;           /* NOTE_CROWD: how long the answer is kept */
	uint8_t kind;              /* enum note_kind */
	bool proven;               /* the asker's address is not forged */
};
_Static_assert(sizeof(struct note) == 40, "small");

struct notes {
	_Atomic uint32_t head, tail; /* written by the pusher, the popper */
	_Atomic uint32_t lost;
	struct note ring[NOTES_SIZE];
};

/* Room for a note that note_sent() sends, NULL if there is none. */
static inline struct note *note_slot(struct notes *notes, enum note_kind kind)
{
	uint32_t head =
		atomic_load_explicit(&notes->head, memory_order_relaxed);
	uint32_t used =
		head - atomic_load_explicit(&notes->tail, memory_order_acquire);
	uint32_t room = NOTES_SIZE - used;
	if (room == 0 || (kind != NOTE_CROWD && room <= NOTES_URGENT)) {
		atomic_store_explicit(&notes->lost,
			atomic_load_explicit(
				&notes->lost, memory_order_relaxed) +
				1,
			memory_order_relaxed);
		return NULL;
	}
	return &notes->ring[head % NOTES_SIZE];
}

static inline void note_sent(struct notes *notes)
{
	atomic_store_explicit(&notes->head,
		atomic_load_explicit(&notes->head, memory_order_relaxed) + 1,
		memory_order_release);
}

static inline void note_push(struct notes *notes, const struct note *note)
{
	struct note *slot = note_slot(notes, (enum note_kind)note->kind);
	if (!slot)
		return;
	*slot = *note;
	note_sent(notes);
}

/* False: there is none. */
static inline bool note_pop(struct notes *notes, struct note *note)
{
	uint32_t tail =
		atomic_load_explicit(&notes->tail, memory_order_relaxed);
	if (tail == atomic_load_explicit(&notes->head, memory_order_acquire))
		return false;
	*note = notes->ring[tail % NOTES_SIZE];
	atomic_store_explicit(&notes->tail, tail + 1, memory_order_release);
	return true;
}

#endif
