/* The registry's rules, exhaustively: two name servers, an etcd, and all that can happen
 * between them, in every order, as far as seven steps go (DNSD_DEPTH: more). A request
 * may be taken and its answer lost; one that was given up may be taken later; a server
 * may be cut off, or killed and started with what it had kept.
 *
 *	at every step    what an operator says is in force at once where it was said;
 *	                 etcd takes a server's changes in their order; none that was
 *	                 taken before, or whose server did not know of a change of the
 *	                 other one, undoes anything; a change that is done was taken
 *	once all is well  both servers have in force what etcd has, nothing waits, each
 *	                 change is done or was in conflict
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/index.h"
#include "registry/registry.h"

#define KEY "drains/hk1"
#define MARK "{\"id\":\"m\",\"seeds\":1}"
#define SERVERS 2
#define OPS 3
#define GHOSTS 3
#define LOG 16
#define DEPTH_MAX 12
#define CUTS 2 /* of all servers together */
#define CRASHES 1

enum end { OPEN, DONE, CONFLICT, REPLACED };

struct op {
	unsigned server;
	int64_t knew; /* its server did, up to this revision */
	bool taken;
	enum end end;
};

struct request {
	bool there, answered, ok;
	char *value;
	unsigned op;
	int64_t base, revision;
};

struct server {
	struct registry *registry;
	bool connected;
	unsigned at; /* of the log: delivered */
	struct registry_row disk;
	bool on_disk;
	struct request request;
};

static struct model {
	struct server server[SERVERS];
	unsigned n_ops, cuts, crashes;
	struct op op[OPS];
	unsigned n_log;
	struct {
		char *value;
		unsigned op;
		int64_t revision;
	} log[LOG];
	struct request ghost[GHOSTS];
} m;

/* -- values: changes 0 and 2 say the same -- */

static char value_mark(const char *value)
{
	return value ? value[sizeof "{\"drained\":" - 1] : '-';
}

/* The last change of a server: what it wants, if it wants anything. */
static unsigned last_op(unsigned server)
{
	unsigned last = OPS;
	for (unsigned i = 0; i < m.n_ops; i++)
		if (m.op[i].server == server)
			last = i;
	assert_true(last < OPS);
	return last;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

/* -- etcd -- */

static int64_t etcd_revision(void)
{
	return m.n_log ? m.log[m.n_log - 1].revision : 0;
}

static const char *etcd_value(void)
{
	return m.n_log ? m.log[m.n_log - 1].value : NULL;
}

static void check_taken(unsigned number)
{
	struct op *op = &m.op[number];
	unsigned n = m.n_log - 1;
	bool undoes = n &&
		value_mark(m.log[n].value) != value_mark(m.log[n - 1].value);
	assert_true(!op->taken || !undoes);
	op->taken = true;
	for (unsigned i = 0; i < n; i++) {
		unsigned other = m.log[i].op;
		if (other == number)
			continue;
		if (m.op[other].server == op->server)
			assert_true(other < number);
		else if (undoes)
			assert_true(m.log[i].revision <= op->knew);
	}
}

/* Takes a change if its base is right. */
static void etcd_take(struct request *r)
{
	r->answered = true;
	r->ok = r->base == etcd_revision();
	if (!r->ok)
		return;
	assert_true(m.n_log < LOG);
	r->revision = 10 + m.n_log;
	m.log[m.n_log].op = r->op;
	m.log[m.n_log].value = copy(r->value);
	m.log[m.n_log++].revision = r->revision;
	check_taken(r->op);
}

/* -- the events of a server -- */

static struct server *server_of(void *arg)
{
	return arg;
}

static bool on_check(
	void *arg, const char *key, const char *value, struct err *err)
{
	(void)arg;
	(void)key;
	(void)value;
	(void)err;
	return true;
}

static void on_in_force(
	void *arg, const char *key, const char *value, const char *by)
{
	(void)arg;
	(void)key;
	(void)value;
	(void)by;
}

static void on_keep(void *arg, const struct registry_row *row)
{
	struct server *s = server_of(arg);
	if (strcmp(row->key, KEY))
		return;
	free(s->disk.value);
	free(s->disk.wanted);
	s->disk = (struct registry_row){.key = KEY,
		.value = copy(row->value),
		.wanted = copy(row->wanted),
		.revision = row->revision,
		.base = row->base};
	s->on_disk = row->value || row->wanted;
}

static void on_send(void *arg, const char *key, const char *value, int64_t base)
{
	struct server *s = server_of(arg);
	assert_string_equal(key, KEY);
	assert_false(s->request.there);
	s->request = (struct request){.there = true,
		.value = copy(value),
		.op = last_op((unsigned)(s - m.server)),
		.base = base};
}

static void on_ended(
	void *arg, const char *key, enum registry_end end, const char *by)
{
	unsigned server = (unsigned)(server_of(arg) - m.server);
	bool last = true;
	(void)key;
	(void)by;
	for (unsigned i = m.n_ops; i-- > 0;) {
		struct op *op = &m.op[i];
		if (op->server != server || op->end != OPEN)
			continue;
		op->end = !last                ? REPLACED
			: end == REGISTRY_DONE ? DONE
					       : CONFLICT;
		assert_true(op->end != DONE || op->taken);
		last = false;
	}
}

static void on_refused(void *arg, const char *key, const char *why)
{
	(void)arg;
	fail_msg("%s: %s", key, why);
}

/* -- what can happen -- */

static void server_start(unsigned i)
{
	struct server *s = &m.server[i];
	struct registry_events events = {.arg = s,
		.check = on_check,
		.in_force = on_in_force,
		.keep = on_keep,
		.send = on_send,
		.ended = on_ended,
		.refused = on_refused};
	struct registry_row mark = {
		.key = REGISTRY_MARK, .value = MARK, .revision = 1};
	char name[8];
	snprintf(name, sizeof name, "ns%u", i + 1);
	s->registry = registry_new(name, "m", &events);
	registry_restore(s->registry, &mark);
	if (s->on_disk)
		registry_restore(s->registry, &s->disk);
	s->connected = false;
}

/* Without its answer a request may still be taken. */
static void give_up(struct server *s)
{
	struct request *r = &s->request;
	for (unsigned i = 0; r->there && !r->answered && i < GHOSTS; i++)
		if (!m.ghost[i].there) {
			m.ghost[i] = *r;
			r->value = NULL;
			r->there = false;
		}
	free(r->value);
	*r = (struct request){0};
}

static void time_out(struct server *s)
{
	give_up(s);
	registry_answer(s->registry, KEY, REGISTRY_UNKNOWN, 0);
}

static void answer(struct server *s)
{
	bool ok = s->request.ok;
	int64_t revision = s->request.revision;
	give_up(s);
	registry_answer(s->registry, KEY, ok ? REGISTRY_TAKEN : REGISTRY_STALE,
		revision);
}

static void deliver(struct server *s)
{
	struct registry_item item = {
		KEY, m.log[s->at].value, m.log[s->at].revision};
	s->at++;
	registry_changed(s->registry, &item, 1);
}

static void connect(struct server *s)
{
	struct registry_item all[] = {
		{KEY, etcd_value(), etcd_revision()}, {REGISTRY_MARK, MARK, 1}};
	bool any = m.n_log > 0;
	s->connected = true;
	s->at = m.n_log;
	registry_all(s->registry, 9 + m.n_log, all + !any, 1 + any);
	registry_connected(s->registry, true);
}

static void cut(struct server *s)
{
	s->connected = false;
	registry_connected(s->registry, false);
	if (s->request.there)
		time_out(s);
}

static void crash(unsigned i)
{
	struct server *s = &m.server[i];
	give_up(s);
	registry_free(s->registry);
	server_start(i);
}

static void operate(unsigned i)
{
	struct server *s = &m.server[i];
	const struct registry_row *row = registry_row(s->registry, KEY);
	char value[64];
	m.op[m.n_ops] =
		(struct op){.server = i, .knew = row ? row->revision : 0};
	snprintf(value, sizeof value, "{\"drained\":%s}",
		m.n_ops++ % 2 ? "false" : "true");
	registry_want(s->registry, KEY, value);
	row = registry_row(s->registry, KEY);
	assert_int_equal(value_mark(registry_value(row)), value_mark(value));
}

enum action {
	OPERATE,
	TAKE,
	ANSWER,
	GIVE_UP,
	DELIVER,
	CUT,
	CONNECT,
	CRASH,
	TICK
};
#define ACTIONS (TICK + 1)
#define CHOICES (SERVERS * ACTIONS + GHOSTS)

static bool ghosts_full(void)
{
	for (unsigned i = 0; i < GHOSTS; i++)
		if (!m.ghost[i].there)
			return false;
	return true;
}

static bool may(unsigned choice)
{
	if (choice >= SERVERS * ACTIONS)
		return m.ghost[choice - SERVERS * ACTIONS].there;
	const struct server *s = &m.server[choice / ACTIONS];
	const struct request *r = &s->request;
	bool room = !ghosts_full();
	switch ((enum action)(choice % ACTIONS)) {
	case OPERATE:
		return m.n_ops < OPS;
	case TAKE:
		return r->there && !r->answered;
	case ANSWER:
		return r->there && r->answered;
	case GIVE_UP:
		return r->there && room;
	case DELIVER:
		return s->connected && s->at < m.n_log;
	case CUT:
		return s->connected && m.cuts < CUTS && room;
	case CONNECT:
		return !s->connected;
	case CRASH:
		return m.crashes < CRASHES && room;
	case TICK:
		return s->connected && !r->there &&
			registry_pending(s->registry);
	}
	return false;
}

static void act(unsigned choice)
{
	struct server *s = &m.server[choice / ACTIONS % SERVERS];
	if (choice >= SERVERS * ACTIONS) {
		struct request *ghost = &m.ghost[choice - SERVERS * ACTIONS];
		etcd_take(ghost);
		free(ghost->value);
		*ghost = (struct request){0};
		return;
	}
	switch ((enum action)(choice % ACTIONS)) {
	case OPERATE:
		operate(choice / ACTIONS);
		break;
	case TAKE:
		etcd_take(&s->request);
		break;
	case ANSWER:
		answer(s);
		break;
	case GIVE_UP:
		time_out(s);
		break;
	case DELIVER:
		deliver(s);
		break;
	case CUT:
		m.cuts++;
		cut(s);
		break;
	case CONNECT:
		connect(s);
		break;
	case CRASH:
		m.crashes++;
		crash(choice / ACTIONS);
		break;
	case TICK:
		registry_connected(s->registry, true);
		break;
	}
}

/* -- the whole -- */

static void model_begin(void)
{
	m = (struct model){0};
	for (unsigned i = 0; i < SERVERS; i++) {
		server_start(i);
		connect(&m.server[i]);
	}
}

static void model_end(void)
{
	for (unsigned i = 0; i < SERVERS; i++) {
		struct server *s = &m.server[i];
		registry_free(s->registry);
		free(s->request.value);
		free(s->disk.value);
		free(s->disk.wanted);
	}
	for (unsigned i = 0; i < GHOSTS; i++)
		free(m.ghost[i].value);
	for (unsigned i = 0; i < m.n_log; i++)
		free(m.log[i].value);
}

/* All links are mended and all that is under way arrives. */
static void settle(void)
{
	static const enum action order[] = {
		CONNECT, TAKE, ANSWER, DELIVER, TICK};
	bool any = true;
	for (unsigned rounds = 0; any; rounds++) {
		assert_true(rounds < 100);
		any = false;
		for (unsigned i = 0; i < SERVERS; i++)
			for (unsigned k = 0; k < 5; k++) {
				unsigned choice = i * ACTIONS + order[k];
				if (!may(choice))
					continue;
				act(choice);
				any = true;
			}
	}
}

static void check_settled(void)
{
	const char *value = etcd_value();
	for (unsigned i = 0; i < SERVERS; i++) {
		const struct registry_row *row =
			registry_row(m.server[i].registry, KEY);
		assert_int_equal(registry_pending(m.server[i].registry), 0);
		if (value)
			assert_string_equal(registry_value(row), value);
		else
			assert_null(row);
	}
	for (unsigned i = 0; i < m.n_ops; i++)
		assert_true(m.op[i].end != OPEN);
}

/* What the state is, but for how it came about. */
static size_t state_text(char *out, size_t room)
{
	size_t n = 0;
#define ADD(...) n += (size_t)snprintf(out + n, room - n, __VA_ARGS__)
	ADD("%u %u|", m.cuts, m.crashes);
	for (unsigned i = 0; i < m.n_ops; i++)
		ADD("%u%u%d%d ", m.op[i].server, m.op[i].taken, m.op[i].end,
			(int)m.op[i].knew);
	for (unsigned i = 0; i < m.n_log; i++)
		ADD("L%u", m.log[i].op);
	for (unsigned i = 0; i < GHOSTS; i++)
		if (m.ghost[i].there)
			ADD("G%u,%d", m.ghost[i].op, (int)m.ghost[i].base);
	for (unsigned i = 0; i < SERVERS; i++) {
		const struct server *s = &m.server[i];
		const struct registry_row *row = registry_row(s->registry, KEY);
		ADD("|%d %u %d %d:%d,%d ", s->connected, s->at,
			registry_state(s->registry), s->request.there,
			(int)s->request.op, (int)s->request.base);
		ADD("%d%d", s->request.answered, s->request.ok);
		if (row)
			ADD("R%c,%d,%c,%d,%d%d%d%d,%d", value_mark(row->value),
				(int)row->revision, value_mark(row->wanted),
				(int)row->base, row->sent, row->replaced,
				row->tried, row->doubtful, (int)row->sent_base);
		ADD("D%c,%d,%c,%d", value_mark(s->disk.value),
			(int)s->disk.revision, value_mark(s->disk.wanted),
			(int)s->disk.base);
	}
#undef ADD
	assert_true(n < room);
	return n;
}

static struct index *known;
static unsigned path[DEPTH_MAX], deepest = 7;

/* Whether the state after so many steps is a new one; *next: what may come. */
static bool explore(unsigned depth, uint64_t *next)
{
	char text[1024];
	bool made;
	model_begin();
	for (unsigned i = 0; i < depth; i++)
		act(path[i]);
	*next = 0;
	for (unsigned i = 0; i < CHOICES; i++)
		*next |= (uint64_t)may(i) << i;
	size_t n = state_text(text, sizeof text);
	text[n++] = (char)('A' + depth); /* a shorter way sees more */
	index_number(known, text, n, &made);
	if (made) {
		settle();
		check_settled();
	}
	model_end();
	return made;
}

static void walk(unsigned depth)
{
	uint64_t next;
	if (!explore(depth, &next) || depth == deepest)
		return;
	for (unsigned i = 0; i < CHOICES; i++)
		if (next >> i & 1) {
			path[depth] = i;
			walk(depth + 1);
		}
}

static void test_every_order(void **state)
{
	(void)state;
	const char *more = getenv("DNSD_DEPTH");
	if (more)
		deepest = (unsigned)atoi(more) % (DEPTH_MAX + 1);
	known = index_new();
	walk(0);
	printf("%u states\n", index_count(known));
	assert_true(index_count(known) > 1000);
	index_free(known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_order)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
