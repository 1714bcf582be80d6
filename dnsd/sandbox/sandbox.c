#include "sandbox/sandbox.h"

#include <errno.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Of every thread: memory, time, locks, signals, its own end, a line in the log. */
static const int always[] = {SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap),
	SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(membarrier), SCMP_SYS(sched_yield),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(tgkill),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(write),
	SCMP_SYS(read), SCMP_SYS(poll), SCMP_SYS(ppoll)};

static const int udp[] = {SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg)};

static const int xdp[] = {SCMP_SYS(sendto)};

static const int tcp[] = {SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl), SCMP_SYS(accept4),
	SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(setsockopt),
	SCMP_SYS(close)};

/* What libevent and OpenSSL do with connections, beside that. */
static const int http[] = {SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg), SCMP_SYS(shutdown), SCMP_SYS(ioctl), SCMP_SYS(fcntl),
	SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(timerfd_settime)};

static bool allow(scmp_filter_ctx filter, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int e = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
		/* One that this architecture does not have. */
		if (e && e != -EDOM && e != -EINVAL)
			return false;
	}
	return true;
}

#define ALLOW(filter, calls) \
	allow(filter, calls, sizeof(calls) / sizeof *(calls))

/* libc asks, when it gives memory of a thread back, how the kernel counts memory
 * (/proc/sys/vm/overcommit_memory); it goes on without an answer. */
static bool refuse_files(scmp_filter_ctx filter)
{
	return seccomp_rule_add(
		       filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 0) == 0;
}

static bool fill(scmp_filter_ctx filter, enum sandbox_thread thread)
{
	bool ok = ALLOW(filter, always);
	if (thread == SANDBOX_UDP)
		return ok && ALLOW(filter, udp);
	if (thread == SANDBOX_XDP)
		return ok && ALLOW(filter, xdp);
	ok &= ALLOW(filter, tcp);
	return ok && (thread != SANDBOX_HTTP || ALLOW(filter, http));
}

static void complain(int error)
{
	static _Atomic bool said;
	if (!atomic_exchange(&said, true))
		log_warn("no sandbox for the threads that answer: %s",
			strerror(error));
}

/* libseccomp looks once what the kernel can do, for all threads. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int filter_load(enum sandbox_thread thread, enum sandbox_mode mode)
{
	scmp_filter_ctx filter =
		seccomp_init(mode == SANDBOX_STRICT ? SCMP_ACT_KILL_PROCESS
						    : SCMP_ACT_ERRNO(EPERM));
	int error = ENOMEM;
	bool ok = filter && fill(filter, thread);
	if (ok && mode == SANDBOX_STRICT) /* else it fails already */
		ok = refuse_files(filter);
	if (ok)
		error = -seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return error;
}

void sandbox_enter(enum sandbox_thread thread, enum sandbox_mode mode)
{
	if (mode == SANDBOX_OFF || SANITIZED)
		return;
	tzset(); /* libc reads a file for it, once */
	pthread_mutex_lock(&one_at_a_time);
	int error = filter_load(thread, mode);
	pthread_mutex_unlock(&one_at_a_time);
	if (error)
		complain(error);
}
