#include "zones/check.h"

#include <string.h>

#include "wire/rr.h"
#include "zones/items.h"
#include "zones/rdata.h"
#include "zones/zone.h"

/* May stand beside a CNAME (RFC 2181 10.1, RFC 4034). */
static bool beside_cname(uint16_t type)
{
	return type == RR_CNAME || type == RR_SIG || type == RR_KEY ||
		type == RR_RRSIG || type == RR_NSEC;
}

/* What the parent side of a cut may hold. */
static bool at_cut(uint16_t type)
{
	return type == RR_NS || type == RR_DS || type == RR_A ||
		type == RR_AAAA || type == RR_RRSIG || type == RR_NSEC;
}

/* Sets of one name against each other and against what is above. */
static bool check_name(
	const struct zone_builder *b, uint32_t name, struct err *err)
{
	const struct item_name *n = &b->names[name];
	const bool cname = items_set(b, name, RR_CNAME) != NULL;
	char at[ITEMS_WHERE_MAX], text[RR_TYPE_TEXT_MAX];
	bool good = true;

	for (uint32_t i = n->first_set; i; i = b->sets[i].next) {
		const struct item_set *set = &b->sets[i];
		const char *type = rr_type_text(set->type, text);
		if (!set->count)
			continue; /* its only record was refused */
		if (n->below_dname)
			good = err_add(err, "%s %s: data below a DNAME",
				items_where(b, name, set, at), type);
		else if (cname && !beside_cname(set->type))
			good = err_add(err, "%s %s: CNAME and other data",
				items_where(b, name, set, at), type);
		else if ((n->below_cut && set->type != RR_A &&
				 set->type != RR_AAAA) ||
			(n->flags & NODE_CUT && !at_cut(set->type)))
			err_warn(err, "%s %s: hidden by a zone cut",
				items_where(b, name, set, at), type);
	}
	return good;
}

/* Name servers that lie in the zone need an address here, unless another
 * delegation than the one that names them knows it. */
static void check_servers(
	const struct zone_builder *b, uint32_t name, struct err *err)
{
	const struct item_set *set = items_set(b, name, RR_NS);
	char at[ITEMS_WHERE_MAX], text[NAME_TEXT_MAX];
	struct name owner, target;
	bool cut;

	if (!set || b->names[name].below_cut)
		return;
	items_owner(b, name, &owner);
	for (uint32_t i = set->first; i; i = b->records[i].next) {
		const struct item_record *r = &b->records[i];
		if (!name_read(&target, b->bytes + r->rdata, r->rdata_len) ||
			!name_below(&target, &b->apex))
			continue;
		uint32_t host = items_name(b, &target, &cut);
		if (host != UINT32_MAX &&
			(items_set(b, host, RR_A) ||
				items_set(b, host, RR_AAAA) ||
				b->names[host].mark))
			continue;
		if (cut && !(name && name_below(&target, &owner)))
			continue;
		err_warn(err, "%s NS: name server %s has no address%s",
			items_at(b, r->file, r->line, &owner, at),
			name_text(&target, text), cut ? " (missing glue)" : "");
	}
}

bool zone_check(struct zone_builder *b, struct err *err)
{
	char text[NAME_TEXT_MAX];
	const char *file = b->n_files > 1 ? b->files[1] : NULL;
	const char *front = file ? file : name_text(&b->apex, text);
	const struct item_set *soa = items_set(b, 0, RR_SOA);
	const struct item_set *ns = items_set(b, 0, RR_NS);
	bool good = true;

	if (!soa || !soa->count)
		good = err_add(err, "%s:1: no SOA at the apex", front);
	if (!ns || !ns->count)
		good = err_add(err, "%s:1: no NS at the apex", front);
	for (uint32_t i = 0; i < b->n_names; i++) {
		struct item_name *n = &b->names[i];
		const struct item_name *up = &b->names[n->parent];
		if (i) { /* parents come first */
			n->below_cut = up->below_cut || up->flags & NODE_CUT;
			n->below_dname =
				up->below_dname || up->flags & NODE_DNAME;
		}
		good &= check_name(b, i, err);
		check_servers(b, i, err);
	}
	return good;
}
