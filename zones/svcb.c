#include "zones/svcb.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/name.h"
#include "wire/rr.h"
#include "zones/text.h"

#define PARAMS_MAX 64
#define VALUE_MAX 8192 /* octets of one value's text; none needs as many */

enum key {
	KEY_MANDATORY,
	KEY_ALPN,
	KEY_NO_DEFAULT_ALPN,
	KEY_PORT,
	KEY_IPV4HINT,
	KEY_ECH,
	KEY_IPV6HINT,
	KEY_DOHPATH,
	KEY_OHTTP,
	KEYS_KNOWN,
	KEY_INVALID = UINT16_MAX,
};

static const char *const key_names[KEYS_KNOWN] = {"mandatory", "alpn",
	"no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath",
	"ohttp"};

/* For messages. */
static const char *key_text(unsigned key, char out[16])
{
	if (key < KEYS_KNOWN)
		return key_names[key];
	snprintf(out, 16, "key%u", key);
	return out;
}

static bool key_read(const char *text, size_t len, unsigned *key)
{
	struct text_word digits = {text + 3, len - 3};
	uint64_t n;

	for (unsigned i = 0; i < KEYS_KNOWN; i++)
		if (strlen(key_names[i]) == len &&
			!memcmp(key_names[i], text, len)) {
			*key = i;
			return true;
		}
	if (len < 4 || memcmp(text, "key", 3) != 0 ||
		(len > 4 && text[3] == '0') ||
		!text_number(&digits, KEY_INVALID - 1, &n))
		return false;
	*key = (unsigned)n;
	return true;
}

/* -- wire -- */

struct param {
	unsigned key;
	const uint8_t *value;
	size_t len;
};

/* Cuts the next parameter off. */
static bool next_param(
	const uint8_t **at, const uint8_t *end, struct param *param)
{
	if (end - *at < 4)
		return false;
	param->key = get16(*at);
	param->len = get16(*at + 2);
	param->value = *at + 4;
	if ((size_t)(end - param->value) < param->len)
		return false;
	*at = param->value + param->len;
	return true;
}

/* Names of 1 to 255 octets, one at least. */
static bool alpn_good(const uint8_t *value, size_t len)
{
	size_t at = 0;
	while (at < len && value[at])
		at += 1u + value[at];
	return len && at == len;
}

/* Ascending, once each, not itself (RFC 9460 8). */
static bool mandatory_good(const uint8_t *value, size_t len)
{
	unsigned last = KEY_MANDATORY;
	if (!len || len % 2)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		unsigned key = get16(value + i);
		if (key <= last)
			return false;
		last = key;
	}
	return true;
}

static bool value_good(const struct param *param)
{
	size_t len = param->len;
	switch (param->key) {
	case KEY_MANDATORY:
		return mandatory_good(param->value, len);
	case KEY_ALPN:
		return alpn_good(param->value, len);
	case KEY_NO_DEFAULT_ALPN:
	case KEY_OHTTP:
		return !len;
	case KEY_PORT:
		return len == 2;
	case KEY_IPV4HINT:
		return len && len % 4 == 0;
	case KEY_IPV6HINT:
		return len && len % 16 == 0;
	case KEY_ECH:
	case KEY_DOHPATH:
		return len > 0;
	}
	return param->key != KEY_INVALID;
}

static bool has_key(const uint8_t *at, const uint8_t *end, unsigned key)
{
	struct param param;
	while (next_param(&at, end, &param))
		if (param.key == key)
			return true;
	return false;
}

/* What a parameter asks of the others. */
static bool needs_good(const uint8_t *params, const uint8_t *end,
	const struct param *param, struct text_fault *fault)
{
	char text[16];

	if (param->key == KEY_NO_DEFAULT_ALPN &&
		!has_key(params, end, KEY_ALPN))
		return text_bad(fault, NULL, "no-default-alpn without alpn");
	for (size_t i = 0; param->key == KEY_MANDATORY && i < param->len;
		i += 2)
		if (!has_key(params, end, get16(param->value + i)))
			return text_bad(fault, NULL,
				"%s is mandatory and missing",
				key_text(get16(param->value + i), text));
	return true;
}

bool svcb_check(const uint8_t *rdata, size_t len, struct text_fault *fault)
{
	const uint8_t *end = rdata + len, *params, *at;
	struct name target;
	struct param param;
	char text[16];
	long last = -1;

	size_t n = len > 2 ? name_read(&target, rdata + 2, len - 2) : 0;
	if (!n)
		return text_bad(fault, NULL, "no priority and target");
	for (at = params = rdata + 2 + n; at < end;) {
		if (!next_param(&at, end, &param))
			return text_bad(
				fault, NULL, "a parameter is cut short");
		if ((long)param.key <= last)
			return text_bad(fault, NULL, "%s %s",
				key_text(param.key, text),
				param.key == last ? "twice" : "out of order");
		if (!value_good(&param))
			return text_bad(fault, NULL, "not a value of %s",
				key_text(param.key, text));
		last = (long)param.key;
	}
	for (at = params; at < end;)
		if (!next_param(&at, end, &param) ||
			!needs_good(params, end, &param, fault))
			return false;
	return true;
}

/* -- text -- */

/* What is put together. */
struct writer {
	uint8_t *at, *end;
	bool full;
};

static void svcb_put(struct writer *w, const void *bytes, size_t n)
{
	if ((size_t)(w->end - w->at) < n) {
		w->full = true;
		return;
	}
	memcpy(w->at, bytes, n);
	w->at += n;
}

static void put_u16(struct writer *w, unsigned value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
	svcb_put(w, bytes, 2);
}

/* Cuts the next item off a list of a value; \, and \\ are a comma and a backslash
 * of the item (RFC 9460 A.1). Its length; -1: another escape. */
static long next_item(
	const uint8_t **at, const uint8_t *end, uint8_t *item, bool *more)
{
	long n = 0;
	*more = false;
	while (*at < end) {
		uint8_t c = *(*at)++;
		if (c == ',') {
			*more = true;
			return n;
		}
		if (c == '\\') {
			if (*at == end || (**at != ',' && **at != '\\'))
				return -1;
			c = *(*at)++;
		}
		item[n++] = c;
	}
	return n;
}

static int key_order(const void *a, const void *b)
{
	return memcmp(a, b, 2);
}

static bool put_item(
	struct writer *w, unsigned key, const uint8_t *item, size_t n)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16], len = (uint8_t)n;
	unsigned of;

	if (key == KEY_ALPN) {
		svcb_put(w, &len, 1);
		svcb_put(w, item, n);
		return n > 0 && n < 256;
	}
	if (key == KEY_MANDATORY) {
		if (!key_read((const char *)item, n, &of))
			return false;
		put_u16(w, of);
		return true;
	}
	if (n >= sizeof text)
		return false;
	memcpy(text, item, n);
	text[n] = '\0';
	bool v4 = key == KEY_IPV4HINT;
	if (inet_pton(v4 ? AF_INET : AF_INET6, text, bytes) != 1)
		return false;
	svcb_put(w, bytes, v4 ? 4 : 16);
	return true;
}

static bool put_list(
	struct writer *w, unsigned key, const uint8_t *value, size_t len)
{
	uint8_t item[VALUE_MAX], *begin = w->at;
	const uint8_t *at = value, *end = value + len;
	bool more = true;

	while (more) {
		long n = next_item(&at, end, item, &more);
		if (n < 0 || !put_item(w, key, item, (size_t)n))
			return false;
	}
	if (key == KEY_MANDATORY)
		qsort(begin, (size_t)(w->at - begin) / 2, 2, key_order);
	return true;
}

/* Without spaces, filled up with = to four. */
static bool put_base64(struct writer *w, const uint8_t *text, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t fill = 0;

	while (fill < 2 && fill < len && text[len - 1 - fill] == '=')
		fill++;
	if (!len || len % 4)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t bits = 0;
		for (size_t k = i; k < i + 4; k++) {
			const char *digit = k < len - fill
				? memchr(digits, text[k], 64)
				: digits;
			if (!digit)
				return false;
			bits = bits << 6 | (uint32_t)(digit - digits);
		}
		uint8_t bytes[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8),
			(uint8_t)bits};
		svcb_put(w, bytes, i + 4 == len ? 3 - fill : 3);
	}
	return true;
}

static bool put_value(
	struct writer *w, unsigned key, const uint8_t *value, size_t len)
{
	struct text_word word = {(const char *)value, len};
	uint64_t port;

	switch (key) {
	case KEY_MANDATORY:
	case KEY_ALPN:
	case KEY_IPV4HINT:
	case KEY_IPV6HINT:
		return put_list(w, key, value, len);
	case KEY_PORT:
		if (!text_number(&word, UINT16_MAX, &port))
			return false;
		put_u16(w, (unsigned)port);
		return true;
	case KEY_ECH:
		return put_base64(w, value, len);
	}
	svcb_put(w, value, len);
	return true;
}

/* KEY or KEY=VALUE; keyNNNNN has its value as octets, whatever it is. */
static bool read_param(const struct text_word *word, struct param *param,
	struct writer *w, struct text_fault *fault)
{
	const char *equals = memchr(word->at, '=', word->len);
	size_t n = equals ? (size_t)(equals - word->at) : word->len;
	struct text_word text = {
		word->at + n + 1, equals ? word->len - n - 1 : 0};
	uint8_t value[VALUE_MAX];
	char name[16];

	if (!key_read(word->at, n, &param->key))
		return text_bad(fault, word, "not a parameter");
	long len = text_octets(&text, value, sizeof value);
	if (len < 0)
		return text_bad(fault, word, "not a value");
	param->value = w->at;
	bool raw = !strncmp(word->at, "key", 3) || (!equals && !len);
	bool good = raw || put_value(w, param->key, value, (size_t)len);
	if (raw)
		svcb_put(w, value, (size_t)len);
	param->len = (size_t)(w->at - param->value);
	return (good && !w->full && value_good(param)) ||
		text_bad(fault, word, "not a value of %s",
			key_text(param->key, name));
}

static int param_order(const void *a, const void *b)
{
	const struct param *x = a, *y = b;
	return (x->key > y->key) - (x->key < y->key);
}

/* All of them, sorted, to where wire form wants them. */
static bool read_params(
	const char *rest, struct writer *out, struct text_fault *fault)
{
	uint8_t values[UINT16_MAX];
	struct writer w = {values, values + sizeof values, false};
	struct param params[PARAMS_MAX];
	struct text_word word;
	unsigned n = 0;

	for (; text_next(&rest, &word); n++) {
		if (n == PARAMS_MAX)
			return text_bad(fault, &word, "too many parameters");
		if (!read_param(&word, &params[n], &w, fault))
			return false;
	}
	qsort(params, n, sizeof *params, param_order);
	for (unsigned i = 0; i < n; i++) {
		put_u16(out, params[i].key);
		put_u16(out, (unsigned)params[i].len);
		svcb_put(out, params[i].value, params[i].len);
	}
	return !out->full || text_bad(fault, NULL, "RDATA is too long");
}

bool svcb_read(const char *text, const struct name *origin, uint8_t *out,
	size_t *len, struct text_fault *fault)
{
	struct writer w = {out, out + UINT16_MAX, false};
	struct text_word priority, target;
	struct name name;
	uint64_t n;

	if (!text_next(&text, &priority) || !text_next(&text, &target))
		return text_bad(fault, NULL, "no priority and target");
	if (!text_number(&priority, UINT16_MAX, &n))
		return text_bad(
			fault, &priority, "not a number from 0 to 65535");
	if (text_quoted(&target) ||
		!name_parse(&name, target.at, target.len, origin))
		return text_bad(fault, &target, "not a name");
	put_u16(&w, (unsigned)n);
	svcb_put(&w, name.bytes, name.len);
	if (!read_params(text, &w, fault))
		return false;
	*len = (size_t)(w.at - out);
	return svcb_check(out, *len, fault);
}
