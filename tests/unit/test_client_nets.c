/* No two client nets, and no two asking networks, are taken for one: nets of
 * both families and of every length, whose first or whose last bits differ. */
#include "world.h"

#define NODES                                                \
	"nodes:\n"                                           \
	"  hk1: {address: [192.0.2.1], at: [22.3, 114.2]}\n" \
	"  lon1: {address: [192.0.2.2], at: [51.5, -0.1]}\n" \
	"steer: {live.example.com: {pool: [edge], lines: 3, ttl: [30, 60]}}\n"

#define VARIED_BITS 8u

typedef void net_visit(void *arg, const struct addr *net, unsigned len);

static void set_bits(struct addr *a, unsigned at, unsigned n, unsigned value)
{
	for (unsigned i = 0; i < n; i++)
		if (value >> (n - 1 - i) & 1)
			a->bytes[(at + i) / 8] |=
				(uint8_t)(0x80 >> (at + i) % 8);
}

/* Each net once: all values of its first bits, and of its last ones. */
static void each_net(uint8_t family, net_visit *visit, void *arg)
{
	struct addr zero = {.family = family};
	for (unsigned len = 0; len <= addr_bits(&zero); len++) {
		unsigned n = len < VARIED_BITS ? len : VARIED_BITS;
		for (unsigned v = 0; v < 1u << n; v++) {
			struct addr a = zero;
			set_bits(&a, 0, n, v);
			visit(arg, &a, len);
		}
		for (unsigned v = 1;
			len >= 2 * VARIED_BITS && v < 1u << VARIED_BITS; v++) {
			struct addr a = zero;
			set_bits(&a, len - VARIED_BITS, VARIED_BITS, v);
			visit(arg, &a, len);
		}
	}
}

static struct steer_query query_of(
	struct world *w, const struct addr *net, unsigned len)
{
	struct steer_query q = world_query(w, "live.example.com", "10.1.0.0");
	q.net = *net;
	q.net_len = (uint8_t)len;
	return q;
}

/* Decided and accounted; true if the answer it had before holds. */
static bool ask_again(struct world *w, const struct steer_query *q)
{
	struct steer_decision d;
	steer_answer(world_state(w), w->accounts, q, w->now, &d);
	return d.again;
}

static void is_decided_for_itself(
	void *arg, const struct addr *net, unsigned len)
{
	char text[ADDR_TEXT_MAX];
	struct world *w = arg;
	w->now++; /* those before make room */
	for (uint8_t line = 1; line <= 3; line++) {
		struct steer_query q = query_of(w, net, len);
		q.line = line;
		if (ask_again(w, &q))
			fail_msg("%s/%u line %u has the decision of another",
				addr_text(net, text), len, line);
		if (!ask_again(w, &q))
			fail_msg("%s/%u line %u is not remembered",
				addr_text(net, text), len, line);
	}
}

static void test_decisions(void **state)
{
	struct world w;
	world_open(&w, NODES);
	accounts_free(w.accounts);
	sent_table_free(w.sent);
	w.sent = sent_table_new(1 << 20, 7);
	w.accounts = accounts_new(1 << 20, w.sent, 7);
	each_net(4, is_decided_for_itself, &w);
	each_net(6, is_decided_for_itself, &w);
	world_close(&w);
}

/* Ids of nets, sorted, so that two that are equal lie side by side. */
struct ids {
	uint64_t id[1 << 17];
	size_t n;
};

static void add_id(void *arg, const struct addr *net, unsigned len)
{
	struct ids *ids = arg;
	assert_true(ids->n < sizeof ids->id / sizeof *ids->id);
	ids->id[ids->n++] = addr_net_id(net, len);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void test_ids(void **state)
{
	static struct ids ids;
	each_net(4, add_id, &ids);
	each_net(6, add_id, &ids);
	qsort(ids.id, ids.n, sizeof *ids.id, by_value);
	for (size_t i = 1; i < ids.n; i++)
		assert_true(ids.id[i] != ids.id[i - 1]);
}

/* What demand has learned of a net is not another's: one asks often, the others
 * once. */
static void is_not_known(void *arg, const struct addr *net, unsigned len)
{
	struct world *w = arg;
	struct steer_query q = query_of(w, net, len);
	struct steer_lookup found;
	steer_look_up(&w->state, w->accounts, &q, &found);
	assert_null(accounts_find(found.clients, found.client_hash));
	ask_again(w, &q);
	assert_non_null(accounts_find(found.clients, found.client_hash));
}

static void test_demand(void **state)
{
	struct world w;
	world_open(&w, NODES);
	accounts_free(w.accounts);
	w.accounts = accounts_new(1 << 20, w.sent, 7);
	each_net(4, is_not_known, &w);
	each_net(6, is_not_known, &w);
	world_close(&w);
}

/* An asking network whose budget is spent spends no other's. */
static void has_its_budget(void *arg, const struct addr *net, unsigned len)
{
	struct accounts *accounts = arg;
	if (len != (net->family == 4 ? 24u : 48u))
		return;
	uint64_t id = accounts_net(net);
	assert_true(accounts_budget(accounts, id, 1000, 60, 50) == 50);
	assert_true(accounts_budget(accounts, id, 1000, 60, 50) == 0);
}

static void test_budgets(void **state)
{
	struct sent_table *sent = sent_table_new(64, 7);
	struct accounts *accounts = accounts_new(64, sent, 7);
	each_net(4, has_its_budget, accounts);
	each_net(6, has_its_budget, accounts);
	accounts_free(accounts);
	sent_table_free(sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_demand),
		cmocka_unit_test(test_budgets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
