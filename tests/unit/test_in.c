/* test_in.c - what comes from a primary, message by message, and the files that hold it.
 */
#include "unit/folder.h"
#include "unit/primary.h"

#include "base/buf.h"
#include "transfer/bell.h"
#include "transfer/in.h"
#include "transfer/kept.h"

#define NOW 1700000000u

/* A transfer, and the primary's side of its signatures. */
struct world {
	struct in in;
	struct tsig_key key;
	struct tsig_chain primary;
	char *text; /* what was written */
	size_t len;
};

static void begin(struct world *w, bool with_key, uint16_t qtype)
{
	struct name apex = nm("example.com");
	uint8_t frame[IN_QUESTION_MAX];
	struct tsig tsig;

	*w = (struct world){.key = primary_key("ns2.example")};
	in_begin(&w->in, &apex, with_key ? &w->key : NULL);
	w->in.file = open_memstream(&w->text, &w->len);
	size_t n = in_question(&w->in, qtype, frame, NOW);
	assert_int_equal(n, get16(frame) + 2u);
	assert_int_equal(get16(frame + 2), w->in.id);
	assert_int_equal(get16(frame + 2 + 2), 0); /* RD is not set */
	assert_memory_equal(frame + 2 + HEADER_LEN, apex.bytes, apex.len);
	assert_int_equal(get16(frame + 2 + HEADER_LEN + apex.len), qtype);
	size_t at = tsig_find(frame + 2, n - 2);
	assert_true(with_key == (at > 0));
	if (!with_key)
		return;
	assert_true(tsig_read(&tsig, frame + 2, n - 2, at));
	assert_int_equal(
		tsig_verify(&w->key, &tsig, frame + 2, n - 2, NULL, NOW),
		TSIG_GOOD);
	tsig_follow(&w->primary, &w->key, &tsig);
}

static void end(struct world *w)
{
	fclose(w->in.file);
	free(w->text);
	in_end(&w->in);
}

/* A message with these records, "owner TTL IN TYPE RDATA" each, NULL-ended. */
static struct packet message(
	const struct world *w, bool question, const char *const *records)
{
	struct packet p = primary_answer(w->in.id, question ? w->in.qtype : 0);
	for (; *records; records++)
		primary_record(&p, *records);
	return p;
}

static bool take(struct world *w, const struct packet *p)
{
	return in_message(&w->in, p->bytes, p->len, NOW);
}

static void sign(struct world *w, struct packet *p)
{
	p->len = (uint16_t)tsig_sign(&w->primary, p->bytes, p->len, NOW);
}

/* As a primary that does not sign each message: the next MAC covers it. */
static void leave_unsigned(
	struct world *w, struct buf *between, const struct packet *p)
{
	buf_add(between, p->bytes, p->len);
	w->primary.between = (const uint8_t *)between->text;
	w->primary.between_len = between->len;
}

#define SOA "example.com. 300 IN SOA ns1.example.com. h.example.com. 7 1 2 3 4"
#define A "a.example.com. 300 IN A 192.0.2.1"

static const char *const first[] = {SOA, A, NULL};
static const char *const middle[] = {
	"b.example.com. 300 IN TXT \"a\\\"\\\\\\000\"",
	"c.example.com. 300 IN HINFO \"x\" \"y\"", NULL};
static const char *const last[] = {SOA, NULL};

static void test_newer(void **state)
{
	(void)state;
	assert_true(in_is_newer(2, 1));
	assert_false(in_is_newer(1, 1));
	assert_false(in_is_newer(1, 2));
	assert_true(in_is_newer(0, UINT32_MAX));
	assert_false(in_is_newer(UINT32_MAX, 0));
}

static void test_whole(void **state)
{
	struct world w;
	struct packet p;
	(void)state;

	begin(&w, false, RR_AXFR);
	p = message(&w, true, first);
	assert_true(take(&w, &p));
	assert_int_equal(w.in.part, IN_RECORDS);
	p = message(&w, false, middle);
	assert_true(take(&w, &p));
	p = message(&w, false, last);
	assert_true(take(&w, &p));
	assert_int_equal(w.in.part, IN_DONE);
	assert_int_equal(w.in.serial, 7);
	assert_int_equal(w.in.records, 4);
	assert_int_equal(w.in.messages, 3);
	assert_true(w.in.octets > 3u * HEADER_LEN + p.len);
	fflush(w.in.file);
	assert_string_equal(w.text,
		"example.com.\t300\tIN\tSOA\tns1.example.com. h.example.com. 7 1 2 3 4\n"
		"a.example.com.\t300\tIN\tA\t192.0.2.1\n"
		"b.example.com.\t300\tIN\tTXT\t\"a\\\"\\\\\\000\"\n"
		"c.example.com.\t300\tIN\tTYPE13\t\\# 4 01780179\n");
	end(&w);
}

/* Of the header and the question alone. */
static void test_other_answers(void **state)
{
	static const struct {
		unsigned flags;
		const char *why;
	} cases[] = {{0x8410, NULL}, {0x8405, "the primary answers REFUSED"},
		{0x840f, "the primary answers RCODE15"},
		{0x0400, "that is no answer to the question"},
		{0xa400, "that is no answer to the question"},
		{0x8600, "the answer is truncated"}};
	static const char *const none[] = {NULL};
	struct world w;
	(void)state;

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(&w, false, RR_AXFR);
		struct packet p = message(&w, true, first);
		put16(p.bytes + 2, cases[i].flags);
		assert_int_equal(take(&w, &p), !cases[i].why);
		if (cases[i].why)
			assert_string_equal(w.in.why, cases[i].why);
		end(&w);
	}
	begin(&w, false, RR_AXFR);
	struct packet p = message(&w, true, none);
	assert_false(take(&w, &p));
	assert_string_equal(w.in.why, "a message without records");
	end(&w);
	begin(&w, false, RR_AXFR);
	p = message(&w, true, first);
	p.len = HEADER_LEN; /* the question is cut off */
	assert_false(take(&w, &p));
	assert_string_equal(w.in.why, "the answer is to another question");
	end(&w);
	begin(&w, false, RR_AXFR);
	p = message(&w, false, first); /* it may be left out later only */
	assert_false(take(&w, &p));
	assert_string_equal(w.in.why, "the answer is to another question");
	end(&w);
}

/* RDATA may be missing where ldns is content with that. */
static void test_empty_rdata(void **state)
{
	static const char *const none[] = {NULL};
	static const uint16_t types[] = {RR_SOA, RR_A, RR_MX, RR_SVCB, 65400};
	struct world w;
	(void)state;

	for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
		bool fine = types[i] == 65400;
		begin(&w, false, RR_AXFR);
		struct packet p = message(&w, true, first);
		assert_true(take(&w, &p));
		p = message(&w, false, none);
		put_name(&p, "x.example.com");
		put_u16(&p, types[i]);
		put_u16(&p, CLASS_IN);
		put_u16(&p, 0);
		put_u16(&p, 1);
		put_u16(&p, 0);
		put16(p.bytes + 6, 1);
		assert_int_equal(take(&w, &p), fine);
		if (!fine)
			assert_non_null(strstr(w.in.why, "malformed"));
		end(&w);
	}
}

static void test_signed(void **state)
{
	struct world w;
	struct buf between = {0};
	(void)state;

	begin(&w, true, RR_AXFR);
	struct packet p = message(&w, true, first);
	sign(&w, &p);
	assert_true(take(&w, &p));
	for (unsigned i = 0; i < 99; i++) {
		p = message(&w, false, middle);
		leave_unsigned(&w, &between, &p);
		assert_true(take(&w, &p));
	}
	p = message(&w, false, last);
	sign(&w, &p);
	assert_true(take(&w, &p));
	assert_int_equal(w.in.part, IN_DONE);
	buf_fini(&between);
	end(&w);
}

static void test_not_signed(void **state)
{
	struct world w;
	struct packet p;
	(void)state;

	/* the first */
	begin(&w, true, RR_AXFR);
	p = message(&w, true, first);
	assert_false(take(&w, &p));
	assert_string_equal(w.in.why, "the answer is not signed");
	end(&w);
	/* the last */
	begin(&w, true, RR_AXFR);
	p = message(&w, true, first);
	sign(&w, &p);
	assert_true(take(&w, &p));
	p = message(&w, false, last);
	assert_false(take(&w, &p));
	assert_string_equal(w.in.why, "the last message is not signed");
	end(&w);
	/* too many between */
	begin(&w, true, RR_AXFR);
	p = message(&w, true, first);
	sign(&w, &p);
	assert_true(take(&w, &p));
	p = message(&w, false, middle);
	for (unsigned i = 0; i < 99; i++)
		assert_true(take(&w, &p));
	assert_false(take(&w, &p));
	end(&w);
	/* with a key that is not ours to know */
	begin(&w, false, RR_AXFR);
	w.primary = (struct tsig_chain){.key = &w.key};
	p = message(&w, true, first);
	sign(&w, &p);
	assert_false(take(&w, &p));
	assert_string_equal(
		w.in.why, "the answer is signed, without a key here");
	end(&w);
}

/* What was not covered by the next MAC. */
static void test_changed_between(void **state)
{
	struct world w;
	struct buf between = {0};
	(void)state;

	begin(&w, true, RR_AXFR);
	struct packet p = message(&w, true, first);
	sign(&w, &p);
	assert_true(take(&w, &p));
	p = message(&w, false, middle);
	leave_unsigned(&w, &between, &p);
	p.bytes[p.len - 1] ^= 1;
	assert_true(take(&w, &p));
	p = message(&w, false, last);
	sign(&w, &p);
	assert_false(take(&w, &p));
	assert_string_equal(w.in.why, "the signature of the answer: BADSIG");
	buf_fini(&between);
	end(&w);
}

static void test_refused_key(void **state)
{
	static const char *const none[] = {NULL};
	struct world w;
	struct tsig asked = {.time_s = NOW, .fudge_s = 300};
	(void)state;

	begin(&w, true, RR_SOA);
	struct packet p = message(&w, true, none);
	put16(p.bytes + 2, 0x8400 | RCODE_NOTAUTH);
	asked.key = w.key.name;
	asked.algorithm = nm("hmac-sha256");
	p.len = (uint16_t)tsig_refuse(p.bytes, p.len, &asked, TSIG_BADKEY);
	uint32_t serial;
	assert_false(in_soa(&w.in, p.bytes, p.len, NOW, &serial));
	assert_string_equal(w.in.why, "the primary refuses the key: BADKEY");
	end(&w);
}

static void test_soa(void **state)
{
	static const char *const other[] = {A, NULL};
	struct world w;
	uint32_t serial = 0;
	(void)state;

	begin(&w, true, RR_SOA);
	struct packet p = message(&w, true, last);
	sign(&w, &p);
	assert_true(in_soa(&w.in, p.bytes, p.len, NOW, &serial));
	assert_int_equal(serial, 7);
	end(&w);
	begin(&w, false, RR_SOA);
	p = message(&w, true, other);
	assert_false(in_soa(&w.in, p.bytes, p.len, NOW, &serial));
	assert_string_equal(w.in.why, "the primary has no SOA of that zone");
	end(&w);
}

/* Names of files lead nowhere else. */
static void test_paths(void **state)
{
	static const char *const zones[][2] = {
		{"example.com", "/x/d.zones/example.com.zone"},
		{"a/../b.com", "/x/d.zones/a%2f..%2fb.com.zone"},
		{"..", "/x/d.zones/%2e..zone"},
		{"a%b", "/x/d.zones/a%25b.zone"}};
	(void)state;

	for (unsigned i = 0; i < sizeof zones / sizeof *zones; i++) {
		char *path = kept_path("/x/d.db", zones[i][0], KEPT_NOW);
		assert_string_equal(path, zones[i][1]);
		free(path);
	}
	char wanted[64];
	snprintf(wanted, sizeof wanted, "/x/d.zones/a.b.zone.partial-%ld",
		(long)getpid());
	char *partial = kept_path("/x/d.db", "a.b", KEPT_PARTIAL);
	assert_string_equal(partial, wanted);
	free(partial);
	char *path = kept_path("/x/store", "a.b", KEPT_NEXT);
	assert_string_equal(path, "/x/store.zones/a.b.zone.next");
	free(path);
}

/* What an ended process has left goes; other zones' files stay. */
static void test_prepare(void **state)
{
	static const char *const names[] = {"d.zones/a.b.zone",
		"d.zones/a.b.zone.next", "d.zones/a.b.zone.partial-12",
		"d.zones/a.b.c.zone", "d.zones/xa.b.zone.next"};
	char folder[FOLDER_MAX], store[FOLDER_FILE_MAX];
	struct err err = {0};
	(void)state;

	folder_make(folder);
	folder_file(store, folder, "d.db");
	assert_true(kept_prepare(store, "a.b", &err));
	for (unsigned i = 0; i < 5; i++)
		folder_write(folder, names[i], "");
	assert_true(kept_prepare(store, "a.b", &err));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(folder_has(folder, names[i]),
			i == 0 || i == 3 || i == 4);
	assert_int_equal(kept_current_s("/tmp/no/such"), 0);
	folder_remove(folder);
	assert_false(kept_prepare(store, "a.b", &err));
	err_fini(&err);
}

static void test_times(void **state)
{
	struct zone *zone = zone_text("example.com",
		"@ 300 SOA ns1 h 7 11 12 13 14\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n");
	struct zone *zero = zone_text("example.com",
		"@ 300 SOA ns1 h 7 0 0 0 14\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n");
	(void)state;

	struct kept_times t = kept_times(zone);
	assert_int_equal(t.refresh, 11);
	assert_int_equal(t.retry, 12);
	assert_int_equal(t.expire, 13);
	assert_int_equal(kept_until_s(zone, 100), 113);
	t = kept_times(zero);
	assert_int_equal(t.refresh, 1);
	assert_int_equal(t.retry, 1);
	assert_int_equal(t.expire, 1);
	zone_free(zone);
	zone_free(zero);
}

static void test_bell(void **state)
{
	struct name a = nm("a.example"), b = nm("b.example");
	bool rung[BELL_PLACES];
	struct bell bell;
	uint64_t n;
	(void)state;

	bell_init(&bell);
	assert_true(read(bell.fd, &n, sizeof n) < 0);
	bell_ring(&bell, &a);
	bell_ring(&bell, &a);
	bell_take(&bell, rung);
	assert_true(rung[bell_place(&a)]);
	assert_false(rung[bell_place(&b)]);
	assert_true(read(bell.fd, &n, sizeof n) < 0);
	bell_take(&bell, rung);
	assert_false(rung[bell_place(&a)]);
	bell_ring(&bell, &b);
	assert_int_equal(read(bell.fd, &n, sizeof n), sizeof n);
	bell_fini(&bell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_newer),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_other_answers),
		cmocka_unit_test(test_empty_rdata),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_not_signed),
		cmocka_unit_test(test_changed_between),
		cmocka_unit_test(test_refused_key), cmocka_unit_test(test_soa),
		cmocka_unit_test(test_paths), cmocka_unit_test(test_prepare),
		cmocka_unit_test(test_times), cmocka_unit_test(test_bell)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
