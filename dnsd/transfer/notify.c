#include "transfer/notify.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/log.h"
#include "base/rng.h"
#include "transfer/local.h"
#include "transfer/records.h"
#include "wire/rr.h"

#define TRIES 5
#define FIRST_MS 2000
#define MOST_MS 60000
#define MESSAGE_MAX 1232

/* One zone and one name server that gets a NOTIFY for it. */
struct notice {
	TAILQ_ENTRY(notice) entry;
	struct name zone;
	uint32_t serial;
	struct sockaddr_storage to;
	socklen_t to_len;
	bool is_signed;
	struct tsig_key key;
	struct tsig_chain chain; /* the answer covers it */
	uint16_t id;
	unsigned tries;
	int64_t due_ms;
};

struct notifier {
	struct transfer_source *source; /* NULL: none yet */
	int fd[NOTIFIER_SOCKETS];
	TAILQ_HEAD(, notice) notices;
	_Atomic uint64_t answered, unanswered;
};

/* "example.com, serial 7, to 192.0.2.1:53" */
#define WHAT_MAX (NAME_TEXT_MAX + SOCKADDR_TEXT_MAX + 64)
static const char *notice_text(const struct notice *n, char *out)
{
	char zone[NAME_TEXT_MAX], to[SOCKADDR_TEXT_MAX];
	snprintf(out, WHAT_MAX, "%s, serial %u, to %s",
		name_text(&n->zone, zone), n->serial,
		sockaddr_text((const struct sockaddr *)&n->to, to));
	return out;
}

static void forget(struct notifier *n, struct notice *notice)
{
	TAILQ_REMOVE(&n->notices, notice, entry);
	free(notice);
}

/* -- what is to be said -- */

static void add_notice(struct notifier *n, const struct transfer_zone *zone,
	const struct conf_notify *to, int64_t now_ms)
{
	struct notice *notice = mem_zero(1, sizeof *notice);
	notice->zone = zone->zone->apex;
	notice->serial = zone->zone->serial;
	notice->to = to->to;
	notice->to_len = to->to_len;
	notice->is_signed = to->key >= 0;
	if (notice->is_signed)
		notice->key = n->source->keys[to->key];
	notice->due_ms = now_ms;
	TAILQ_INSERT_TAIL(&n->notices, notice, entry);
}

/* Whether it was not there before with that serial. */
static bool is_news(
	const struct transfer_source *before, const struct transfer_zone *zone)
{
	const struct transfer_zone *old =
		before ? transfer_zone_at(before, &zone->zone->apex) : NULL;
	if (zone->zone->absent)
		return false;
	return !old || old->zone->absent ||
		old->zone->serial != zone->zone->serial;
}

/* Secondaries compare the serial only: they would keep the old zone. */
static void warn_same_serial(const struct transfer_source *before,
	const struct transfer_source *source, const struct transfer_zone *zone)
{
	const struct transfer_zone *old =
		before ? transfer_zone_at(before, &zone->zone->apex) : NULL;
	const struct conf_zone *conf = zone->conf;

	if (!old || old->zone->absent || zone->zone->absent ||
		(!conf->transfer.n_to && !conf->transfer.n_notify) ||
		old->zone->serial != zone->zone->serial ||
		records_hash(before, old->zone) ==
			records_hash(source, zone->zone))
		return;
	log_warn(
		"transfer: %s has changed, but its serial is %u as before: other name servers do not notice",
		conf->name, zone->zone->serial);
}

/* Notices of zones that did not change go on; all others are replaced. */
void notifier_use(
	struct notifier *n, struct transfer_source *source, int64_t now_ms)
{
	struct transfer_source *before = n->source;
	struct notice *notice, *next;

	n->source = source;
	for (notice = TAILQ_FIRST(&n->notices); notice; notice = next) {
		next = TAILQ_NEXT(notice, entry);
		const struct transfer_zone *zone =
			transfer_zone_at(source, &notice->zone);
		if (!zone || is_news(before, zone))
			forget(n, notice);
	}
	for (unsigned i = 0; i < source->n_zones; i++) {
		const struct transfer_zone *zone = &source->zones[i];
		warn_same_serial(before, source, zone);
		for (unsigned k = 0; k < zone->conf->transfer.n_notify; k++)
			if (is_news(before, zone))
				add_notice(n, zone,
					&zone->conf->transfer.notify[k],
					now_ms);
	}
	transfer_source_release(before);
}

/* -- saying it -- */

/* The question alone: the SOA that may go with it (RFC 1996 3.7) is a hint, which its
 * reader asks for again. */
static size_t notice_write(
	struct notice *n, uint8_t message[MESSAGE_MAX], uint64_t wall_s)
{
	uint8_t *p = message + HEADER_LEN;

	memset(message, 0, HEADER_LEN);
	rng_secret(&n->id, sizeof n->id);
	put16(message, n->id);
	put16(message + 2, OPCODE_NOTIFY | FLAG_AA);
	put16(message + 4, 1);
	memcpy(p, n->zone.bytes, n->zone.len);
	p += n->zone.len;
	put16(p, RR_SOA);
	put16(p + 2, CLASS_IN);
	size_t len = (size_t)(p + 4 - message);
	n->chain = (struct tsig_chain){.key = &n->key};
	return n->is_signed ? tsig_sign(&n->chain, message, len, wall_s) : len;
}

/* Opened when it is needed first. */
static int socket_to(struct notifier *n, const struct sockaddr_storage *to)
{
	int *fd =
		&n->fd[2 * (to->ss_family == AF_INET6) + local_is_loopback(to)];
	if (*fd >= 0)
		return *fd;
	*fd = socket(
		to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd >= 0)
		local_bind(n->source->conf, *fd, to);
	return *fd;
}

static void say(struct notifier *n, struct notice *notice, int64_t now_ms,
	uint64_t wall_s)
{
	uint8_t message[MESSAGE_MAX];
	char what[WHAT_MAX];
	int fd = socket_to(n, &notice->to);

	size_t len = notice_write(notice, message, wall_s);
	if (sendto(fd, message, len, MSG_DONTWAIT,
		    (const struct sockaddr *)&notice->to, notice->to_len) < 0)
		log_warn("notify: %s: %s", notice_text(notice, what),
			strerror(errno));
	notice->due_ms =
		now_ms + backoff_ms(FIRST_MS, MOST_MS, notice->tries++);
}

static void say_what_is_due(struct notifier *n, int64_t now_ms, uint64_t wall_s)
{
	struct notice *notice, *next;
	char what[WHAT_MAX];

	for (notice = TAILQ_FIRST(&n->notices); notice; notice = next) {
		next = TAILQ_NEXT(notice, entry);
		if (now_ms < notice->due_ms)
			continue;
		if (notice->tries < TRIES) {
			say(n, notice, now_ms, wall_s);
			continue;
		}
		n->unanswered++;
		log_warn("notify: %s: no answer", notice_text(notice, what));
		forget(n, notice);
	}
}

/* -- answers -- */

static bool same_address(
	const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct addr x = addr_from_sockaddr((const struct sockaddr *)a);
	struct addr y = addr_from_sockaddr((const struct sockaddr *)b);
	return addr_equal(&x, &y) && sockaddr_port(a) == sockaddr_port(b);
}

/* Signed, if the notice was. */
static bool is_proven(const struct notice *n, const uint8_t *message,
	size_t len, uint64_t wall_s)
{
	struct tsig tsig;
	size_t at;
	if (!n->is_signed)
		return true;
	at = tsig_find(message, len);
	return at && tsig_read(&tsig, message, len, at) &&
		tsig_verify(tsig_key_find(&n->key, 1, &tsig), &tsig, message,
			len, &n->chain, wall_s) == TSIG_GOOD;
}

static void take_answer(struct notifier *n, const uint8_t *message, size_t len,
	const struct sockaddr_storage *from, uint64_t wall_s)
{
	struct notice *notice;
	char what[WHAT_MAX], rcode[RR_TYPE_TEXT_MAX];
	unsigned flags = get16(message + 2);

	TAILQ_FOREACH(notice, &n->notices, entry)
	if (notice->tries && notice->id == get16(message) &&
		same_address(from, &notice->to))
		break;
	if (!notice || !(flags & FLAG_QR) ||
		(flags & FLAG_OPCODE) != OPCODE_NOTIFY)
		return;
	if (!is_proven(notice, message, len, wall_s)) {
		log_warn(
			"notify: %s: the answer (%s) is not signed as it must be",
			notice_text(notice, what),
			rcode_text(flags & 15, rcode));
		return;
	}
	n->answered++;
	if (flags & 15)
		log_warn("notify: %s: answered %s", notice_text(notice, what),
			rcode_text(flags & 15, rcode));
	else
		log_info("notify: %s: answered", notice_text(notice, what));
	forget(n, notice);
}

static void read_answers(struct notifier *n, int fd, uint64_t wall_s)
{
	uint8_t message[MESSAGE_MAX];
	struct sockaddr_storage from;
	for (;;) {
		socklen_t from_len = sizeof from;
		ssize_t len = recvfrom(fd, message, sizeof message,
			MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
		if (len < 0)
			return;
		if (len >= HEADER_LEN)
			take_answer(n, message, (size_t)len, &from, wall_s);
	}
}

void notifier_step(struct notifier *n, int64_t now_ms, uint64_t wall_s)
{
	for (unsigned i = 0; i < NOTIFIER_SOCKETS; i++)
		if (n->fd[i] >= 0)
			read_answers(n, n->fd[i], wall_s);
	say_what_is_due(n, now_ms, wall_s);
}

/* -- begin and end -- */

struct notifier *notifier_new(void)
{
	struct notifier *n = mem_zero(1, sizeof *n);
	TAILQ_INIT(&n->notices);
	for (unsigned i = 0; i < NOTIFIER_SOCKETS; i++)
		n->fd[i] = -1;
	return n;
}

void notifier_free(struct notifier *n)
{
	while (!TAILQ_EMPTY(&n->notices))
		forget(n, TAILQ_FIRST(&n->notices));
	for (unsigned i = 0; i < NOTIFIER_SOCKETS; i++)
		if (n->fd[i] >= 0)
			close(n->fd[i]);
	transfer_source_release(n->source);
	free(n);
}

int notifier_socket(const struct notifier *n, unsigned i)
{
	return n->fd[i];
}

bool notifier_busy(const struct notifier *n)
{
	return !TAILQ_EMPTY(&n->notices);
}

struct notifier_counts notifier_counts(const struct notifier *n)
{
	return (struct notifier_counts){n->answered, n->unanswered};
}
