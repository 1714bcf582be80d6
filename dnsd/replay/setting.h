/* setting.h - what the recorder gets from control: whether to record, and the nodes as
 * words of the lines that `dnsd replay` reads. Control thread only.
 */
#ifndef REPLAY_SETTING_H
#define REPLAY_SETTING_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct fleet;
struct map;
struct record;

struct record_world {
	const struct conf *conf;
	const struct map *map;
	const struct fleet *fleet;
	bool on; /* to be recorded */
};

/* What is recorded from now on, and the nodes as they are. Before a map is
 * published. wall_ms: since 1970, at now_ms. */
void setting_renew(struct record *record, const struct record_world *world,
	int64_t now_ms, int64_t wall_ms);

#endif
