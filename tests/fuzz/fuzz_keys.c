/* fuzz_keys.c - any text as a pair of key files: the first octet chooses the algorithm,
 * the first NUL ends the .key. What is accepted signs, equally each time, and is the same
 * key with other times after these are written; what is refused has said why.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sign/keys.h"

#define PATH_LEN 400

static char folder[] = "/tmp/fuzz_keys-XXXXXX";

static const char *path_of(const char *stem, const char *kind, char *out)
{
	snprintf(out, PATH_LEN, "%s/%s.%s", folder, stem, kind);
	return out;
}

static void write_file(
	const char *stem, const char *kind, const uint8_t *text, size_t len)
{
	char path[PATH_LEN];
	FILE *f = fopen(path_of(stem, kind, path), "w");
	assert(f);
	fwrite(text, 1, len, f);
	fclose(f);
}

static void move(const char *from, const char *to, const char *kind)
{
	char a[PATH_LEN], b[PATH_LEN];
	assert(!rename(path_of(from, kind, a), path_of(to, kind, b)));
}

static void remove_files(const char *stem)
{
	char path[PATH_LEN];
	unlink(path_of(stem, "key", path));
	unlink(path_of(stem, "private", path));
}

static void end(void)
{
	rmdir(folder);
}

/* With other times it is the same key. */
static void check_times(const struct sign_key *key)
{
	struct sign_times times = {.publish = 1, .inactive = 1700000000};
	struct sign_key *again;
	struct err err = {0};
	unsigned n;

	if (sign_key_set_times(folder, key, times, &err)) {
		assert(sign_keys_read(folder, &key->zone, &again, &n, &err));
		assert(n == 1 && again->tag == key->tag);
		assert(!memcmp(&again->times, &times, sizeof times));
		sign_keys_free(again, n);
	} else {
		assert(err.count > 0);
	}
	err_fini(&err);
}

static void check_key(const struct sign_key *key)
{
	uint8_t one[SIGN_SIGNATURE_LEN], two[SIGN_SIGNATURE_LEN];
	uint8_t ds[SIGN_DS_LEN];

	assert(sign_key_sign(key, key->dnskey, key->dnskey_len, one));
	assert(sign_key_sign(key, key->dnskey, key->dnskey_len, two));
	assert(!memcmp(one, two, sizeof one));
	sign_key_ds(key, ds);
	assert((unsigned)(ds[0] << 8 | ds[1]) == key->tag);
}

static void read_pair(const char *stem)
{
	struct sign_key *keys;
	struct err err = {0};
	struct name zone;
	char named[SIGN_KEY_FILE_MAX];
	unsigned n;

	name_from_text(&zone, "example.com");
	if (sign_keys_read(folder, &zone, &keys, &n, &err)) {
		assert(n == 1);
		check_key(keys);
		sign_key_file(keys, named);
		move(stem, named, "key");
		move(stem, named, "private");
		check_times(keys);
		remove_files(named);
		sign_keys_free(keys, n);
	} else {
		assert(!keys && !n && err.count > 0);
	}
	err_fini(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	const uint8_t *end_of_key;
	const char *stem;

	if (!begun) {
		assert(mkdtemp(folder));
		atexit(end);
		begun = true;
	}
	if (!size)
		return 0;
	stem = *data & 1 ? "Kexample.com.+013+00001"
			 : "Kexample.com.+015+00001";
	data++;
	size--;
	end_of_key = size ? memchr(data, 0, size) : NULL;
	size_t n = end_of_key ? (size_t)(end_of_key - data) : size;
	write_file(stem, "key", data, n);
	if (end_of_key)
		write_file(stem, "private", end_of_key + 1, size - n - 1);
	read_pair(stem);
	remove_files(stem);
	return 0;
}
