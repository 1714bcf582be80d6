#include "control/faults.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

#define LINES_PER_S 20

static const char *const words[FAULTS] = {[FAULT_POLL] = "a poll",
	[FAULT_RTMP] = "the RTMP probe",
	[FAULT_FLV] = "the FLV probe",
	[FAULT_SRT] = "the SRT probe",
	[FAULT_WHEP] = "the WHEP probe",
	[FAULT_STREAMS] = "asking for streams",
	[FAULT_CLIENTS] = "asking for clients",
	[FAULT_HEARTBEAT] = "a check of its heartbeats"};

struct faults {
	struct log_fault (*of)[FAULTS]; /* by node */
	unsigned n;
	struct log_limit limit;
};

struct faults *faults_new(void)
{
	return mem_zero(1, sizeof(struct faults));
}

void faults_free(struct faults *f)
{
	if (f)
		free(f->of);
	free(f);
}

static void faults_grow(struct faults *f, unsigned n)
{
	f->of = mem_grow(f->of, n * sizeof *f->of);
	memset(f->of + f->n, 0, (n - f->n) * sizeof *f->of);
	f->n = n;
}

void faults_note(struct faults *f, unsigned node, const char *name,
	enum fault_of what, const char *why)
{
	assert(name);
	int64_t now_ms = clock_ms();
	unsigned held;

	if (node >= f->n)
		faults_grow(f, node + 1);
	struct log_fault *fault = &f->of[node][what];
	if (!(why ? log_failed(fault, why, now_ms)
		  : log_mended(fault, now_ms)) ||
		!log_allowed(&f->limit, now_ms, LINES_PER_S, &held))
		return;
	const char *others = held ? " (others held back)" : "";
	if (why)
		log_info("node %s: %s failed: %s%s", name, words[what], why,
			others);
	else
		log_info("node %s: %s failed %llu times, no longer%s", name,
			words[what], (unsigned long long)fault->times, others);
}

void faults_forget(struct faults *f, unsigned node)
{
	if (node < f->n)
		memset(f->of[node], 0, sizeof f->of[node]);
}
