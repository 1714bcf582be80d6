/* nets.h - connections, seen again and again, summed by client net: round trip, share
 * of segments sent again, how many.
 *
 * A round is one look at all connections (nets_see for each, then nets_round). What
 * is taken covers the time since it was taken last: the losses of a connection are
 * differences, so one that lasts for hours and one that has just begun count alike.
 * Of one that has ended, what was seen last counts. Pure; one thread.
 */
#ifndef MEASURE_NETS_H
#define MEASURE_NETS_H

#include "measure/sockets.h"

#define NETS_BITS_V4 24
#define NETS_BITS_V6 48

struct measured_net {
	struct prefix net;
	float rtt_ms;         /* median of its connections */
	float loss;           /* 0..1: segments that were sent again */
	unsigned connections; /* that sent something */
};

struct nets;

struct nets *nets_new(void);
void nets_free(struct nets *nets); /* NULL allowed */

void nets_see(struct nets *nets, const struct tcp_socket *socket);

/* All connections of this look have been seen; others have ended. */
void nets_round(struct nets *nets);

/* The nets with something sent since the last call, those with most connections
 * first, at most so many; *n: how many. The caller frees them. */
struct measured_net *nets_take(struct nets *nets, unsigned most, unsigned *n);

#endif
