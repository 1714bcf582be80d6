#include "transfer/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/log.h"
#include "transfer/local.h"
#include "wire/rr.h"

#define ANSWER_MS 10000              /* to connect, and for the SOA */
#define STALL_MS 60000               /* of a transfer */
#define LONGEST_MS (4 * 3600 * 1000) /* a transfer */
#define FIRST_MS 2000                /* of a zone that never was here */
#define MOST_MS 300000
#define APART_MS 1000   /* between two questions for NOTIFY: it may be forged */
#define SHRINKS_FROM 20 /* records: of fewer any number may go */
#define FRAME_MAX (2 + 65535)
#define READS_AT_ONCE 64

const struct conf_primary *round_primary(const struct secondary *z)
{
	return z->at < z->conf->from.n_primary ? &z->conf->from.primary[z->at]
					       : z->conf->from.primary;
}

static const char *primary_text(const struct secondary *z, char *out)
{
	return sockaddr_text(
		(const struct sockaddr *)&round_primary(z)->to, out);
}

/* -- the end of a round -- */

static void disconnect(struct secondaries *s, struct secondary *z)
{
	if (z->fd >= 0)
		close(z->fd);
	z->fd = -1;
	free(z->frame);
	z->frame = NULL;
	in_end(&z->in);
	z->in = (struct in){0};
	if (!z->file)
		return;
	char *path = secondary_path(s, z, KEPT_PARTIAL);
	fclose(z->file);
	z->file = NULL;
	unlink(path);
	free(path);
}

/* Said once while it stays the same. */
static void say_failed(struct secondary *z, const char *why)
{
	char primary[SOCKADDR_TEXT_MAX];
	char text[sizeof z->why];

	snprintf(text, sizeof text, "%s: %s", primary_text(z, primary), why);
	if (strcmp(z->why, text))
		log_warn("secondary: %s from %s", z->zone, text);
	memcpy(z->why, text, sizeof text);
}

static int64_t retry_ms(const struct secondary *z)
{
	return z->here ? (int64_t)z->times.retry * 1000
		       : backoff_ms(FIRST_MS, MOST_MS, z->failed);
}

/* What asked for another round meanwhile gets it. */
static void round_waits(struct secondary *z, int64_t now_ms)
{
	z->doing = WAITS;
	if (z->again)
		z->due_ms = now_ms + APART_MS;
	z->force |= z->again_force;
	z->again = z->again_force = false;
}

static void round_ends(struct secondary *z, bool good, int64_t now_ms)
{
	z->force = false;
	if (good) {
		z->failed = 0;
		*z->why = '\0';
		z->due_ms = now_ms + (int64_t)z->times.refresh * 1000;
	} else {
		z->due_ms = now_ms + retry_ms(z);
		z->failed++;
		z->failures++;
	}
	round_waits(z, now_ms);
}

/* -- connecting -- */

static void try_primary(
	struct secondaries *s, struct secondary *z, int64_t now_ms);

static void next_primary(
	struct secondaries *s, struct secondary *z, int64_t now_ms)
{
	disconnect(s, z);
	z->at++;
	try_primary(s, z, now_ms);
}

static void primary_failed(struct secondaries *s, struct secondary *z,
	const char *why, int64_t now_ms)
{
	say_failed(z, why);
	next_primary(s, z, now_ms);
}

static bool connect_to(struct secondaries *s, struct secondary *z)
{
	const struct conf_primary *primary = round_primary(z);
	z->fd = socket(primary->to.ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (z->fd < 0)
		return false;
	local_bind(s->source->conf, z->fd, &primary->to);
	return connect(z->fd, (const struct sockaddr *)&primary->to,
		       primary->to_len) == 0 ||
		errno == EINPROGRESS;
}

/* The present one, or the one after it that can be tried. */
static void try_primary(
	struct secondaries *s, struct secondary *z, int64_t now_ms)
{
	for (; z->at < z->conf->from.n_primary; z->at++) {
		z->begin_ms = z->progress_ms = now_ms;
		z->doing = CONNECTS;
		if (connect_to(s, z)) {
			z->frame = mem_alloc(FRAME_MAX);
			z->got = 0;
			in_begin(&z->in, &z->apex, z->key);
			return;
		}
		say_failed(z, strerror(errno));
		disconnect(s, z);
	}
	round_ends(z, z->answered, now_ms);
}

static void begin_round(
	struct secondaries *s, struct secondary *z, int64_t now_ms)
{
	z->at = 0;
	z->answered = false;
	z->asked_ms = now_ms;
	try_primary(s, z, now_ms);
}

/* -- asking -- */

/* It fits into what a new connection takes at once. */
static bool ask(struct secondary *z, uint16_t qtype, int64_t wall_s)
{
	uint8_t frame[IN_QUESTION_MAX];
	size_t len = in_question(&z->in, qtype, frame, (uint64_t)wall_s);
	return send(z->fd, frame, len, MSG_NOSIGNAL | MSG_DONTWAIT) ==
		(ssize_t)len;
}

static void write_header(struct secondary *z, int64_t wall_s)
{
	char primary[SOCKADDR_TEXT_MAX], when[32] = "";
	struct tm tm;
	time_t at = (time_t)wall_s;

	if (gmtime_r(&at, &tm))
		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(z->file,
		"; %s from %s, begun %s: written by dnsd, changes are lost\n",
		z->zone, primary_text(z, primary), when);
}

static bool ask_for_zone(
	struct secondaries *s, struct secondary *z, int64_t wall_s)
{
	char *path = secondary_path(s, z, KEPT_PARTIAL);
	z->file = fopen(path, "we");
	if (!z->file)
		log_error("secondary: %s: %s", path, strerror(errno));
	free(path);
	if (!z->file)
		return false;
	z->in.file = z->file;
	z->doing = TRANSFERS;
	z->came_s = wall_s;
	write_header(z, wall_s);
	return ask(z, RR_AXFR, wall_s);
}

static void on_connected(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s)
{
	int error = 0;
	socklen_t len = sizeof error;
	bool sent;

	if (getsockopt(z->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
		primary_failed(s, z, strerror(error ? error : errno), now_ms);
		return;
	}
	z->progress_ms = now_ms;
	z->doing = ASKS;
	if (!z->here || z->force)
		sent = ask_for_zone(s, z, wall_s);
	else
		sent = ask(z, RR_SOA, wall_s);
	if (!sent)
		primary_failed(s, z, "the question cannot be sent", now_ms);
}

/* -- what comes -- */

static bool on_soa(struct secondaries *s, struct secondary *z,
	const uint8_t *message, size_t len, int64_t now_ms, int64_t wall_s)
{
	char primary[SOCKADDR_TEXT_MAX];
	uint32_t serial = 0;

	if (!in_soa(&z->in, message, len, (uint64_t)wall_s, &serial)) {
		primary_failed(s, z, z->in.why, now_ms);
		return false;
	}
	if (in_is_newer(serial, z->serial)) {
		if (ask_for_zone(s, z, wall_s))
			return true;
		primary_failed(s, z, "the transfer cannot begin", now_ms);
		return false;
	}
	if (serial != z->serial)
		log_warn(
			"secondary: %s: %s has serial %u, older than %u here: `dnsd ctl refresh %s --force` takes it",
			z->zone, primary_text(z, primary), serial, z->serial,
			z->zone);
	char *path = secondary_path(s, z, KEPT_NOW);
	kept_touch(path);
	free(path);
	z->answered = true;
	z->current_s = wall_s;
	next_primary(s, z, now_ms);
	return false;
}

/* NULL: what came may be put in the file of the next zone. */
static const char *fault_of(const struct secondary *z, char *out, size_t room)
{
	uint64_t before = z->here ? z->n_records : 0;
	if (z->force || before < SHRINKS_FROM || z->in.records >= before / 2)
		return NULL;
	snprintf(out, room,
		"%llu records came, less than half of the %llu here: not taken; `dnsd ctl refresh %s --force` takes them",
		(unsigned long long)z->in.records, (unsigned long long)before,
		z->zone);
	return out;
}

/* What came is whole and on the disk. */
static bool keep_next(struct secondaries *s, struct secondary *z)
{
	char *partial = secondary_path(s, z, KEPT_PARTIAL);
	char *next = secondary_path(s, z, KEPT_NEXT);
	bool ok = !ferror(z->file) && fflush(z->file) == 0 &&
		fsync(fileno(z->file)) == 0;

	ok &= fclose(z->file) == 0;
	z->file = NULL;
	ok = ok && rename(partial, next) == 0;
	if (!ok) {
		log_error("secondary: %s: %s", partial, strerror(errno));
		unlink(partial);
	}
	free(partial);
	free(next);
	return ok;
}

static void say_come(const struct secondary *z, int64_t now_ms)
{
	char primary[SOCKADDR_TEXT_MAX];
	log_info(
		"secondary: %s, serial %u, from %s: %llu records in %llu messages, %llu octets, %.1f s",
		z->zone, z->in.serial, primary_text(z, primary),
		(unsigned long long)z->in.records,
		(unsigned long long)z->in.messages,
		(unsigned long long)z->in.octets,
		(double)(now_ms - z->begin_ms) / 1000);
	if (z->in.left_out)
		log_warn(
			"secondary: %s: the primary signs it: %llu records of that are left out, 'dnssec' signs it here",
			z->zone, (unsigned long long)z->in.left_out);
}

static void on_whole(struct secondaries *s, struct secondary *z, int64_t now_ms)
{
	char text[sizeof z->why];
	const char *why = fault_of(z, text, sizeof text);

	if (!why && !keep_next(s, z))
		why = "what came cannot be written";
	if (why) {
		primary_failed(s, z, why, now_ms);
		return;
	}
	say_come(z, now_ms);
	z->n_records = z->in.records;
	disconnect(s, z);
	z->doing = BUILDS;
	s->links.changed(s->links.arg, z->zone, true);
}

/* Whether more may come over this connection. */
static bool on_frame(struct secondaries *s, struct secondary *z, int64_t now_ms,
	int64_t wall_s)
{
	const uint8_t *message = z->frame + 2;
	size_t len = z->got - 2;

	z->got = 0;
	z->progress_ms = now_ms;
	if (z->doing == ASKS)
		return on_soa(s, z, message, len, now_ms, wall_s);
	if (!in_message(&z->in, message, len, (uint64_t)wall_s)) {
		primary_failed(s, z, z->in.why, now_ms);
		return false;
	}
	if (z->in.part != IN_DONE)
		return true;
	on_whole(s, z, now_ms);
	return false;
}

/* How much of the frame is to be read next. */
static size_t frame_lacks(const struct secondary *z)
{
	return z->got < 2 ? 2 - z->got : 2u + get16(z->frame) - z->got;
}

static void on_readable(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s)
{
	for (unsigned i = 0; i < READS_AT_ONCE; i++) {
		ssize_t n = recv(
			z->fd, z->frame + z->got, frame_lacks(z), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			primary_failed(s, z,
				n ? strerror(errno)
				  : "the connection ended before the zone did",
				now_ms);
			return;
		}
		z->got += (size_t)n;
		if (z->got > 2 && !frame_lacks(z) &&
			!on_frame(s, z, now_ms, wall_s))
			return;
	}
}

/* -- time, and what others want -- */

static void check_time(
	struct secondaries *s, struct secondary *z, int64_t now_ms)
{
	int64_t most = z->doing == TRANSFERS ? STALL_MS : ANSWER_MS;
	if (now_ms - z->progress_ms >= most)
		primary_failed(s, z, "no answer in time", now_ms);
	else if (now_ms - z->begin_ms >= LONGEST_MS)
		primary_failed(s, z, "it takes too long", now_ms);
}

int64_t round_until_s(const struct secondary *z)
{
	return z->current_s + z->times.expire;
}

static void check_expiry(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s)
{
	if (!z->here || z->doing != WAITS || wall_s < round_until_s(z) ||
		now_ms < z->expire_ms)
		return;
	log_error(
		"secondary: %s has expired: no primary has answered for %u s; it is answered SERVFAIL from now on",
		z->zone, z->times.expire);
	z->expire_ms = now_ms + MOST_MS;
	z->expires = true;
	z->doing = BUILDS;
	s->links.changed(s->links.arg, z->zone, false);
}

void round_step(struct secondaries *s, struct secondary *z, bool ready,
	int64_t now_ms, int64_t wall_s)
{
	if (z->doing == WAITS && now_ms >= z->due_ms)
		begin_round(s, z, now_ms);
	else if (z->doing == CONNECTS && ready)
		on_connected(s, z, now_ms, wall_s);
	else if ((z->doing == ASKS || z->doing == TRANSFERS) && ready)
		on_readable(s, z, now_ms, wall_s);
	else if (z->doing != WAITS && z->doing != BUILDS)
		check_time(s, z, now_ms);
	check_expiry(s, z, now_ms, wall_s);
}

void round_rouse(struct secondary *z, bool force, int64_t now_ms)
{
	int64_t soon = z->asked_ms + APART_MS;
	if (z->doing != WAITS)
		z->again = true;
	else if (z->due_ms > now_ms)
		z->due_ms = soon > now_ms ? soon : now_ms;
	*(z->again ? &z->again_force : &z->force) |= force;
}

void round_break_off(struct secondaries *s, struct secondary *z)
{
	disconnect(s, z);
	if (z->doing != BUILDS)
		z->doing = WAITS;
}

void round_settled(struct secondary *z, const char *why, int64_t now_ms)
{
	bool expired = z->expires;
	z->expires = false;
	if (expired) {
		round_waits(z, now_ms);
	} else if (why) {
		say_failed(z, why);
		round_ends(z, false, now_ms);
	} else {
		z->transfers++;
		z->current_s = z->came_s;
		round_ends(z, true, now_ms);
		log_info("secondary: %s, serial %u: in service", z->zone,
			z->serial);
	}
}
