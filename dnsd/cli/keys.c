/* keys - the keys of signed zones: makes them, shows them, changes them. Nothing here
 * talks to the server; it reads the keys at its next reload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/columns.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "sign/zone.h"

static const char usage[] =
	"keys [-c FILE] [--algorithm 13|15] [--ds-at-parent] generate|list|ds|roll [ZONE]";
static const char help[] =
	"The keys of signed zones, in the folder that the configuration names\n"
	"(zones: ZONE: dnssec: {keys: FOLDER}), in files of BIND's format.\n\n"
	"  generate ZONE   make the first key: algorithm 13 (ECDSA P-256) or 15 (Ed25519)\n"
	"  list [ZONE]     the keys and what they do now\n"
	"  ds ZONE         the DS records for the parent\n"
	"  roll ZONE       change the key: once to make the new one, and again with\n"
	"                  --ds-at-parent when the parent has its DS, to let the old one go\n\n"
	"The server reads keys at start and at a reload: dnsd ctl reload. It publishes CDS\n"
	"and CDNSKEY for parents that read those.\n";

/* The DS of a parent is cached for so long: most have a day. */
#define DS_TTL_S (2 * 86400)

struct keys {
	const struct conf_zone *zone;
	struct name apex;
	struct sign_key *all;
	unsigned n;
	int64_t now_s;
};

static const char *time_text(int64_t at_s, char out[32])
{
	time_t at = (time_t)at_s;
	struct tm tm;
	strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&at, &tm));
	return out;
}

/* -- list -- */

static const char *state_of(const struct sign_key *key, int64_t now_s)
{
	const struct sign_times *t = &key->times;
	if (t->remove && t->remove <= now_s)
		return "removed";
	if (t->inactive && t->inactive <= now_s)
		return "published, signs no more";
	if (t->activate > now_s)
		return t->publish > now_s ? "to come"
					  : "published, signs later";
	return "signs";
}

static void list_key(
	struct columns *t, const struct keys *k, const struct sign_key *key)
{
	char text[32];
	int64_t end_s = key->times.remove;
	columns_add(t, "%s", k->zone->name);
	columns_add(t, "%u", key->tag);
	columns_add(t, "%u", key->algorithm);
	columns_add(t, "%s", state_of(key, k->now_s));
	columns_add(t, "%s", end_s ? time_text(end_s, text) : "");
}

static bool read_keys(
	struct keys *k, const struct conf_zone *zone, struct err *err)
{
	*k = (struct keys){.zone = zone, .now_s = clock_wall_ms() / 1000};
	if (!zone->dnssec.keys)
		return err_add(err,
			"%s is not signed: the configuration has no dnssec: {keys: FOLDER} for it",
			zone->name);
	name_from_text(&k->apex, zone->name);
	return sign_keys_read(zone->dnssec.keys, &k->apex, &k->all, &k->n, err);
}

/* only: of this zone; NULL: of all that are signed. */
static bool list(
	const struct conf *conf, const struct conf_zone *only, struct err *err)
{
	struct columns t;
	struct buf out = {0};
	bool ok = true;

	columns_begin(&t, "lrrll");
	columns_add(&t, "zone");
	columns_add(&t, "tag");
	columns_add(&t, "algorithm");
	columns_add(&t, "state");
	columns_add(&t, "until");
	for (unsigned i = 0; i < conf->n_zones; i++) {
		const struct conf_zone *zone = &conf->zones[i];
		struct keys k;
		if (only ? zone != only : !zone->dnssec.keys)
			continue;
		ok &= read_keys(&k, zone, err);
		for (unsigned j = 0; ok && j < k.n; j++)
			list_key(&t, &k, &k.all[j]);
		if (ok)
			sign_keys_free(k.all, k.n);
	}
	columns_end(&t, &out);
	fputs(out.text, stdout);
	buf_fini(&out);
	return ok;
}

/* -- DS -- */

static void print_ds(const char *zone, const struct sign_key *key)
{
	uint8_t ds[SIGN_DS_LEN];
	sign_key_ds(key, ds);
	printf("%s. IN DS %u %u %u ", zone, key->tag, key->algorithm, ds[3]);
	for (unsigned i = 4; i < SIGN_DS_LEN; i++)
		printf("%02X", ds[i]);
	putchar('\n');
}

static bool is_gone(const struct keys *k, const struct sign_key *key)
{
	int64_t remove_s = key->times.remove;
	return remove_s && remove_s <= k->now_s;
}

/* Of keys that are an entry point and not about to go. */
static bool ds(struct keys *k, struct err *err)
{
	unsigned printed = 0;
	for (unsigned i = 0; i < k->n; i++) {
		const struct sign_key *key = &k->all[i];
		if (key->times.remove || !(get16(key->dnskey) & 1))
			continue;
		print_ds(k->zone->name, key);
		printed++;
	}
	return printed || err_add(err, "%s: no key that stays", k->zone->name);
}

/* -- generate and roll -- */

static bool generate(const struct conf_zone *zone, int algorithm,
	struct sign_key *key, struct err *err)
{
	struct name apex;
	int64_t now_s = clock_wall_ms() / 1000;
	struct sign_times times = {.publish = now_s, .activate = now_s};
	char file[SIGN_KEY_FILE_MAX];

	if (!zone->dnssec.keys)
		return err_add(err,
			"%s is not signed: give it dnssec: {keys: FOLDER} in the configuration first",
			zone->name);
	name_from_text(&apex, zone->name);
	if (!sign_key_generate(zone->dnssec.keys, &apex,
		    (enum sign_algorithm)algorithm, times, key, err))
		return false;
	printf("%s/%s.key\n", zone->dnssec.keys, sign_key_file(key, file));
	sign_key_fini(key);
	return true;
}

static bool generate_first(
	const struct conf_zone *zone, int algorithm, struct err *err)
{
	struct sign_key key;
	struct keys k;
	struct err none = {0};
	bool others = zone->dnssec.keys && read_keys(&k, zone, &none) && k.n;

	err_fini(&none);
	if (others) {
		sign_keys_free(k.all, k.n);
		return err_add(err,
			"%s has a key: `dnsd keys roll %s` changes it",
			zone->name, zone->name);
	}
	if (!generate(zone, algorithm, &key, err))
		return false;
	printf("dnsd ctl reload signs the zone. When it answers (docs/dnssec.md), the parent\n"
	       "needs:\n");
	print_ds(zone->name, &key);
	return true;
}

/* The newest key that signs, and the one before it; NULL: there is none. */
static void find_pair(const struct keys *k, const struct sign_key **newest,
	const struct sign_key **before)
{
	*newest = *before = NULL;
	for (unsigned i = 0; i < k->n; i++) {
		const struct sign_key *key = &k->all[i];
		if (is_gone(k, key))
			continue;
		if (!*newest ||
			key->times.activate > (*newest)->times.activate) {
			*before = *newest;
			*newest = key;
		} else {
			*before = key;
		}
	}
}

static bool roll_begin(struct keys *k, const struct sign_key *old,
	int algorithm, struct err *err)
{
	struct sign_key key;
	char text[32];

	if (algorithm && algorithm != old->algorithm)
		return err_add(err,
			"%s: the key has algorithm %u, and another one needs a zone that is unsigned first",
			k->zone->name, old->algorithm);
	if (!generate(k->zone, old->algorithm, &key, err))
		return false;
	printf("1. dnsd ctl reload, on every name server: both keys sign then.\n"
	       "2. After %s, give the parent this DS instead of that of %u:\n",
		time_text(k->now_s + SIGN_DNSKEY_TTL_S, text), old->tag);
	print_ds(k->zone->name, &key);
	printf("3. When the parent answers with it: dnsd keys roll %s --ds-at-parent\n",
		k->zone->name);
	return true;
}

static bool roll_end(struct keys *k, const struct sign_key *new,
	const struct sign_key *old, struct err *err)
{
	char text[32];
	int64_t known_s = new->times.activate + SIGN_DNSKEY_TTL_S;
	/* No TTL of the zone is longer than that. */
	int64_t end_s = new->times.activate + k->zone->dnssec.validity_s / 2;
	struct sign_times times = old->times;

	if (k->now_s < known_s)
		return err_add(err,
			"%s: resolvers may not know key %u before %s: then the DS may change",
			k->zone->name, new->tag, time_text(known_s, text));
	if (end_s < k->now_s + DS_TTL_S)
		end_s = k->now_s + DS_TTL_S;
	times.inactive = times.remove = end_s;
	if (!sign_key_set_times(k->zone->dnssec.keys, old, times, err))
		return false;
	printf("Key %u signs until %s, when no resolver has its DS any more; the server takes\n"
	       "it out then. dnsd ctl reload, on every name server.\n",
		old->tag, time_text(end_s, text));
	return true;
}

/* Key signing and zone signing keys change in other steps (RFC 6781 4.1). */
static bool all_entry_points(const struct keys *k, struct err *err)
{
	for (unsigned i = 0; i < k->n; i++)
		if (!is_gone(k, &k->all[i]) && !(get16(k->all[i].dnskey) & 1))
			return err_add(err,
				"%s: key %u signs the zone alone (flags 256): change such pairs with the tool that made them",
				k->zone->name, k->all[i].tag);
	return true;
}

static bool roll(
	struct keys *k, int algorithm, bool ds_at_parent, struct err *err)
{
	const struct sign_key *new, *old;
	char text[32];

	if (!all_entry_points(k, err))
		return false;
	find_pair(k, &new, &old);
	if (!new)
		return err_add(err, "%s: no key: `dnsd keys generate %s`",
			k->zone->name, k->zone->name);
	if (!old && !ds_at_parent)
		return roll_begin(k, new, algorithm, err);
	if (!old)
		return err_add(err, "%s: there is one key: roll it first",
			k->zone->name);
	if (old->times.remove)
		return err_add(err, "%s: key %u goes at %s", k->zone->name,
			old->tag, time_text(old->times.remove, text));
	if (ds_at_parent)
		return roll_end(k, new, old, err);
	return err_add(err,
		"%s: keys %u and %u both sign: when the parent has the DS of %u, `dnsd keys roll %s --ds-at-parent`",
		k->zone->name, old->tag, new->tag, new->tag, k->zone->name);
}

/* -- the command -- */

/* In whatever case, and with a last dot or without. */
static const struct conf_zone *zone_of(
	const struct conf *conf, const char *text, struct err *err)
{
	struct name name;
	char canonical[NAME_TEXT_MAX];

	if (name_from_text(&name, text))
		name_text(&name, canonical);
	else
		canonical[0] = '\0';
	for (unsigned i = 0; i < conf->n_zones; i++)
		if (!strcmp(conf->zones[i].name, canonical))
			return &conf->zones[i];
	err_add(err, "%s is no zone of the configuration", text);
	return NULL;
}

static bool with_keys(const struct conf_zone *zone, const char *verb,
	const struct cli_options *o, int algorithm, struct err *err)
{
	struct keys k;
	if (!read_keys(&k, zone, err))
		return false;
	bool ok = !strcmp(verb, "ds")
		? ds(&k, err)
		: roll(&k, algorithm, o->ds_at_parent, err);
	sign_keys_free(k.all, k.n);
	return ok;
}

static bool keys(const struct conf *conf, const struct cli_options *o,
	char **words, int n, struct err *err)
{
	int algorithm = o->algorithm ? atoi(o->algorithm) : 0;
	const char *verb = words[0];
	const struct conf_zone *zone =
		n > 1 ? zone_of(conf, words[1], err) : NULL;

	if (n > 1 && !zone)
		return false;
	if (!strcmp(verb, "list"))
		return list(conf, zone, err);
	if (!strcmp(verb, "generate"))
		return generate_first(zone,
			algorithm ? algorithm : SIGN_ECDSAP256SHA256, err);
	return with_keys(zone, verb, o, algorithm, err);
}

static bool words_ok(const struct cli_options *o, char **words, int n)
{
	static const char *const verbs[] = {"list", "generate", "ds", "roll"};
	bool known = false;
	for (unsigned i = 0; n && i < 4; i++)
		known |= !strcmp(words[0], verbs[i]);
	if (!known || n > 2 || (n == 1 && strcmp(words[0], "list") != 0))
		return false;
	return !o->algorithm || !strcmp(o->algorithm, "13") ||
		!strcmp(o->algorithm, "15");
}

int cli_keys(int argc, char **argv)
{
	struct cli_options o = {.allowed = "ad"};
	struct err err = {0};
	int status;

	if (!cli_options(&o, argc, argv, usage, help, &status))
		return status;
	if (!words_ok(&o, argv + o.first, argc - o.first)) {
		fprintf(stderr, "usage: dnsd %s\n", usage);
		return 2;
	}
	struct conf *conf = conf_load(o.conf, &err);
	bool ok = conf && keys(conf, &o, argv + o.first, argc - o.first, &err);
	if (!ok)
		fprintf(stderr, "%s\n", err_text(&err));
	conf_free(conf);
	err_fini(&err);
	return ok ? 0 : 1;
}
