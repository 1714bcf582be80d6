#include "transfer/secondary.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/log.h"
#include "transfer/in.h"
#include "transfer/kept.h"
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

enum doing {
	WAITS,
	CONNECTS,
	ASKS,      /* for the SOA */
	TRANSFERS, /* AXFR */
	BUILDS,    /* control does */
};

/* One zone of another name server. */
struct secondary {
	TAILQ_ENTRY(secondary) entry;
	char zone[CONF_NAME_MAX];
	struct name apex;
	const struct conf_zone *conf; /* of the source in use */
	const struct tsig_key *key;   /* likewise; NULL: none */

	bool here; /* it is answered from, with: */
	uint32_t serial;
	struct kept_times times;
	int64_t current_s;  /* wall clock */
	uint64_t n_records; /* of the last transfer; 0: not known */

	enum doing doing;
	unsigned at;             /* of the primaries: that is asked */
	bool answered;           /* one of them is as new as this */
	bool force;              /* whatever the primary has */
	bool again, again_force; /* another round is to follow */
	bool expires;            /* BUILDS: for that */
	int fd;                  /* -1: none */
	struct in in;            /* with a key of the source in use */
	FILE *file;
	size_t got;
	uint8_t *frame; /* FRAME_MAX, while connected */
	int64_t begin_ms, progress_ms;
	int64_t came_s; /* wall clock: what is built with was asked for then */

	int64_t due_ms;   /* the next round begins */
	int64_t asked_ms; /* the last round began */
	int64_t expire_ms; /* control is not asked again to end the zone before */
	unsigned failed;   /* rounds in a row */
	uint64_t transfers, failures;
	char why[400];
};

struct secondaries {
	struct secondaries_links links;
	struct transfer_source *source; /* NULL: none yet */
	struct bell bell;
	TAILQ_HEAD(list, secondary) list;

	/* What others read. */
	pthread_mutex_t lock;
	struct secondary_status *status;
	unsigned n_status;
};

static const struct conf_primary *primary_of(const struct secondary *z)
{
	return z->at < z->conf->from.n_primary ? &z->conf->from.primary[z->at]
					       : z->conf->from.primary;
}

static const char *primary_text(const struct secondary *z, char *out)
{
	return sockaddr_text((const struct sockaddr *)&primary_of(z)->to, out);
}

static char *path_of(const struct secondaries *s, const struct secondary *z,
	enum kept_which which)
{
	return kept_path(s->source->conf->store, z->zone, which);
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
	char *path = path_of(s, z, KEPT_PARTIAL);
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

static void round_ends(struct secondary *z, bool good, int64_t now_ms)
{
	z->doing = WAITS;
	z->force = z->again_force;
	if (good) {
		z->failed = 0;
		*z->why = '\0';
		z->due_ms = now_ms + (int64_t)z->times.refresh * 1000;
	} else {
		z->due_ms = now_ms + retry_ms(z);
		z->failed++;
		z->failures++;
	}
	if (z->again)
		z->due_ms = now_ms + APART_MS;
	z->again = z->again_force = false;
}

/* -- connecting -- */

static void try_primary(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s);

static void next_primary(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s)
{
	disconnect(s, z);
	z->at++;
	try_primary(s, z, now_ms, wall_s);
}

static void primary_failed(struct secondaries *s, struct secondary *z,
	const char *why, int64_t now_ms, int64_t wall_s)
{
	say_failed(z, why);
	next_primary(s, z, now_ms, wall_s);
}

static bool connect_to(struct secondaries *s, struct secondary *z)
{
	const struct conf_primary *primary = primary_of(z);
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
static void try_primary(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s)
{
	(void)wall_s;
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

static void begin_round(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s)
{
	z->at = 0;
	z->answered = false;
	z->asked_ms = now_ms;
	try_primary(s, z, now_ms, wall_s);
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
	char *path = path_of(s, z, KEPT_PARTIAL);
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
		primary_failed(
			s, z, strerror(error ? error : errno), now_ms, wall_s);
		return;
	}
	z->progress_ms = now_ms;
	z->doing = ASKS;
	if (!z->here || z->force)
		sent = ask_for_zone(s, z, wall_s);
	else
		sent = ask(z, RR_SOA, wall_s);
	if (!sent)
		primary_failed(
			s, z, "the question cannot be sent", now_ms, wall_s);
}

/* -- what comes -- */

static bool on_soa(struct secondaries *s, struct secondary *z,
	const uint8_t *message, size_t len, int64_t now_ms, int64_t wall_s)
{
	char primary[SOCKADDR_TEXT_MAX];
	uint32_t serial = 0;

	if (!in_soa(&z->in, message, len, (uint64_t)wall_s, &serial)) {
		primary_failed(s, z, z->in.why, now_ms, wall_s);
		return false;
	}
	if (in_is_newer(serial, z->serial)) {
		if (ask_for_zone(s, z, wall_s))
			return true;
		primary_failed(
			s, z, "the transfer cannot begin", now_ms, wall_s);
		return false;
	}
	if (serial != z->serial)
		log_warn(
			"secondary: %s: %s has serial %u, older than %u here: `dnsd ctl refresh %s --force` takes it",
			z->zone, primary_text(z, primary), serial, z->serial,
			z->zone);
	char *path = path_of(s, z, KEPT_NOW);
	kept_touch(path);
	free(path);
	z->answered = true;
	z->current_s = wall_s;
	next_primary(s, z, now_ms, wall_s);
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
	char *partial = path_of(s, z, KEPT_PARTIAL);
	char *next = path_of(s, z, KEPT_NEXT);
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

static void on_whole(struct secondaries *s, struct secondary *z, int64_t now_ms,
	int64_t wall_s)
{
	char text[sizeof z->why];
	const char *why = fault_of(z, text, sizeof text);

	if (!why && !keep_next(s, z))
		why = "what came cannot be written";
	if (why) {
		primary_failed(s, z, why, now_ms, wall_s);
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
		primary_failed(s, z, z->in.why, now_ms, wall_s);
		return false;
	}
	if (z->in.part != IN_DONE)
		return true;
	on_whole(s, z, now_ms, wall_s);
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
				now_ms, wall_s);
			return;
		}
		z->got += (size_t)n;
		if (z->got > 2 && !frame_lacks(z) &&
			!on_frame(s, z, now_ms, wall_s))
			return;
	}
}

/* -- time -- */

static void check_time(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s)
{
	int64_t most = z->doing == TRANSFERS ? STALL_MS : ANSWER_MS;
	if (now_ms - z->progress_ms >= most)
		primary_failed(s, z, "no answer in time", now_ms, wall_s);
	else if (now_ms - z->begin_ms >= LONGEST_MS)
		primary_failed(s, z, "it takes too long", now_ms, wall_s);
}

static int64_t until_s(const struct secondary *z)
{
	return z->current_s + z->times.expire;
}

static void check_expiry(struct secondaries *s, struct secondary *z,
	int64_t now_ms, int64_t wall_s)
{
	if (!z->here || z->doing != WAITS || wall_s < until_s(z) ||
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

static void step_one(struct secondaries *s, struct secondary *z,
	const struct pollfd *fd, int64_t now_ms, int64_t wall_s)
{
	bool ready = fd && fd->fd >= 0 && fd->fd == z->fd && fd->revents;
	if (z->doing == WAITS && now_ms >= z->due_ms)
		begin_round(s, z, now_ms, wall_s);
	else if (z->doing == CONNECTS && ready)
		on_connected(s, z, now_ms, wall_s);
	else if ((z->doing == ASKS || z->doing == TRANSFERS) && ready)
		on_readable(s, z, now_ms, wall_s);
	else if (z->doing != WAITS && z->doing != BUILDS)
		check_time(s, z, now_ms, wall_s);
	check_expiry(s, z, now_ms, wall_s);
}

/* A NOTIFY: soon, but not more often than APART_MS. */
static void rouse(struct secondary *z, int64_t now_ms)
{
	int64_t soon = z->asked_ms + APART_MS;
	if (z->doing != WAITS)
		z->again = true;
	else if (z->due_ms > now_ms)
		z->due_ms = soon > now_ms ? soon : now_ms;
}

static void hear_bell(struct secondaries *s, int64_t now_ms)
{
	bool rung[BELL_PLACES];
	struct secondary *z;

	bell_take(&s->bell, rung);
	TAILQ_FOREACH(z, &s->list, entry)
	if (rung[bell_place(&z->apex)])
		rouse(z, now_ms);
}

static void publish_status(
	struct secondaries *s, int64_t now_ms, int64_t wall_s)
{
	struct secondary *z;
	unsigned n = 0;

	pthread_mutex_lock(&s->lock);
	TAILQ_FOREACH(z, &s->list, entry)
	{
		struct secondary_status *t = &s->status[n++];
		assert(n <= s->n_status);
		*t = (struct secondary_status){.here = z->here,
			.serial = z->serial,
			.current_s = z->current_s,
			.until_s = z->here ? until_s(z) : 0,
			.next_s = wall_s + (z->due_ms - now_ms) / 1000,
			.transfers = z->transfers,
			.failures = z->failures};
		memcpy(t->zone, z->zone, sizeof t->zone);
		memcpy(t->why, z->why, sizeof t->why);
		primary_text(z, t->primary);
	}
	pthread_mutex_unlock(&s->lock);
}

void secondaries_step(struct secondaries *s, const struct pollfd *fds,
	int64_t now_ms, int64_t wall_s)
{
	struct secondary *z;
	unsigned at = 1;

	if (fds[0].revents)
		hear_bell(s, now_ms);
	TAILQ_FOREACH(z, &s->list, entry)
	step_one(s, z, &fds[at++], now_ms, wall_s);
	if (!TAILQ_EMPTY(&s->list))
		publish_status(s, now_ms, wall_s);
}

unsigned secondaries_watched(const struct secondaries *s)
{
	unsigned n = 1;
	struct secondary *z;
	TAILQ_FOREACH(z, &s->list, entry)
	n++;
	return n;
}

void secondaries_watch(const struct secondaries *s, struct pollfd *fds)
{
	struct secondary *z;
	*fds++ = (struct pollfd){.fd = s->bell.fd, .events = POLLIN};
	TAILQ_FOREACH(z, &s->list, entry)
	*fds++ = (struct pollfd){
		.fd = z->fd, .events = z->doing == CONNECTS ? POLLOUT : POLLIN};
}

int secondaries_wait_ms(const struct secondaries *s, int64_t now_ms)
{
	const struct secondary *z;
	int64_t least = INT64_MAX;

	TAILQ_FOREACH(z, &s->list, entry)
	{
		int64_t ms = z->doing == WAITS ? z->due_ms - now_ms : 1000;
		/* A wall clock may be set: expiry is looked at now and then. */
		if (z->here && ms > 1000)
			ms = 1000;
		least = ms < least ? ms : least;
	}
	if (least == INT64_MAX)
		return -1;
	return least > 0 ? (int)least : 0;
}

/* -- the configuration -- */

static struct secondary *find(struct secondaries *s, const char *zone)
{
	struct secondary *z;
	TAILQ_FOREACH(z, &s->list, entry)
	if (!strcmp(z->zone, zone))
		return z;
	return NULL;
}

static bool same_primaries(const struct conf_zone *a, const struct conf_zone *b)
{
	if (a->from.n_primary != b->from.n_primary)
		return false;
	for (unsigned i = 0; i < a->from.n_primary; i++)
		if (strcmp(a->from.primary_texts.text[i],
			    b->from.primary_texts.text[i]))
			return false;
	return true;
}

static bool same_key(const struct tsig_key *a, const struct tsig_key *b)
{
	return !a || !b ? a == b
			: name_equal(&a->name, &b->name) &&
			a->algorithm == b->algorithm &&
			a->secret_len == b->secret_len &&
			!memcmp(a->secret, b->secret, a->secret_len);
}

/* What a zone is asked for by has changed: a round that is at work ends. */
static void renew(struct secondaries *s, struct secondary *z,
	const struct conf_zone *conf, const struct tsig_key *key,
	int64_t now_ms)
{
	bool same = z->conf && same_primaries(z->conf, conf) &&
		same_key(z->key, key);
	z->conf = conf;
	z->key = key;
	z->in.key = key;
	z->in.chain.key = key;
	if (same)
		return;
	if (z->doing != WAITS && z->doing != BUILDS) {
		disconnect(s, z);
		z->doing = WAITS;
	}
	z->due_ms = now_ms;
}

/* A line is one record where dnsd wrote it. */
static uint64_t count_records(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t n = 0;
	bool begins = true;

	for (int c; f && (c = getc(f)) != EOF; begins = c == '\n')
		n += begins && c != ';';
	if (f)
		fclose(f);
	return n;
}

static struct secondary *add(
	struct secondaries *s, const struct conf_zone *conf)
{
	struct secondary *z = mem_zero(1, sizeof *z);
	struct err err = {0};
	char *path;

	snprintf(z->zone, sizeof z->zone, "%s", conf->name);
	z->fd = -1;
	TAILQ_INSERT_TAIL(&s->list, z, entry);
	if (!kept_prepare(s->source->conf->store, z->zone, &err))
		log_lines(LOG_LVL_ERROR, "secondary: ", err_text(&err));
	err_fini(&err);
	path = path_of(s, z, KEPT_NOW);
	z->current_s = kept_current_s(path);
	z->n_records = z->current_s ? count_records(path) : 0;
	free(path);
	return z;
}

static void forget(struct secondaries *s, struct secondary *z)
{
	TAILQ_REMOVE(&s->list, z, entry);
	disconnect(s, z);
	free(z);
}

static void use_zone(
	struct secondaries *s, const struct transfer_zone *zone, int64_t now_ms)
{
	struct secondary *z = find(s, zone->conf->name);
	int key = zone->conf->from.key;
	if (!z)
		z = add(s, zone->conf);
	z->apex = zone->zone->apex;
	renew(s, z, zone->conf, key >= 0 ? &s->source->keys[key] : NULL,
		now_ms);
	z->here = !zone->zone->absent;
	z->serial = z->here ? zone->zone->serial : 0;
	if (z->here)
		z->times = kept_times(zone->zone);
}

void secondaries_use(struct secondaries *s, struct transfer_source *source,
	int64_t now_ms, int64_t wall_s)
{
	struct transfer_source *before = s->source;
	struct secondary *z, *next;
	unsigned n = 0;

	s->source = source;
	for (unsigned i = 0; i < source->n_zones; i++)
		if (source->zones[i].conf->from.n_primary) {
			use_zone(s, &source->zones[i], now_ms);
			n++;
		}
	for (z = TAILQ_FIRST(&s->list); z; z = next) {
		next = TAILQ_NEXT(z, entry);
		const struct transfer_zone *zone =
			transfer_zone_at(source, &z->apex);
		if (!zone || zone->conf != z->conf)
			forget(s, z);
	}
	transfer_source_release(before);
	pthread_mutex_lock(&s->lock);
	s->status = mem_grow(s->status, (n + 1) * sizeof *s->status);
	s->n_status = n;
	pthread_mutex_unlock(&s->lock);
	publish_status(s, now_ms, wall_s);
}

void secondaries_settled(struct secondaries *s, const char *zone,
	const char *why, int64_t now_ms, int64_t wall_s)
{
	struct secondary *z = find(s, zone);
	if (!z || z->doing != BUILDS)
		return;
	bool expired = z->expires;
	z->expires = false;
	if (expired) {
		z->doing = WAITS;
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
	publish_status(s, now_ms, wall_s);
}

unsigned secondaries_refresh(
	struct secondaries *s, const char *zone, bool force, int64_t now_ms)
{
	struct secondary *z;
	unsigned n = 0;

	TAILQ_FOREACH(z, &s->list, entry)
	if (!zone || !strcmp(zone, z->zone)) {
		n++;
		rouse(z, now_ms);
		*(z->again ? &z->again_force : &z->force) |= force;
	}
	return n;
}

/* -- begin and end -- */

struct secondaries *secondaries_new(void)
{
	struct secondaries *s = mem_zero(1, sizeof *s);
	TAILQ_INIT(&s->list);
	bell_init(&s->bell);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void secondaries_link(
	struct secondaries *s, const struct secondaries_links *links)
{
	s->links = *links;
}

void secondaries_free(struct secondaries *s)
{
	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->list))
		forget(s, TAILQ_FIRST(&s->list));
	bell_fini(&s->bell);
	pthread_mutex_destroy(&s->lock);
	transfer_source_release(s->source);
	free(s->status);
	free(s);
}

struct bell *secondaries_bell(struct secondaries *s)
{
	return &s->bell;
}

struct secondary_status *secondaries_status(struct secondaries *s, unsigned *n)
{
	pthread_mutex_lock(&s->lock);
	struct secondary_status *copy =
		mem_alloc((s->n_status + 1) * sizeof *copy);
	*n = s->n_status;
	if (*n)
		memcpy(copy, s->status, *n * sizeof *copy);
	pthread_mutex_unlock(&s->lock);
	return copy;
}
