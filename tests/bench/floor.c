/* floor - what no name server can be faster than: `bench.py --peers floor`.
 *
 *	floor ADDRESS:PORT
 *
 * Every question gets the same answer, without a look at it: one blocking
 * recvmmsg, one sendmmsg. What it costs is the kernel's and the generator's. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"

#define BATCH 64
#define ROOM 512

static const uint8_t record[] = {
	0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 80};

struct slot {
	struct sockaddr_storage peer;
	uint8_t packet[ROOM + sizeof record];
};

/* Makes the question an answer: its first question, one address. */
static size_t answer(uint8_t *p, size_t len)
{
	size_t at = 12;
	while (at < len && p[at])
		at += 1u + p[at];
	at += 5;
	if (len < 17 || at > len)
		return 0;
	p[2] = 0x84;
	p[7] = 1;
	p[11] = 0;
	memcpy(p + at, record, sizeof record);
	return at + sizeof record;
}

static void serve(int fd)
{
	static struct slot slots[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec io[BATCH];

	for (unsigned i = 0; i < BATCH; i++)
		msgs[i].msg_hdr = (struct msghdr){.msg_name = &slots[i].peer,
			.msg_iov = &io[i],
			.msg_iovlen = 1};
	for (;;) {
		for (unsigned i = 0; i < BATCH; i++) {
			io[i] = (struct iovec){slots[i].packet, ROOM};
			msgs[i].msg_hdr.msg_namelen = sizeof slots[i].peer;
		}
		int n = recvmmsg(fd, msgs, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			io[i].iov_len =
				answer(slots[i].packet, msgs[i].msg_len);
		for (int sent = 0, got; sent<n; sent += got> 0 ? got : 1)
			got = sendmmsg(
				fd, msgs + sent, (unsigned)(n - sent), 0);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_storage at;
	int size = 4 << 20;
	socklen_t len = argc == 2 ? sockaddr_parse(&at, argv[1], 53) : 0;
	int fd = len ? socket(at.ss_family, SOCK_DGRAM, 0) : -1;
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len)) {
		fprintf(stderr, "floor: %s\n",
			errno ? strerror(errno) : "floor ADDRESS:PORT");
		return 1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	serve(fd);
}
