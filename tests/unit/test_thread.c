/* Threads: what they start with, and that long work gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/clock.h"
#include "base/thread.h"

static unsigned yields;

/* In place of the kernel's. */
int sched_yield(void)
{
	yields++;
	return 0;
}

struct found {
	sigset_t blocked;
	pthread_barrier_t looked_at;
};

static void *look(void *arg)
{
	struct found *found = arg;
	pthread_sigmask(SIG_SETMASK, NULL, &found->blocked);
	pthread_barrier_wait(&found->looked_at);
	return found;
}

/* A thread has all signals blocked but those that its own faults raise. */
static void test_start(void **state)
{
	static const int faults[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
	struct found found;
	sigset_t before, after;
	char name[16];
	void *result;

	(void)state;
	pthread_barrier_init(&found.looked_at, NULL, 2);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	pthread_t thread = thread_start("dnsd-test", look, &found);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	pthread_getname_np(thread, name, sizeof name);
	pthread_barrier_wait(&found.looked_at);
	pthread_join(thread, &result);
	pthread_barrier_destroy(&found.looked_at);
	assert_ptr_equal(result, &found);
	assert_string_equal(name, "dnsd-test");
	assert_int_equal(sigismember(&found.blocked, SIGTERM), 1);
	assert_int_equal(sigismember(&found.blocked, SIGHUP), 1);
	assert_int_equal(sigismember(&found.blocked, SIGCHLD), 1);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		assert_int_equal(sigismember(&found.blocked, faults[i]), 0);
	for (int i = 1; i < SIGRTMIN; i++)
		assert_int_equal(
			sigismember(&after, i), sigismember(&before, i));
}

/* Yields once when THREAD_AT_ONCE_NS have passed, not at each call. */
static void test_give_way(void **state)
{
	(void)state;
	thread_give_way();
	assert_int_equal(yields, 1);
	int64_t begin = clock_ns();
	for (unsigned i = 0; i < 10000; i++)
		thread_give_way();
	int64_t gone = clock_ns() - begin;
	assert_true(yields - 1 <= gone / THREAD_AT_ONCE_NS + 1);
	yields = 0;
	for (int64_t end = clock_ns() + THREAD_AT_ONCE_NS; clock_ns() < end;)
		continue;
	thread_give_way();
	assert_int_equal(yields, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_give_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
