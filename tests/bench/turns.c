/* turns.c - preloaded into a server that answers by recvmmsg and sendmmsg: measures
 * the time that it has packets and works on them, from one call to the other: its
 * own work without the kernel's, and without the ticks by which /proc tells one from
 * the other. In the file $TURNS/PID: for each duration, in steps of TURN_STEP_NS a
 * packet, how many packets were answered in a turn of that duration (64 bits each).
 * So a turn that was interrupted is one of the slow ones, and the median shows nothing
 * of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURN_STEPS 4096
#define TURN_STEP_NS 2

typedef int receive(int, struct mmsghdr *, unsigned, int, struct timespec *);
typedef int send_(int, struct mmsghdr *, unsigned, int);

static _Atomic uint64_t *packets_by_step; /* TURN_STEPS */
static __thread uint64_t since; /* when it went on by itself; 0: it waits */
static __thread uint64_t ns;    /* of this turn */
static __thread int packets;

static void *next(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);
	if (!f)
		abort();
	return f;
}

/* Before a sandbox forbids it. */
__attribute__((constructor)) static void steps_open(void)
{
	const size_t size = TURN_STEPS * sizeof *packets_by_step;
	char path[256];
	snprintf(path, sizeof path, "%s/%d", getenv("TURNS"), (int)getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size))
		abort();
	packets_by_step =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (packets_by_step == MAP_FAILED)
		abort();
	close(fd);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void stop(void)
{
	if (since)
		ns += now_ns() - since;
	since = 0;
}

/* The turn before is over. */
static void count(void)
{
	uint64_t step = ns / (uint64_t)packets / TURN_STEP_NS;
	packets_by_step[step < TURN_STEPS ? step : TURN_STEPS - 1] +=
		(uint64_t)packets;
	ns = 0;
	packets = 0;
}

int recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags,
	struct timespec *timeout)
{
	static receive *real;
	if (!real)
		real = (receive *)next("recvmmsg");
	stop();
	int got = real(fd, m, n, flags, timeout);
	if (got > 0) {
		if (packets)
			count();
		packets = got;
		since = now_ns();
	}
	return got;
}

int sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
	static send_ *real;
	if (!real)
		real = (send_ *)next("sendmmsg");
	stop();
	int sent = real(fd, m, n, flags);
	since = now_ns();
	return sent;
}
