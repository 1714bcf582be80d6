/* fleet - thousands of SRS nodes in one program: `make bench-control`.
 *
 *	fleet PORT
 *
 * Every GET gets the summaries of a node whose load moves from sample to
 * sample (on SRS's grid of 3 s), and the connection stays open until the asker
 * closes it, as SRS does. It listens on all addresses of the loopback
 * interface, one for each node; who asks which makes no difference. */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define READY 256
#define GRID_MS 3000

static int summaries(char *out, size_t room)
{
	char body[1024];
	long long now = clock_wall_ms(), stamp = now / GRID_MS * GRID_MS;
	int n = snprintf(body, sizeof body,
		"{\"code\":0,\"server\":\"vid-1\",\"service\":\"s1\","
		"\"pid\":\"17\",\"data\":{\"ok\":true,\"now_ms\":%lld,"
		"\"self\":{\"version\":\"6.0.157\",\"pid\":17,"
		"\"cpu_percent\":0.2,\"srs_uptime\":%lld},\"system\":{"
		"\"cpu_percent\":0.1,\"net_sample_time\":%lld,"
		"\"srs_sample_time\":%lld,\"srs_recv_bytes\":1,"
		"\"srs_send_bytes\":%lld,\"conn_srs\":%d}}}",
		now, now / 1000 % 1000000, stamp, stamp, stamp * 1000,
		(int)(1000 + 800 * sin((double)(stamp % 60000) / 9549)));
	return snprintf(out, room,
		"HTTP/1.1 200 OK\r\nServer: SRS/6.0.157\r\n"
		"Connection: Close\r\nContent-Type: application/json\r\n"
		"Content-Length: %d\r\n\r\n%s",
		n, body);
}

/* A question fits a read, an answer fits a write: this is loopback. */
static void serve(int fd)
{
	char text[2048];
	ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		n = send(fd, text, (size_t)summaries(text, sizeof text),
			MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n <= 0)
		close(fd);
}

static void run(int listener)
{
	struct epoll_event ready[READY], e = {.events = EPOLLIN};
	int epoll = epoll_create1(0);
	e.data.fd = listener;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(epoll, ready, READY, -1);
		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd != listener) {
				serve(ready[i].data.fd);
				continue;
			}
			e.data.fd =
				accept4(listener, NULL, NULL, SOCK_NONBLOCK);
			epoll_ctl(epoll, EPOLL_CTL_ADD, e.data.fd, &e);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int one = 1, fd = -1;
	if (argc == 2) {
		at.sin_port = htons((uint16_t)atoi(argv[1]));
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	}
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) ||
		bind(fd, (struct sockaddr *)&at, sizeof at) ||
		listen(fd, 4096)) {
		fprintf(stderr, "fleet: %s\n",
			errno ? strerror(errno) : "fleet PORT");
		return 1;
	}
	run(fd);
}
