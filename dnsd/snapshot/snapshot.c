#include "snapshot/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <urcu/static/urcu-memb.h>
#include <urcu/urcu-memb.h>

#include "base/arena.h"

/* The read lock is that of liburcu's which is made to be inlined by any program: as calls
 * lock and unlock touch three more pages of code and data a batch, none of which the
 * kernel has left in the caches.
 *
 * ThreadSanitizer does not know the barriers of liburcu. For it lock and unlock are calls
 * into liburcu, which it does not check, and these macros give it the order that the
 * barriers make: what a reader did before its release happens before what follows a
 * publication. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define READ_LOCK urcu_memb_read_lock
#define READ_UNLOCK urcu_memb_read_unlock
#define READERS_DONE(address) __tsan_acquire(address)
#define READER_DONE(address) __tsan_release(address)
#endif
#endif
#ifndef READER_DONE
#define READ_LOCK _urcu_memb_read_lock
#define READ_UNLOCK _urcu_memb_read_unlock
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

const struct snapshot *snapshot_acquire(struct published *published)
{
	READ_LOCK();
	return __atomic_load_n(&published->now, __ATOMIC_ACQUIRE);
}

void snapshot_release(struct published *published)
{
	READER_DONE(published);
	READ_UNLOCK();
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
