/* dns.h - what the DNS unit tests share: zones from text, queries by hand, and
 * ldns as an oracle that reads every reply independently of our own codec.
 */
#ifndef UNIT_DNS_H
#define UNIT_DNS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ldns/ldns.h>

#include "base/err.h"
#include "wire/name.h"
#include "wire/rr.h"
#include "zones/builder.h"
#include "zones/zone.h"
#include "zones/zonefile.h"

#define UNUSED __attribute__((unused))

static UNUSED struct name nm(const char *text)
{
	struct name n;
	if (!name_from_text(&n, text))
		fail_msg("not a name: %s", text);
	return n;
}

/* What a zone has for a name. */
static UNUSED struct zone_match zone_match_of(
	const struct zone *zone, const struct name *name)
{
	struct zone_match match;
	zone_find(zone, name, zone_hash(zone, name), &match);
	return match;
}

/* A zone from master file text; the test fails on any error. */
static UNUSED struct zone *zone_text(const char *apex, const char *text)
{
	struct name name = nm(apex);
	struct zone_builder *b = zone_builder_new(&name);
	struct err err = {0};
	zonefile_parse(b, "test.zone", text, strlen(text), &err);
	struct zone *zone = zone_build(b, &err);
	if (!zone)
		fail_msg("%s", err_text(&err));
	err_fini(&err);
	return zone;
}

/* A query packet put together by hand, step by step. */
struct packet {
	uint8_t bytes[4096];
	uint16_t len;
};

static UNUSED void put_bytes(struct packet *p, const void *bytes, size_t n)
{
	memcpy(p->bytes + p->len, bytes, n);
	p->len += (uint16_t)n;
}

static UNUSED void put_u8(struct packet *p, unsigned v)
{
	p->bytes[p->len++] = (uint8_t)v;
}

static UNUSED void put_u16(struct packet *p, unsigned v)
{
	put_u8(p, v >> 8);
	put_u8(p, v & 255);
}

/* Wire form with the case kept. */
static UNUSED void put_name(struct packet *p, const char *text)
{
	ldns_rdf *rdf = ldns_dname_new_frm_str(text);
	assert_non_null(rdf);
	put_bytes(p, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	ldns_rdf_deep_free(rdf);
}

static UNUSED struct packet packet_header(unsigned flags, unsigned questions)
{
	struct packet p = {.len = 0};
	put_u16(&p, 0x1234);
	put_u16(&p, flags);
	put_u16(&p, questions);
	put_u16(&p, 0);
	put_u16(&p, 0);
	put_u16(&p, 0);
	return p;
}

static UNUSED struct packet packet_query(const char *name, unsigned type)
{
	struct packet p = packet_header(FLAG_RD, 1);
	put_name(&p, name);
	put_u16(&p, type);
	put_u16(&p, CLASS_IN);
	return p;
}

/* Begins an OPT; options follow; packet_opt_end() sets its length. */
static UNUSED uint16_t packet_opt(
	struct packet *p, unsigned size, unsigned version, unsigned flags)
{
	put16(p->bytes + 10, get16(p->bytes + 10) + 1u);
	put_u8(p, 0);
	put_u16(p, RR_OPT);
	put_u16(p, size);
	put_u8(p, 0);
	put_u8(p, version);
	put_u16(p, flags);
	put_u16(p, 0);
	return p->len;
}

static UNUSED void packet_opt_end(struct packet *p, uint16_t begin)
{
	put16(p->bytes + begin - 2, p->len - begin);
}

static UNUSED void put_option(
	struct packet *p, unsigned code, const void *bytes, size_t n)
{
	put_u16(p, code);
	put_u16(p, (unsigned)n);
	put_bytes(p, bytes, n);
}

/* "www.example.com. 300 IN A 192.0.2.1": one line a record, tabs to blanks. */
static UNUSED void rr_line(const ldns_rr *rr, char *out, size_t room)
{
	char *text = ldns_rr2str(rr);
	snprintf(out, room, "%s", text);
	free(text);
	for (char *c = out; *c; c++) {
		if (*c == '\t')
			*c = ' ';
		if (*c == '\n')
			*c = '\0';
	}
}

static UNUSED int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All of a list, sorted, separated by " | ", without class IN. */
static UNUSED void list_text(const ldns_rr_list *list, char *out, size_t room)
{
	size_t n = ldns_rr_list_rr_count(list);
	char **lines = calloc(n + 1, sizeof *lines), line[8192];
	for (size_t i = 0; i < n; i++) {
		rr_line(ldns_rr_list_rr(list, i), line, sizeof line);
		char *in = strstr(line, " IN ");
		if (in)
			memmove(in, in + 3, strlen(in + 3) + 1);
		lines[i] = strdup(line);
	}
	qsort(lines, n, sizeof *lines, compare_lines);
	*out = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(out);
		snprintf(out + used, room - used, "%s%s", i ? " | " : "",
			lines[i]);
		free(lines[i]);
	}
	free(lines);
}

/* A reply as text: "RCODE aa tc; answer; authority; additional" */
static UNUSED const char *reply_text(const uint8_t *reply, size_t len)
{
	static char out[4 * 65536];
	static char list[65536];
	ldns_pkt *pkt = NULL;
	if (ldns_wire2pkt(&pkt, reply, len) != LDNS_STATUS_OK)
		return "not a packet";
	char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt));
	size_t n = (size_t)snprintf(out, sizeof out, "%s%s%s", rcode,
		ldns_pkt_aa(pkt) ? " aa" : "", ldns_pkt_tc(pkt) ? " tc" : "");
	free(rcode);
	const ldns_rr_list *sections[] = {ldns_pkt_answer(pkt),
		ldns_pkt_authority(pkt), ldns_pkt_additional(pkt)};
	for (int i = 0; i < 3; i++) {
		list_text(sections[i], list, sizeof list);
		n += (size_t)snprintf(out + n, sizeof out - n, ";%s%s",
			*list ? " " : "", list);
	}
	ldns_pkt_free(pkt);
	return out;
}

#endif
