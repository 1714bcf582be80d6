#include "sign/signer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/thread.h"
#include "wire/query.h"
#include "wire/reply.h"

/* Names that are signed between two looks at what is asked for. */
#define AT_ONCE 8

/* The background rests for as long as it worked, mostly, so that it takes half of a core
 * from what serves; but not from what answers ask for. */
#define REST_MS 1

/* How often the epoch is looked at. */
#define LOOK_MS 1000

struct work {
	struct zone_signing *zone;
	struct signature_epoch epoch;
	uint32_t next; /* place in the chain that is to be signed */
};

struct signer {
	pthread_t thread;
	pthread_mutex_t mutex; /* of all below but the rings */
	struct work *work;
	unsigned n;
	struct signer_figures figures;
	int wake_fd;
	_Atomic bool stopping;
	unsigned n_rings;
	struct sign_ring *rings;
	uint8_t *message; /* the signer's: UINT16_MAX octets */
};

/* -- asking: answering threads -- */

struct sign_request *sign_ask_begin(struct sign_ring *ring)
{
	uint32_t at;
	return ring_room(&ring->ring, SIGN_RING, 0, &at) ? &ring->entry[at]
							 : NULL;
}

void sign_ask(struct sign_ring *ring)
{
	uint64_t one = 1;
	ring_put(&ring->ring);
	/* It fails only where it is set already. */
	if (write(ring->wake_fd, &one, sizeof one) < 0)
		return;
}

/* -- making -- */

static size_t message_of_set(uint8_t *message, const struct zone *zone,
	const struct name *owner, const struct zone_rrset *set)
{
	struct reply r = {.at = message, .limit = UINT16_MAX};
	r.len = (uint32_t)rrsig_message_begin(message, owner, set->type);
	zone_rrset_write(set, &r, HEADER_LEN,
		(uint16_t)(HEADER_LEN + owner->len - zone->apex.len), TTL_MAX);
	rrsig_message_end(message, set->count);
	return r.full ? 0 : r.len;
}

static size_t message_of_records(uint8_t *message, const struct name *owner,
	uint16_t type, const uint8_t *records, size_t len, unsigned count)
{
	size_t n = rrsig_message_begin(message, owner, type);
	memcpy(message + n, records, len);
	rrsig_message_end(message, count);
	return n + len;
}

/* What is to be signed: the message is in s->message. */
struct subject {
	uint64_t set;
	enum sign_table table;
	uint16_t type;
	uint8_t labels;
	uint32_t ttl_s;
	size_t len;
};

static void add(struct signer *s, struct work *w, enum sign_table table,
	uint64_t id, const uint8_t *bytes)
{
	struct signatures *to =
		table == SIGN_SETS ? w->zone->signatures : w->zone->made;
	if (!signatures_add(to, id, bytes)) {
		/* Full of what was asked for: the older half goes. */
		signatures_begin(to, w->epoch);
		signatures_add(to, id, bytes);
	}
	s->figures.made++;
}

static void make(struct signer *s, struct work *w, const struct subject *of)
{
	const struct sign_keyset *keys = zone_signing_keys(w->zone, of->type);
	const struct signatures *in =
		of->table == SIGN_SETS ? w->zone->signatures : w->zone->made;
	uint8_t bytes[SIGN_SIGNATURE_LEN];
	struct signature found;

	for (unsigned i = 0; i < keys->n; i++) {
		uint64_t id = sign_signature_id(of->set, keys->key[i]);
		if (signature_table_find(in->now, id, &found))
			continue;
		struct rrsig_fields fields = {of->type, of->labels, of->ttl_s,
			&w->epoch, keys->key[i]};
		if (rrsig_make(&fields, s->message, of->len, bytes))
			add(s, w, of->table, id, bytes);
		else
			s->figures.failed++;
	}
}

static void make_set(struct signer *s, struct work *w, const struct name *owner,
	const struct zone_rrset *set)
{
	struct subject of = {
		.set = sign_set_id(owner, set->type, zone_rrset_ttl(set),
			sign_body_contents(set)),
		.type = set->type,
		.labels = sign_labels(owner),
		.ttl_s = zone_rrset_ttl(set)};
	of.len = message_of_set(s->message, w->zone->zone, owner, set);
	make(s, w, &of);
}

static void make_nsec(struct signer *s, struct work *w, uint32_t place,
	const struct name *owner)
{
	uint8_t record[RR_POINTER_LEN + ZONE_NSEC_MAX];
	const struct sign_nsec *nsec = zone_signing_nsec(w->zone, place);
	struct subject of = {.set = nsec->set,
		.type = RR_NSEC,
		.labels = sign_labels(owner),
		.ttl_s = w->zone->nsec_ttl_s};
	put16(record, 0xc000u | HEADER_LEN);
	put16(record + 2, RR_NSEC);
	put16(record + 4, CLASS_IN);
	put32(record + 6, of.ttl_s);
	put16(record + 10, nsec->rdata_len);
	memcpy(record + RR_POINTER_LEN, nsec->bytes + nsec->owner_len,
		nsec->rdata_len);
	of.len = message_of_records(s->message, owner, RR_NSEC, record,
		RR_POINTER_LEN + (size_t)nsec->rdata_len, 1);
	make(s, w, &of);
}

/* All of a name. At a cut the NS belong to the child (RFC 4035 2.2). */
static void make_name(struct signer *s, struct work *w, uint32_t place)
{
	const struct zone_node *node = zone_chain_node(w->zone->chain, place);
	const struct zone_rrset *set = zone_rrset_first(node);
	struct name owner;

	zone_node_name(w->zone->zone, node, &owner);
	for (unsigned i = node->sets; i; i--, set = zone_rrset_next(set))
		if (!(node->flags & NODE_CUT) || set->type == RR_DS)
			make_set(s, w, &owner, set);
	make_nsec(s, w, place, &owner);
}

/* -- the thread -- */

static struct work *work_of(struct signer *s, uint32_t signing)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->work[i].zone->id == signing)
			return &s->work[i];
	return NULL;
}

static void make_asked(struct signer *s, const struct sign_request *r)
{
	struct work *w = work_of(s, r->signing);

	s->figures.asked++;
	if (!w)
		return;
	if (r->node) {
		make_set(s, w, &r->owner, r->of);
		return;
	}
	struct subject of = {.set = r->set,
		.table = r->table,
		.type = r->type,
		.labels = r->labels,
		.ttl_s = r->ttl_s};
	of.len = message_of_records(
		s->message, &r->owner, r->type, r->records, r->len, r->count);
	make(s, w, &of);
}

/* What is asked for; whether there was any. */
static bool serve_rings(struct signer *s)
{
	bool any = false;
	uint32_t at;

	for (unsigned i = 0; i < s->n_rings; i++)
		while (ring_any(&s->rings[i].ring, SIGN_RING, &at)) {
			any = true;
			pthread_mutex_lock(&s->mutex);
			make_asked(s, &s->rings[i].entry[at]);
			pthread_mutex_unlock(&s->mutex);
			ring_taken(&s->rings[i].ring);
		}
	return any;
}

/* A new epoch begins with an empty table. */
static void look_at_epoch(struct work *w)
{
	uint32_t now_s = (uint32_t)(clock_wall_ms() / 1000);
	struct signature_epoch now = zone_signing_epoch(w->zone, now_s);
	struct signature_table *table = w->zone->signatures->now;

	if (!table || table->epoch.number != now.number) {
		signatures_begin(w->zone->signatures, now);
		signatures_begin(w->zone->made, now);
		w->next = 0;
	}
	signatures_forget(w->zone->signatures, now_s);
	signatures_forget(w->zone->made, now_s);
	w->epoch = now;
}

/* A few names more. Returns how long nothing need be done then, ms; -1: no zone is
 * signed. */
static int serve_background(struct signer *s)
{
	int wait_ms = -1;

	pthread_mutex_lock(&s->mutex);
	for (unsigned i = 0; i < s->n; i++) {
		struct work *w = &s->work[i];
		look_at_epoch(w);
		for (unsigned k = 0; k < AT_ONCE && w->next < w->zone->chain->n;
			k++)
			make_name(s, w, w->next++);
		if (w->next < w->zone->chain->n)
			wait_ms = REST_MS;
		else if (wait_ms < 0)
			wait_ms = LOOK_MS;
	}
	pthread_mutex_unlock(&s->mutex);
	return wait_ms;
}

static void *signer_thread(void *arg)
{
	struct signer *s = arg;
	struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
	uint64_t count;

	while (!s->stopping) {
		bool asked = serve_rings(s);
		int wait_ms = serve_background(s);
		if (asked)
			continue;
		poll(&p, 1, wait_ms);
		if (read(s->wake_fd, &count, sizeof count) < 0)
			continue; /* nothing has come */
	}
	return NULL;
}

/* -- control's -- */

struct signer *signer_new(unsigned rings)
{
	struct signer *s = mem_zero(1, sizeof *s);
	pthread_mutex_init(&s->mutex, NULL);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0)
		abort();
	s->message = mem_alloc(UINT16_MAX + 1);
	s->n_rings = rings;
	s->rings = mem_zero(rings, sizeof *s->rings);
	for (unsigned i = 0; i < rings; i++)
		s->rings[i].wake_fd = s->wake_fd;
	s->thread = thread_start("dnsd-sign", signer_thread, s);
	return s;
}

void signer_free(struct signer *s)
{
	uint64_t one = 1;

	if (!s)
		return;
	s->stopping = true;
	if (write(s->wake_fd, &one, sizeof one) < 0)
		abort();
	pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->mutex);
	close(s->wake_fd);
	free(s->message);
	free(s->rings);
	free(s->work);
	free(s);
}

struct sign_ring *signer_ring(struct signer *s, unsigned i)
{
	return &s->rings[i];
}

void signer_serve(
	struct signer *s, struct zone_signing *const *zones, unsigned n)
{
	uint64_t one = 1;

	pthread_mutex_lock(&s->mutex);
	free(s->work);
	s->work = mem_zero(n, sizeof *s->work);
	s->n = n;
	for (unsigned i = 0; i < n; i++) {
		s->work[i].zone = zones[i];
		look_at_epoch(&s->work[i]);
	}
	pthread_mutex_unlock(&s->mutex);
	if (write(s->wake_fd, &one, sizeof one) < 0)
		return;
}

/* Of what static names are answered with: the present epoch's, when all are made. */
static int64_t expires_s(const struct work *w)
{
	const struct signatures *s = w->zone->signatures;
	bool all = w->next == w->zone->chain->n;
	const struct signature_table *table =
		all || !s->before ? s->now : s->before;
	return table ? table->epoch.expiration : 0;
}

static struct signer_zone zone_figures(const struct work *w)
{
	return (struct signer_zone){expires_s(w), w->zone->chain->n - w->next};
}

void signer_zones(struct signer *s, struct signer_zone *out, unsigned n)
{
	pthread_mutex_lock(&s->mutex);
	for (unsigned i = 0; i < s->n && i < n; i++)
		out[i] = zone_figures(&s->work[i]);
	pthread_mutex_unlock(&s->mutex);
}

struct signer_figures signer_figures(struct signer *s)
{
	pthread_mutex_lock(&s->mutex);
	struct signer_figures figures = s->figures;
	for (unsigned i = 0; i < s->n; i++) {
		struct signer_zone of = zone_figures(&s->work[i]);
		figures.waiting += of.waiting;
		if (of.expires_s &&
			(!figures.expires_s ||
				of.expires_s < figures.expires_s))
			figures.expires_s = of.expires_s;
	}
	pthread_mutex_unlock(&s->mutex);
	for (unsigned i = 0; i < s->n_rings; i++)
		figures.lost += ring_lost(&s->rings[i].ring);
	return figures;
}
