/* heartbeat.h - what an SRS posts about itself: to /api/v1/servers (heartbeat)
 * or /api/v1/srs/register (SRS proxy's registration, the same body). Pure;
 * fuzzed.
 *
 * Nothing of it is proved: ip is whichever interface SRS picked, a node whose
 * listeners are dead goes on reporting no connections, and one that is draining
 * says nothing of it.
 */
#ifndef SRS_HEARTBEAT_H
#define SRS_HEARTBEAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "fleet/sample.h"

/* Longer bodies are refused: a real one has about a kilobyte. */
#define HEARTBEAT_MAX 65536

struct heartbeat {
	char device_id[128]; /* the operator's; this or server is not empty */
	char server[128];    /* SRS 5 and later */
	char service[128];   /* another one is a restart; "" before SRS 5 */
	char pid[32];
	char ip[64]; /* as it was reported, perhaps no address at all */
	/* Port of the first listener of each kind; 0: not reported. */
	uint16_t rtmp, http, api;
	bool has_sample;
	struct sample sample; /* rtt_ms is 0 */
};

/* False with one line that says what is wrong. body need not end in \0. */
bool heartbeat_parse(const char *body, size_t len, struct heartbeat *heartbeat,
	struct err *err);

#endif
