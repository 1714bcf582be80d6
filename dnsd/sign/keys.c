/* The parts that a nonce needs are kept for old programs, and there is nothing else. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sign/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "wire/rr.h"

#define FILE_MAX 4096u
#define PATH_ROOM 4400
#define TIMES_ROOM 512u
#define PRIVATE_LEN 32 /* of both algorithms */

#define FLAGS_CSK 257u /* zone key, secure entry point */
#define FLAG_ZONE 256u
#define PROTOCOL 3u

static const struct algorithm {
	uint8_t number;
	const char *text;
	unsigned public_len;
} algorithms[] = {
	{SIGN_ECDSAP256SHA256, "ECDSAP256SHA256", 64},
	{SIGN_ED25519, "ED25519", 32},
};

static const struct algorithm *algorithm_of(unsigned number)
{
	for (unsigned i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

static uint16_t tag_of(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

static void set_dnskey(
	struct sign_key *key, unsigned flags, const uint8_t *public, size_t len)
{
	put16(key->dnskey, flags);
	key->dnskey[2] = PROTOCOL;
	key->dnskey[3] = key->algorithm;
	memcpy(key->dnskey + 4, public, len);
	key->dnskey_len = (uint8_t)(4 + len);
	key->tag = tag_of(key->dnskey, key->dnskey_len);
}

const char *sign_key_file(const struct sign_key *key, char *out)
{
	char zone[NAME_TEXT_MAX];
	bool root = key->zone.labels == 0;
	snprintf(out, SIGN_KEY_FILE_MAX, "K%s.+%03u+%05u",
		root ? "" : name_text(&key->zone, zone), key->algorithm,
		key->tag);
	return out;
}

/* -- signing -- */

/* The library's own signatures differ each time: its version of Debian 12 has no
 * deterministic ones for ECDSA. It takes a nonce, though, and this makes it. */
struct private
{
	EC_KEY *ec;   /* of ECDSA P-256 */
	EVP_PKEY *ed; /* of Ed25519 */
	uint8_t x[PRIVATE_LEN];
};

static void hmac(uint8_t key[32], uint8_t v[32], const uint8_t *more, size_t n,
	uint8_t out[32])
{
	uint8_t data[128];
	unsigned len = 32;
	memcpy(data, v, 32);
	if (n)
		memcpy(data + 32, more, n);
	HMAC(EVP_sha256(), key, 32, data, 32 + n, out, &len);
	OPENSSL_cleanse(data, sizeof data);
}

/* RFC 6979 3.2 for P-256 and SHA-256: hash is reduced modulo the order already. The
 * first candidate but for one in 2^32 is good. */
static bool nonce(const BIGNUM *order, const uint8_t x[32],
	const uint8_t hash[32], BIGNUM *k)
{
	uint8_t key[32] = {0}, v[32], more[65];

	memset(v, 1, sizeof v);
	for (uint8_t step = 0; step < 2; step++) {
		more[0] = step;
		memcpy(more + 1, x, 32);
		memcpy(more + 33, hash, 32);
		hmac(key, v, more, sizeof more, key);
		hmac(key, v, NULL, 0, v);
	}
	bool good = false;
	for (unsigned i = 0; i < 8 && !good; i++) {
		hmac(key, v, NULL, 0, v);
		good = BN_bin2bn(v, 32, k) && !BN_is_zero(k) &&
			BN_cmp(k, order) < 0;
		more[0] = 0;
		if (!good)
			hmac(key, v, more, 1, key);
		if (!good)
			hmac(key, v, NULL, 0, v);
	}
	OPENSSL_cleanse(more, sizeof more);
	OPENSSL_cleanse(key, sizeof key);
	OPENSSL_cleanse(v, sizeof v);
	return good;
}

/* r, and the inverse of the nonce (k is that then), of a hash. */
static bool setup(const struct private *p, const uint8_t hash[32], BIGNUM *k,
	BIGNUM *r, BN_CTX *ctx)
{
	const EC_GROUP *group = EC_KEY_get0_group(p->ec);
	const BIGNUM *order = EC_GROUP_get0_order(group);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *h = BN_bin2bn(hash, 32, NULL);
	uint8_t reduced[32];

	bool ok = point && h && BN_mod(h, h, order, ctx) &&
		BN_bn2binpad(h, reduced, 32) == 32 &&
		nonce(order, p->x, reduced, k) &&
		EC_POINT_mul(group, point, k, NULL, NULL, ctx) &&
		EC_POINT_get_affine_coordinates(group, point, r, NULL, ctx) &&
		BN_mod(r, r, order, ctx) && BN_mod_inverse(k, k, order, ctx);
	EC_POINT_free(point);
	BN_free(h);
	return ok;
}

static bool sign_ecdsa(const struct private *p, const uint8_t *data, size_t len,
	uint8_t out[64])
{
	uint8_t hash[32];
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *k = BN_secure_new(), *r = BN_new();

	SHA256(data, len, hash);
	BN_set_flags(k, BN_FLG_CONSTTIME);
	ECDSA_SIG *s = setup(p, hash, k, r, ctx)
		? ECDSA_do_sign_ex(hash, sizeof hash, k, r, p->ec)
		: NULL;
	bool ok = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), out, 32) == 32 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(s), out + 32, 32) == 32;
	ECDSA_SIG_free(s);
	BN_clear_free(k);
	BN_free(r);
	BN_CTX_free(ctx);
	return ok;
}

static bool sign_ed25519(const struct private *p, const uint8_t *data,
	size_t len, uint8_t out[64])
{
	size_t n = SIGN_SIGNATURE_LEN;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, p->ed) == 1 &&
		EVP_DigestSign(ctx, out, &n, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool sign_key_sign(const struct sign_key *key, const uint8_t *data, size_t len,
	uint8_t out[SIGN_SIGNATURE_LEN])
{
	const struct private *p = key->private;
	return p->ec ? sign_ecdsa(p, data, len, out)
		     : sign_ed25519(p, data, len, out);
}

void sign_key_ds(const struct sign_key *key, uint8_t out[SIGN_DS_LEN])
{
	uint8_t data[NAME_WIRE_MAX + SIGN_DNSKEY_MAX];
	memcpy(data, key->zone.bytes, key->zone.len);
	memcpy(data + key->zone.len, key->dnskey, key->dnskey_len);
	put16(out, key->tag);
	out[2] = key->algorithm;
	out[3] = 2; /* SHA-256 */
	SHA256(data, key->zone.len + (size_t)key->dnskey_len, out + 4);
}

/* -- reading -- */

/* The file as a string, to be freed; NULL with a line in err. */
static char *read_file(const char *path, struct err *err)
{
	char *text = mem_zero(1, FILE_MAX + 1);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, FILE_MAX + 1, f) : 0;
	bool bad = !f || ferror(f);

	if (bad)
		err_add(err, "%s: %s", path, strerror(errno));
	else if (n > FILE_MAX || memchr(text, 0, n))
		err_add(err, "%s: this is no file of a key", path);
	if (f)
		fclose(f);
	if (!bad && n <= FILE_MAX && strlen(text) == n)
		return text;
	free(text);
	return NULL;
}

/* What follows "field:" in a private file; NULL: not there. */
static const char *field_of(const char *text, const char *field)
{
	size_t n = strlen(field);
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, field, n) && p[n] == ':')
			return p + n + 1 + strspn(p + n + 1, " \t");
	}
	return NULL;
}

/* Base64, with white space or without, of that many octets. */
static bool decode(const char *text, size_t n, uint8_t *out, size_t want)
{
	char packed[256];
	uint8_t octets[200];
	size_t used = 0, pad = 0;

	for (size_t i = 0; i < n; i++) {
		if (strchr(" \t\r()", text[i]))
			continue;
		if (used == sizeof packed)
			return false;
		pad += text[i] == '=';
		packed[used++] = text[i];
	}
	int got = EVP_DecodeBlock(octets, (void *)packed, (int)used);
	bool ok = pad <= 2 && got >= 0 && (size_t)got - pad == want;
	if (ok)
		memcpy(out, octets, want);
	OPENSSL_cleanse(octets, sizeof octets);
	OPENSSL_cleanse(packed, sizeof packed);
	return ok;
}

static bool read_public(const char *path, struct sign_key *key, struct err *err)
{
	char *text = read_file(path, err), *line = text, *save = NULL;
	unsigned flags, protocol, number;
	uint8_t public[64];
	int at = 0;

	if (!text)
		return false;
	for (line = strtok_r(text, "\n", &save); line && *line == ';';)
		line = strtok_r(NULL, "\n", &save);
	const char *rdata = line ? strstr(line, "DNSKEY") : NULL;
	bool ok = rdata &&
		sscanf(rdata, "DNSKEY %u %u %u %n", &flags, &protocol, &number,
			&at) == 3 &&
		number == key->algorithm && protocol == PROTOCOL &&
		(flags == FLAGS_CSK || flags == FLAG_ZONE);
	size_t want = algorithm_of(key->algorithm)->public_len;
	ok = ok && decode(rdata + at, strcspn(rdata + at, ";"), public, want);
	if (ok)
		set_dnskey(key, flags, public, want);
	else
		err_add(err, "%s: no DNSKEY of a zone with algorithm %u", path,
			key->algorithm);
	free(text);
	return ok;
}

/* "20261130104149", UTC; 0: not there. */
static int64_t time_of(const char *text, const char *field)
{
	const char *at = field_of(text, field);
	struct tm tm = {0};
	return at && strptime(at, "%Y%m%d%H%M%S", &tm) ? timegm(&tm) : 0;
}

/* Sets both parts of the library's key. */
static bool public_ecdsa(struct private *p, uint8_t out[64])
{
	const EC_GROUP *group = EC_KEY_get0_group(p->ec);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *x = BN_bin2bn(p->x, PRIVATE_LEN, BN_secure_new());
	uint8_t octets[65]; /* 4, and both coordinates */

	BN_set_flags(x, BN_FLG_CONSTTIME);
	bool ok = point && x &&
		EC_POINT_mul(group, point, x, NULL, NULL, NULL) &&
		EC_KEY_set_private_key(p->ec, x) &&
		EC_KEY_set_public_key(p->ec, point) &&
		EC_KEY_check_key(p->ec) &&
		EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED,
			octets, sizeof octets, NULL) == sizeof octets;
	if (ok)
		memcpy(out, octets + 1, 64);
	EC_POINT_free(point);
	BN_clear_free(x);
	return ok;
}

static void private_free(struct private *p)
{
	if (!p)
		return;
	EC_KEY_free(p->ec);
	EVP_PKEY_free(p->ed);
	OPENSSL_cleanse(p, sizeof *p);
	free(p);
}

/* The library's key, and its public part. NULL: it is none. */
static struct private *private_new(
	unsigned algorithm, const uint8_t x[PRIVATE_LEN], uint8_t public[64])
{
	struct private *p = mem_zero(1, sizeof *p);
	size_t n = 32;

	memcpy(p->x, x, PRIVATE_LEN);
	if (algorithm == SIGN_ED25519)
		p->ed = EVP_PKEY_new_raw_private_key(
			EVP_PKEY_ED25519, NULL, x, PRIVATE_LEN);
	else
		p->ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	bool ok = p->ed ? EVP_PKEY_get_raw_public_key(p->ed, public, &n) == 1
			: p->ec && public_ecdsa(p, public);
	if (ok)
		return p;
	private_free(p);
	return NULL;
}

/* Makes the key of both parts, which have to fit. */
static bool import(struct sign_key *key, const uint8_t x[PRIVATE_LEN])
{
	uint8_t public[64];
	key->private = private_new(key->algorithm, x, public);
	return key->private &&
		!memcmp(public, key->dnskey + 4, key->dnskey_len - 4u);
}

static bool read_private(
	const char *path, struct sign_key *key, struct err *err)
{
	char *text = read_file(path, err);
	uint8_t private[PRIVATE_LEN];

	if (!text)
		return false;
	const char *number = field_of(text, "Algorithm");
	const char *base64 = field_of(text, "PrivateKey");
	bool ok = number && strtoul(number, NULL, 10) == key->algorithm &&
		base64 &&
		decode(base64, strcspn(base64, "\n"), private, PRIVATE_LEN);
	if (!ok)
		err_add(err, "%s: no private key of algorithm %u", path,
			key->algorithm);
	else if (!(ok = import(key, private)))
		err_add(err, "%s: the private key does not fit the DNSKEY",
			path);
	key->times = (struct sign_times){time_of(text, "Publish"),
		time_of(text, "Activate"), time_of(text, "Inactive"),
		time_of(text, "Delete")};
	OPENSSL_cleanse(private, sizeof private);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	return ok;
}

static bool key_read(const char *folder, const char *stem, unsigned number,
	struct sign_key *key, struct err *err)
{
	char path[PATH_ROOM];

	if (!algorithm_of(number))
		return err_add(err,
			"%s/%s.key: algorithm %u: it must be 13 or 15", folder,
			stem, number);
	key->algorithm = (uint8_t)number;
	snprintf(path, sizeof path, "%s/%s.key", folder, stem);
	if (!read_public(path, key, err))
		return false;
	snprintf(path, sizeof path, "%s/%s.private", folder, stem);
	return read_private(path, key, err);
}

static int key_compare(const void *a, const void *b)
{
	const struct sign_key *x = a, *y = b;
	return (int)x->tag - (int)y->tag;
}

/* The algorithm if the file is a key of the zone, and the name without ".key". */
static bool names_key(const char *file, const char *zone, char *stem,
	size_t room, unsigned *number)
{
	char expected[NAME_TEXT_MAX + 4];
	unsigned tag;
	int end = 0;
	size_t n = (size_t)snprintf(expected, sizeof expected, "K%s.+", zone);

	if (strncmp(file, expected, n) ||
		sscanf(file + n, "%3u+%5u.key%n", number, &tag, &end) != 2 ||
		!end || file[n + (size_t)end])
		return false;
	snprintf(stem, room, "%.*s", (int)strlen(file) - 4, file);
	return true;
}

bool sign_keys_read(const char *folder, const struct name *zone,
	struct sign_key **keys, unsigned *n, struct err *err)
{
	char text[NAME_TEXT_MAX], stem[SIGN_KEY_FILE_MAX];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned number;
	bool ok = true;

	*keys = NULL;
	*n = 0;
	if (!dir)
		return err_add(err, "%s: %s", folder, strerror(errno));
	name_text(zone, text);
	while ((entry = readdir(dir))) {
		if (!names_key(entry->d_name, zone->labels ? text : "", stem,
			    sizeof stem, &number))
			continue;
		*keys = mem_grow(*keys, (*n + 1) * sizeof **keys);
		struct sign_key *key = &(*keys)[(*n)++];
		*key = (struct sign_key){.zone = *zone};
		ok &= key_read(folder, stem, number, key, err);
	}
	closedir(dir);
	if (!*n)
		ok = err_add(err, "%s: no key of %s", folder, text);
	if (ok) {
		qsort(*keys, *n, sizeof **keys, key_compare);
		return true;
	}
	sign_keys_free(*keys, *n);
	*keys = NULL;
	*n = 0;
	return false;
}

void sign_key_fini(struct sign_key *key)
{
	private_free(key->private);
	key->private = NULL;
}

void sign_keys_free(struct sign_key *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sign_key_fini(&keys[i]);
	free(keys);
}

/* -- making -- */

/* Root makes files for the owner of the folder, whose server has to read them. */
static void give_to_owner(int fd, const char *path)
{
	char folder[PATH_ROOM];
	struct stat st;

	snprintf(folder, sizeof folder, "%s", path);
	if (geteuid() || stat(dirname(folder), &st))
		return;
	if (fchown(fd, st.st_uid, st.st_gid))
		return; /* the server will say that it can't read them */
}

/* A file that was not there; mode 0600 or 0644. */
static bool write_file(
	const char *path, const char *text, mode_t mode, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	size_t n = strlen(text);
	bool ok = fd >= 0 && write(fd, text, n) == (ssize_t)n && !fsync(fd);

	if (!ok)
		err_add(err, "%s: %s", path, strerror(errno));
	if (fd >= 0) {
		give_to_owner(fd, path);
		close(fd);
	}
	return ok;
}

static size_t put_time(char *out, size_t room, const char *field, int64_t at)
{
	char text[32];
	time_t when = (time_t)at;
	struct tm tm;

	if (!at)
		return 0;
	strftime(text, sizeof text, "%Y%m%d%H%M%S", gmtime_r(&when, &tm));
	return (size_t)snprintf(out, room, "%s: %s\n", field, text);
}

static void put_times(char *out, size_t room, const struct sign_times *times)
{
	size_t n = put_time(out, room, "Publish", times->publish);
	n += put_time(out + n, room - n, "Activate", times->activate);
	n += put_time(out + n, room - n, "Inactive", times->inactive);
	put_time(out + n, room - n, "Delete", times->remove);
}

/* To be freed. */
static char *encode(const void *bytes, size_t n)
{
	char *text = mem_zero(1, 4 * ((n + 2) / 3) + 1);
	EVP_EncodeBlock((void *)text, bytes, (int)n);
	return text;
}

static bool write_key(const char *folder, const struct sign_key *key,
	const uint8_t private[PRIVATE_LEN], struct err *err)
{
	char path[PATH_ROOM], text[2048], times[TIMES_ROOM] = "",
					  zone[NAME_TEXT_MAX];
	char stem[SIGN_KEY_FILE_MAX];
	char *base64 = encode(private, PRIVATE_LEN);

	sign_key_file(key, stem);
	put_times(times, sizeof times, &key->times);
	snprintf(text, sizeof text,
		"Private-key-format: v1.3\nAlgorithm: %u (%s)\nPrivateKey: %s\n%s",
		key->algorithm, algorithm_of(key->algorithm)->text, base64,
		times);
	snprintf(path, sizeof path, "%s/%s.private", folder, stem);
	bool ok = write_file(path, text, 0600, err);
	OPENSSL_cleanse(text, sizeof text);
	OPENSSL_cleanse(base64, strlen(base64));
	free(base64);
	if (!ok)
		return false;
	base64 = encode(key->dnskey + 4, key->dnskey_len - 4u);
	name_text(&key->zone, zone);
	snprintf(text, sizeof text, "%s%s IN DNSKEY %u %u %u %s\n",
		key->zone.labels ? zone : "", ".", get16(key->dnskey), PROTOCOL,
		key->algorithm, base64);
	free(base64);
	snprintf(path, sizeof path, "%s/%s.key", folder, stem);
	return write_file(path, text, 0644, err);
}

/* A number below the order of the curve, and not 0; any 32 octets for Ed25519. */
static bool random_private(unsigned algorithm, uint8_t x[PRIVATE_LEN])
{
	if (algorithm == SIGN_ED25519)
		return RAND_priv_bytes(x, PRIVATE_LEN) == 1;
	EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	bool ok = key && EC_KEY_generate_key(key) &&
		BN_bn2binpad(EC_KEY_get0_private_key(key), x, PRIVATE_LEN) ==
			PRIVATE_LEN;
	EC_KEY_free(key);
	return ok;
}

bool sign_key_generate(const char *folder, const struct name *zone,
	enum sign_algorithm algorithm, struct sign_times times,
	struct sign_key *key, struct err *err)
{
	uint8_t x[PRIVATE_LEN], public[64];

	*key = (struct sign_key){
		.zone = *zone, .algorithm = (uint8_t)algorithm, .times = times};
	if (random_private(algorithm, x))
		key->private = private_new(algorithm, x, public);
	if (!key->private)
		return err_add(err, "no key could be made");
	set_dnskey(key, FLAGS_CSK, public, algorithm_of(algorithm)->public_len);
	bool ok = write_key(folder, key, x, err);
	OPENSSL_cleanse(x, sizeof x);
	return ok;
}

/* Lines of times are replaced, all others stay: out has room for one octet more than
 * text. */
static void copy_others(const char *text, char *out)
{
	static const char *const fields[] = {
		"Publish:", "Activate:", "Inactive:", "Delete:"};
	size_t n = 0;
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");
		bool ours = false;
		for (unsigned i = 0; i < 4; i++)
			ours |= !strncmp(p, fields[i], strlen(fields[i]));
		if (!ours && len) {
			memcpy(out + n, p, len);
			out[n + len] = '\n';
			n += len + 1;
		}
		p += len + (p[len] == '\n');
	}
	out[n] = '\0';
}

bool sign_key_set_times(const char *folder, const struct sign_key *key,
	struct sign_times times, struct err *err)
{
	char path[PATH_ROOM], made[PATH_ROOM + 8], stem[SIGN_KEY_FILE_MAX];
	char out[FILE_MAX + 2 + TIMES_ROOM];

	snprintf(path, sizeof path, "%s/%s.private", folder,
		sign_key_file(key, stem));
	char *text = read_file(path, err);
	if (!text)
		return false;
	copy_others(text, out);
	put_times(out + strlen(out), TIMES_ROOM, &times);
	snprintf(made, sizeof made, "%s.new", path);
	unlink(made);
	bool ok = strlen(out) <= FILE_MAX
		? write_file(made, out, 0600, err)
		: err_add(err, "%s: no room for times", path);
	if (ok && rename(made, path))
		ok = err_add(err, "%s: %s", path, strerror(errno));
	OPENSSL_cleanse(text, strlen(text));
	OPENSSL_cleanse(out, sizeof out);
	free(text);
	return ok;
}
