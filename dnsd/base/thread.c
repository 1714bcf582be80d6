#include "base/thread.h"

#include <signal.h>
#include <stdlib.h>

pthread_t thread_start(const char *name, void *(*run)(void *), void *arg)
{
	pthread_t thread;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, run, arg))
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setname_np(thread, name);
	return thread;
}
