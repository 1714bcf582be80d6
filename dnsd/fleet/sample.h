/* sample.h - one reading of a node's load, from its own SRS.
 *
 * Written by srs/ (which never judges), read by steer/health (which does).
 * Values are raw; SRS's traps are health's to know: counters that restart,
 * stamps that freeze, clocks that jump.
 */
#ifndef FLEET_SAMPLE_H
#define FLEET_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

/* Of a sample's identity: so many a real number of the store holds. */
#define SAMPLE_IDENTITY_BITS 53

struct sample {
	int64_t sampled_ms;   /* node's clock: when SRS counted connections and
			       bytes (srs_sample_time); 0: statistics are off */
	int64_t node_ms;      /* node's clock: when it answered (now_ms) */
	uint32_t connections; /* conn_srs */
	uint64_t send_bytes;  /* srs_send_bytes, since the SRS started */
	float cpu;            /* self.cpu_percent: share of one core, 0..1 */
	float rtt_ms;         /* how long the poll took */
	int32_t uptime_s;     /* srs_uptime; -1: not there */
	uint64_t identity;    /* hash of service and pid (SRS 4: self.pid):
				 another value is a restart; 0: not there */
	uint16_t major;       /* SRS version, 0: not there */
	uint16_t minor, revision;
};

/* Why a poll or a probe brought nothing. */
enum sample_failure {
	SAMPLE_TIMEOUT,    /* connected or not, no answer in time */
	SAMPLE_REFUSED,    /* connection refused or reset */
	SAMPLE_UNREADABLE, /* an answer that is none: HTTP error, no JSON,
			      no data.system.conn_srs, wrong types */
	SAMPLE_DENIED,     /* 401 or 403: the operator must look */
	SAMPLE_UNTRUSTED,  /* its certificate: likewise */
};

#endif
