/* thread.h - starting threads: named for ps and top, with all signals blocked but
 * those of a thread's own faults, since the others are the control thread's.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Runs run(arg) on a new thread; name has at most 15 characters. Aborts if
 * there can be none. */
pthread_t thread_start(const char *name, void *(*run)(void *), void *arg);

/* Lets threads that wait for this core run before the caller goes on, if that did so
 * THREAD_AT_ONCE_NS ago or earlier: inside of work of milliseconds, beside threads that
 * answer. Linux lets such work go on until its slice of some milliseconds ends, whoever
 * wakes meanwhile. */
#define THREAD_AT_ONCE_NS 500000
void thread_give_way(void);

#endif
