/* test_tsig.c - RFC 8945: MACs that dnspython 2.3 made of the same messages, and what is
 * refused.
 */
#include "unit/dns.h"

#include "tsig/tsig.h"

#define NOW 1700000000u

/* Of a query for example.com SOA with id 0x1234 by the key Ns2.Example, at NOW, and of
 * three replies without records at NOW + 1, one stream. */
static const char *const macs[TSIG_ALGORITHMS][4] = {
	[TSIG_HMAC_SHA256] =
		{
			"99547af73fbfe56afdeded9f131132f26e6f3b9cf0d5a9cfd84f44083f873d81",
			"7453618008b2c99af29ae9039bbf58c2d88bfe3f8f5e4697a14a4d240a641908",
			"a58c1dd735e31c17a07b627a8860006c29cbf08bf70b33aa0650624a2148d25c",
			"043bd405c8a59a81d58befaab31aa342c4ff132e66707ddb0d5cab0b6c5f3ce0",
		},
	[TSIG_HMAC_SHA512] =
		{
			"030de60989df01770e541a66a2c942e3e70990c427201e785e59225f3617a0ca"
			"14229680429027b3ee702e95c84e3e5ecdbf6dac6e5fee06793ef2b8d9e1aacb",
			"1b34cf57740317d187f7df7eaa7cb4b4ca1c0eed0e2397206005f231e2b747a2"
			"7d13739ddda26b71b8365ead4d230e8bf2aa19a2dbdb817dd444ba8571182e30",
			"7ebdbbd5f2e92be2ab839fbb3fd8d16fb1d4f74635f541605f50fb7f80120a95"
			"7a0b8e2fd683bc4d65b89f02605f0506e0467db5f793d862bbefc67b5dc61d4d",
			"6b5032e9f5b77b892ccd99a87267214ea8dade940f7b9781db42c454bbc053a8"
			"96ba385d1a6592ebe74bdb892530d32ae61911a510edb95dbca1044a3dfddbce",
		},
};

static struct tsig_key key_of(enum tsig_algorithm algorithm)
{
	struct tsig_key key;
	uint8_t secret[32];
	for (unsigned i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)(i + 1);
	assert_true(tsig_key_set(
		&key, "Ns2.Example", algorithm, secret, sizeof secret));
	return key;
}

static struct packet message(unsigned flags)
{
	struct packet p = packet_header(flags, 1);
	put_name(&p, "example.com");
	put_u16(&p, RR_SOA);
	put_u16(&p, CLASS_IN);
	return p;
}

static void check_mac(const struct packet *p, const char *hex)
{
	struct tsig tsig;
	char text[2 * TSIG_MAC_MAX + 1];
	size_t at = tsig_find(p->bytes, p->len);

	assert_true(at && tsig_read(&tsig, p->bytes, p->len, at));
	for (unsigned i = 0; i < tsig.mac_len; i++)
		sprintf(text + 2 * i, "%02x", tsig.mac[i]);
	assert_string_equal(text, hex);
}

static void sign(struct tsig_chain *chain, struct packet *p, uint64_t now_s)
{
	p->len = (uint16_t)tsig_sign(chain, p->bytes, p->len, now_s);
}

static enum tsig_error verify(const struct tsig_key *key,
	const struct packet *p, const struct tsig_chain *chain, uint64_t now_s)
{
	struct tsig tsig;
	size_t at = tsig_find(p->bytes, p->len);
	if (!at || !tsig_read(&tsig, p->bytes, p->len, at))
		return TSIG_FORMERR;
	return tsig_verify(tsig_key_find(key, 1, &tsig), &tsig, p->bytes,
		p->len, chain, now_s);
}

/* What we sign, another implementation signs so too; and what is signed is good. */
static void test_vectors(void **state)
{
	for (enum tsig_algorithm a = 0; a < TSIG_ALGORITHMS; a++) {
		struct tsig_key key = key_of(a);
		struct tsig_chain chain = {.key = &key};
		struct packet p = message(0);
		sign(&chain, &p, NOW);
		check_mac(&p, macs[a][0]);
		assert_int_equal(verify(&key, &p, NULL, NOW), TSIG_GOOD);

		struct tsig_chain seen = chain;
		for (unsigned i = 1; i < 4; i++) {
			p = message(FLAG_QR);
			sign(&chain, &p, NOW + 1);
			check_mac(&p, macs[a][i]);
			assert_int_equal(
				verify(&key, &p, &seen, NOW), TSIG_GOOD);
			seen = chain;
		}
	}
}

static struct packet signed_query(const struct tsig_key *key)
{
	struct tsig_chain chain = {.key = key};
	struct packet p = message(0);
	sign(&chain, &p, NOW);
	return p;
}

/* Every octet that is changed is noticed, but for the id, which the TSIG has too. */
static void test_changed(void **state)
{
	struct tsig_key key = key_of(TSIG_HMAC_SHA256);
	struct packet good = signed_query(&key), p;

	for (unsigned i = 0; i < good.len; i++) {
		p = good;
		p.bytes[i] ^= 1;
		assert_int_equal(
			verify(&key, &p, NULL, NOW) == TSIG_GOOD, i < 2);
	}
	p = good;
	p.bytes[good.len - 7] ^= 1; /* of the MAC, the last octet */
	assert_int_equal(verify(&key, &p, NULL, NOW), TSIG_BADSIG);
}

static void test_keys(void **state)
{
	struct tsig_key key = key_of(TSIG_HMAC_SHA256), other = key;
	struct packet p = signed_query(&key);
	uint8_t secret[TSIG_SECRET_MAX + 1] = {0};

	other.secret[0] ^= 1;
	assert_int_equal(verify(&other, &p, NULL, NOW), TSIG_BADSIG);
	other.name = nm("ns3.example");
	assert_int_equal(verify(&other, &p, NULL, NOW), TSIG_BADKEY);
	other = key_of(TSIG_HMAC_SHA512); /* the name, another algorithm */
	assert_int_equal(verify(&other, &p, NULL, NOW), TSIG_BADKEY);

	assert_false(tsig_key_set(&other, "a", TSIG_HMAC_SHA256, secret, 0));
	assert_true(tsig_key_set(
		&other, "a", TSIG_HMAC_SHA256, secret, TSIG_SECRET_MAX));
	assert_false(tsig_key_set(
		&other, "a", TSIG_HMAC_SHA256, secret, sizeof secret));
	assert_false(tsig_key_set(&other, "a..b", TSIG_HMAC_SHA256, secret, 1));
}

static void test_time(void **state)
{
	struct tsig_key key = key_of(TSIG_HMAC_SHA256);
	struct packet p = signed_query(&key);

	assert_int_equal(verify(&key, &p, NULL, NOW - 300), TSIG_GOOD);
	assert_int_equal(verify(&key, &p, NULL, NOW - 301), TSIG_BADTIME);
	assert_int_equal(verify(&key, &p, NULL, NOW + 300), TSIG_GOOD);
	assert_int_equal(verify(&key, &p, NULL, NOW + 301), TSIG_BADTIME);
	p.bytes[p.len - 7] ^= 1; /* what is not signed has no time */
	assert_int_equal(verify(&key, &p, NULL, NOW + 301), TSIG_BADSIG);
}

/* The MAC of a signed message cut to n octets, or made longer. */
static struct packet with_mac(const struct packet *p, unsigned n)
{
	struct packet q = *p;
	struct tsig tsig;
	size_t at = tsig_find(p->bytes, p->len);
	assert_true(tsig_read(&tsig, p->bytes, p->len, at));
	size_t mac = (size_t)(tsig.mac - p->bytes), rest = 6;
	size_t rdlen = at + tsig.key.len + 8;

	put16(q.bytes + mac - 2, n);
	put16(q.bytes + rdlen,
		get16(p->bytes + rdlen) + n - (unsigned)tsig.mac_len);
	memcpy(q.bytes + mac + n, p->bytes + mac + tsig.mac_len, rest);
	q.len = (uint16_t)(mac + n + rest);
	return q;
}

/* RFC 8945 5.2.2.1 */
static void test_truncated(void **state)
{
	struct tsig_key key = key_of(TSIG_HMAC_SHA256);
	struct packet good = signed_query(&key), p;
	static const struct {
		unsigned len;
		enum tsig_error error;
	} rows[] = {{0, TSIG_FORMERR}, {9, TSIG_FORMERR}, {15, TSIG_FORMERR},
		{16, TSIG_GOOD}, {31, TSIG_GOOD}, {33, TSIG_FORMERR}};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		p = with_mac(&good, rows[i].len);
		assert_int_equal(verify(&key, &p, NULL, NOW), rows[i].error);
	}
	/* The reply covers the MAC as it came. */
	p = with_mac(&good, 16);
	struct tsig tsig;
	struct tsig_chain chain, whole;
	assert_true(
		tsig_read(&tsig, p.bytes, p.len, tsig_find(p.bytes, p.len)));
	tsig_follow(&chain, &key, &tsig);
	assert_int_equal(chain.mac_len, 16);
	whole = chain;
	p = message(FLAG_QR);
	sign(&chain, &p, NOW);
	assert_int_equal(chain.mac_len, 32);
	assert_int_equal(verify(&key, &p, &whole, NOW), TSIG_GOOD);
}

/* 5.2.1, 5.2.2: unsigned; 5.2.3: signed, with both times. */
static void test_refused(void **state)
{
	struct tsig_key key = key_of(TSIG_HMAC_SHA512);
	struct packet asked = signed_query(&key), p = message(FLAG_QR);
	struct tsig_chain chain;
	struct tsig tsig, got;

	assert_true(tsig_read(&tsig, asked.bytes, asked.len,
		tsig_find(asked.bytes, asked.len)));
	p.len = (uint16_t)tsig_refuse(p.bytes, p.len, &tsig, TSIG_BADKEY);
	assert_true(tsig_read(&got, p.bytes, p.len, tsig_find(p.bytes, p.len)));
	assert_int_equal(got.mac_len, 0);
	assert_int_equal(got.error, TSIG_BADKEY);
	assert_true(name_equal(&got.key, &key.name));

	tsig_follow(&chain, &key, &tsig);
	struct tsig_chain seen = chain;
	p = message(FLAG_QR);
	p.len = (uint16_t)tsig_sign_badtime(
		&chain, p.bytes, p.len, &tsig, NOW + 1000);
	assert_int_equal(verify(&key, &p, &seen, NOW), TSIG_GOOD);
	assert_true(tsig_read(&got, p.bytes, p.len, tsig_find(p.bytes, p.len)));
	assert_int_equal(got.error, TSIG_BADTIME);
	assert_int_equal(got.time_s, NOW);
	assert_int_equal(got.other_len, 6);
	assert_int_equal(get32(got.other + 2), NOW + 1000);
}

/* A key's name that is a pointer into the question, as some write it. */
static void test_compressed(void **state)
{
	struct packet p = message(0);
	struct tsig tsig;
	uint16_t at = p.len;

	put_bytes(&p, "\3ns2\300\14", 6);
	put_u16(&p, RR_TSIG);
	put_u16(&p, CLASS_ANY);
	put_u16(&p, 0);
	put_u16(&p, 0);
	put_u16(&p, 13 + 16);
	put_name(&p, "hmac-sha256");
	put_bytes(&p, (uint8_t[16]){0}, 16);
	assert_true(tsig_read(&tsig, p.bytes, p.len, at));
	struct name expected = nm("ns2.example.com");
	assert_true(name_equal(&tsig.key, &expected));
	put16(p.bytes + at + 4, 0xc000u | at); /* to itself */
	assert_false(tsig_read(&tsig, p.bytes, p.len, at));
	put16(p.bytes + at + 4, 0xc000u); /* to the header */
	assert_false(tsig_read(&tsig, p.bytes, p.len, at));
	/* An owner that is nothing but a pointer to itself, over and over. */
	uint8_t *first = p.bytes + at;
	memmove(first + 2, first + 6, p.len - at - 6u);
	p.len -= 4;
	put16(first, 0xc000u | HEADER_LEN);
	assert_true(tsig_read(&tsig, p.bytes, p.len, at));
	put16(first, 0xc000u | at);
	assert_false(tsig_read(&tsig, p.bytes, p.len, at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_compressed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
