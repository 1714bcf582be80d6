/* Threads that answer the same client nets in the same instant: what each decides by
 * is one entry, however often another thread makes, changes or takes it meanwhile. */
#include "world.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define ROUNDS 60
#define NETS 1024
#define LINES 3

static const char yaml[] = "nodes:\n"
			   "  a: {address: [10.0.0.1], at: [22.3, 114.2]}\n"
			   "  b: {address: [10.0.0.2], at: [22.3, 114.2]}\n"
			   "  c: {address: [10.0.0.3], at: [22.3, 114.2]}\n"
			   "  d: {address: [10.0.0.4], at: [35.7, 139.7]}\n"
			   "steer:\n"
			   "  live.example.com: {pool: [edge], lines: 3}\n";

struct together {
	struct world *world;
	struct accounts *accounts;
	_Atomic unsigned asked; /* questions begun */
	struct together *other;
	bool is_late;
	unsigned answers, without;
};

/* Both begin each question in the same instant, or one of them a little later: at any
 * step of the other's answer. */
static void wait_for_other(struct together *a)
{
	unsigned asked = ++a->asked;
	for (unsigned turns = 0; a->other->asked < asked; turns++)
		if (turns > 1000)
			sched_yield();
	for (unsigned later = asked * 37 % 512; a->is_late && later; later--)
		atomic_signal_fence(memory_order_seq_cst);
}

static void ask_line(struct together *a, unsigned net, unsigned line)
{
	char client[32], name[32] = "live.example.com";
	struct steer_decision d;
	snprintf(client, sizeof client, "10.%u.%u.0/24", 1 + net / 256,
		net % 256);
	if (line > 1)
		snprintf(name, sizeof name, "line%u.live.example.com", line);
	struct steer_query q = world_query(a->world, name, client);
	q.type = a->is_late ? STEER_AAAA : STEER_A;
	wait_for_other(a);
	steer_answer(&a->world->state, a->accounts, &q, a->world->now, &d);
	a->answers++;
	a->without += d.n == 0;
}

/* Lines after the first come first: then all lines are read together. */
static void *ask_all(void *arg)
{
	struct together *a = arg;
	for (unsigned net = 0; net < NETS; net++)
		for (unsigned line = LINES; line > 0; line--)
			ask_line(a, net, line);
	return NULL;
}

/* A room of `nets` is less than what is asked: entries are taken as well. */
static void ask_together(unsigned nets)
{
	struct world w;
	pthread_t thread;
	world_open(&w, yaml);
	world_state(&w);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct sent_table *sent = sent_table_new(nets, 7 + i);
		struct together both[2];
		for (unsigned k = 0; k < 2; k++)
			both[k] = (struct together){.world = &w,
				.accounts = accounts_new(NETS, sent, 7 + i),
				.other = &both[1 - k],
				.is_late = k == 1};
		assert_int_equal(
			pthread_create(&thread, NULL, ask_all, &both[1]), 0);
		ask_all(&both[0]);
		pthread_join(thread, NULL);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(both[k].answers, NETS * LINES);
			assert_int_equal(both[k].without, 0);
			accounts_free(both[k].accounts);
		}
		sent_table_free(sent);
	}
	world_close(&w);
}

static void test_new_nets(void **state)
{
	ask_together(2 * NETS);
}

static void test_too_many_nets(void **state)
{
	ask_together(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_nets),
		cmocka_unit_test(test_too_many_nets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
