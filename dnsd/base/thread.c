#include "base/thread.h"

#include <assert.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Signals that a fault raises in the thread that has it. Blocked, they would end the
 * program without a word from a sanitizer or a handler. */
static const int thread_faults[] = {
	SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

pthread_t thread_start(const char *name, void *(*run)(void *), void *arg)
{
	assert(strlen(name) < 16);
	pthread_t thread;
	sigset_t all, before;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof thread_faults / sizeof *thread_faults;
		i++)
		sigdelset(&all, thread_faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, run, arg))
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setname_np(thread, name);
	return thread;
}

void thread_give_way(void)
{
	static _Thread_local int64_t since;

	if (clock_ns() - since < THREAD_AT_ONCE_NS)
		return;
	sched_yield();
	since = clock_ns();
}
