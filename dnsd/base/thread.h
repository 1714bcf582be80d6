/* thread.h - starting threads: named for ps and top, with all signals blocked but
 * those of a thread's own faults, since the others are the control thread's.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Runs run(arg) on a new thread; name has at most 15 characters. Aborts if
 * there can be none. */
pthread_t thread_start(const char *name, void *(*run)(void *), void *arg);

/* For work of milliseconds beside threads that answer, to be called in between: if the
 * thread has run for THREAD_AT_ONCE_NS, other threads that wait for this core run first.
 * Without it they wait until the kernel's time slice of the caller, some milliseconds,
 * has ended. */
#define THREAD_AT_ONCE_NS 500000
void thread_give_way(void);

#endif
