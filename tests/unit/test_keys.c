/* test_keys.c - keys of signed zones: vectors of the RFCs, files that come back as they
 * were written, and files that are none.
 */
#include "unit/dns.h"
#include "unit/folder.h"

#include <sys/stat.h>

#include "sign/keys.h"

static char folder[FOLDER_MAX];

static void from_hex(const char *hex, uint8_t *out)
{
	unsigned octet;
	for (; *hex; hex += 2) {
		assert_int_equal(sscanf(hex, "%2x", &octet), 1);
		*out++ = (uint8_t)octet;
	}
}

/* Files of a key that was made elsewhere. */
static void put_key(const char *stem, unsigned algorithm, const char *public,
	const char *private)
{
	char name[200], text[600];
	snprintf(name, sizeof name, "%s.key", stem);
	snprintf(text, sizeof text,
		"; a comment\nexample.com. 300 IN DNSKEY 257 3 %u %s\n",
		algorithm, public);
	folder_write(folder, name, text);
	snprintf(name, sizeof name, "%s.private", stem);
	snprintf(text, sizeof text,
		"Private-key-format: v1.3\nAlgorithm: %u (X)\nPrivateKey: %s\n"
		"Created: 20260101000000\nActivate: 20260102030405\n",
		algorithm, private);
	folder_write(folder, name, text);
}

static struct sign_key *read_one(void)
{
	struct name zone = nm("example.com");
	struct sign_key *keys;
	struct err err = {0};
	unsigned n;
	if (!sign_keys_read(folder, &zone, &keys, &n, &err))
		fail_msg("%s", err_text(&err));
	assert_int_equal(n, 1);
	return keys;
}

/* RFC 6979 A.2.5, with SHA-256. */
static void test_ecdsa(void **state)
{
	uint8_t expected[64], signature[64];
	folder_clear(folder);
	put_key("Kexample.com.+013+00001", 13,
		"YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==",
		"ya+p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyE=");
	struct sign_key *key = read_one();
	from_hex(
		"EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
		"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
		expected);
	assert_true(
		sign_key_sign(key, (const uint8_t *)"sample", 6, signature));
	assert_memory_equal(signature, expected, 64);
	from_hex(
		"F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
		"019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
		expected);
	assert_true(sign_key_sign(key, (const uint8_t *)"test", 4, signature));
	assert_memory_equal(signature, expected, 64);
	assert_int_equal(key->times.activate, 1767323045);
	assert_int_equal(key->times.publish, 0);
	sign_keys_free(key, 1);
}

/* RFC 8032 7.1, test 2. */
static void test_ed25519(void **state)
{
	uint8_t expected[64], signature[64];
	folder_clear(folder);
	put_key("Kexample.com.+015+00001", 15,
		"PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
		"TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=");
	struct sign_key *key = read_one();
	from_hex(
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		expected);
	assert_true(sign_key_sign(key, (const uint8_t *)"\x72", 1, signature));
	assert_memory_equal(signature, expected, 64);
	sign_keys_free(key, 1);
}

/* RFC 6605 6.1: the tag and the DS of a key. */
static void test_ds(void **state)
{
	struct sign_key key = {.zone = nm("example.net"), .algorithm = 13};
	uint8_t ds[SIGN_DS_LEN], expected[32], public[64];
	ldns_rr *rr;
	assert_int_equal(
		ldns_rr_new_frm_str(&rr,
			"example.net. 3600 IN DNSKEY 257 3 13 "
			"GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
			0, NULL, NULL),
		LDNS_STATUS_OK);
	memcpy(public, ldns_rdf_data(ldns_rr_rdf(rr, 3)), 64);
	put16(key.dnskey, 257);
	key.dnskey[2] = 3;
	key.dnskey[3] = 13;
	memcpy(key.dnskey + 4, public, 64);
	key.dnskey_len = 68;
	key.tag = ldns_calc_keytag(rr);
	sign_key_ds(&key, ds);
	assert_int_equal(get16(ds), 55648);
	assert_int_equal(ds[2], 13);
	assert_int_equal(ds[3], 2);
	from_hex(
		"b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17",
		expected);
	assert_memory_equal(ds + 4, expected, 32);
	ldns_rr_free(rr);
}

/* The tag that ldns finds a file's key to have. */
static unsigned tag_of_file(const char *stem)
{
	char path[SIGN_KEY_FILE_MAX + 100], line[600];
	ldns_rr *rr;
	snprintf(path, sizeof path, "%s/%s.key", folder, stem);
	FILE *f = fopen(path, "r");
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	assert_int_equal(
		ldns_rr_new_frm_str(&rr, line, 60, NULL, NULL), LDNS_STATUS_OK);
	unsigned tag = ldns_calc_keytag(rr);
	ldns_rr_free(rr);
	return tag;
}

/* What is generated is read again, and signs what ldns verifies. */
static void test_generate(void **state)
{
	static const enum sign_algorithm algorithms[] = {
		SIGN_ECDSAP256SHA256, SIGN_ED25519};
	static const uint8_t octets[] = {1, 2, 3};
	struct sign_times times = {
		.publish = 1000000000, .activate = 1000000001};
	for (unsigned i = 0; i < 2; i++) {
		struct name zone = nm("example.com");
		struct sign_key made, *key;
		struct err err = {0};
		uint8_t one[64], two[64];
		char path[700], stem[SIGN_KEY_FILE_MAX];
		struct stat st;
		folder_clear(folder);
		assert_true(sign_key_generate(
			folder, &zone, algorithms[i], times, &made, &err));
		key = read_one();
		assert_int_equal(key->tag, made.tag);
		assert_memory_equal(key->dnskey, made.dnskey, made.dnskey_len);
		assert_int_equal(key->times.publish, 1000000000);
		assert_int_equal(key->times.activate, 1000000001);
		assert_int_equal(key->times.remove, 0);
		snprintf(path, sizeof path, "%s/%s.private", folder,
			sign_key_file(key, stem));
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_true(sign_key_sign(key, octets, sizeof octets, one));
		assert_true(sign_key_sign(&made, octets, sizeof octets, two));
		assert_memory_equal(one, two, 64);
		assert_int_equal(tag_of_file(stem), key->tag);
		times.remove = 2000000000;
		times.inactive = 1900000000;
		times.activate = 1000000002;
		assert_true(sign_key_set_times(folder, key, times, &err));
		sign_keys_free(key, 1);
		key = read_one();
		assert_int_equal(key->times.remove, 2000000000);
		assert_int_equal(key->times.inactive, 1900000000);
		assert_int_equal(key->times.activate, 1000000002);
		sign_keys_free(key, 1);
		sign_key_fini(&made);
		times.remove = times.inactive = 0;
		times.activate = 1000000001;
	}
}

/* Each with its line; nothing of it is used. */
static void test_broken(void **state)
{
	static const struct {
		const char *file, *text, *error;
	} rows[] = {
		{"Kexample.com.+013+00001.key", "",
			": no DNSKEY of a zone with algorithm 13"},
		{"Kexample.com.+013+00001.key",
			"example.com. DNSKEY 257 3 13 AAAA\n",
			": no DNSKEY of a zone with algorithm 13"},
		{"Kexample.com.+013+00001.key",
			"example.com. DNSKEY 257 3 15 PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n",
			": no DNSKEY of a zone with algorithm 13"},
		{"Kexample.com.+013+00001.key",
			"example.com. DNSKEY 1 3 13 YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n",
			": no DNSKEY of a zone with algorithm 13"},
		{"Kexample.com.+013+00001.private", NULL,
			": No such file or directory"},
		{"Kexample.com.+013+00001.private", "Algorithm: 13\n",
			": no private key of algorithm 13"},
		{"Kexample.com.+013+00001.private",
			"Algorithm: 15\nPrivateKey: TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=\n",
			": no private key of algorithm 13"},
		{"Kexample.com.+013+00001.private",
			"Algorithm: 13\nPrivateKey: TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=\n",
			": the private key does not fit the DNSKEY"},
		{"Kexample.com.+013+00001.private",
			"Algorithm: 13\nPrivateKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
			": the private key does not fit the DNSKEY"},
		{"Kexample.com.+008+00002.key", "x\n",
			": algorithm 8: it must be 13 or 15"},
	};
	struct name zone = nm("example.com");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sign_key *keys;
		struct err err = {0};
		char expected[900], path[700];
		unsigned n;
		folder_clear(folder);
		put_key("Kexample.com.+013+00001", 13,
			"YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==",
			"ya+p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyE=");
		snprintf(path, sizeof path, "%s/%s", folder, rows[i].file);
		if (rows[i].text)
			folder_write(folder, rows[i].file, rows[i].text);
		else
			unlink(path);
		assert_false(sign_keys_read(folder, &zone, &keys, &n, &err));
		assert_null(keys);
		assert_int_equal(n, 0);
		snprintf(
			expected, sizeof expected, "%s%s", path, rows[i].error);
		assert_string_equal(err_text(&err), expected);
		err_fini(&err);
	}
}

/* Files of other zones, and what is no key, are not looked at. */
static void test_others(void **state)
{
	struct name zone = nm("example.com");
	struct sign_key *keys;
	struct err err = {0};
	char expected[700];
	unsigned n;
	folder_clear(folder);
	put_key("Kwww.example.com.+013+00001", 13, "x", "x");
	put_key("Kexample.com.+013+0000x", 13, "x", "x");
	put_key("kexample.com.+013+00001", 13, "x", "x");
	folder_write(folder, "Kexample.com.+013+00001.key.old", "x");
	assert_false(sign_keys_read(folder, &zone, &keys, &n, &err));
	snprintf(
		expected, sizeof expected, "%s: no key of example.com", folder);
	assert_string_equal(err_text(&err), expected);
	err_fini(&err);
	n = 7;
	keys = (void *)expected;
	assert_false(sign_keys_read("/nonexistent", &zone, &keys, &n, &err));
	assert_null(keys);
	assert_int_equal(n, 0);
	assert_string_equal(
		err_text(&err), "/nonexistent: No such file or directory");
	err_fini(&err);
}

static const char ecdsa_public[] =
	"YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==";
static const char ecdsa_private[] =
	"ya+p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyE=";

/* A file that is there, but has nothing to be read. */
static void test_unreadable(void **state)
{
	struct name zone = nm("example.com");
	struct sign_key *keys;
	struct err err = {0};
	char path[700], expected[900];
	unsigned n;
	folder_clear(folder);
	snprintf(path, sizeof path, "%s/Kexample.com.+013+00001.key", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(sign_keys_read(folder, &zone, &keys, &n, &err));
	snprintf(expected, sizeof expected, "%s: Is a directory", path);
	assert_string_equal(err_text(&err), expected);
	err_fini(&err);
	rmdir(path);
}

/* The longest name of a zone. */
static void test_ds_long(void **state)
{
	char text[300];
	uint8_t ds[SIGN_DS_LEN], data[NAME_WIRE_MAX + SIGN_DNSKEY_MAX];
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct sign_key key = {.algorithm = 13, .tag = 7};
	memset(text, 'x', 253);
	text[63] = text[127] = text[191] = '.';
	text[253] = '\0';
	key.zone = nm(text);
	assert_int_equal(key.zone.len, NAME_WIRE_MAX);
	key.dnskey_len = SIGN_DNSKEY_MAX;
	memset(key.dnskey, 3, SIGN_DNSKEY_MAX);
	sign_key_ds(&key, ds);
	memcpy(data, key.zone.bytes, NAME_WIRE_MAX);
	memset(data + NAME_WIRE_MAX, 3, SIGN_DNSKEY_MAX);
	SHA256(data, sizeof data, digest);
	assert_memory_equal(ds + 4, digest, sizeof digest);
}

/* A file that grows until it can't be read again, or that can't be written, stays. */
static void test_times_fail(void **state)
{
	struct sign_times times = {.inactive = 1900000000};
	struct err err = {0};
	char stem[SIGN_KEY_FILE_MAX], name[SIGN_KEY_FILE_MAX + 16];
	char path[SIGN_KEY_FILE_MAX + 100], expected[SIGN_KEY_FILE_MAX + 200];
	char text[4200];
	folder_clear(folder);
	put_key("Kexample.com.+013+00001", 13, ecdsa_public, ecdsa_private);
	struct sign_key *key = read_one();
	sign_key_file(key, stem);
	snprintf(name, sizeof name, "%s.private", stem);
	snprintf(path, sizeof path, "%s/%s.new", folder, name);
	put_key(stem, 13, ecdsa_public, ecdsa_private);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(sign_key_set_times(folder, key, times, &err));
	snprintf(expected, sizeof expected, "%s: File exists", path);
	assert_string_equal(err_text(&err), expected);
	err_fini(&err);
	rmdir(path);
	path[strlen(path) - 4] = '\0';
	for (unsigned i = 0; i < 2; i++) {
		unsigned fits =
			4096 - (unsigned)strlen("Inactive: 20300317174640\n");
		memset(text, 'x', sizeof text);
		snprintf(text, sizeof text, "Algorithm: 13\nPrivateKey: %s\n",
			ecdsa_private);
		text[strlen(text)] = 'x';
		text[fits - 1 + i] = '\0';
		folder_write(folder, name, text);
		assert_int_equal(
			sign_key_set_times(folder, key, times, &err), !i);
	}
	snprintf(expected, sizeof expected, "%s: no room for times", path);
	assert_string_equal(err_text(&err), expected);
	err_fini(&err);
	sign_keys_free(key, 1);
	unlink(path);
}

static void read_says(const char *said)
{
	struct name zone = nm("example.com");
	struct sign_key *keys;
	struct err err = {0};
	unsigned n;
	bool ok = sign_keys_read(folder, &zone, &keys, &n, &err);
	assert_int_equal(ok, !said);
	if (said)
		assert_non_null(strstr(err_text(&err), said));
	else
		sign_keys_free(keys, n);
	err_fini(&err);
}

/* A file of 4096 octets is read, a larger one or one that is no text is not. */
static void test_file_size(void **state)
{
	static const char name[] = "Kexample.com.+013+00001.private";
	char text[4200], path[600];
	folder_clear(folder);
	put_key("Kexample.com.+013+00001", 13, ecdsa_public, ecdsa_private);
	memset(text, 'x', sizeof text);
	int n = snprintf(text, sizeof text,
		"Algorithm: 13\nPrivateKey: \t %s\n", ecdsa_private);
	text[n] = '#';
	text[4096] = '\0';
	folder_write(folder, name, text);
	read_says(NULL);
	text[4096] = 'x';
	text[4097] = '\0';
	folder_write(folder, name, text);
	read_says(": this is no file of a key");
	text[n + 1] = '\0';
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	fwrite(text, 1, (size_t)n + 2, f);
	fclose(f);
	read_says(": this is no file of a key");
}

/* Base64 that is longer than any key. */
static void test_base64_long(void **state)
{
	char text[300], line[600];
	for (unsigned n = 255; n <= 257; n++) {
		folder_clear(folder);
		memset(text, 'A', n);
		text[n] = '\0';
		snprintf(line, sizeof line,
			"example.com. 300 IN DNSKEY 257 3 13 %s%s\n",
			ecdsa_public, text);
		folder_write(folder, "Kexample.com.+013+00001.key", line);
		read_says("no DNSKEY of a zone with algorithm 13");
	}
}

static struct stat stat_of(const char *stem, const char *kind)
{
	char path[SIGN_KEY_FILE_MAX + 100];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s.%s", folder, stem, kind);
	assert_int_equal(stat(path, &st), 0);
	return st;
}

/* The private part is for its owner only, who is that of the folder. A file that was
 * left half written is no hindrance. */
static void test_owner(void **state)
{
	struct sign_times times = {.publish = 1000000000};
	struct name zone = nm("example.com");
	struct sign_key key;
	struct err err = {0};
	char stem[SIGN_KEY_FILE_MAX], left[SIGN_KEY_FILE_MAX + 16];
	uid_t owner = geteuid() ? geteuid() : 12345;
	mode_t mask = umask(022);
	folder_clear(folder);
	assert_int_equal(chown(folder, owner, (gid_t)-1), 0);
	assert_true(sign_key_generate(
		folder, &zone, SIGN_ED25519, times, &key, &err));
	sign_key_file(&key, stem);
	assert_int_equal(stat_of(stem, "key").st_mode & 0777, 0644);
	assert_int_equal(stat_of(stem, "key").st_uid, owner);
	assert_int_equal(stat_of(stem, "private").st_mode & 0777, 0600);
	assert_int_equal(stat_of(stem, "private").st_uid, owner);
	snprintf(left, sizeof left, "%s.private.new", stem);
	folder_write(folder, left, "half");
	assert_true(sign_key_set_times(folder, &key, times, &err));
	assert_int_equal(stat_of(stem, "private").st_mode & 0777, 0600);
	assert_int_equal(stat_of(stem, "private").st_uid, owner);
	sign_key_fini(&key);
	assert_false(sign_key_generate(
		"/nonexistent", &zone, SIGN_ED25519, times, &key, &err));
	assert_non_null(strstr(err_text(&err), "No such file or directory"));
	sign_key_fini(&key);
	err_fini(&err);
	umask(mask);
}

static int setup(void **state)
{
	folder_make(folder);
	return 0;
}

static int teardown(void **state)
{
	folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ecdsa),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_ds),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_ds_long),
		cmocka_unit_test(test_times_fail),
		cmocka_unit_test(test_file_size),
		cmocka_unit_test(test_base64_long),
		cmocka_unit_test(test_owner),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
