#include "geo/nets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define SPACE " \t\r\n"

/* A net and where it was written, to find those written twice. */
struct net {
	struct prefix prefix;
	unsigned line;
};

struct nets {
	struct geo_builder *builder;
	unsigned layer;
	const char *path;
	struct err *err;
	unsigned line;
	struct net *seen;
	size_t n, room;
};

/* Plain decimals only: strtod alone also takes "inf", "nan" and "0x1p3". */
static bool degrees(const char *text, double limit, float *out)
{
	char *end;
	if (!*text || text[strspn(text, "+-.0123456789")])
		return false;
	double value = strtod(text, &end);
	*out = (float)value;
	return !*end && value >= -limit && value <= limit;
}

static bool read_at(char *text, struct place *place)
{
	char *comma = strchr(text, ',');
	if (!comma)
		return false;
	*comma = '\0';
	bool good = degrees(text, 90, &place->lat) &&
		degrees(comma + 1, 180, &place->lon);
	*comma = ',';
	return good;
}

static bool letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool read_country(const char *text, struct place *place)
{
	if (!strcmp(text, "-"))
		return true;
	if (!letter(text[0]) || !letter(text[1]) || text[2])
		return false;
	memcpy(place->country, text, 2);
	return true;
}

static bool read_asn(const char *text, struct place *place)
{
	char *end;
	if ((text[0] == 'A' || text[0] == 'a') &&
		(text[1] == 'S' || text[1] == 's'))
		text += 2;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long long asn = strtoull(text, &end, 10);
	place->asn = (uint32_t)asn;
	return !*end && !errno && asn <= UINT32_MAX;
}

static bool bad(struct nets *nets, const char *what, const char *text)
{
	return err_add(
		nets->err, "%s:%u: %s: %s", nets->path, nets->line, what, text);
}

static bool read_line(struct nets *nets, char *line)
{
	char *save, *cidr, *at, *country, *asn, *more;
	struct place place = {.source = PLACE_NETS};
	struct prefix prefix;

	line[strcspn(line, "#")] = '\0';
	cidr = strtok_r(line, SPACE, &save);
	if (!cidr)
		return true;
	at = strtok_r(NULL, SPACE, &save);
	country = at ? strtok_r(NULL, SPACE, &save) : NULL;
	asn = country ? strtok_r(NULL, SPACE, &save) : NULL;
	more = asn ? strtok_r(NULL, SPACE, &save) : NULL;

	if (!prefix_parse(&prefix, cidr, false))
		return bad(nets, "not a net (ADDRESS/LENGTH)", cidr);
	if (!prefix_parse(&prefix, cidr, true))
		return bad(
			nets, "address bits are set beyond the length", cidr);
	if (!at)
		return bad(nets, "coordinates are missing", cidr);
	if (!read_at(at, &place))
		return bad(nets, "not LATITUDE,LONGITUDE in degrees", at);
	if (country && !read_country(country, &place))
		return bad(nets, "not a country of two letters", country);
	if (asn && !read_asn(asn, &place))
		return bad(nets, "not an ASN", asn);
	if (more)
		return bad(nets, "too much in one line", more);

	geo_builder_add(nets->builder, nets->layer, &prefix, &place);
	if (nets->n == nets->room) {
		nets->room = nets->room ? 2 * nets->room : 64;
		nets->seen =
			mem_grow(nets->seen, nets->room * sizeof *nets->seen);
	}
	nets->seen[nets->n++] = (struct net){prefix, nets->line};
	return true;
}

static int net_order(const void *a, const void *b)
{
	const struct net *x = a, *y = b;
	int order = memcmp(&x->prefix, &y->prefix, sizeof x->prefix);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static bool no_doubles(struct nets *nets)
{
	bool good = true;
	if (nets->n)
		qsort(nets->seen, nets->n, sizeof *nets->seen, net_order);
	for (size_t i = 1; i < nets->n; i++) {
		const struct net *a = &nets->seen[i - 1], *b = a + 1;
		char text[PREFIX_TEXT_MAX];
		if (memcmp(&a->prefix, &b->prefix, sizeof a->prefix))
			continue;
		good = err_add(nets->err, "%s:%u: %s is already in line %u",
			nets->path, b->line, prefix_text(&b->prefix, text),
			a->line);
	}
	return good;
}

bool nets_read(struct geo_builder *builder, unsigned layer, const char *path,
	struct err *err)
{
	struct nets nets = {builder, layer, path, err, .line = 0};
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	bool good = true;

	FILE *file = fopen(path, "re");
	if (!file)
		return err_add(err, "%s: %s", path, strerror(errno));
	while ((len = getline(&line, &room, file)) >= 0) {
		nets.line++;
		if (strlen(line) != (size_t)len)
			good = bad(&nets, "not a text", "a zero byte");
		else if (!read_line(&nets, line))
			good = false;
	}
	if (ferror(file))
		good = err_add(err, "%s: %s", path, strerror(errno));
	fclose(file);
	free(line);
	if (!no_doubles(&nets))
		good = false;
	free(nets.seen);
	return good;
}
