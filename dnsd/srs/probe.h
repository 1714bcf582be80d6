/* probe.h - does a server answer, not only its kernel?
 *
 * A full SRS accepts connections for ever and says nothing on them, so a probe
 * sends bytes and wants bytes: RTMP's C0 and C1 (1537 bytes) bring S0, a 3; an
 * HTTP GET brings a status line; a request for a stream brings FLV (flv.h); a
 * datagram brings SRT's answer (srt.h), and is sent three times if need be. The
 * connection is closed as soon as that is known. Nothing blocks. Control thread
 * only.
 */
#ifndef SRS_PROBE_H
#define SRS_PROBE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "fleet/sample.h"

struct event_base;
struct probe;

enum probe_kind {
	PROBE_RTMP,
	PROBE_HTTP,
	PROBE_FLV,     /* a stream */
	PROBE_SRT,     /* by UDP */
	PROBE_CONNECT, /* only whether a connection comes about */
};

struct probe_want {
	enum probe_kind kind;
	const struct sockaddr *to;
	socklen_t to_len;
	unsigned timeout_ms;
	const char *stream; /* PROBE_FLV: its url, shorter than FLV_URL_MAX */
};

/* ok, or how it failed and why in one line, which lives as long as the call. */
struct probe_end {
	bool ok;
	enum sample_failure failure;
	unsigned status; /* PROBE_FLV: the HTTP error, 404 or 5xx; else 0 */
	/* There was no connection, and no refusal of one; of SRT: silence. */
	bool unreached;
	float rtt_ms;
	const char *why;
};

/* The probe is gone when this is called. */
typedef void probe_done(void *arg, const struct probe_end *end);

/* Starts a probe; what is wanted is copied. done is called once, from the event
 * loop and never from within this call, unless the probe is cancelled before. */
struct probe *probe_start(struct event_base *base,
	const struct probe_want *want, probe_done *done, void *arg);

void probe_cancel(struct probe *probe); /* NULL allowed */

/* How a failed connect or read counts: an address that cannot be reached is
 * like silence, for that may be our own network. */
enum sample_failure probe_failure(int error_number);

#endif
