#include "net/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "answer/asked.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/thread.h"
#include "ledger/accounts.h"

#define WAKE_SIGNAL SIGUSR1
#define WAKE_AGAIN_NS 1000000
#define WALL_EVERY_MS 100

void net_thread_init(struct net_thread *t, const struct net_shared *shared,
	unsigned max_clients)
{
	assert(shared->published && shared->sent);
	t->published = shared->published;
	t->sandbox = shared->sandbox;
	t->log.rng.state = shared->secret;
	t->tap.rng.state = shared->secret;
	t->answerer.accounts =
		accounts_new(max_clients, shared->sent, shared->secret);
	t->answerer.rrl = shared->rrl;
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

static void on_wake(int number)
{
}

void net_thread_wakes(void)
{
	struct sigaction wake = {.sa_handler = on_wake};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, WAKE_SIGNAL);
	sigaction(WAKE_SIGNAL, &wake, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* A thread may be about to wait when the signal comes: it gets another. */
static void wake_until_ended(struct net_thread *t)
{
	struct timespec at;
	do {
		pthread_kill(t->thread, WAKE_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += WAKE_AGAIN_NS;
		at.tv_sec += at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
	} while (pthread_timedjoin_np(t->thread, NULL, &at) == ETIMEDOUT);
}

void net_thread_stop(struct net_thread *t)
{
	uint64_t count = 1;
	if (!t->running)
		return;
	if (write(t->stop_fd, &count, sizeof count) < 0)
		abort();
	wake_until_ended(t);
	if (read(t->stop_fd, &count, sizeof count) < 0)
		abort(); /* it was just written */
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
	int64_t now_ms = clock_ms();
	t->answerer.now_ms = now_ms;
	if (now_ms - t->wall_read_ms >= WALL_EVERY_MS) {
		t->wall_read_ms = now_ms;
		t->wall_ahead_ms = clock_wall_ms() - now_ms;
	}
	t->answerer.wall_s = (uint32_t)((now_ms + t->wall_ahead_ms) / 1000);
}
