/* Reads the texts of tsig, transfer and from: secrets, askers that may transfer a zone, name
 * servers that get a NOTIFY, primaries. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/base64.h"
#include "conf/schema.h"

#define SECRET_SHORT 16 /* octets: fewer are easily guessed */
#define KEY_PREFIX "key:"

/* Never the secret itself in a message. */
static bool read_secret(
	struct conf *conf, struct conf_tsig *key, struct err *err)
{
	size_t len = strlen(key->secret), n;
	uint8_t *octets = arena_alloc(conf->arena, BASE64_ROOM(len) + 1);

	if (!base64_read(key->secret, len, octets, &n) || !n ||
		n > CONF_SECRET_MAX)
		return err_add(err,
			"%s:%u: %s: secret is not base64 of 1 to %d octets",
			key->where.file, key->where.line, key->name,
			CONF_SECRET_MAX);
	if (n < SECRET_SHORT)
		err_warn(err,
			"%s:%u: %s: a secret of fewer than %d octets may be guessed",
			key->where.file, key->where.line, key->name,
			SECRET_SHORT);
	key->octets = octets;
	key->n_octets = (unsigned)n;
	return true;
}

/* The index of the key that "key:NAME" names. False, with a message. */
static bool find_key(const struct conf *conf, const char *text,
	struct conf_where where, const char *of, int *key, struct err *err)
{
	const char *name = conf_name(conf->arena, text + strlen(KEY_PREFIX));
	for (unsigned i = 0; name && i < conf->n_tsig; i++)
		if (!strcmp(conf->tsig[i].name, name)) {
			*key = (int)i;
			return true;
		}
	return err_add(err, "%s:%u: %s: '%.80s' is no key of tsig", where.file,
		where.line, of, text);
}

static bool is_key(const char *text)
{
	return !strncmp(text, KEY_PREFIX, strlen(KEY_PREFIX));
}

static bool read_to(const struct conf *conf, const char *text,
	struct conf_where where, struct conf_transfer_to *to, struct err *err)
{
	to->key = -1;
	if (is_key(text))
		return find_key(conf, text, where, "transfer", &to->key, err);
	if (prefix_parse(&to->prefix, text, true))
		return true;
	return err_add(err,
		"%s:%u: transfer: to: '%.80s' is not ADDRESS, ADDRESS/LENGTH or key:NAME",
		where.file, where.line, text);
}

static bool read_notify(const struct conf *conf, const char *text,
	struct conf_where where, struct conf_notify *notify, struct err *err)
{
	size_t n = strcspn(text, " ");
	const char *rest = text + n + strspn(text + n, " ");

	notify->key = -1;
	notify->to_len = sockaddr_parse(&notify->to,
		arena_printf(conf->arena, "%.*s", (int)n, text), 53);
	if (!notify->to_len || (*rest && !is_key(rest)))
		return err_add(err,
			"%s:%u: transfer: notify: '%.80s' is not ADDRESS[:PORT] [key:NAME]",
			where.file, where.line, text);
	return !*rest ||
		find_key(conf, rest, where, "transfer", &notify->key, err);
}

static bool read_transfer(
	struct conf *conf, struct conf_zone *zone, struct err *err)
{
	const struct conf_texts *to = &zone->transfer.to_texts;
	const struct conf_texts *notify = &zone->transfer.notify_texts;
	bool ok = true;

	zone->transfer.to = arena_alloc(
		conf->arena, (to->n + 1) * sizeof *zone->transfer.to);
	zone->transfer.notify = arena_alloc(
		conf->arena, (notify->n + 1) * sizeof *zone->transfer.notify);
	for (unsigned i = 0; i < to->n; i++)
		ok &= read_to(conf, to->text[i], to->where[i],
			&zone->transfer.to[i], err);
	for (unsigned i = 0; i < notify->n; i++)
		ok &= read_notify(conf, notify->text[i], notify->where[i],
			&zone->transfer.notify[i], err);
	zone->transfer.n_to = to->n;
	zone->transfer.n_notify = notify->n;
	return ok;
}

/* A port of its own is usual for a primary that runs beside dnsd. */
static bool read_from(
	struct conf *conf, struct conf_zone *zone, struct err *err)
{
	const struct conf_texts *texts = &zone->from.primary_texts;
	bool ok = true;

	zone->from.key = -1;
	zone->from.n_primary = texts->n;
	zone->from.primary = arena_alloc(
		conf->arena, (texts->n + 1) * sizeof *zone->from.primary);
	for (unsigned i = 0; i < texts->n; i++) {
		struct conf_primary *primary = &zone->from.primary[i];
		primary->to_len =
			sockaddr_parse(&primary->to, texts->text[i], 53);
		if (!primary->to_len)
			ok = err_add(err,
				"%s:%u: from: primary: '%.80s' is not ADDRESS[:PORT]",
				texts->where[i].file, texts->where[i].line,
				texts->text[i]);
	}
	const char *key = zone->from.key_text;
	if (!key || !*key)
		return ok;
	if (!texts->n)
		return err_add(err, "%s:%u: %s: from without primary",
			zone->where.file, zone->where.line, zone->name);
	return find_key(conf, arena_printf(conf->arena, KEY_PREFIX "%s", key),
		       zone->where, "from", &zone->from.key, err) &&
		ok;
}

bool conf_check_transfers(struct conf *conf, struct err *err)
{
	bool ok = true;
	for (unsigned i = 0; i < conf->n_tsig; i++)
		ok &= read_secret(conf, &conf->tsig[i], err);
	for (unsigned i = 0; i < conf->n_zones; i++) {
		ok &= read_transfer(conf, &conf->zones[i], err);
		ok &= read_from(conf, &conf->zones[i], err);
	}
	return ok;
}
