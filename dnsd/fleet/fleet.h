/* fleet.h - all nodes as the control thread knows them: health, forecast of
 * their load, and the merge of what the answering threads reserved.
 *
 * Pure: time is an argument, no I/O, no log. The control thread and replay
 * drive it alike:
 *
 *	samples, failures, probes --> fleet --every 100 ms--> struct load
 *	accounts of all threads   -->
 *
 * Forecast of a node: its last sample, and on top every viewer that an answer
 * reserved later than that sample can show, times a multiplier learned from
 * how samples really grew (other name servers, shared caches).
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/capacity.h"
#include "fleet/complaints.h"
#include "fleet/empty.h"
#include "fleet/forecast.h"
#include "fleet/health.h"
#include "fleet/large_resolver.h"
#include "fleet/leaving.h"
#include "fleet/schedule.h"
#include "fleet/stability.h"
#include "ledger/accounts.h"
#include "state/load.h"
#include "state/map.h"

/* What other name servers believe of a node: of those whose word is fresh and whose
 * own network is not suspect. */
struct fleet_others {
	uint16_t any, up, down; /* they have a word on it; find it up; down */
	int64_t good_ms; /* last good sample of one that finds it up, our clock;
			    0: none */
};

struct fleet_node {
	struct health health;
	struct fleet_others others;
	bool exists;  /* in the map */
	bool watched; /* polled or probed at all */
	bool polled;  /* has an API that is polled */
	bool drained;
	bool have_load; /* connections etc. mean something */

	/* the last believed sample */
	int64_t sampled_at_ms; /* our clock */
	int64_t stamp_ms;      /* node's clock */
	uint64_t bytes, identity;
	float connections, bandwidth_bps, cpu;
	/* What heartbeats reported since: the most, when, and what counts of it. */
	float reported, raised;
	int64_t reported_ms;
	/* The last report that polls contradicted, and when; 0: never. */
	float contradicted;
	int64_t contradicted_ms;
	bool bandwidth_known;

	float used; /* as published, without displaced */
	struct empty empty;
	struct leaving leaving;
	struct capacity capacity;
	struct stability stability;
	float distrust_ms; /* extra cost, since viewers leave it */
	float displaced;   /* viewers of a dead node to come */
	int64_t displaced_ms;
	int64_t fell_ms;    /* its first failed poll or probe since it was up */
	int64_t failing_ms; /* its polls fail since */

	uint64_t answers, line2, only; /* since start */
	uint64_t samples, failures;
};

struct fleet;

struct fleet_rules {
	struct health_rules health;
	int64_t ready_wait_ms; /* for first polls, after fleet_new */
};

struct fleet *fleet_new(const struct fleet_rules *rules, int64_t now_ms);
void fleet_free(struct fleet *fleet);

/* Takes another map (borrowed until the next call). Nodes keep what is known
 * of them; new ones in a running fleet ramp up. The schedule is empty then. */
void fleet_set_map(struct fleet *fleet, const struct map *map,
	const struct fleet_rules *rules, int64_t now_ms);

/* The schedule, instead of the one before; copied. Names are those of the
 * map, times those of now_ms. */
void fleet_schedule(
	struct fleet *fleet, const struct schedule_entry *entries, unsigned n);

/* What is asked of a node at all. */
void fleet_watch(struct fleet *fleet, unsigned node, bool polled, bool probed);

/* Stored knowledge from before a restart. */
void fleet_restore(struct fleet *fleet, unsigned node, enum node_state state,
	float connections);
void fleet_drain(struct fleet *fleet, unsigned node, bool drained);

void fleet_sample(struct fleet *fleet, unsigned node,
	const struct sample *sample, int64_t now_ms);
void fleet_failed(struct fleet *fleet, unsigned node,
	enum sample_failure failure, int64_t now_ms);
void fleet_probed(struct fleet *fleet, unsigned node, enum health_probe probe,
	enum health_probed how, int64_t now_ms);

/* What other name servers believe of a node, until the next call.
 *
 *	more than half of all, this one included, and at least two others find it
 *	down                              it is down, whatever this one finds
 *	it times out here, and another has reached it since it began to, or may
 *	have: it found it up before, and its word of later is not here yet
 *                                        it stays up
 *
 * so one name server alone takes no node out of another's answers, and one that is
 * cut off from the nodes sees no outage. A refused connection or a failed handshake
 * counts as ever. */
void fleet_heard(struct fleet *fleet, unsigned node,
	const struct fleet_others *others, int64_t now_ms);

/* A publisher lost its connection to a node, and came back; share: that it is of
 * all there. */
void fleet_dropped(
	struct fleet *fleet, unsigned node, float share, int64_t now_ms);

/* What was known of its stability before a restart. */
void fleet_restore_stability(
	struct fleet *fleet, unsigned node, const struct stability *stability);

/* What was learned of a node's capacity before a restart, of the process of that
 * identity (sample.h): forgotten if its first sample is of another. */
void fleet_restore_capacity(struct fleet *fleet, unsigned node,
	const struct capacity *capacity, uint64_t identity);

/* Viewers an answer in the whole fleet: of so many that joined and so many that were
 * reserved, as the forecast counts them. */
void fleet_multiplier(
	const struct fleet *fleet, float *joined, float *reserved);
void fleet_restore_multiplier(
	struct fleet *fleet, float joined, float reserved);

/* A node is not probed in this way, or no longer: what failed is forgotten. */
void fleet_unprobed(
	struct fleet *fleet, unsigned node, enum health_probe probe);

/* A heartbeat: may raise the load until the next sample, never lower it, and of a
 * node that is polled by no more than half of its capacity. One that the next
 * sample contradicts lets all of that node's be ignored for ten minutes. */
void fleet_raise(
	struct fleet *fleet, unsigned node, float connections, int64_t now_ms);

/* Connections of the report for which a node's heartbeats are ignored now; 0:
 * they are not. */
float fleet_contradicted(
	const struct fleet *fleet, unsigned node, int64_t now_ms);

/* Adds what one thread has reserved since the last merge of that thread.
 * thread: 0 .. 255, the same number for the same accounts. */
void fleet_merge(struct fleet *fleet, unsigned thread,
	const struct accounts *accounts, int64_t now_ms);

/* A new load to publish; the caller owns it (load_free). */
struct load *fleet_load(struct fleet *fleet, int64_t now_ms);

/* For pages and metrics. state as published, utilisation without reservations. */
const struct fleet_node *fleet_node(const struct fleet *fleet, unsigned node);
enum node_state fleet_state(
	const struct fleet *fleet, unsigned node, int64_t now_ms);
/* Why it is in this state; static text, "": nothing to say. */
const char *fleet_why(const struct fleet *fleet, unsigned node, int64_t now_ms);
float fleet_utilisation(const struct fleet *fleet, unsigned node);
/* Of the last sample, or more if a heartbeat has reported more since. */
float fleet_connections(const struct fleet *fleet, unsigned node);
/* Viewers it is believed to carry, configured or more. */
float fleet_capacity(const struct fleet *fleet, unsigned node);
/* Why an up node gets nearly no viewers, though polls and probes find it well; "": it
 * gets them. */
const char *fleet_avoided(
	const struct fleet *fleet, unsigned node, int64_t now_ms);
/* How often a node was distrusted, for all or for one area. */
uint64_t fleet_distrusted(const struct fleet *fleet, unsigned node);
bool fleet_is_blind(const struct fleet *fleet); /* our own network is suspect */
/* The same, and also when that has lasted too long for states to be held. */
bool fleet_looks_blind(const struct fleet *fleet);

#endif
