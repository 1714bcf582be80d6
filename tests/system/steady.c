/* steady.c - asks at a steady rate over UDP and TCP and counts what is not answered.
 *
 *	steady PORT RATE UDP-SOCKETS TCP-CONNECTIONS NAME
 *
 * Until its standard input ends; then it waits for the last answers and prints, as
 * JSON: questions and those lost of UDP and TCP, connections that were closed, and the
 * longest wait for an answer in milliseconds. Half of the questions go over each, with
 * client subnets of 10.0.0.0/8. Each question is sent once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDS 65536
#define LAST_MS 5000 /* for answers, after the last question */
#define FRAME 512

struct channel {
	int fd;
	bool tcp, closed;
	uint16_t id;          /* of the next question */
	int64_t sent_us[IDS]; /* by id; 0: none waits */
	uint8_t in[1 << 16];
	size_t len;
	uint64_t sent, answered;
};

static struct channel *channels;
static int n_udp, n_tcp;
static int64_t longest_us;
static uint8_t question[FRAME];
static size_t question_len;

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A question for NAME's A with a client subnet of /24, whose octets are set later. */
static void make_question(const char *name)
{
	static const uint8_t head[12] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
	static const uint8_t tail[] = {0, 0, 1, 0, 1, /* OPT: */ 0, 0, 41, 4,
		208, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0, 10, 0, 0};
	uint8_t *p = question;
	memcpy(p, head, sizeof head);
	p += sizeof head;
	while (*name) {
		size_t n = strcspn(name, ".");
		*p++ = (uint8_t)n;
		memcpy(p, name, n);
		p += n;
		name += n + (name[n] == '.');
	}
	memcpy(p, tail, sizeof tail);
	question_len = (size_t)(p - question) + sizeof tail;
}

static void open_channel(struct channel *c, bool tcp, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int room = 4 << 20;
	c->tcp = tcp;
	c->fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to)) {
		perror("connect");
		exit(1);
	}
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void ask(struct channel *c, uint32_t net)
{
	uint8_t frame[FRAME + 2];
	uint8_t *q = frame + 2;
	if (c->closed || c->sent_us[c->id])
		return; /* all ids wait: it is counted as lost where they are */
	memcpy(q, question, question_len);
	q[0] = (uint8_t)(c->id >> 8);
	q[1] = (uint8_t)c->id;
	q[question_len - 2] = (uint8_t)(net >> 8);
	q[question_len - 1] = (uint8_t)net;
	frame[0] = (uint8_t)(question_len >> 8);
	frame[1] = (uint8_t)question_len;
	size_t len = question_len + (c->tcp ? 2 : 0);
	if (send(c->fd, c->tcp ? frame : q, len, MSG_NOSIGNAL) != (ssize_t)len)
		return; /* was not sent */
	c->sent_us[c->id++] = now_us();
	c->sent++;
}

static void answered(struct channel *c, const uint8_t *answer, size_t len)
{
	uint16_t id = (uint16_t)(answer[0] << 8 | answer[1]);
	/* An answer with one record at least and no error. */
	if (len < 12 || !c->sent_us[id] || answer[3] & 15 || !answer[7])
		return;
	int64_t us = now_us() - c->sent_us[id];
	longest_us = us > longest_us ? us : longest_us;
	c->sent_us[id] = 0;
	c->answered++;
}

static void hear(struct channel *c)
{
	ssize_t n;
	while ((n = recv(c->fd, c->in + c->len, sizeof c->in - c->len,
			MSG_DONTWAIT)) > 0) {
		if (!c->tcp) {
			answered(c, c->in, (size_t)n);
			continue;
		}
		size_t at = 0;
		c->len += (size_t)n;
		while (c->len - at >= 2) {
			size_t len = (size_t)(c->in[at] << 8 | c->in[at + 1]);
			if (c->len - at < len + 2)
				break;
			answered(c, c->in + at + 2, len);
			at += len + 2;
		}
		memmove(c->in, c->in + at, c->len -= at);
	}
	c->closed |= c->tcp && (n == 0 || (errno != EAGAIN && errno != EINTR));
}

static void hear_all(struct pollfd *p, int wait_ms)
{
	int n = n_udp + n_tcp;
	for (int i = 0; i < n; i++)
		p[i] = (struct pollfd){
			channels[i].closed ? -1 : channels[i].fd, POLLIN, 0};
	p[n] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
	poll(p, (nfds_t)n + 1, wait_ms);
	for (int i = 0; i < n; i++)
		if (p[i].revents)
			hear(&channels[i]);
}

static bool waits(void)
{
	for (int i = 0; i < n_udp + n_tcp; i++)
		if (channels[i].answered < channels[i].sent &&
			!channels[i].closed)
			return true;
	return false;
}

static void report(void)
{
	uint64_t sent[2] = {0}, lost[2] = {0};
	unsigned closed = 0;
	for (int i = 0; i < n_udp + n_tcp; i++) {
		const struct channel *c = &channels[i];
		sent[c->tcp] += c->sent;
		lost[c->tcp] += c->sent - c->answered;
		closed += c->closed;
	}
	printf("{\"udp\": %llu, \"udp_lost\": %llu, \"tcp\": %llu, \"tcp_lost\": %llu, \"closed\": %u, \"longest_ms\": %.1f}\n",
		(unsigned long long)sent[0], (unsigned long long)lost[0],
		(unsigned long long)sent[1], (unsigned long long)lost[1],
		closed, (double)longest_us / 1000);
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: steady PORT RATE UDP TCP NAME\n");
		return 2;
	}
	uint16_t port = (uint16_t)atoi(argv[1]);
	double rate = atof(argv[2]);
	n_udp = atoi(argv[3]);
	n_tcp = atoi(argv[4]);
	make_question(argv[5]);
	channels = calloc((size_t)(n_udp + n_tcp), sizeof *channels);
	struct pollfd *p = calloc((size_t)(n_udp + n_tcp) + 1, sizeof *p);
	if (!channels || !p)
		return 1;
	for (int i = 0; i < n_udp + n_tcp; i++)
		open_channel(&channels[i], i >= n_udp, port);

	int64_t begin = now_us();
	uint64_t asked = 0;
	do {
		uint64_t due =
			(uint64_t)((double)(now_us() - begin) * rate / 1e6);
		for (; asked < due; asked++)
			ask(&channels[asked % 2
					    ? n_udp + (int)(asked / 2) % n_tcp
					    : (int)(asked / 2) % n_udp],
				(uint32_t)asked);
		hear_all(p, 1);
	} while (!p[n_udp + n_tcp].revents);
	int64_t end = now_us() + LAST_MS * 1000;
	while (waits() && now_us() < end)
		hear_all(p, 10);
	report();
	return 0;
}
