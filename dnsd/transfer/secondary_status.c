#include "transfer/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

void secondary_board_init(struct secondary_board *board)
{
	*board = (struct secondary_board){0};
	pthread_mutex_init(&board->lock, NULL);
}

void secondary_board_fini(struct secondary_board *board)
{
	pthread_mutex_destroy(&board->lock);
	free(board->status);
}

static struct secondary_status status_of(
	const struct secondary *z, int64_t now_ms, int64_t wall_s)
{
	struct secondary_status status = {.here = z->here,
		.serial = z->serial,
		.current_s = z->current_s,
		.until_s = z->here ? round_until_s(z) : 0,
		.next_s = wall_s + (z->due_ms - now_ms) / 1000,
		.transfers = z->transfers,
		.failures = z->failures};
	memcpy(status.zone, z->zone, sizeof status.zone);
	memcpy(status.why, z->why, sizeof status.why);
	sockaddr_text(
		(const struct sockaddr *)&round_primary(z)->to, status.primary);
	return status;
}

void secondary_board_write(
	struct secondaries *s, int64_t now_ms, int64_t wall_s)
{
	struct secondary_board *board = &s->board;
	size_t room = secondaries_watched(s); /* the bell, too: never 0 */
	struct secondary *z;

	pthread_mutex_lock(&board->lock);
	board->status = mem_grow(board->status, room * sizeof *board->status);
	board->n = 0;
	TAILQ_FOREACH(z, &s->list, entry)
	board->status[board->n++] = status_of(z, now_ms, wall_s);
	pthread_mutex_unlock(&board->lock);
}

struct secondary_status *secondaries_status(struct secondaries *s, unsigned *n)
{
	struct secondary_board *board = &s->board;

	pthread_mutex_lock(&board->lock);
	struct secondary_status *copy =
		mem_alloc((board->n + 1) * sizeof *copy);
	*n = board->n;
	if (*n)
		memcpy(copy, board->status, *n * sizeof *copy);
	pthread_mutex_unlock(&board->lock);
	return copy;
}
