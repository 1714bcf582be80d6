/* make.c - a zone without a file: SOA and NS from the list of name servers. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "wire/rr.h"
#include "zones/builder.h"

#define MADE_TTL 3600u
#define MADE_REFRESH 3600u
#define MADE_RETRY 600u
#define MADE_EXPIRE 1209600u
#define MADE_MINIMUM 60u /* short: nodes and lines come and go */

struct maker {
	struct zone_builder *builder;
	const char *where;
	struct err *err;
	bool failed;
};

static void fault(struct maker *m, const char *what, const char *text)
{
	m->failed = true;
	err_add(m->err, "%s%s%s: \"%s\"", m->where ? m->where : "",
		m->where ? ": " : "", what, text);
}

static void make_add(struct maker *m, const struct name *owner, uint16_t type,
	const uint8_t *rdata, size_t len)
{
	m->failed |= !zone_builder_add(
		m->builder, owner, type, MADE_TTL, rdata, len, 0, m->err);
}

/* Cuts the next word off *text. */
static bool word(const char **text, char *out, size_t room)
{
	*text += strspn(*text, " \t");
	size_t n = strcspn(*text, " \t");
	snprintf(out, room, "%.*s", (int)n, *text);
	*text += n;
	return n > 0;
}

/* "host [address...]"; addresses outside the zone are another zone's. */
static bool make_server(struct maker *m, const char *text, struct name *host)
{
	const struct name *apex = zone_builder_apex(m->builder);
	const char *rest = text;
	char one[NAME_TEXT_MAX];
	struct addr addr;

	if (!word(&rest, one, sizeof one) || !name_from_text(host, one)) {
		fault(m, "not a name server", text);
		return false;
	}
	make_add(m, apex, RR_NS, host->bytes, host->len);
	while (word(&rest, one, sizeof one)) {
		if (!addr_parse(&addr, one))
			fault(m, "not an address", one);
		else if (name_below(host, apex))
			make_add(m, host, addr.family == 4 ? RR_A : RR_AAAA,
				addr.bytes, addr_bits(&addr) / 8);
	}
	return true;
}

static void make_soa(struct maker *m, const struct name *mname, uint32_t serial)
{
	static const uint8_t hostmaster[] = "\012hostmaster";
	const struct name *apex = zone_builder_apex(m->builder);
	uint8_t rdata[2 * NAME_WIRE_MAX + 20], *p = rdata;
	struct name rname;

	if (!name_prepend(&rname, hostmaster, sizeof hostmaster - 1, apex))
		rname = *apex;
	memcpy(p, mname->bytes, mname->len);
	p += mname->len;
	memcpy(p, rname.bytes, rname.len);
	p += rname.len;
	put32(p, serial);
	put32(p + 4, MADE_REFRESH);
	put32(p + 8, MADE_RETRY);
	put32(p + 12, MADE_EXPIRE);
	put32(p + 16, MADE_MINIMUM);
	make_add(m, apex, RR_SOA, rdata, (size_t)(p + 20 - rdata));
}

bool zone_builder_make(struct zone_builder *builder, const char *const *ns,
	const char *const *where, unsigned n, uint32_t serial, struct err *err)
{
	struct maker m = {builder, NULL, err, false};
	struct name host, first;
	bool have = false;

	for (unsigned i = 0; i < n; i++) {
		m.where = where ? where[i] : NULL;
		if (make_server(&m, ns[i], &host) && !have) {
			first = host;
			have = true;
		}
	}
	if (have)
		make_soa(&m, &first, serial);
	return !m.failed;
}
