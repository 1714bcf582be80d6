/* counters.h - what a thread counts while it answers.
 *
 * One writer, the thread that owns the struct answerer; control sums the
 * threads' counters at any time. Hence relaxed atomics, and no lock prefix.
 */
#ifndef SNAPSHOT_COUNTERS_H
#define SNAPSHOT_COUNTERS_H

#include <stdint.h>

enum count_type {
	COUNT_A,
	COUNT_AAAA,
	COUNT_NS,
	COUNT_SOA,
	COUNT_TXT,
	COUNT_MX,
	COUNT_CNAME,
	COUNT_HTTPS,
	COUNT_SRV,
	COUNT_PTR,
	COUNT_ANY,
	COUNT_OTHER,
	COUNT_TYPES
};

enum count_transport { COUNT_UDP, COUNT_TCP, COUNT_TLS, COUNT_TRANSPORTS };

/* RCODEs 0..10 are their own index. */
#define COUNT_BADVERS 11
#define COUNT_RCODES 12

struct answer_counters {
	/* [count_transport][IPv6], dropped ones too */
	uint64_t queries[COUNT_TRANSPORTS][2];
	uint64_t types[COUNT_TYPES]; /* of questions that could be read */
	uint64_t rcodes[COUNT_RCODES];
	uint64_t dropped;
	uint64_t truncated;
	uint64_t rrl_dropped;   /* of the dropped, beyond the limit */
	uint64_t rrl_truncated; /* of the truncated */
	uint64_t with_ecs;
	uint64_t cookies_ok;  /* with a server cookie of ours, still good */
	uint64_t cookies_bad; /* with one that is not */
	uint64_t tls_full, tls_resumed; /* handshakes that came to an end */
	uint64_t tls_failed;            /* and those that did not */
	uint64_t proxy_bad; /* of a proxy, without a header that can be read */
};

/* "A", "other": for metrics. */
const char *count_type_text(enum count_type type);

static inline void count(uint64_t *counter)
{
	uint64_t v = __atomic_load_n(counter, __ATOMIC_RELAXED);
	__atomic_store_n(counter, v + 1, __ATOMIC_RELAXED);
}

static inline uint64_t count_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* sum += from, which another thread may be writing. */
void counters_add(
	struct answer_counters *sum, const struct answer_counters *from);

#endif
