/* shortfall.h - which networks get fewer bits than their streams have. Pure.
 *
 *	stream    has as many bits as its publisher sends; where he is elsewhere (of an
 *	          edge), as the median of its players gets, if there are at least four
 *	          If a quarter of its players get a tenth more than that, its bits are not
 *	          steady (SRS counts each client's 30 s from another moment): it is left out
 *	share     of a player: the bits that he gets, of his stream's. Below a quarter he
 *	          has paused, or has no picture: he does not count
 *	network   a /24 or /48: the median of its players
 *	loss      nothing down to 0.9; a quarter of what is missing below, at most 0.1
 *
 * SRS throws away what a player's connection does not take in time, so a share below 1
 * is a path that is too narrow or loses too much; how much it loses it does not say:
 * the scale is chosen so that a path that cannot carry its stream costs as much as one
 * that is seen to lose packets.
 *
 * If half of all players or more are short, the node is, not their paths. A network
 * that is short is believed if it was so in the round before: a viewer that pauses is short
 * for one figure of SRS's.
 */
#ifndef SRS_SHORTFALL_H
#define SRS_SHORTFALL_H

#include "srs/clients.h"

#define SHORTFALL_V4 24 /* lengths of networks */
#define SHORTFALL_V6 48

/* What is remembered of a node from round to round: its networks that were short. Starts
 * as {0}; shortfall_forget() frees. */
struct shortfall_past {
	struct addr *net; /* sorted */
	unsigned n;
};

struct shortfall_net {
	struct addr net; /* masked */
	float loss;      /* 0 .. 0.1; 0: it gets all */
	unsigned viewers;
};

/* What a round says of a node's networks: into nets, which has room for list->n. How
 * many; 0 too if the node is short. The list is put into another order. */
unsigned shortfall_judge(struct client_list *list, struct shortfall_past *past,
	struct shortfall_net *nets);

void shortfall_forget(struct shortfall_past *past);

#endif
