#include "xdp/xdp.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/log.h"
#include "snapshot/report.h"
#include "xdp/device.h"
#include "xdp/program.h"
#include "xdp/worker.h"

enum device_state {
	DEVICE_CLOSED, /* it could not be opened */
	DEVICE_OPEN,
	DEVICE_LOST /* it, or its program, is gone */
};

struct device {
	char name[CONF_INTERFACE_MAX];
	enum device_state state;
	char why[160];    /* it is closed */
	unsigned ifindex; /* when it was opened */
	bool native;
	bool wanted; /* by the configuration in service */
	struct program program;
	struct program_rules rules; /* that were written last */
	unsigned n_queues;
	struct queue *queues;
	struct xdp_worker **workers; /* NULL until they are made */
	unsigned left_out;           /* addresses; said in the log */
	uint64_t kernel_dropped;
};

struct xdp {
	const struct listeners *listeners;
	int mode; /* that it was opened with */
	bool running;
	unsigned n;
	struct device devices[CONF_INTERFACES_MAX];
};

/* -- open -- */

static void close_device(struct device *d)
{
	for (unsigned i = 0; i < d->n_queues; i++)
		queue_close(&d->queues[i]);
	free(d->queues);
	d->queues = NULL;
	d->n_queues = 0;
	program_close(&d->program);
}

static const char *reason(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return "not permitted: it takes CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF when dnsd starts";
	case ENOBUFS:
		return "too little locked memory: LimitMEMLOCK of its unit, or CAP_IPC_LOCK";
	case EBUSY:
	case EEXIST:
		return "another program or socket of XDP is there";
	default:
		return strerror(error);
	}
}

static bool open_queues(struct device *d, unsigned n)
{
	d->queues = mem_zero(n, sizeof *d->queues);
	for (unsigned i = 0; i < n; i++) {
		if (!queue_open(&d->queues[i], d->ifindex, i, d->native))
			return false;
		d->n_queues++;
		if (!program_queue(&d->program, i, d->queues[i].socket))
			return false;
	}
	return true;
}

static bool open_as(struct device *d, unsigned queues, bool native)
{
	d->native = native;
	if (program_attach(&d->program, d->ifindex, native) &&
		open_queues(d, queues))
		return true;
	int saved = errno;
	close_device(d);
	errno = saved;
	return false;
}

static void open_device(struct device *d, int mode)
{
	struct err err = {0};
	unsigned queues;
	bool ok = false;

	d->ifindex = device_number(d->name);
	if (!device_usable(d->name, &queues, &err)) {
		snprintf(d->why, sizeof d->why, "%s", err_text(&err));
	} else {
		ok = (mode != CONF_XDP_COPY && open_as(d, queues, true)) ||
			(mode != CONF_XDP_NATIVE && open_as(d, queues, false));
		if (!ok)
			snprintf(d->why, sizeof d->why, "%s", reason(errno));
	}
	err_fini(&err);
	d->state = ok ? DEVICE_OPEN : DEVICE_CLOSED;
}

/* -- of another process -- */

static void take_queues(struct device *d, struct listen_handed *handed)
{
	for (;;) {
		unsigned i = d->n_queues;
		int fd = listen_take(handed, LISTEN_XDP_QUEUE, i, d->name);
		int file = listen_take(handed, LISTEN_XDP_FRAMES, i, d->name);
		if (fd < 0)
			return;
		d->queues = mem_grow(d->queues, (i + 1) * sizeof *d->queues);
		if (!queue_take(&d->queues[i], fd, file))
			return;
		d->n_queues++;
	}
}

/* False: there is nothing to take. */
static bool take_device(struct device *d, struct listen_handed *handed)
{
	int link = listen_take(handed, LISTEN_XDP_LINK, 0, d->name);
	int rules = listen_take(handed, LISTEN_XDP_RULES, 0, d->name);

	if (link < 0)
		return false;
	if (program_take(&d->program, link, rules))
		take_queues(d, handed);
	if (!d->n_queues) {
		close_device(d);
		d->state = DEVICE_CLOSED;
		snprintf(d->why, sizeof d->why,
			"the process before it was of another version: a restart opens it");
		return true;
	}
	d->ifindex = d->queues[0].state->ifindex;
	d->native = d->queues[0].state->native;
	d->state = DEVICE_OPEN;
	return true;
}

void xdp_give(const struct xdp *x, struct listen_handed *handed)
{
	for (unsigned i = 0; x && i < x->n; i++) {
		const struct device *d = &x->devices[i];
		if (d->state != DEVICE_OPEN)
			continue;
		listen_give(
			handed, LISTEN_XDP_LINK, 0, d->name, d->program.link);
		listen_give(handed, LISTEN_XDP_RULES, 0, d->name,
			d->program.rules_fd);
		for (unsigned q = 0; q < d->n_queues; q++) {
			listen_give(handed, LISTEN_XDP_QUEUE, q, d->name,
				d->queues[q].socket);
			listen_give(handed, LISTEN_XDP_FRAMES, q, d->name,
				d->queues[q].file);
		}
	}
}

struct xdp *xdp_open(const struct conf *conf, const struct listeners *listeners,
	struct listen_handed *handed, struct err *err)
{
	const struct conf_texts *names = &conf->xdp.interfaces;
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	if (!conf->xdp.given)
		return NULL;
	setrlimit(RLIMIT_MEMLOCK, &all); /* what fails is said below */
	struct xdp *x = mem_zero(1, sizeof *x);
	x->listeners = listeners;
	x->mode = conf->xdp.mode;
	for (x->n = 0; x->n < names->n; x->n++) {
		struct device *d = &x->devices[x->n];
		snprintf(d->name, sizeof d->name, "%s", names->text[x->n]);
		d->wanted = true;
		d->program = (struct program){-1, -1, -1, NULL};
		if (!take_device(d, handed))
			open_device(d, conf->xdp.mode);
		if (d->state != DEVICE_OPEN)
			err_warn(err,
				"%s:%u: xdp: %s is answered by sockets: %s",
				names->where[x->n].file,
				names->where[x->n].line, d->name, d->why);
	}
	return x;
}

/* -- rules -- */

static void write_words(uint64_t *to, const uint64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

static void switch_to(struct program_rules *rules, bool on)
{
	__atomic_store_n(&rules->on, on, __ATOMIC_SEQ_CST);
}

/* While they change, all goes to the kernel. */
static void write_rules(struct device *d, const struct program_rules *rules)
{
	struct program_rules *shown = d->program.rules;
	const size_t first = offsetof(struct program_rules, mac) / 8;

	if (!memcmp(rules, &d->rules, sizeof *rules))
		return;
	switch_to(shown, false);
	write_words((uint64_t *)shown + first, (const uint64_t *)rules + first,
		sizeof *rules / 8 - first);
	switch_to(shown, rules->on);
	d->rules = *rules;
}

/* Not while it is stopped: they may be of the process that has taken over. */
static void renew_rules(const struct xdp *x, struct device *d)
{
	struct program_rules rules = {0};
	const struct conf_texts listen = {.n = x->listeners->n,
		.text = (const char **)x->listeners->text};

	if (!x->running || !d->program.rules)
		return;
	unsigned left_out = device_rules(d->name, &listen, &rules);
	rules.on = d->wanted && d->state == DEVICE_OPEN;
	write_rules(d, &rules);
	if (left_out > d->left_out)
		log_warn(
			"xdp: %s: %u addresses are answered by sockets: it takes %d of each family",
			d->name, left_out, PROGRAM_ADDRESSES);
	d->left_out = left_out;
}

static void look_for_loss(struct device *d)
{
	unsigned now = device_number(d->name);

	if (d->state != DEVICE_OPEN ||
		(now == d->ifindex && program_is_attached(&d->program)))
		return;
	d->state = DEVICE_LOST;
	snprintf(d->why, sizeof d->why, "%s",
		now == d->ifindex ? "its program was detached"
				  : "the interface is gone");
	log_error(
		"xdp: %s: %s; sockets answer, and a restart of dnsd takes it again",
		d->name, d->why);
}

void xdp_look(struct xdp *x)
{
	for (unsigned i = 0; x && i < x->n; i++) {
		struct device *d = &x->devices[i];
		look_for_loss(d);
		renew_rules(x, d);
		uint64_t dropped = 0;
		for (unsigned q = 0; q < d->n_queues; q++)
			dropped += queue_dropped(&d->queues[q]);
		d->kernel_dropped = dropped;
	}
}

static struct device *find_device(struct xdp *x, const char *name)
{
	for (unsigned i = 0; x && i < x->n; i++)
		if (!strcmp(x->devices[i].name, name))
			return &x->devices[i];
	return NULL;
}

void xdp_configure(struct xdp *x, const struct conf *conf, struct err *err)
{
	const struct conf_texts *names = &conf->xdp.interfaces;

	for (unsigned i = 0; x && i < x->n; i++)
		x->devices[i].wanted = false;
	for (unsigned i = 0; conf->xdp.given && i < names->n; i++) {
		struct device *d = find_device(x, names->text[i]);
		if (d)
			d->wanted = true;
		if (!d || x->mode != conf->xdp.mode)
			err_warn(err,
				"%s:%u: xdp: for %s a change takes a restart",
				names->where[i].file, names->where[i].line,
				names->text[i]);
	}
	for (unsigned i = 0; x && i < x->n; i++)
		renew_rules(x, &x->devices[i]);
}

/* -- threads -- */

void xdp_make(struct xdp *x, const struct net_shared *shared)
{
	unsigned number = 0;
	for (unsigned i = 0; x && i < x->n; i++) {
		struct device *d = &x->devices[i];
		d->workers = mem_zero(d->n_queues + 1, sizeof *d->workers);
		for (unsigned q = 0; q < d->n_queues; q++)
			d->workers[q] =
				xdp_worker_new(number++, &d->queues[q], shared);
	}
}

struct net_thread *xdp_thread(const struct xdp *x, unsigned n)
{
	for (unsigned i = 0; x && i < x->n; i++) {
		const struct device *d = &x->devices[i];
		if (n < d->n_queues)
			return d->workers ? xdp_worker_thread(d->workers[n])
					  : NULL;
		n -= d->n_queues;
	}
	return NULL;
}

unsigned xdp_threads(const struct xdp *x)
{
	unsigned n = 0;
	for (unsigned i = 0; x && i < x->n; i++)
		n += x->devices[i].n_queues;
	return n;
}

void xdp_start(struct xdp *x)
{
	if (!x)
		return;
	x->running = true;
	for (unsigned i = 0; i < x->n; i++) {
		struct device *d = &x->devices[i];
		for (unsigned q = 0; q < d->n_queues; q++)
			xdp_worker_start(d->workers[q]);
		memset(&d->rules, 0, sizeof d->rules); /* write all */
		renew_rules(x, d);
	}
}

/* Not twice: the rules are then of the process that has taken over. */
void xdp_stop(struct xdp *x)
{
	if (!x || !x->running)
		return;
	x->running = false;
	for (unsigned i = 0; i < x->n; i++)
		if (x->devices[i].program.rules)
			switch_to(x->devices[i].program.rules, false);
	for (unsigned i = 0; i < x->n; i++) {
		struct device *d = &x->devices[i];
		for (unsigned q = 0; d->workers && q < d->n_queues; q++)
			xdp_worker_stop(d->workers[q]);
	}
}

void xdp_free(struct xdp *x)
{
	for (unsigned i = 0; x && i < x->n; i++) {
		struct device *d = &x->devices[i];
		for (unsigned q = 0; d->workers && q < d->n_queues; q++)
			xdp_worker_free(d->workers[q]);
		free(d->workers);
		close_device(d);
	}
	free(x);
}

/* -- what is said of it -- */

static const char *mode_of(const struct device *d)
{
	if (d->state == DEVICE_LOST)
		return "lost";
	if (d->state == DEVICE_CLOSED || !d->wanted)
		return "off";
	if (!d->native)
		return "copy";
	return d->queues[0].zero_copy ? "native, zero copy" : "native";
}

void xdp_log(const struct xdp *x)
{
	for (unsigned i = 0; x && i < x->n; i++) {
		const struct device *d = &x->devices[i];
		if (d->state == DEVICE_OPEN)
			log_info(
				"answering on %s by AF_XDP, mode %s, %u queues",
				d->name, mode_of(d), d->n_queues);
	}
}

static uint64_t word(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

unsigned xdp_report(const struct xdp *x, struct report_xdp *out)
{
	for (unsigned i = 0; x && i < x->n; i++) {
		const struct device *d = &x->devices[i];
		struct report_xdp *r = &out[i];
		*r = (struct report_xdp){.mode = mode_of(d),
			.queues = d->n_queues,
			.no_room = d->kernel_dropped};
		snprintf(r->name, sizeof r->name, "%s", d->name);
		snprintf(r->why, sizeof r->why, "%s",
			d->wanted ? d->why : "not in the configuration");
		for (unsigned q = 0; q < d->n_queues; q++) {
			const struct queue_counts *c =
				&d->queues[q].state->counts;
			r->received += word(&c->received);
			r->answered += word(&c->answered);
			r->bad_checksum += word(&c->bad_checksum);
			r->malformed += word(&c->malformed);
			r->no_room += word(&c->no_room);
		}
	}
	return x ? x->n : 0;
}
