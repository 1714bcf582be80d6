/* LD_PRELOAD for a program whose wall clock is wrong: DNSD_LATER_S seconds ahead, or as many
 * as the first 8 octets of the file DNSD_LATER_FILE say, at any moment. For the thread with the name
 * DNSD_LATER_NOT it is right. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long long *shared(void)
{
	static const volatile long long *at;
	const char *path = getenv("DNSD_LATER_FILE");
	if (at || !path)
		return at;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *got = fd < 0
		? MAP_FAILED
		: mmap(NULL, sizeof *at, PROT_READ, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (got != MAP_FAILED)
		at = got;
	return at;
}

static _Atomic(pthread_t) right; /* whose clock is right; 0: none */

int pthread_setname_np(pthread_t thread, const char *name)
{
	int (*next)(pthread_t, const char *);
	const char *not = getenv("DNSD_LATER_NOT");
	if (not &&!strcmp(name, not ))
		right = thread;
	*(void **)&next = dlsym(RTLD_NEXT, "pthread_setname_np");
	return next(thread, name);
}

static time_t ahead_s(void)
{
	if (right == pthread_self())
		return 0;
	const volatile long long *at = shared();
	if (at)
		return (time_t)*at;
	const char *text = getenv("DNSD_LATER_S");
	return text ? atol(text) : 0;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);
	if (!rc && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += ahead_s();
	return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *at)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (at)
		*at = ts.tv_sec;
	return ts.tv_sec;
}
