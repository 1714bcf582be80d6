/* reflector - what no server by AF_XDP can be faster than: `xdp.py`.
 *
 *	reflector INTERFACE ADDRESS:PORT native|copy
 *
 * Every question goes back as it came, with QR set: a worker of dnsd (xdp/worker.h), with
 * its program, its rings and its batches, but without a look at the frame and without an
 * answer. IPv4 without options and without VLANs, first queue. Writes a line when it is
 * ready; ends by a signal. For root. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "xdp/device.h"
#include "xdp/program.h"
#include "xdp/queue.h"

#define BATCH 32 /* as dnsd's */
#define IP_AT 14
#define UDP_AT (IP_AT + 20)
#define DNS_AT (UDP_AT + 8)
#define FRAME_MIN (DNS_AT + 12)
#define UNSENT_POLL_MS 10

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t kept[6];
	memcpy(kept, a, n);
	memcpy(a, b, n);
	memcpy(b, kept, n);
}

/* The sum is the same for what changes places; QR is the upper bit of a word (RFC 1624). */
static void set_qr(uint8_t *frame)
{
	uint8_t *at = frame + UDP_AT + 6;
	unsigned sum = (unsigned)(at[0] << 8 | at[1]);

	if (frame[DNS_AT + 2] & 0x80)
		return;
	frame[DNS_AT + 2] |= 0x80;
	if (!sum)
		return; /* no checksum */
	sum = (~sum & 0xffff) + 0x8000;
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	if (!sum)
		sum = 0xffff;
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

static void reflect(struct queue *q, const struct queue_frame *f)
{
	uint8_t *out = queue_reply(q, f->number);

	if (f->len < FRAME_MIN || f->len > FRAME_QUERY_MAX) {
		queue_free(q, f->number);
		return;
	}
	memcpy(out, queue_at(q, f->number) + f->at, f->len);
	swap(out, out + 6, 6);
	swap(out + IP_AT + 12, out + IP_AT + 16, 4);
	swap(out + UDP_AT, out + UDP_AT + 2, 2);
	set_qr(out);
	if (!queue_send(q, f->number, f->len))
		queue_free(q, f->number);
}

static void serve(struct queue *q)
{
	struct queue_frame frames[BATCH];

	for (;;) {
		queue_refill(q);
		unsigned n = queue_receive(q, frames, BATCH);
		for (unsigned i = 0; i < n; i++)
			reflect(q, &frames[i]);
		bool flushed = queue_flush(q);
		struct pollfd p = {q->socket, POLLIN, 0};
		if (!n)
			poll(&p, 1, flushed ? -1 : UNSENT_POLL_MS);
	}
}

static bool start(
	struct queue *q, const char *name, const char *address, bool native)
{
	static struct program program; /* on the interface until we end */
	struct conf_texts listen = {.n = 1, .text = &address};
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct program_rules rules;
	unsigned number = device_number(name);

	setrlimit(RLIMIT_MEMLOCK, &all);
	device_rules(name, &listen, &rules);
	if (!rules.ipv4[0]) {
		errno = EADDRNOTAVAIL;
		return false;
	}
	if (!program_attach(&program, number, native) ||
		!queue_open(q, number, 0, native) ||
		!program_queue(&program, 0, q->socket))
		return false;
	*program.rules = rules;
	__atomic_store_n(&program.rules->on, 1, __ATOMIC_SEQ_CST);
	return true;
}

int main(int argc, char **argv)
{
	struct queue q;

	if (argc != 4) {
		fprintf(stderr,
			"usage: reflector INTERFACE ADDRESS:PORT native|copy\n");
		return 2;
	}
	if (!start(&q, argv[1], argv[2], !strcmp(argv[3], "native"))) {
		fprintf(stderr, "reflector: %s: %s\n", argv[1],
			strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	serve(&q);
}
