#include "snapshot/snapshot.h"

#include <stdlib.h>
#include <urcu/urcu-memb.h>

#include "base/arena.h"

void snapshot_publish(struct published *published, struct snapshot snapshot)
{
	struct snapshot *fresh = mem_alloc(sizeof *fresh);
	*fresh = snapshot;
	struct snapshot *old = rcu_xchg_pointer(&published->now, fresh);
	if (old) {
		urcu_memb_synchronize_rcu();
		free(old);
	}
}
