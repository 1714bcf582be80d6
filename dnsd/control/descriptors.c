#include "control/descriptors.h"

#include <dirent.h>
#include <sys/resource.h>

/* Still to be opened: event loops and mailboxes, the store with its journal,
 * files of a reload, the recording, clients of the control socket (64). */
#define OWN_SPARE 160
#define OWN_SHARE 2      /* ... but no more than that part of the limit */
#define POLLS_MIN 64     /* nodes may come by a reload */
#define POLLS_PER_NODE 8 /* API, streams, two probes; a name is looked up */
#define DESCRIPTORS_PER_POLL 2
#define HTTP_MAX 512 /* of a listener */
#define STREAMS_MAX 32
#define LISTENERS 2

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

struct descriptors descriptors_of(
	unsigned limit, unsigned open, unsigned nodes, unsigned tcp_max)
{
	struct descriptors d = {
		.own = least(open + OWN_SPARE, open + limit / OWN_SHARE / 2)};
	unsigned left = limit > d.own ? limit - d.own : 0;
	unsigned polls = least(POLLS_MIN + nodes * POLLS_PER_NODE, left / 3);

	left -= polls;
	d.polls = polls / DESCRIPTORS_PER_POLL;
	d.tcp = least(tcp_max, left - left / 3);
	left -= d.tcp;
	d.streams = least(STREAMS_MAX, left / 4);
	left -= d.streams;
	d.http = least(HTTP_MAX, left / LISTENERS);
	return d;
}

void descriptors_raise(void)
{
	struct rlimit files;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static unsigned count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

struct descriptors descriptors_now(const struct conf *conf, struct err *err)
{
	struct rlimit files = {.rlim_cur = 1024};
	unsigned wanted = (unsigned)conf->tcp.max;

	getrlimit(RLIMIT_NOFILE, &files);
	unsigned limit =
		files.rlim_cur > 1 << 24 ? 1 << 24 : (unsigned)files.rlim_cur;
	struct descriptors d =
		descriptors_of(limit, count_open(), conf->n_nodes, wanted);
	if (d.tcp < wanted || d.http < HTTP_MAX)
		err_warn(err,
			"open files are limited to %u (ulimit -n): %u connections of DNS over TCP, %u of each HTTP listener, %u questions to nodes at a time",
			limit, d.tcp, d.http, d.polls);
	return d;
}
