#include "replay/format.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"

#define FLUSH_BYTES 65536
#define RETRY_MS 10000
#define TIME_MS 1000       /* a file has the time at least so often */
#define FAILS_TOLD 10      /* failures in a row that a new file repeats */
#define LONG_AGO (-999000) /* before a file began; readers know no older */

struct trace {
	char *path, *hello; /* path NULL: off */
	uint64_t size;
	int64_t wall_ms;
	int fd;                  /* -1: none is open */
	struct buf text;         /* not yet written */
	uint64_t written, limit; /* of this file */
	bool failing;            /* nothing is written until retry_ms */
	bool complained;         /* about that; until something was written */
	struct log_fault unkept; /* files that had to be replaced */
	int64_t retry_ms;
	int64_t since_ms; /* answers before that are not ours */
	int64_t start_ms,
		last_ms; /* time 0 of this file; the last one written */
	int64_t sent_ms; /* by a time line */
	uint64_t id;     /* of the last query of this file */
	struct trace_node *nodes;
	unsigned n;
	_Atomic uint64_t *bytes, *lost;
};

struct trace *trace_new(_Atomic uint64_t *bytes, _Atomic uint64_t *lost)
{
	struct trace *t = mem_zero(1, sizeof *t);
	t->fd = -1;
	t->bytes = bytes;
	t->lost = lost;
	return t;
}

void trace_free(struct trace *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->nodes[i].words);
	free(t->nodes);
	free(t->path);
	free(t->hello);
	buf_fini(&t->text);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

/* -- the file -- */

static bool is_writing(const struct trace *t)
{
	return t->fd >= 0 && !t->failing;
}

/* Said once until something could be written. What is in the file stays
 * readable. */
static void fail(struct trace *t, const char *what, int64_t now_ms)
{
	if (!t->complained)
		log_error("record: %s %s: %s; recording pauses", what, t->path,
			strerror(errno));
	t->failing = t->complained = true;
	t->retry_ms = now_ms + RETRY_MS;
	t->text.len = 0;
	if (t->fd >= 0 && ftruncate(t->fd, (off_t)t->written) == 0)
		lseek(t->fd, 0, SEEK_END);
}

static void flush(struct trace *t, int64_t now_ms)
{
	size_t at = 0;
	while (is_writing(t) && at < t->text.len) {
		ssize_t n = write(t->fd, t->text.text + at, t->text.len - at);
		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno != EINTR)
			fail(t, "cannot write", now_ms);
	}
	if (t->complained && t->text.len) {
		log_info("record: %s: goes on", t->path);
		t->complained = false;
	}
	t->written += t->text.len;
	*t->bytes += t->text.len;
	t->text.len = 0;
}

/* The time of a line; never before that of the line above. */
static long long line_time(struct trace *t, int64_t at_ms)
{
	if (at_ms > t->last_ms)
		t->last_ms = at_ms;
	return (long long)(t->last_ms - t->start_ms);
}

/* -- lines about nodes -- */

static const char *const failures[] = {[SAMPLE_TIMEOUT] = "timeout",
	[SAMPLE_REFUSED] = "refused",
	[SAMPLE_UNREADABLE] = "unreadable",
	[SAMPLE_DENIED] = "denied",
	[SAMPLE_UNTRUSTED] = "untrusted"};
static const char *const probes[] = {[HEALTH_RTMP] = "rtmp",
	[HEALTH_FLV] = "flv",
	[HEALTH_SRT] = "srt",
	[HEALTH_WHEP] = "whep",
	[HEALTH_STREAM] = "stream"};

static bool is_there(const struct trace_node *n)
{
	return *n->name && !n->gone;
}

static void line_node(
	struct trace *t, const struct trace_node *n, int64_t now_ms)
{
	buf_printf(&t->text, "node %lld %s %s\n", line_time(t, now_ms), n->name,
		n->words);
}

static void line_state(
	struct trace *t, const char *name, const char *state, int64_t now_ms)
{
	buf_printf(&t->text, "state %lld %s %s\n", line_time(t, now_ms), name,
		state);
}

static void line_load(
	struct trace *t, const struct trace_node *n, int64_t now_ms)
{
	const struct trace_load *l = &n->load;
	int64_t sampled = l->sampled_ms - t->start_ms;
	buf_printf(&t->text, "load %lld %s %lld %.0f %.0f %.1f\n",
		line_time(t, now_ms), n->name,
		(long long)(sampled > LONG_AGO ? sampled : LONG_AGO),
		l->connections, l->kbps, l->cpu * 100);
}

static void line_failed(
	struct trace *t, const struct trace_node *n, int64_t now_ms)
{
	buf_printf(&t->text, "loadfail %lld %s %s\n", line_time(t, now_ms),
		n->name, failures[n->failure]);
}

static void line_probe(struct trace *t, const struct trace_node *n,
	enum health_probe probe, enum health_probed how, int64_t now_ms)
{
	static const char *const ends[] = {[HEALTH_FAILED] = "failed",
		[HEALTH_ANSWERED] = "ok",
		[HEALTH_UNREACHED] = "unreached"};
	buf_printf(&t->text, "probe %lld %s %s %s\n", line_time(t, now_ms),
		n->name, probes[probe], ends[how]);
}

/* The nodes. */
static void write_nodes(struct trace *t, int64_t now_ms)
{
	for (unsigned i = 0; i < t->n; i++)
		if (is_there(&t->nodes[i]))
			line_node(t, &t->nodes[i], now_ms);
	for (unsigned i = 0; i < t->n; i++)
		if (is_there(&t->nodes[i]) && t->nodes[i].drained)
			line_state(t, t->nodes[i].name, "drain", now_ms);
}

/* How they were last seen. */
static void write_loads(struct trace *t, int64_t now_ms)
{
	for (unsigned i = 0; i < t->n; i++) {
		const struct trace_node *n = &t->nodes[i];
		if (!is_there(n))
			continue;
		if (n->load.known)
			line_load(t, n, now_ms);
		for (unsigned k = 0; k < n->fails && k < FAILS_TOLD; k++)
			line_failed(t, n, now_ms);
		for (int p = 0; p < HEALTH_PROBES; p++)
			for (unsigned k = 0;
				k < n->probe_fails[p] && k < FAILS_TOLD; k++)
				line_probe(t, n, p, HEALTH_FAILED, now_ms);
	}
}

/* -- beginning, rotation and end -- */

/* What is there already is kept as PATH.1; a device or pipe is not moved. */
static void keep_old(struct trace *t)
{
	struct stat st;
	if (lstat(t->path, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return;
	char *old = mem_alloc(strlen(t->path) + 3);
	strcpy(old, t->path);
	strcat(old, ".1");
	if (rename(t->path, old) &&
		log_failed(&t->unkept, strerror(errno), t->last_ms))
		log_warn("record: cannot keep %s: %s", old, strerror(errno));
	free(old);
}

static void open_file(struct trace *t, int64_t now_ms)
{
	keep_old(t);
	/* O_NONBLOCK: a pipe without a reader must not block. O_NOFOLLOW: a link
	 * could make us overwrite another file. */
	t->fd = open(t->path,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK |
			O_NOFOLLOW,
		0640);
	if (t->fd < 0) {
		fail(t,
			errno == ELOOP ? "does not follow the link"
				       : "cannot open",
			now_ms);
		return;
	}
	t->written = t->id = 0;
	t->start_ms = t->last_ms = t->sent_ms = now_ms;
	buf_printf(&t->text, "hello %s start=%lld\n", t->hello,
		(long long)(t->wall_ms + now_ms));
	write_nodes(t, now_ms);
	write_loads(t, now_ms);
	/* More than what each file begins with. */
	t->limit = 2 * t->text.len;
	if (t->limit < t->size)
		t->limit = t->size;
}

static void close_file(struct trace *t, int64_t now_ms)
{
	if (is_writing(t))
		buf_printf(&t->text, "end %lld\n", line_time(t, now_ms));
	flush(t, now_ms);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

/* After each line or pair of lines that belong together. */
static void event_done(struct trace *t, int64_t now_ms)
{
	if (t->text.len >= FLUSH_BYTES)
		flush(t, now_ms);
	if (!is_writing(t) || t->written + t->text.len < t->limit)
		return;
	close_file(t, now_ms);
	if (!t->failing)
		open_file(t, now_ms);
}

static void set_text(char **to, const char *text)
{
	char *copy = text ? mem_strdup(text) : NULL;
	free(*to);
	*to = copy;
}

void trace_stop(struct trace *t, int64_t now_ms)
{
	close_file(t, now_ms);
	t->failing = false;
	set_text(&t->path, NULL);
}

void trace_start(struct trace *t, const struct trace_file *file, int64_t now_ms)
{
	t->size = file->size;
	t->wall_ms = file->wall_ms;
	if (t->path && !strcmp(t->path, file->path) &&
		!strcmp(t->hello, file->hello))
		return;
	if (!t->path)
		t->since_ms = now_ms;
	trace_stop(t, now_ms);
	set_text(&t->path, file->path);
	set_text(&t->hello, file->hello);
	open_file(t, now_ms);
}

/* Where recording failed, and it is time: on in the same file if there is
 * one, with all nodes again. */
static void retry(struct trace *t, int64_t now_ms)
{
	if (!t->failing || now_ms < t->retry_ms)
		return;
	if (t->fd < 0) {
		open_file(t, now_ms);
		t->failing = t->fd < 0;
		return;
	}
	t->failing = false;
	write_nodes(t, now_ms);
	write_loads(t, now_ms);
}

void trace_time(struct trace *t, int64_t now_ms)
{
	retry(t, now_ms);
	if (is_writing(t) && now_ms - t->sent_ms >= TIME_MS) {
		t->sent_ms = now_ms;
		buf_printf(&t->text, "time %lld\n", line_time(t, now_ms));
		event_done(t, now_ms);
	}
	flush(t, now_ms);
}

/* -- events -- */

static struct trace_node *node_at(struct trace *t, unsigned node)
{
	return node < t->n && is_there(&t->nodes[node]) ? &t->nodes[node]
							: NULL;
}

/* Whom an index means from now on. */
static void replace_node(struct trace *t, unsigned i,
	const struct trace_node *fresh, int64_t now_ms)
{
	struct trace_node *n = &t->nodes[i];
	bool same = fresh && !strcmp(n->name, fresh->name);

	if (is_there(n) && !same && is_writing(t))
		line_state(t, n->name, "removed", now_ms);
	if (!fresh) {
		n->gone = true;
		return;
	}
	free(n->words);
	*n = *fresh;
}

void trace_nodes(struct trace *t, const struct trace_node *nodes, unsigned n,
	int64_t now_ms)
{
	if (n > t->n) {
		t->nodes = mem_grow(t->nodes, n * sizeof *t->nodes);
		memset(t->nodes + t->n, 0, (n - t->n) * sizeof *t->nodes);
		t->n = n;
	}
	for (unsigned i = 0; i < t->n; i++)
		replace_node(t, i, i < n && *nodes[i].name ? &nodes[i] : NULL,
			now_ms);
	if (!is_writing(t))
		return;
	write_nodes(t, now_ms);
	event_done(t, now_ms);
}

/* Our time of a sample, by the age by the node's own clock; a stamp
 * that stands still is the same time again. */
static void take_load(
	struct trace_load *l, const struct sample *s, int64_t now_ms)
{
	bool same_run = l->known && s->identity == l->identity;
	int64_t passed = s->sampled_ms - l->stamp_ms;

	if (!same_run || passed) {
		l->sampled_ms = now_ms - (s->node_ms - s->sampled_ms) -
			(int64_t)(s->rtt_ms / 2);
		l->kbps = same_run && passed > 0 && s->send_bytes >= l->bytes
			? (double)(s->send_bytes - l->bytes) * 8 /
				(double)passed
			: 0;
		l->bytes = s->send_bytes;
		l->stamp_ms = s->sampled_ms;
		l->identity = s->identity;
	}
	l->connections = s->connections;
	l->cpu = (double)s->cpu;
	l->known = true;
}

void trace_sample(
	struct trace *t, unsigned node, const struct sample *s, int64_t now_ms)
{
	struct trace_node *n = node_at(t, node);
	if (!n)
		return;
	if (!s->sampled_ms) { /* statistics are off: nothing can be believed */
		trace_failed(t, node, SAMPLE_UNREADABLE, now_ms);
		return;
	}
	n->fails = 0;
	take_load(&n->load, s, now_ms);
	if (!is_writing(t))
		return;
	line_load(t, n, now_ms);
	event_done(t, now_ms);
}

void trace_failed(struct trace *t, unsigned node, enum sample_failure failure,
	int64_t now_ms)
{
	struct trace_node *n = node_at(t, node);
	if (!n)
		return;
	n->fails++;
	n->failure = failure;
	if (!is_writing(t))
		return;
	line_failed(t, n, now_ms);
	event_done(t, now_ms);
}

void trace_probed(struct trace *t, unsigned node, enum health_probe probe,
	enum health_probed how, int64_t now_ms)
{
	struct trace_node *n = node_at(t, node);
	if (!n)
		return;
	unsigned *fails = &n->probe_fails[health_row(probe)];
	*fails = how == HEALTH_ANSWERED ? 0 : *fails + 1;
	if (!is_writing(t))
		return;
	line_probe(t, n, probe, how, now_ms);
	event_done(t, now_ms);
}

void trace_heard(struct trace *t, unsigned node,
	const struct fleet_others *others, int64_t now_ms)
{
	struct trace_node *n = node_at(t, node);
	if (!n || !is_writing(t))
		return;
	buf_printf(&t->text, "heard %lld %s any=%u up=%u down=%u",
		line_time(t, now_ms), n->name, others->any, others->up,
		others->down);
	if (others->good_ms)
		buf_printf(&t->text, " good=%lld",
			(long long)(now_ms - others->good_ms));
	buf_printf(&t->text, "\n");
	event_done(t, now_ms);
}

void trace_drained(struct trace *t, unsigned node, bool drained, int64_t now_ms)
{
	struct trace_node *n = node_at(t, node);
	if (!n)
		return;
	n->drained = drained;
	if (!is_writing(t))
		return;
	line_state(t, n->name, drained ? "drain" : "up", now_ms);
	event_done(t, now_ms);
}

static void line_path(struct trace *t, const char *name,
	const struct path_report *r, int64_t now_ms)
{
	char net[PREFIX_TEXT_MAX];
	struct prefix prefix = path_net_prefix(r->net);
	static const char *const by[] = {[PATH_BY_NODE] = "edge",
		[PATH_BY_PLAYER] = "player",
		[PATH_BY_BITS] = "bits"};
	buf_printf(&t->text, "path %lld %s %s ", line_time(t, now_ms),
		prefix_text(&prefix, net), name);
	if (r->rtt_ms > 0)
		buf_printf(&t->text, "rtt=%.1f ", (double)r->rtt_ms);
	if (r->loss >= 0)
		buf_printf(&t->text, "loss=%.4f ", (double)r->loss);
	buf_printf(&t->text, "n=%u by=%s asn=%u lat=%.4f lon=%.4f\n",
		r->viewers, by[r->by], r->place.asn, (double)r->place.lat,
		(double)r->place.lon);
}

void trace_path(
	struct trace *t, const struct path_report *report, int64_t now_ms)
{
	const struct trace_node *n = node_at(t, report->node);
	if (!n || !is_writing(t) || report->place.source == PLACE_UNKNOWN)
		return;
	line_path(t, n->name, report, now_ms);
	event_done(t, now_ms);
}

/* -- answers -- */

/* A label may hold any octet; what would end a word or a label is replaced. */
static void add_name(struct buf *out, const struct record_entry *e)
{
	char stream[RECORD_STREAM];
	strcpy(stream, e->stream);
	for (char *c = stream; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			*c = '?';
	if (*stream)
		buf_printf(out, "%s.", stream);
	if (e->line > 1)
		buf_printf(out, "line%u.", e->line);
	buf_printf(out, "%s", e->name);
}

static void add_query(struct trace *t, const struct record_entry *e)
{
	char net[PREFIX_TEXT_MAX], asker[ADDR_TEXT_MAX];

	prefix_text(&e->net, net);
	buf_printf(&t->text, "query %lld %llu ", line_time(t, e->at_ms),
		(unsigned long long)t->id);
	add_name(&t->text, e);
	buf_printf(&t->text, " %s %s ", e->subnet ? net : "-",
		addr_text(&e->asker, asker));
	if (e->placed)
		buf_printf(
			&t->text, "%.4f %.4f", (double)e->lat, (double)e->lon);
	else
		buf_printf(&t->text, "- -");
	if (!e->subnet)
		buf_printf(&t->text, " net=%s", net);
	if (e->asn)
		buf_printf(&t->text, " asn=%u", e->asn);
	buf_printf(&t->text, " type=%s%s%s%s\n",
		e->type == STEER_AAAA            ? "AAAA"
			: e->type == STEER_HTTPS ? "HTTPS"
						 : "A",
		e->trusted ? " trusted=1" : "", e->proven ? " proven=1" : "",
		e->http ? " via=http" : "");
}

static void add_answer(struct trace *t, const struct record_entry *e)
{
	unsigned named = 0;

	buf_printf(&t->text, "answer %llu ", (unsigned long long)t->id);
	for (unsigned i = 0; i < e->n; i++) {
		const char *name =
			e->node[i] < t->n ? t->nodes[e->node[i]].name : "";
		if (*name)
			buf_printf(&t->text, "%s%s", named++ ? "," : "", name);
	}
	buf_printf(&t->text, "%s ttl=%u scope=%u\n", named ? "" : "-", e->ttl_s,
		e->scope);
}

void trace_answer(struct trace *t, const struct record_entry *e)
{
	if (!t->path || e->at_ms < t->since_ms)
		return; /* left over from before it was switched on */
	if (!is_writing(t)) {
		++*t->lost;
		return;
	}
	t->id++;
	add_query(t, e);
	add_answer(t, e);
	event_done(t, e->at_ms);
}
