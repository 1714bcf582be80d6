/* traffic.h - where answers went recently, for the operator's map: summed over the
 * accounts of all threads. Control thread only.
 */
#ifndef CONTROL_TRAFFIC_H
#define CONTROL_TRAFFIC_H

#include <stdint.h>

struct control;
struct report_traffic;
struct traffic_sums;

struct traffic_sums *traffic_sums_new(int64_t now_ms);
void traffic_sums_free(struct traffic_sums *sums); /* NULL allowed */

/* Reads one thread's accounts, so that no tick reads all of them; a new sum is
 * there when all were read, every 5 s at most. */
void traffic_step(struct control *c);

/* If there is a new sum: puts it into *published, and what was there into *old, to
 * be freed when no snapshot has it. */
void traffic_news(struct traffic_sums *sums, struct report_traffic **published,
	struct report_traffic **old);

#endif
