#include "fleet/health.h"

#include <assert.h>
#include <string.h>

#include "base/backoff.h"

#define FROZEN_MS 10000 /* SRS counts every 3 s; later than this is frozen */
#define FUTURE_MS 5000  /* a stamp so far ahead of its own clock is wrong */
#define RAMP_MS 120000  /* a cold node gets its full share after this */
#define RAMP_START 0.2f
#define FLAP_MS 600000 /* downs within this are a succession */
#define FLAPS_FREE 1   /* so many are forgiven */
#define HOLD_MS 15000  /* then held down, doubling */
#define HOLD_MAX_MS 300000
#define OLD_ROUNDS 3

const char *const node_states[] = {"up", "unknown", "down", "drained"};

void health_init(struct health *h, enum node_state stored)
{
	*h = (struct health){.state = stored,
		.before = stored,
		.why = "not polled yet",
		.uptime_s = -1};
}

static void set_state(struct health *h, enum node_state state, const char *why)
{
	h->state = state;
	h->why = why;
}

static void go_down(struct health *h, const char *why, int64_t now)
{
	h->held = false;
	if (h->state == NODE_DOWN) {
		h->why = why;
		return;
	}
	h->before = h->state;
	if (h->was_up) {
		h->downs = now - h->down_ms < FLAP_MS ? h->downs + 1 : 1;
		h->down_ms = now;
		if (h->downs > FLAPS_FREE)
			h->hold_until_ms = now +
				backoff_ms(HOLD_MS, HOLD_MAX_MS,
					h->downs - FLAPS_FREE - 1);
	}
	set_state(h, NODE_DOWN, why);
}

static bool probes_ok(const struct health *h)
{
	for (unsigned i = 0; i < HEALTH_PROBES; i++)
		if (h->probe_fails[i])
			return false;
	return true;
}

/* What is wrong with a node that is not to be up. One that is down stays so until
 * it was good often enough, but says what keeps it there now. */
static void not_good(struct health *h, const char *why)
{
	h->goods = 0;
	set_state(h, h->state == NODE_DOWN ? NODE_DOWN : NODE_UNKNOWN, why);
}

/* A good round: sample or, for a node that is only probed, probe. */
static void good(
	struct health *h, const struct health_rules *rules, int64_t now)
{
	h->goods++;
	if (h->state == NODE_DOWN && h->seen && h->goods < rules->rise) {
		h->why = "it answers again, but not often enough yet";
		return;
	}
	if (h->state == NODE_DOWN && h->was_up) {
		if (now < h->hold_until_ms) {
			h->why =
				"it answers again; held, for it went down often";
			return;
		}
		h->ramp_ms = now;
	}
	h->was_up = true;
	set_state(h, NODE_UP, "");
}

/* SRS 5+ has service and pid; before, a shorter uptime shows it. */
static bool restarted(const struct health *h, const struct sample *s)
{
	if (!h->identity)
		return false;
	if (s->identity != h->identity)
		return true;
	return s->uptime_s >= 0 && h->uptime_s >= 0 &&
		s->uptime_s + 2 < h->uptime_s;
}

/* NULL if the stamps of a sample can be true, else what is wrong. */
static const char *stamp_fault(
	struct health *h, const struct sample *s, int64_t now)
{
	if (s->sampled_ms <= 0)
		return "its statistics are off or not begun";
	if (s->sampled_ms != h->stamp_ms || !h->moved_ms) {
		h->stamp_ms = s->sampled_ms;
		h->moved_ms = now;
	}
	if (now - h->moved_ms > FROZEN_MS ||
		s->node_ms - s->sampled_ms > FROZEN_MS)
		return "its statistics are frozen";
	if (s->sampled_ms - s->node_ms > FUTURE_MS)
		return "its statistics are of the future";
	return NULL;
}

bool health_sample(struct health *h, const struct health_rules *rules,
	const struct sample *s, int64_t now)
{
	assert(rules->fall >= 1 && rules->rise >= 1);
	if (restarted(h, s)) {
		h->ramp_ms = now;
		h->moved_ms = 0;
	}
	h->identity = s->identity;
	h->uptime_s = s->uptime_s;
	h->fails = 0;
	h->refused = h->held = false;

	const char *fault = stamp_fault(h, s, now);
	if (fault) {
		h->seen = true;
		not_good(h, fault);
		return false;
	}
	h->good_ms = now;
	if (probes_ok(h))
		good(h, rules, now);
	h->seen = true;
	return true;
}

static const char held_text[] =
	"polls time out here, other name servers reach it";

static bool is_unreachable(enum sample_failure failure)
{
	return failure == SAMPLE_TIMEOUT || failure == SAMPLE_REFUSED;
}

static const char *failure_text(enum sample_failure failure)
{
	static const char *const text[] = {"polls time out",
		"polls are refused", "its answers are unreadable",
		"it denies access to its API",
		"its certificate is not trusted"};
	return text[failure];
}

/* Whether timeouts alone speak against a node that others reach. */
static bool may_hold(
	const struct health *h, enum sample_failure failure, bool reached)
{
	bool ok = reached && failure == SAMPLE_TIMEOUT && h->was_up;
	for (unsigned i = 0; i < HEALTH_PROBES; i++)
		ok = ok && h->probe_fails[i] == h->unreached[i];
	return ok;
}

static void hold(struct health *h)
{
	h->held = true;
	set_state(h, NODE_UP, held_text);
}

void health_failed(struct health *h, const struct health_rules *rules,
	enum sample_failure failure, bool reached, int64_t now)
{
	assert(rules->fall >= 1 && rules->rise >= 1);
	h->fails++;
	h->goods = 0;
	h->failure = failure;
	h->refused = failure == SAMPLE_REFUSED;
	if (failure == SAMPLE_TIMEOUT)
		h->timeout_ms = now;
	if (h->fails >= rules->fall || (h->refused && !probes_ok(h))) {
		if (may_hold(h, failure, reached))
			hold(h);
		else if (is_unreachable(failure))
			go_down(h, failure_text(failure), now);
		else
			not_good(h, failure_text(failure));
		h->seen = true;
	}
}

void health_probed(struct health *h, const struct health_rules *rules,
	enum health_probe probe, enum health_probed how, bool alone,
	bool reached, int64_t now)
{
	static const char *const why[] = {
		[HEALTH_RTMP] = "it does not answer RTMP handshakes",
		[HEALTH_FLV] = "it does not answer HTTP on its FLV port",
		[HEALTH_STREAM] =
			"it serves no FLV: an HTTP error for a stream that is live",
		[HEALTH_SRT] = "it does not answer SRT handshakes",
		[HEALTH_WHEP] = "it does not answer where it serves WHEP",
	};
	unsigned *fails = &h->probe_fails[health_row(probe)];
	unsigned *unreached = &h->unreached[health_row(probe)];
	if (how == HEALTH_ANSWERED) {
		*fails = *unreached = 0;
		if (alone && probes_ok(h)) {
			h->good_ms = now;
			good(h, rules, now);
			h->seen = true;
		}
		return;
	}
	++*fails;
	/* Failures before it may be of the moment in which the network failed. */
	if (how == HEALTH_UNREACHED)
		*unreached = *fails;
	h->goods = 0;
	if (may_hold(h, SAMPLE_TIMEOUT, reached && h->fails))
		return;
	if (*fails >= rules->fall || h->refused) {
		go_down(h, why[probe], now);
		h->seen = true;
	}
}

void health_tick(struct health *h, const struct health_rules *rules, bool alone,
	bool reached, int64_t now)
{
	if (h->held && !reached) {
		go_down(h, failure_text(h->failure), now);
	} else if (h->state == NODE_DOWN && h->fails &&
		may_hold(h, h->failure, reached)) {
		/* It went down before others had their say: it never was. */
		h->downs -= h->downs > 0;
		h->hold_until_ms = 0;
		hold(h);
	}
	int64_t old = OLD_ROUNDS * (int64_t)rules->interval_ms +
		2 * (int64_t)rules->timeout_ms;
	if (old < FROZEN_MS)
		old = FROZEN_MS;
	if (h->state == NODE_UP && !h->held && h->good_ms &&
		now - h->good_ms > old)
		set_state(h, NODE_UNKNOWN,
			alone ? "it was not probed" : "its samples are old");
	if (h->ramp_ms && now - h->ramp_ms >= RAMP_MS)
		h->ramp_ms = 0;
}

float health_room(const struct health *h, int64_t now)
{
	if (!h->ramp_ms)
		return 1;
	float share = (float)(now - h->ramp_ms) / RAMP_MS;
	share = share < 0 ? 0 : share; /* replay publishes what was before */
	return RAMP_START + (1 - RAMP_START) * (share < 1 ? share : 1);
}
