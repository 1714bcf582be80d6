#include "net/thread.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "answer/asked.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/thread.h"
#include "ledger/accounts.h"

void net_thread_init(struct net_thread *t, const struct net_shared *shared,
	unsigned max_clients)
{
	assert(shared->published && shared->sent);
	t->published = shared->published;
	t->log.rng.state = shared->secret;
	t->answerer.accounts =
		accounts_new(max_clients, shared->sent, shared->secret);
	t->answerer.asked = mem_zero(1, sizeof *t->answerer.asked);
	t->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->stop_fd < 0)
		abort();
}

void net_thread_start(struct net_thread *t, const char *name,
	void *(*run)(void *), void *owner)
{
	assert(!t->running);
	t->thread = thread_start(name, run, owner);
	t->running = true;
}

void net_thread_stop(struct net_thread *t)
{
	uint64_t one = 1;
	if (!t->running)
		return;
	if (write(t->stop_fd, &one, sizeof one) < 0)
		abort();
	pthread_join(t->thread, NULL);
	t->running = false;
}

void net_thread_fini(struct net_thread *t)
{
	accounts_free(t->answerer.accounts);
	free(t->answerer.asked);
	close(t->stop_fd);
}

void net_thread_times(struct net_thread *t)
{
	t->answerer.now_ms = clock_ms();
	t->answerer.wall_s = (uint32_t)(clock_wall_ms() / 1000);
}
