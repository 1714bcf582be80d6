/* What one answering thread keeps: demand, places, budgets, reservations. */
#include "world.h"

#include "ledger/accounts.h"
#include "memory.h"

#define NOW 1000000u

struct fixture {
	struct sent_table *sent;
	struct accounts *a;
};

static int setup(void **state)
{
	static struct fixture f;
	f.sent = sent_table_new(16, 7);
	f.a = accounts_new(16, f.sent, 7);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	accounts_free(f->a);
	sent_table_free(f->sent);
	return 0;
}

/* -- clients -- */

/* The n-th key of a bucket, as a hash. */
static uint64_t hash_in(const struct accounts *a, uint64_t bucket, uint64_t n)
{
	return bucket << (64 - a->bucket_bits) | n;
}

static struct client *find(struct accounts *a, uint64_t hash)
{
	return accounts_find(accounts_bucket(a, hash), hash);
}

static struct client *make(struct accounts *a, uint64_t hash, uint32_t now)
{
	return accounts_make(accounts_bucket(a, hash), hash, now);
}

/* As many clients as are asked for have room, and the table takes no more than
 * twice the memory of that. */
static void test_size(void **state)
{
	struct fixture *f = *state;
	static const unsigned sizes[] = {200, 3 << 8, 1000, 3 << 10, 100000};
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct accounts *a = accounts_new(sizes[i], f->sent, 1);
		unsigned room = CLIENT_WAYS << a->bucket_bits;
		assert_true(room >= sizes[i] && room < 2 * sizes[i]);
		struct client_bucket *last =
			&a->clients[(1u << a->bucket_bits) - 1];
		assert_ptr_equal(accounts_bucket(a, UINT64_MAX), last);
		make(a, UINT64_MAX, NOW);
		accounts_free(a);
	}
	accounts_free(NULL);
}

/* All that an account took is given back. */
static void test_memory(void **state)
{
	struct fixture *f = *state;
	size_t before = 0;
	for (unsigned i = 0; i < 40; i++) {
		struct accounts *a = accounts_new(1 << 16, f->sent, 1);
		accounts_free(a);
		if (i == 0)
			before = memory_of_pages();
	}
	assert_true(memory_of_pages() < before + 1000000);
}

/* However small the table is, no two keys are taken for one: of a key, bucket and
 * id hold all. */
static void test_no_two_clients_are_one(void **state)
{
	struct fixture *f = *state;
	struct accounts *a = accounts_new(1, f->sent, 1);
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t hash = 0x123456789abcdef0u;
		struct client *c = make(a, hash, NOW);
		assert_ptr_equal(find(a, hash), c);
		assert_null(find(a, hash ^ (uint64_t)1 << bit));
		*c = (struct client){0};
	}
	accounts_free(a);
}

/* A client that is new has no demand; each of a bucket is found again. */
static void test_clients_of_a_bucket(void **state)
{
	struct fixture *f = *state;
	for (uint64_t n = 0; n < CLIENT_WAYS; n++) {
		uint64_t hash = hash_in(f->a, 5, n);
		assert_null(find(f->a, hash));
		struct client *c = make(f->a, hash, NOW);
		assert_float_equal(c->rate, 0, 0);
		assert_int_equal(c->events, 0);
		c->rate = (float)n + 1;
	}
	for (uint64_t n = 0; n < CLIENT_WAYS; n++)
		assert_float_equal(
			find(f->a, hash_in(f->a, 5, n))->rate, (float)n + 1, 0);
}

/* In a full bucket the client goes that has asked least lately, also where the
 * clock of the entries has begun anew. */
static void test_oldest_client_goes(void **state)
{
	static const uint32_t begin[] = {NOW, 253 * CLIENT_TICK_MS};
	for (unsigned b = 0; b < 2; b++)
		for (uint64_t old = 0; old < CLIENT_WAYS; old++) {
			struct fixture *f = *state;
			teardown(state);
			setup(state);
			for (uint64_t n = 0; n < CLIENT_WAYS; n++)
				make(f->a, hash_in(f->a, 5, n),
					begin[b] +
						(n == old ? 0 : 2) *
							CLIENT_TICK_MS);
			uint64_t new = hash_in(f->a, 5, 99);
			make(f->a, new, begin[b] + 4 * CLIENT_TICK_MS);
			for (uint64_t n = 0; n < CLIENT_WAYS; n++)
				assert_int_equal(
					find(f->a, hash_in(f->a, 5, n)) == NULL,
					n == old);
			assert_non_null(find(f->a, new));
		}
}

/* -- places -- */

/* Viewers of an area are on a node until half an hour is over, fewer and fewer. */
static void test_places_fade(void **state)
{
	struct fixture *f = *state;
	struct accounts *a = f->a;
	assert_float_equal(accounts_place(a, 3, 4, 8, NOW), 0, 0);
	assert_float_equal(accounts_placed(a, 3, 4, NOW), 8, 0);
	assert_float_equal(accounts_placed(a, 3, 4, NOW + 900000), 4, 1e-4);
	assert_float_equal(accounts_placed(a, 3, 4, NOW + 1800000), 0, 1e-4);
	assert_float_equal(accounts_placed(a, 3, 4, NOW + 2700000), 0, 0);
	assert_float_equal(accounts_placed(a, 3, 5, NOW), 0, 0);
	assert_float_equal(accounts_placed(a, 4, 4, NOW), 0, 0);
	/* and those that come are added to those that are left */
	assert_float_equal(accounts_place(a, 3, 4, 1, NOW + 900000), 4, 1e-4);
	assert_float_equal(accounts_placed(a, 3, 4, NOW + 900000), 5, 1e-4);
	assert_float_equal(accounts_placed(a, 3, 4, NOW + 1800000), 2.5f, 1e-4);
}

/* Within a second nothing fades, so that answers in a row lose no viewer. */
static void test_places_within_a_second(void **state)
{
	struct fixture *f = *state;
	struct accounts *a = f->a;
	accounts_place(a, 3, 4, 1000, NOW);
	assert_float_equal(accounts_place(a, 3, 4, 0, NOW + 999), 1000, 0);
	assert_true(accounts_place(a, 3, 4, 0, NOW + 1000) < 1000);
	assert_true(accounts_placed(a, 3, 4, NOW + 1000) > 999);
}

/* Another area that is kept at the same place in the table begins with none;
 * no viewers take no place away. */
static void test_places_are_few(void **state)
{
	struct fixture *f = *state;
	struct accounts *a = f->a;
	uint32_t other = 4;
	while (placed_at(other, 4) != placed_at(3, 4))
		other++;
	accounts_place(a, 3, 4, 8, NOW);
	assert_float_equal(accounts_placed(a, other, 4, NOW), 0, 0);
	assert_float_equal(accounts_place(a, other, 4, 0, NOW), 0, 0);
	assert_float_equal(accounts_placed(a, 3, 4, NOW), 8, 0);
	assert_float_equal(accounts_place(a, other, 4, 2, NOW + 500), 0, 0);
	assert_float_equal(accounts_placed(a, 3, 4, NOW + 500), 0, 0);
	assert_float_equal(accounts_placed(a, other, 4, NOW + 500), 2, 0);
}

/* Areas and nodes spread over all of the table. */
static void test_places_spread(void **state)
{
	struct fixture *f = *state;
	unsigned used = 0, size = 1 << PLACED_BITS;
	for (unsigned i = 0; i < 4 * size; i++)
		accounts_place(f->a, i / 100, i % 100, 1, NOW);
	for (unsigned i = 0; i < size; i++)
		used += f->a->placed[i].viewers > 0;
	assert_true(used > size * 0.95);
}

/* Of an area, and of all areas together. */
static void test_places_of_all_areas(void **state)
{
	struct fixture *f = *state;
	accounts_place_area(f->a, 3, 4, 8, NOW);
	accounts_place_area(f->a, 5, 4, 1, NOW);
	struct placed_before b = accounts_place_area(f->a, 3, 4, 1, NOW);
	assert_float_equal(b.area, 8, 1e-3);
	assert_float_equal(b.everywhere, 9, 1e-3);
	b = accounts_place_area(f->a, 3, 2, 1, NOW);
	assert_float_equal(b.area, 0, 0);
	assert_float_equal(b.everywhere, 0, 0);
}

/* A stream is no area, and two streams are two. */
static void test_streams_are_no_areas(void **state)
{
	(void)state;
	assert_true(accounts_stream(5) > 0x7fffffff);
	assert_true(accounts_stream(5) != accounts_stream(4));
	assert_true(accounts_stream(5) == accounts_stream(5));
}

/* -- budgets -- */

/* A network is a /24 or a /48. */
static void test_networks(void **state)
{
	(void)state;
	assert_true(world_net("192.0.2.1") == world_net("192.0.2.254"));
	assert_true(world_net("192.0.2.1") != world_net("192.0.3.1"));
	assert_true(
		world_net("2001:db8:1:2::1") == world_net("2001:db8:1:3::1"));
	assert_true(
		world_net("2001:db8:1::1") == world_net("2001:db8:1:8000::1"));
	assert_true(world_net("2001:db8:1::1") != world_net("2001:db8:2::1"));
	assert_true(world_net("0.0.0.0") != 0);
}

/* A newcomer may promise all at once; then a tenth of it a second, and never
 * more than at first. */
static void test_budget(void **state)
{
	struct fixture *f = *state;
	uint64_t net = world_net("192.0.2.1");
	assert_float_equal(accounts_budget(f->a, net, NOW, 60, 100), 60, 0);
	assert_float_equal(accounts_budget(f->a, net, NOW, 60, 100), 40, 0);
	assert_float_equal(accounts_budget(f->a, net, NOW, 60, 100), 0, 0);
	assert_float_equal(
		accounts_budget(f->a, net, NOW + 500, 60, 100), 5, 1e-3);
	assert_float_equal(
		accounts_budget(f->a, net, NOW + 2500, 1, 100), 1, 0);
	assert_float_equal(
		accounts_budget(f->a, net, NOW + 2500, 60, 100), 19, 1e-3);
	assert_float_equal(
		accounts_budget(f->a, net, NOW + 900000, 600, 100), 100, 0);
	assert_float_equal(
		accounts_budget(f->a, world_net("192.0.3.1"), NOW, 60, 100), 60,
		0);
}

/* Each network has a budget of its own; questions of others do not lower it. */
static void test_budget_of_others(void **state)
{
	struct fixture *f = *state;
	uint64_t net = world_net("192.0.2.1"), other = world_net("192.0.3.1");
	assert_float_equal(accounts_budget(f->a, net, NOW, 60, 100), 60, 0);
	assert_float_equal(accounts_budget(f->a, other, NOW, 70, 100), 70, 0);
	assert_float_equal(accounts_budget(f->a, net, NOW, 60, 100), 40, 0);
	assert_float_equal(accounts_budget(f->a, other, NOW, 60, 100), 30, 0);
}

/* As a network that there is none of. */
static uint64_t some_net(uint64_t i)
{
	return hash_mix(i) | 1;
}

/* Networks spread over all of the table. */
static void test_budgets_spread(void **state)
{
	struct fixture *f = *state;
	unsigned used = 0, size = 1 << ASKERS_BITS;
	for (unsigned i = 0; i < 4 * size; i++)
		accounts_budget(f->a, some_net(i), NOW, 1, 100);
	for (unsigned i = 0; i < size; i++)
		used += f->a->askers[i].net != 0;
	assert_true(used > size * 0.95);
}

/* Nothing refills while the budget is whole. */
static void test_whole_budget(void **state)
{
	struct fixture *f = *state;
	uint64_t net = world_net("192.0.2.1");
	accounts_budget(f->a, net, NOW, 0, 100);
	uint32_t later = NOW + 1000;
	assert_float_equal(accounts_budget(f->a, net, later, 50, 100), 50, 0);
	assert_float_equal(accounts_budget(f->a, net, later, 60, 100), 50, 0);
}

/* What a network promises a little at a time refills as well. */
static void test_budget_by_the_way(void **state)
{
	struct fixture *f = *state;
	uint64_t net = world_net("192.0.2.1");
	for (unsigned s = 0; s < 100; s++)
		assert_float_equal(
			accounts_budget(f->a, net, NOW + s * 1000, 9, 100), 9,
			0);
	assert_float_equal(
		accounts_budget(f->a, net, NOW + 99000, 100, 100), 91, 1e-2);
}

/* Of viewers that switch lines, five of a newcomer's are believed, and a quarter
 * of those that the network has brought; each once. */
static void test_budget_of_lines(void **state)
{
	struct fixture *f = *state;
	uint64_t net = world_net("192.0.2.1");
	assert_float_equal(accounts_lines_budget(f->a, net, NOW, 3, 100), 3, 0);
	assert_float_equal(accounts_lines_budget(f->a, net, NOW, 3, 100), 2, 0);
	assert_float_equal(accounts_lines_budget(f->a, net, NOW, 3, 100), 0, 0);
	accounts_budget(f->a, net, NOW, 40, 100);
	assert_float_equal(
		accounts_lines_budget(f->a, net, NOW, 50, 100), 10, 1e-3);
	/* never more than its budget may hold */
	for (unsigned i = 0; i < 20; i++)
		accounts_budget(f->a, net, NOW + i * 10000, 100, 100);
	assert_float_equal(
		accounts_lines_budget(f->a, net, NOW, 1000, 100), 100, 0);
	assert_float_equal(
		accounts_lines_budget(f->a, net, NOW, 1000, 100), 0, 0);
}

/* -- reservations -- */

/* The class of a TTL is the shortest that is no shorter than it. */
static void test_classes(void **state)
{
	(void)state;
	for (unsigned ttl = 0; ttl <= 70; ttl++) {
		unsigned c = reservation_class(ttl);
		assert_true(c < RESERVATION_CLASSES);
		assert_true(ttl > 60 || reservation_class_s[c] >= ttl);
		assert_true(c == 0 || reservation_class_s[c - 1] < ttl);
	}
}

/* What control reads of an answer: its viewers at once, and as many over the time
 * that it lives as it said. */
static void test_reserve(void **state)
{
	struct fixture *f = *state;
	struct reservation *r = &f->a->reservation[2];
	accounts_reserve(f->a, 2, 1, 1.5f, 0, 5, false);
	assert_int_equal(r->answers, 1);
	assert_int_equal(r->viewers, 1.5f * RESERVATION_VIEWER);
	for (unsigned c = 0; c < RESERVATION_CLASSES; c++)
		assert_int_equal(r->rate[c], 0);
	accounts_reserve(f->a, 2, 1, 0, 4, 5, false);
	assert_int_equal(r->answers, 2);
	assert_int_equal(r->viewers, 1.5f * RESERVATION_VIEWER);
	unsigned c = reservation_class(5);
	assert_int_equal(
		r->rate[c], 4 * RESERVATION_RATE * 5 / reservation_class_s[c]);
	accounts_reserve(f->a, 3, 1, 0, 0.5f, 5, false); /* few, too */
	assert_int_equal(f->a->reservation[3].rate[c],
		RESERVATION_RATE * 5 / 2 / reservation_class_s[c]);
	/* A large resolver's is reserved by its event. */
	accounts_reserve(f->a, 2, 1, 7, 4, 5, true);
	assert_int_equal(r->answers, 3);
	assert_int_equal(r->viewers, 1.5f * RESERVATION_VIEWER);
	assert_int_equal(f->a->reservation[1].answers, 0);
}

/* What a load that is read does not hold yet, until the next one is. */
static void test_unpublished(void **state)
{
	struct fixture *f = *state;
	assert_float_equal(accounts_unpublished(f->a, 2, 7), 0, 0);
	accounts_reserve(f->a, 2, 7, 3, 2, 10, false);
	accounts_reserve(f->a, 2, 7, 1, 0, 10, true);
	accounts_reserve(f->a, 4, 7, 5, 0, 10, false);
	assert_float_equal(accounts_unpublished(f->a, 2, 7), 24, 1e-4);
	assert_float_equal(accounts_unpublished(f->a, 4, 7), 5, 1e-4);
	assert_float_equal(f->a->unpublished_most, 24, 1e-4);
	assert_float_equal(accounts_unpublished(f->a, 2, 8), 0, 0);
	accounts_reserve(f->a, 4, 8, 6, 0, 10, false);
	assert_float_equal(accounts_unpublished(f->a, 4, 8), 6, 1e-4);
	assert_float_equal(accounts_unpublished(f->a, 2, 8), 0, 0);
	assert_float_equal(f->a->unpublished_most, 6, 1e-4);
	accounts_reserve(f->a, 4, 9, 0.5f, 0, 10, false);
	assert_float_equal(f->a->unpublished_most, 0.5f, 1e-4);
}

/* -- events -- */

/* What control takes from the ring is what the thread has put there. */
static void test_events_reach_control(void **state)
{
	struct fixture *f = *state;
	struct steer_event in = {.kind = EVENT_SENT, .asker = 5}, out;
	assert_false(events_pop(f->a->events, &out));
	events_push(f->a->events, &in);
	assert_true(events_pop(f->a->events, &out));
	assert_int_equal(out.asker, 5);
	assert_false(events_pop(f->a->events, &out));
	assert_ptr_equal(f->a->sent, f->sent);
}

/* A network has one event about a node in so long, of each kind. */
static void test_events_are_limited(void **state)
{
	struct fixture *f = *state;
	struct accounts *a = f->a;
	uint64_t net = world_net("192.0.2.1"), other = world_net("192.0.3.1");
	assert_true(
		accounts_event_allowed(a, net, EVENT_LIMIT_SENT, 3, NOW, 5000));
	assert_false(accounts_event_allowed(
		a, net, EVENT_LIMIT_SENT, 3, NOW + 4999, 5000));
	assert_true(accounts_event_allowed(
		a, other, EVENT_LIMIT_SENT, 3, NOW + 4999, 5000));
	assert_true(accounts_event_allowed(
		a, net, EVENT_LIMIT_SENT, 4, NOW + 4999, 5000));
	assert_true(accounts_event_allowed(
		a, net, EVENT_LIMIT_SWITCHED, 3, NOW + 4999, 5000));
	/* none of them stands in the place of the first */
	assert_false(accounts_event_allowed(
		a, net, EVENT_LIMIT_SENT, 3, NOW + 4999, 5000));
	assert_true(accounts_event_allowed(
		a, net, EVENT_LIMIT_SENT, 3, NOW + 5000, 5000));
	assert_false(accounts_event_allowed(
		a, net, EVENT_LIMIT_SENT, 3, NOW + 9999, 5000));
}

/* The first event of each network about each node is allowed, whatever stood in its
 * place of the table; all places are used. */
static void test_first_events(void **state)
{
	struct fixture *f = *state;
	unsigned used = 0, size = 1 << EVENT_LIMIT_BITS;
	for (unsigned i = 0; i < 2 * size; i++) {
		enum event_limit_kind kind = i % 2;
		assert_true(accounts_event_allowed(
			f->a, some_net(i), kind, 3, NOW, 5000));
		assert_true(accounts_event_allowed(
			f->a, some_net(0), kind, i + 4, NOW, 5000));
	}
	for (unsigned i = 0; i < size; i++)
		used += f->a->event_limits[i].net != 0;
	assert_true(used > size * 0.95);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_size),
		TEST(test_memory),
		TEST(test_no_two_clients_are_one),
		TEST(test_clients_of_a_bucket),
		TEST(test_oldest_client_goes),
		TEST(test_places_fade),
		TEST(test_places_within_a_second),
		TEST(test_places_are_few),
		TEST(test_places_spread),
		TEST(test_places_of_all_areas),
		TEST(test_streams_are_no_areas),
		TEST(test_networks),
		TEST(test_budget),
		TEST(test_budget_of_others),
		TEST(test_budgets_spread),
		TEST(test_whole_budget),
		TEST(test_budget_by_the_way),
		TEST(test_budget_of_lines),
		TEST(test_classes),
		TEST(test_reserve),
		TEST(test_unpublished),
		TEST(test_events_reach_control),
		TEST(test_events_are_limited),
		TEST(test_first_events),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
