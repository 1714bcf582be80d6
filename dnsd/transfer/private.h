/* private.h - zones of other name servers, as the files behind secondary.h share them:
 * secondary.c has the list, round.c asks for one zone, secondary_status.c says how they
 * are. All of it but struct secondary_board is used by the thread of transfer.h alone. */
#ifndef TRANSFER_PRIVATE_H
#define TRANSFER_PRIVATE_H

#include <pthread.h>
#include <stdio.h>
#include <sys/queue.h>

#include "transfer/in.h"
#include "transfer/kept.h"
#include "transfer/secondary.h"

enum doing {
	WAITS,
	CONNECTS,
	ASKS,      /* for the SOA */
	TRANSFERS, /* AXFR */
	BUILDS,    /* control does */
};

/* One zone of another name server. */
struct secondary {
	TAILQ_ENTRY(secondary) entry;
	char zone[CONF_NAME_MAX];
	struct name apex;
	const struct conf_zone *conf; /* of the source in use */
	const struct tsig_key *key;   /* likewise; NULL: none */

	bool here; /* it is answered from, with: */
	uint32_t serial;
	struct kept_times times;
	int64_t current_s;  /* wall clock */
	uint64_t n_records; /* of the last transfer; 0: not known */

	enum doing doing;
	unsigned at;             /* of the primaries: that is asked */
	bool answered;           /* one of them is as new as this */
	bool force;              /* whatever the primary has */
	bool again, again_force; /* another round is to follow */
	bool expires;            /* BUILDS: for that */
	int fd;                  /* -1: none */
	struct in in;            /* with a key of the source in use */
	FILE *file;
	size_t got;
	uint8_t *frame; /* FRAME_MAX, while connected */
	int64_t begin_ms, progress_ms;
	int64_t came_s; /* wall clock: what is built with was asked for then */

	int64_t due_ms;   /* the next round begins */
	int64_t asked_ms; /* the last round began */
	int64_t expire_ms; /* control is not asked again to end the zone before */
	unsigned failed;   /* rounds in a row */
	uint64_t transfers, failures;
	char why[400];
};

/* -- secondary_status.c: what other threads read -- */

struct secondary_board {
	pthread_mutex_t lock; /* of both below */
	struct secondary_status *status;
	unsigned n;
};

void secondary_board_init(struct secondary_board *board);
void secondary_board_fini(struct secondary_board *board);

/* All zones, as they are now. */
void secondary_board_write(
	struct secondaries *s, int64_t now_ms, int64_t wall_s);

/* -- secondary.c -- */

struct secondaries {
	struct secondaries_links links;
	struct transfer_source *source; /* NULL: none yet */
	struct bell bell;
	TAILQ_HEAD(, secondary) list;
	struct secondary_board board;
};

/* Malloc'd. */
static inline char *secondary_path(const struct secondaries *s,
	const struct secondary *z, enum kept_which which)
{
	return kept_path(s->source->conf->store, z->zone, which);
}

/* -- round.c: the primaries of one zone are asked, one after the other -- */

/* Does what is due. ready: what poll() watches for has come. */
void round_step(struct secondaries *s, struct secondary *z, bool ready,
	int64_t now_ms, int64_t wall_s);

/* A round begins soon, but not more often than once a second; if one is at work, another
 * follows it. force: as in secondaries_refresh(). */
void round_rouse(struct secondary *z, bool force, int64_t now_ms);

/* Ends it without a result, if one is at work. What control builds with stays. */
void round_break_off(struct secondaries *s, struct secondary *z);

/* As secondaries_settled(), which is not called if nothing is built. */
void round_settled(struct secondary *z, const char *why, int64_t now_ms);

/* That is asked, or was last. */
const struct conf_primary *round_primary(const struct secondary *z);

/* Wall clock: when a zone that is here expires. */
int64_t round_until_s(const struct secondary *z);

#endif
