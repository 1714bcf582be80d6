#include "zones/zonefile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "wire/rr.h"
#include "zones/fields.h"
#include "zones/generate.h"
#include "zones/reader.h"
#include "zones/svcb.h"
#include "zones/text.h"

#define INCLUDE_DEPTH 8

/* What a record of a long file takes at least, more or less. */
#define RECORD_TEXT_USUAL 24

/* ldns wants a TTL; ours is put in its place. */
#define RR_PREFIX ". 0 IN "

/* -- the front of a record -- */

/* RFC 2308 4 and BIND: seconds, or numbers with units as in 1w2d3h4m5s. */
static bool parse_ttl(const char *text, uint32_t *ttl)
{
	static const char units[] = "smhdw";
	static const uint32_t seconds[] = {1, 60, 3600, 86400, 604800};
	uint64_t sum = 0;

	while (*text) {
		uint64_t v = 0;
		if (*text < '0' || *text > '9')
			return false;
		for (; *text >= '0' && *text <= '9'; text++)
			if ((v = v * 10 + (uint64_t)(*text - '0')) > TTL_MAX)
				return false;
		const char *unit = *text ? strchr(units, *text | 0x20) : NULL;
		if (*text && !unit)
			return false;
		sum += v * (unit ? seconds[unit - units] : 1);
		text += *text != '\0';
		if (sum > TTL_MAX)
			return false;
	}
	*ttl = (uint32_t)sum;
	return true;
}

enum class_word { NO_CLASS, OUR_CLASS, OTHER_CLASS };

static enum class_word parse_class(const char *text)
{
	/* Of the types only some begin as classes do. */
	if (!strchr("ICHich", *text))
		return NO_CLASS;
	if (!strcasecmp(text, "IN") || !strcasecmp(text, "CLASS1"))
		return OUR_CLASS;
	if (!strcasecmp(text, "CH") || !strcasecmp(text, "HS") ||
		!strcasecmp(text, "CS") || !strcasecmp(text, "CHAOS") ||
		(!strncasecmp(text, "CLASS", 5) && text[5]))
		return OTHER_CLASS;
	return NO_CLASS;
}

/* TTL, class and type, the first two in either order or missing. */
struct front {
	bool have_ttl;
	uint32_t ttl;
	const char *type;
};

static bool read_front(struct reader *r, char **rest, struct front *f)
{
	bool have_class = false;
	char *w;

	*f = (struct front){0};
	while ((w = reader_word(rest))) {
		enum class_word class = parse_class(w);
		if (*w >= '0' && *w <= '9' && !f->have_ttl) {
			if (!parse_ttl(w, &f->ttl))
				return reader_fault(r, "not a TTL", w);
			f->have_ttl = true;
		} else if (class == OTHER_CLASS) {
			return reader_fault(r, "a class other than IN", w);
		} else if (class == OUR_CLASS && !have_class) {
			have_class = true;
		} else {
			f->type = w;
			return true;
		}
	}
	return reader_fault(r, "a record without a type", NULL);
}

/* A name, in quotes or not (RFC 1035 5.1). */
static bool read_name(struct reader *r, const char *text, struct name *name)
{
	size_t n = strlen(text);
	bool quoted = n >= 2 && text[0] == '"' && text[n - 1] == '"';

	if (quoted)
		text++, n -= 2;
	return (quoted || !memchr(text, '"', n) || strchr(text, '\\')) &&
		name_parse(name, text, n, &r->origin);
}

static bool read_owner(struct reader *r, char **rest)
{
	if (r->text[0] == ' ')
		return r->have_owner ||
			reader_fault(r, "the first record has no owner", NULL);
	char *w = reader_word(rest);
	r->have_owner = true;
	if (read_name(r, w, &r->owner)) {
		zone_builder_fetch(r->loader->builder, &r->owner);
		return true;
	}
	r->owner = r->origin;
	return reader_fault(r, "not a name", w);
}

/* $TTL, the record's own, the last one's (RFC 1035 5.1), the SOA's. */
static bool choose_ttl(struct reader *r, const struct front *f,
	const uint8_t *rdata, size_t len, uint16_t type, uint32_t *ttl)
{
	if (f->have_ttl) {
		r->loader->last_ttl = f->ttl;
		r->loader->have_last = true;
		*ttl = f->ttl;
	} else if (r->loader->have_default) {
		*ttl = r->loader->default_ttl;
	} else if (r->loader->have_last) {
		*ttl = r->loader->last_ttl;
	} else if (type == RR_SOA && len >= 20) {
		*ttl = get32(rdata + len - 4) & TTL_MAX;
		r->loader->last_ttl = *ttl;
		r->loader->have_last = true;
		err_warn(r->loader->err,
			"%s:%u: no TTL: the SOA's minimum is"
			" taken",
			r->path ? r->path : "zone", r->first);
	} else {
		return reader_fault(r, "no TTL, neither here nor before", NULL);
	}
	return true;
}

/* -- RDATA, by ldns -- */

static const ldns_rdf *origin_of(struct reader *r)
{
	if (!r->ldns_origin)
		r->ldns_origin = ldns_rdf_new_frm_data(
			LDNS_RDF_TYPE_DNAME, r->origin.len, r->origin.bytes);
	return r->ldns_origin;
}

static void origin_set(struct reader *r, const struct name *origin)
{
	r->origin = *origin;
	ldns_rdf_deep_free(r->ldns_origin);
	r->ldns_origin = NULL;
}

/* Flattens RDATA; the length, or -1 if it is too long. */
static long flatten(const ldns_rr *rr, uint8_t *out)
{
	size_t len = 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		size_t n = ldns_rdf_size(rdf);
		if (len + n > UINT16_MAX)
			return -1;
		if (n) /* of an empty field ldns has no data at all */
			memcpy(out + len, ldns_rdf_data(rdf), n);
		len += n;
	}
	return (long)len;
}

static bool is_svcb(uint16_t type)
{
	return type == RR_SVCB || type == RR_HTTPS;
}

static bool is_generic(const char *rest)
{
	rest += strspn(rest, " ");
	return rest[0] == '\\' && rest[1] == '#';
}

/* What ldns does not read as it should. */
static bool has_own_reader(uint16_t type)
{
	return is_svcb(type) || type == RR_CAA;
}

static bool read_own(uint16_t type, const char *rest, struct reader *r,
	size_t *len, struct text_fault *wrong)
{
	uint8_t *rdata = r->loader->rdata;
	return type == RR_CAA ? fields_caa(rest, rdata, len, wrong)
			      : svcb_read(rest, &r->origin, rdata, len, wrong);
}

/* Has ldns read type and text, with a front that it understands; the RDATA
 * into the loader. */
static bool read_rdata(struct reader *r, const char *type_text,
	const char *rest, uint16_t *type, size_t *len)
{
	char line[2048], *text = line;
	struct text_fault wrong;
	ldns_rr_type known = fields_type(type_text)
		? ldns_get_rr_type_by_name(type_text)
		: 0;

	if (!known)
		return reader_fault(r, "not a type", type_text);
	*type = (uint16_t)known;
	if (has_own_reader(*type) && !is_generic(rest))
		return read_own(*type, rest, r, len, &wrong) ||
			reader_text_fault(r, type_text, &wrong);
	if (!fields_check(*type, rest, &wrong))
		return reader_text_fault(r, type_text, &wrong);

	size_t n = sizeof RR_PREFIX + strlen(type_text) + 1 + strlen(rest);
	ldns_rr *rr = NULL;

	if (n > sizeof line)
		text = mem_alloc(n);
	snprintf(text, n, "%s%s %s", RR_PREFIX, type_text, rest);
	ldns_status status =
		ldns_rr_new_frm_str(&rr, text, 0, origin_of(r), NULL);
	if (text != line)
		free(text);
	if (status != LDNS_STATUS_OK) {
		char what[RR_TYPE_TEXT_MAX + 64];
		snprintf(what, sizeof what, "%.16s: %s", type_text,
			ldns_get_errorstr_by_id(status));
		return reader_fault(r, what, rest + strspn(rest, " "));
	}
	long flat = flatten(rr, r->loader->rdata);
	ldns_rr_free(rr);
	*len = (size_t)flat;
	if (flat < 0)
		return reader_fault(r, "RDATA is too long", NULL);
	return !is_svcb(*type) || svcb_check(r->loader->rdata, *len, &wrong) ||
		reader_text_fault(r, type_text, &wrong);
}

/* The bulk of most zones: an address, without the detour. False: not a plain
 * one; then ldns says what is wrong with it. */
static bool read_address(struct reader *r, const char *type_text,
	const char *rest, uint16_t *type, size_t *len)
{
	bool a = !strcasecmp(type_text, "A");
	char text[INET6_ADDRSTRLEN];
	size_t n = 0;

	if (!a && strcasecmp(type_text, "AAAA"))
		return false;
	while (*rest == ' ')
		rest++;
	for (; *rest && *rest != ' ' && n < sizeof text - 1; n++)
		text[n] = *rest++;
	text[n] = '\0';
	while (*rest == ' ')
		rest++;
	*type = a ? RR_A : RR_AAAA;
	*len = a ? 4 : 16;
	return !*rest &&
		inet_pton(a ? AF_INET : AF_INET6, text, r->loader->rdata) == 1;
}

static bool read_record(
	struct reader *r, const struct front *f, const char *rest)
{
	struct loader *l = r->loader;
	uint16_t type = 0;
	uint32_t ttl = 0;
	size_t len = 0;

	if (!read_address(r, f->type, rest, &type, &len) &&
		!read_rdata(r, f->type, rest, &type, &len))
		return false;
	if (!choose_ttl(r, f, l->rdata, len, type, &ttl))
		return false;
	if (!zone_builder_add(l->builder, &r->owner, type, ttl, l->rdata, len,
		    r->first, l->err)) {
		l->failed = true;
		return false;
	}
	return true;
}

/* -- directives -- */

static bool read_text(struct loader *loader, const char *path,
	const struct name *origin, const char *text, size_t len);
static bool read_path(struct loader *loader, const char *path,
	const struct name *origin, struct err *err);

/* $INCLUDE path [origin]: origin and owner of this file stay. */
static bool include(struct reader *r, const char *file, const char *origin)
{
	struct name name = r->origin;
	const char *slash = r->path ? strrchr(r->path, '/') : NULL;
	char path[4096];
	size_t n = strlen(file);
	bool quoted = n >= 2 && file[0] == '"' && file[n - 1] == '"';

	if (!r->path)
		return reader_fault(r, "$INCLUDE is not possible here", NULL);
	if (r->loader->depth == INCLUDE_DEPTH)
		return reader_fault(r, "$INCLUDE too deep", file);
	if (origin && !read_name(r, origin, &name))
		return reader_fault(r, "not a name", origin);
	if (quoted)
		file++, n -= 2;
	snprintf(path, sizeof path, "%.*s%.*s",
		*file != '/' && slash ? (int)(slash + 1 - r->path) : 0, r->path,
		(int)n, file);

	struct err failed = {0};
	bool read = read_path(r->loader, path, &name, &failed);
	if (!read)
		reader_fault(r, err_text(&failed), NULL);
	err_fini(&failed);
	zone_builder_file(r->loader->builder, r->path);
	return read;
}

static bool generate(struct reader *r, const char *range, const char *text);

static bool directive(struct reader *r, char *rest)
{
	char *what = reader_word(&rest), *first = reader_word(&rest);
	struct name name;

	if (first && !strcasecmp(what, "$GENERATE"))
		return generate(r, first, reader_skip_spaces(rest));
	char *second = reader_word(&rest);
	if (!first || reader_word(&rest) ||
		(second && strcasecmp(what, "$INCLUDE")))
		return reader_fault(
			r, "a directive with too few or too many words", what);
	if (!strcasecmp(what, "$TTL")) {
		r->loader->have_default =
			parse_ttl(first, &r->loader->default_ttl);
		return r->loader->have_default ||
			reader_fault(r, "not a TTL", first);
	}
	if (!strcasecmp(what, "$ORIGIN")) {
		if (!read_name(r, first, &name))
			return reader_fault(r, "not a name", first);
		origin_set(r, &name);
		return true;
	}
	if (!strcasecmp(what, "$INCLUDE"))
		return include(r, first, second);
	return reader_fault(r, "an unknown directive", what);
}

/* -- files -- */

static bool read_text_record(struct reader *r)
{
	char *rest = r->text;
	struct front front;
	return read_owner(r, &rest) && read_front(r, &rest, &front) &&
		read_record(r, &front, rest);
}

static void read_line(struct reader *r)
{
	if (*r->text == '$')
		directive(r, r->text);
	else
		read_text_record(r);
}

/* The record for one number of $GENERATE. */
static bool generate_one(struct reader *r, const char *text, uint32_t number)
{
	struct text_fault wrong;
	struct buf line = {0};
	bool good = generate_text(text, number, &line, &wrong) ||
		reader_text_fault(r, "$GENERATE", &wrong);
	r->loader->octets += line.len;
	if (good && line.len > READER_LINE_MAX)
		good = reader_fault(r, "a record too long to be one", NULL);
	if (good && r->loader->octets > GENERATE_OCTETS_MAX)
		good = reader_fault(
			r, "$GENERATE: too much text (64 MiB a zone)", NULL);
	if (good) {
		char *directive_text = r->text;
		r->text = line.text;
		good = read_text_record(r);
		r->text = directive_text;
	}
	buf_fini(&line);
	return good;
}

/* The first record that is wrong ends it: others would be so as well. */
static bool generate(struct reader *r, const char *text_range, const char *text)
{
	struct generate_range range;
	struct loader *l = r->loader;
	bool good = true;

	if (!generate_range(text_range, &range))
		return reader_fault(
			r, "not a range FROM-TO[/STEP]", text_range);
	if (!*text)
		return reader_fault(r, "$GENERATE without a record", NULL);
	l->generated += generate_count(&range);
	if (l->generated > GENERATE_MAX) {
		l->generated -= generate_count(&range);
		return reader_fault(r,
			"$GENERATE: too many records (262144 a zone)",
			text_range);
	}
	for (uint64_t n = range.from; good && n <= range.to; n += range.step) {
		snprintf(r->within, sizeof r->within,
			"$GENERATE %u: ", (unsigned)n);
		good = generate_one(r, text, (uint32_t)n);
	}
	r->within[0] = '\0';
	return good;
}

static bool read_text(struct loader *loader, const char *path,
	const struct name *origin, const char *text, size_t len)
{
	struct reader *r = mem_zero(1, sizeof *r);

	r->loader = loader;
	r->path = path;
	r->at = text;
	r->end = text + len;
	r->line = 1;
	r->origin = *origin;
	zone_builder_file(loader->builder, path ? path : "zone");
	zone_builder_expect(loader->builder, len / RECORD_TEXT_USUAL);
	loader->depth++;
	r->first = r->line;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		reader_fault(
			r, "a byte order mark (BOM) before the text", NULL);
	else if (len >= 2 &&
		(!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)))
		reader_fault(r,
			"UTF-16 with a byte order mark (BOM), not ASCII", NULL);
	else if (len && memchr(text, '\0', len))
		reader_fault(r, "a NUL character: no text file", NULL);
	else
		while (reader_line(r))
			read_line(r);
	loader->depth--;
	ldns_rdf_deep_free(r->ldns_origin);
	free(r->text);
	free(r);
	return !loader->failed;
}

/* False if it can't be read at all; the caller says on which line it is
 * asked for. */
static bool read_path(struct loader *loader, const char *path,
	const struct name *origin, struct err *err)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t len = 0, room = 0, n = 1;
	struct stat st;

	if (!f)
		return err_add(err, "%s: %s", path, strerror(errno));
	setvbuf(f, NULL, _IONBF, 0);
	if (!fstat(fileno(f), &st) && st.st_size > 0)
		text = mem_large(room = (size_t)st.st_size + 1);
	for (errno = 0; n; len += n) {
		if (len == room)
			text = mem_grow(text, room = 2 * room + 65536);
		n = fread(text + len, 1, room - len, f);
	}
	int failed = ferror(f) ? errno : 0;
	fclose(f);
	if (!failed)
		read_text(loader, path, origin, text, len);
	free(text);
	return failed ? err_add(err, "%s: %s", path, strerror(failed)) : true;
}

bool zonefile_read(
	struct zone_builder *builder, const char *path, struct err *err)
{
	struct loader l = {.builder = builder, .err = err};
	bool read = read_path(&l, path, zone_builder_apex(builder), err);
	zone_builder_file(builder, NULL);
	return read && !l.failed;
}

bool zonefile_parse(struct zone_builder *builder, const char *path,
	const char *text, size_t len, struct err *err)
{
	struct loader l = {.builder = builder, .err = err};
	read_text(&l, path, zone_builder_apex(builder), text, len);
	zone_builder_file(builder, NULL);
	return !l.failed;
}
