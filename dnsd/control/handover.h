/* handover.h - what two processes say to each other while one takes over from the
 * other (base/channel.h). Both may be of different versions: what is in sections is
 * used as far as it is understood.
 *
 *	old (replace.c)                       new (takeover.c)
 *
 *	starts the new one
 *	SETTING, SOCKETS... ----------------> loads the configuration as at any start,
 *	                                      polls the nodes for a moment
 *	                  <------------------ READY, or FAILED: why not
 *	TABLES (while it answers) ----------> copies them
 *	                  <------------------ TAKEN
 *	HTTP comes to an end; the store is
 *	closed; DNS is answered on
 *	STATE ------------------------------> opens the store, publishes
 *	                  <------------------ LOADED
 *	DNS stops
 *	CONNECTIONS..., LAST ---------------> answers
 *	                  <------------------ SERVING
 *	ends
 *
 * Between the last two no question is read, but none is lost: the sockets are the same.
 * If anything fails, or takes too long, the old process ends the new one and goes on.
 */
#ifndef CONTROL_HANDOVER_H
#define CONTROL_HANDOVER_H

#include <stdint.h>

enum handover_kind {
	HANDOVER_SETTING = 1,
	HANDOVER_SOCKETS,
	HANDOVER_READY,
	HANDOVER_FAILED, /* a text */
	HANDOVER_TABLES,
	HANDOVER_TAKEN,
	HANDOVER_STATE,
	HANDOVER_LOADED,
	HANDOVER_CONNECTIONS,
	HANDOVER_LAST,
	HANDOVER_SERVING /* a text: its version */
};

/* Sections, with their versions. Raise one if what is in it means something else. */
#define HANDOVER_SETTING_VERSION 1
#define HANDOVER_NAMES_VERSION 1
#define HANDOVER_SOCKETS_VERSION 1
#define HANDOVER_PUBLISHED_VERSION 1

struct handover_setting {
	uint64_t secret; /* of tables */
	uint8_t cookie_secret[16];
	uint32_t sockets; /* so many will come */
	uint32_t unused;
};

/* The name of a node, by its number; "": a hole. */
struct handover_name {
	char text[64];
};

struct handover_published {
	uint64_t generation;
};

/* How long one waits for the other, where it does not load anything. */
#define HANDOVER_WAIT_MS 20000

#endif
