/* thread.h - starting threads: named for ps and top, with all signals blocked but
 * those of a thread's own faults, since the others are the control thread's.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Runs run(arg) on a new thread; name has at most 15 characters. Aborts if
 * there can be none. */
pthread_t thread_start(const char *name, void *(*run)(void *), void *arg);

#endif
