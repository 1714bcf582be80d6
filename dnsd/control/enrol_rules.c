#include "control/enrol_rules.h"

#include <jansson.h>
#include <string.h>

#include "base/addr.h"
#include "srs/url.h"

#define NAME_MAX_BYTES 63

/* Where no approved node may be: this host, this link, groups. An IPv4-mapped
 * address is IPv4 by now. */
static const char *const closed[] = {"0.0.0.0/8", "127.0.0.0/8",
	"169.254.0.0/16", "224.0.0.0/3", "::/96", "fe80::/10", "ff00::/8"};

static bool is_closed(const struct addr *a)
{
	struct addr inside;
	if (addr_inside(a, &inside))
		a = &inside;
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
		struct prefix p;
		if (prefix_parse(&p, closed[i], true) && prefix_contains(&p, a))
			return true;
	}
	return false;
}

static bool address_ok(const char *text, struct err *err)
{
	struct addr a;
	if (!addr_parse(&a, text))
		return err_add(err, "address: '%s' is no address", text);
	return !is_closed(&a) ||
		err_add(err,
			"address: %s: loopback, link-local and multicast ones only in the configuration file",
			text);
}

/* An API's URL, or address:port of a probe; by address: a name might lead
 * anywhere. */
static bool endpoint_ok(const char *key, const char *text, struct err *err)
{
	struct sockaddr_storage at;
	struct err why = {0};
	struct addr a;

	if (!strcmp(text, "off"))
		return true;
	if (!strcmp(key, "api") || !strcmp(key, "whep")) {
		bool ok = srs_url_address(text, &a, &why) ||
			err_add(err, "%s: %s", key, err_text(&why));
		err_fini(&why);
		if (!ok)
			return false;
	} else if (sockaddr_parse(&at, text, 80)) {
		a = addr_from_sockaddr((struct sockaddr *)&at);
	} else {
		return err_add(err, "%s: not an address and port", key);
	}
	return !is_closed(&a) ||
		err_add(err,
			"%s: loopback, link-local and multicast addresses only in the configuration file",
			key);
}

static bool is_endpoint(const char *key)
{
	static const char *const keys[] = {"api", "rtmp", "flv", "srt", "whep"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

/* $ would be the environment's. */
static bool text_ok(const char *key, const char *text, struct err *err)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '$')
			return err_add(err,
				"%s: control characters and $ are not allowed",
				key);
	if (!strcmp(key, "address"))
		return address_ok(text, err);
	if (is_endpoint(key))
		return endpoint_ok(key, text, err);
	return true;
}

static bool value_ok(const char *key, const json_t *value, struct err *err)
{
	size_t i;
	const json_t *one;

	if (json_is_string(value))
		return text_ok(key, json_string_value(value), err);
	if (json_is_number(value) || json_is_boolean(value))
		return true;
	if (!json_is_array(value))
		return err_add(err, "%s: not text, a number or a list", key);
	json_array_foreach(value, i, one) if (json_is_array(one) ||
		!value_ok(key, one, err)) return err_add(err, "%s: item %zu",
		key, i + 1);
	return true;
}

bool enrol_keys_ok(json_t *keys, struct err *err)
{
	static const char *const known[] = {"role", "address", "at", "site",
		"provider", "asn", "bias", "capacity", "bandwidth",
		"overcommit", "api", "api_token", "rtmp", "flv", "srt", "whep",
		"public"};
	const char *key;
	const json_t *value;

	json_object_foreach(keys, key, value)
	{
		size_t i = 0, n = sizeof known / sizeof *known;
		while (i < n && strcmp(known[i], key))
			i++;
		if (i == n)
			return err_add(err, "unknown key '%s'", key);
		if (!value_ok(key, value, err))
			return false;
	}
	return true;
}

bool enrol_name_ok(const char *name, struct err *err)
{
	size_t n = strlen(name);
	if (!n || n > NAME_MAX_BYTES || name[0] == '-' || name[n - 1] == '-' ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		return err_add(err,
			"the name of a node is a DNS label: a-z, 0-9 and - inside");
	return true;
}
