/* standin.h - a primary of example.com that a test plays on loopback: one connection at a
 * time, right or wrong as the test wants it.
 */
#ifndef TESTS_STANDIN_H
#define TESTS_STANDIN_H

#include "unit/primary.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"

struct standin {
	int listener;
	uint16_t port;
	bool silent;     /* it takes questions alone */
	bool half;       /* of the zone it sends all but the last SOA */
	unsigned rcode;  /* of all answers */
	uint32_t serial; /* of its zone, which has so many records: */
	unsigned records;
	const char *more; /* record of it; NULL: none */
	bool has_key;     /* what it is asked and answers is signed */
	struct tsig_key key;

	int fd; /* of a connection; -1: none */
	uint8_t question[1024];
	size_t got;
	char asked[80]; /* all that it was asked, "SOA AXFR " */
	bool was_signed;
	struct tsig_chain chain; /* of its answer, at */
	uint64_t time_s;
	unsigned ended; /* connections */
};

static UNUSED void standin_open(struct standin *p)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	*p = (struct standin){
		.fd = -1, .serial = 7, .records = 4, .key = primary_key("ns2")};
	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
		bind(p->listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(p->listener, 8), 0);
	assert_int_equal(
		getsockname(p->listener, (struct sockaddr *)&at, &len), 0);
	p->port = ntohs(at.sin_port);
}

static UNUSED void standin_hang_up(struct standin *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->got = 0;
}

/* Nothing listens at its port any more. */
static UNUSED void standin_close(struct standin *p)
{
	standin_hang_up(p);
	if (p->listener >= 0)
		close(p->listener);
	p->listener = -1;
}

static UNUSED void standin_send(struct standin *p, const struct packet *answer)
{
	uint8_t length[2];
	put16(length, answer->len);
	assert_int_equal(send(p->fd, length, 2, MSG_NOSIGNAL | MSG_MORE), 2);
	assert_int_equal(send(p->fd, answer->bytes, answer->len, MSG_NOSIGNAL),
		answer->len);
}

static UNUSED void standin_soa(const struct standin *p, struct packet *answer)
{
	char soa[100];
	snprintf(soa, sizeof soa,
		"example.com. 300 IN SOA ns1.example.com. h.example.com. %u 1 2 3 4",
		p->serial);
	primary_record(answer, soa);
}

static UNUSED void standin_addresses(struct packet *answer, unsigned n)
{
	for (; n; n--) {
		char a[60];
		snprintf(a, sizeof a, "n%u.example.com. 300 IN A 192.0.2.1", n);
		primary_record(answer, a);
	}
}

/* A later message of a transfer: some records, or the last SOA. */
static UNUSED void standin_send_more(struct standin *p, unsigned n, bool last)
{
	struct packet answer = primary_answer(get16(p->question + 2), 0);
	standin_addresses(&answer, n);
	if (last)
		standin_soa(p, &answer);
	standin_send(p, &answer);
}

/* Reads the signature of a question, which is to be good if there is a key. */
static UNUSED void standin_read_key(struct standin *p)
{
	const uint8_t *message = p->question + 2;
	size_t len = p->got - 2, at = tsig_find(message, len);
	struct tsig tsig;

	p->was_signed = at > 0;
	if (!p->has_key)
		return;
	assert_true(tsig_read(&tsig, message, len, at));
	assert_int_equal(
		tsig_verify(&p->key, &tsig, message, len, NULL, tsig.time_s),
		TSIG_GOOD);
	tsig_follow(&p->chain, &p->key, &tsig);
	p->time_s = tsig.time_s;
}

/* To the question that was read. */
static UNUSED void standin_answer(struct standin *p)
{
	uint16_t qtype = get16(p->question + 2 + HEADER_LEN + 13);
	struct packet answer = primary_answer(get16(p->question + 2), qtype);
	bool axfr = qtype == RR_AXFR;

	put16(answer.bytes + 2, FLAG_QR | FLAG_AA | p->rcode);
	if (!p->rcode)
		standin_soa(p, &answer);
	if (!p->rcode && axfr)
		standin_addresses(&answer, p->records - 1);
	if (!p->rcode && axfr && p->more)
		primary_record(&answer, p->more);
	if (!p->rcode && axfr && !p->half)
		standin_soa(p, &answer);
	if (p->has_key)
		answer.len = (uint16_t)tsig_sign(
			&p->chain, answer.bytes, answer.len, p->time_s);
	standin_send(p, &answer);
}

static UNUSED void standin_hear(struct standin *p)
{
	uint16_t qtype = get16(p->question + 2 + HEADER_LEN + 13);
	size_t n = strlen(p->asked);

	snprintf(p->asked + n, sizeof p->asked - n, "%s ",
		qtype == RR_AXFR          ? "AXFR"
			: qtype == RR_SOA ? "SOA"
					  : "other");
	standin_read_key(p);
	p->got = 0;
	if (!p->silent)
		standin_answer(p);
}

static UNUSED void standin_read(struct standin *p)
{
	ssize_t n = recv(p->fd, p->question + p->got,
		sizeof p->question - p->got, MSG_DONTWAIT);
	if (n < 0)
		return;
	p->got += (size_t)n;
	if (!n) {
		standin_hang_up(p);
		p->ended++;
	} else if (p->got > 2 && p->got == 2u + get16(p->question)) {
		standin_hear(p);
	}
}

/* Takes a connection, or what came over it. */
static UNUSED void standin_play(struct standin *p)
{
	if (p->fd >= 0)
		standin_read(p);
	else if (p->listener >= 0)
		p->fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK);
}

#endif
