/* hgen.c - asks an HTTP server over connections that stay, one question under way
 * on each, and tells the rate, the times and what was no 200.
 *
 *     hgen [-c CONNECTIONS] [-t SECONDS] ADDRESS:PORT PATH
 *
 * Each @ of PATH is another random number from 0 to 255, so that clients differ.
 */
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/rng.h"

#define CONNECTIONS_MAX 256
#define ANSWER_MAX 65536
#define TIMES_MAX (1 << 22)
#define SILENCE_MS 5000

struct connection {
	int64_t asked_ns;
	size_t len;
	char answer[ANSWER_MAX];
};

static struct connection connections[CONNECTIONS_MAX];
static struct pollfd polled[CONNECTIONS_MAX];
static uint32_t times_ns[TIMES_MAX];
static unsigned n_connections = 16, n_times, wrong;
static struct rng rng = {1};

static void die(const char *what)
{
	fprintf(stderr, "hgen: %s\n", what);
	exit(1);
}

static void ask(unsigned i, const char *path)
{
	char text[2048];
	int len = snprintf(text, sizeof text, "GET ");

	for (; *path && len < 1024; path++)
		len += *path == '@' ? sprintf(text + len, "%u",
					      (unsigned)(rng_next(&rng) >> 56))
				    : sprintf(text + len, "%c", *path);
	len += sprintf(text + len, " HTTP/1.1\r\nHost: dnsd\r\n\r\n");
	connections[i].len = 0;
	connections[i].asked_ns = clock_ns();
	if (send(polled[i].fd, text, (size_t)len, 0) != len)
		die("can't send");
}

/* Whether the answer is there whole. */
static bool complete(const struct connection *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n");
	const char *length = strcasestr(c->answer, "Content-Length: ");
	if (!end || !length)
		return false;
	return c->len >=
		(size_t)(end + 4 - c->answer) + strtoul(length + 16, NULL, 10);
}

static void take(unsigned i, const char *path)
{
	struct connection *c = &connections[i];
	ssize_t n = recv(
		polled[i].fd, c->answer + c->len, ANSWER_MAX - 1 - c->len, 0);
	if (n <= 0)
		die("the server closed a connection");
	c->len += (size_t)n;
	c->answer[c->len] = '\0';
	if (!complete(c))
		return;
	wrong += !!strncmp(c->answer, "HTTP/1.1 200 ", 13);
	if (n_times < TIMES_MAX)
		times_ns[n_times++] = (uint32_t)(clock_ns() - c->asked_ns);
	ask(i, path);
}

static void open_all(const char *to, const char *path)
{
	struct sockaddr_storage at;
	socklen_t len = sockaddr_parse(&at, to, 0);
	int one = 1;

	if (!len)
		die("no ADDRESS:PORT");
	for (unsigned i = 0; i < n_connections; i++) {
		int fd = socket(at.ss_family, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&at, len) < 0)
			die("can't connect");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		polled[i] = (struct pollfd){fd, POLLIN, 0};
		ask(i, path);
	}
}

static int by_time(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	double seconds = 2;
	int option;

	while ((option = getopt(argc, argv, "c:t:")) != -1)
		if (option == 'c')
			n_connections = (unsigned)atoi(optarg);
		else if (option == 't')
			seconds = atof(optarg);
	if (argc - optind != 2 || !n_connections ||
		n_connections > CONNECTIONS_MAX)
		die("[-c CONNECTIONS] [-t SECONDS] ADDRESS:PORT PATH");
	const char *path = argv[optind + 1];
	int64_t start = clock_ns(), end = start + (int64_t)(seconds * 1e9);
	open_all(argv[optind], path);
	while (clock_ns() < end) {
		if (poll(polled, n_connections, SILENCE_MS) <= 0)
			die("silence");
		for (unsigned i = 0; i < n_connections; i++)
			if (polled[i].revents)
				take(i, path);
	}
	double took = (double)(clock_ns() - start) / 1e9;
	if (!n_times)
		die("no answer");
	qsort(times_ns, n_times, sizeof *times_ns, by_time);
	printf("{\"answered\": %u, \"wrong\": %u, \"per_s\": %.0f, "
	       "\"p50_us\": %u, \"p99_us\": %u}\n",
		n_times, wrong, n_times / took, times_ns[n_times / 2] / 1000,
		times_ns[(size_t)(n_times * 0.99)] / 1000);
	return 0;
}
