#include "snapshot/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <urcu/static/urcu-memb.h>
#include <urcu/urcu-memb.h>

#include "base/arena.h"

/* ThreadSanitizer does not see the barriers inside of liburcu. These say what they
 * do: what a reader did before its release happens before what follows a
 * publication. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define READERS_DONE(address) __tsan_acquire(address)
#define READER_DONE(address) __tsan_release(address)
#endif
#endif
#ifndef READER_DONE
#define READERS_DONE(address) ((void)(address))
#define READER_DONE(address) ((void)(address))
#endif

void snapshot_thread_begin(void)
{
	urcu_memb_register_thread();
}

void snapshot_thread_end(void)
{
	urcu_memb_unregister_thread();
}

/* The functions of liburcu that are made to be inlined by any program: as calls they touch
 * three more pages of code and data a batch, none of which the kernel has left in the
 * caches. */

const struct snapshot *snapshot_acquire(struct published *published)
{
	_urcu_memb_read_lock();
	return __atomic_load_n(&published->now, __ATOMIC_ACQUIRE);
}

void snapshot_release(struct published *published)
{
	READER_DONE(published);
	_urcu_memb_read_unlock();
}

void snapshot_publish(struct published *published, struct snapshot snapshot)
{
	assert(snapshot.steer.map->n_nodes == snapshot.steer.load->n);
	assert(snapshot.zones && snapshot.options && snapshot.report);
	struct snapshot *fresh = mem_alloc(sizeof *fresh);
	*fresh = snapshot;
	struct snapshot *old =
		__atomic_exchange_n(&published->now, fresh, __ATOMIC_ACQ_REL);
	if (old) {
		urcu_memb_synchronize_rcu();
		READERS_DONE(published);
		free(old);
	}
}
