/* report.h - what the operator is shown: nodes, sums of the threads' counters,
 * the last reload. Made by control with every publication, immutable, a part
 * of the snapshot, so that the http thread needs no other thread.
 */
#ifndef SNAPSHOT_REPORT_H
#define SNAPSHOT_REPORT_H

#include <stdint.h>

#include "snapshot/counters.h"
#include "state/load.h"

/* Its viewers are moved, or were (fleet/moving.h). */
struct report_move {
	const char *state; /* static text; NULL: they are not */
	bool over;
	uint64_t moved;
	double per_s;
	int waits_s;
	char why[128];
};

struct report_node {
	const char *name; /* of the map; NULL: a hole */
	const char *role;
	const char *why; /* of the state; static text */
	enum node_state state;
	float connections, bandwidth_bps, cpu; /* cpu: share of one core */
	float utilisation, reserved;
	float capacity;            /* viewers it is believed to carry */
	int64_t sample_age_ms;     /* -1: none yet */
	uint32_t streams_left_out; /* of its list: they cannot be read */
	float contradicted; /* connections that a heartbeat reported and polls
			       contradict; 0: none recently */
	uint64_t answers, line2, only, doubted, samples, failures;
	struct report_move move;
};

/* An interface of AF_XDP. */
#define REPORT_XDP_MAX 8
struct report_xdp {
	char name[16];
	const char *
		mode; /* "copy", "native", "native, zero copy", "off", "lost" */
	char why[160]; /* it is off or lost; else "" */
	unsigned queues;
	uint64_t received, answered;
	uint64_t bad_checksum, malformed, no_room; /* dropped */
};

/* Where answers went recently, by index of the map. Lives longer than a report:
 * control frees it when no snapshot has it. */
#define REPORT_TRAFFIC_MAX 256
struct report_traffic {
	uint64_t round; /* grows with each */
	unsigned n;     /* largest first */
	struct report_flow {
		uint16_t from, to; /* from: a node of the clients' area */
		float viewers;
	} flow[REPORT_TRAFFIC_MAX];
};

struct secondary_status;

/* How the zones that are signed stand. Lives longer than a report, as traffic; one
 * block. */
struct report_signing {
	unsigned n;
	struct report_signed {
		const char *name;
		const char *keys_error; /* of their files: the next start would
					   fail; NULL: none */
		int64_t expires_s;      /* wall clock: the first signature; 0:
					   none yet */
		uint32_t to_do;         /* names that are not signed yet */
		bool late; /* less than a quarter of their validity is left */
	} zone[];
};

struct report {
	int64_t now_ms, start_ms; /* clock_ms() */
	uint64_t generation;
	unsigned n_nodes;
	struct report_node *nodes;
	struct answer_counters counters;           /* of all threads */
	unsigned tcp_connections, tls_connections; /* TLS: of the former */
	int64_t tls_end_s; /* wall clock: when its certificate expires; 0: there
			      is none */
	unsigned workers;
	unsigned n_xdp;
	struct report_xdp xdp[REPORT_XDP_MAX];
	uint64_t builds;        /* snapshots published */
	uint64_t build_ns;      /* the last one took */
	uint64_t builds_cpu_ns; /* all of them took of a processor */
	uint64_t reloads, reload_errors;
	int64_t reload_wall_ms;   /* 0: never */
	const char *reload_error; /* "" if the last one went well */
	bool blind;               /* our own network is suspect */
	bool no_places;           /* names are steered without geography */
	uint64_t record_dropped, record_bytes;
	uint64_t dnstap_frames, dnstap_dropped;
	bool dnstap_connected;
	uint64_t signatures;       /* made */
	uint64_t signatures_lost;  /* asked for by answers, without room */
	unsigned signatures_to_do; /* names that are not signed yet */
	bool signatures_late;      /* of some zone */
	int64_t signatures_end_s;  /* wall clock: when the first one expires; 0:
				      there are none */
	uint64_t transfers_done, transfers_refused, transfers_failed;
	uint64_t transfer_records;
	uint64_t notifies_answered, notifies_unanswered;
	unsigned transfers_running;
	unsigned n_secondaries;
	struct secondary_status *secondaries; /* owned */
	uint64_t path_reports;       /* networks that nodes and players named */
	uint64_t path_reports_taken; /* of those, believed */
	unsigned path_areas, paths;  /* known: areas, areas and nodes */
	unsigned paths_bad;          /* of those, state/path_shown.h */
	uint64_t maps; /* taken in service: names and places are those of it */
	const struct report_traffic *traffic; /* NULL: none yet */
	const struct report_signing *signing; /* NULL: not known yet */
};

/* One block, but for the secondaries. */
struct report *report_new(unsigned n_nodes, const char *reload_error);
void report_free(struct report *report);

#endif
