#include "transfer/in.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "wire/rr.h"

#define UNSIGNED_MAX 99 /* RFC 8945 5.3.1 */

void in_begin(
	struct in *in, const struct name *apex, const struct tsig_key *key)
{
	*in = (struct in){.apex = *apex, .key = key};
}

void in_end(struct in *in)
{
	buf_fini(&in->between);
}

/* The first fault counts. */
__attribute__((format(printf, 2, 3))) static bool broken(
	struct in *in, const char *fmt, ...)
{
	va_list ap;
	if (*in->why)
		return false;
	va_start(ap, fmt);
	vsnprintf(in->why, sizeof in->why, fmt, ap);
	va_end(ap);
	return false;
}

size_t in_question(struct in *in, uint16_t qtype,
	uint8_t frame[IN_QUESTION_MAX], uint64_t now_s)
{
	uint8_t *message = frame + 2, *p = message + HEADER_LEN;
	size_t len;

	memset(message, 0, HEADER_LEN);
	rng_secret(&in->id, sizeof in->id);
	in->qtype = qtype;
	in->part = IN_FIRST;
	put16(message, in->id);
	put16(message + 4, 1);
	memcpy(p, in->apex.bytes, in->apex.len);
	p += in->apex.len;
	put16(p, qtype);
	put16(p + 2, CLASS_IN);
	len = (size_t)(p + 4 - message);
	buf_fini(&in->between);
	in->n_between = 0;
	in->chain = (struct tsig_chain){.key = in->key};
	if (in->key)
		len = tsig_sign(&in->chain, message, len, now_s);
	put16(frame, (unsigned)len);
	return len + 2;
}

/* -- what proves a message -- */

static bool is_unsigned(struct in *in, const uint8_t *message, size_t len)
{
	if (in->part == IN_FIRST || in->n_between == UNSIGNED_MAX)
		return broken(in, "the answer is not signed");
	buf_add(&in->between, message, len);
	in->n_between++;
	return true;
}

/* RFC 8945 5.3.1. */
static bool is_proven(
	struct in *in, const uint8_t *message, size_t len, uint64_t now_s)
{
	struct tsig tsig;
	size_t at = tsig_find(message, len);

	if (!in->key)
		return at
			? broken(in, "the answer is signed, without a key here")
			: true;
	if (!at)
		return is_unsigned(in, message, len);
	if (!tsig_read(&tsig, message, len, at))
		return broken(in, "the answer has a malformed TSIG");
	in->chain.between = (const uint8_t *)in->between.text;
	in->chain.between_len = in->between.len;
	enum tsig_error error = tsig_verify(tsig_key_find(in->key, 1, &tsig),
		&tsig, message, len, &in->chain, now_s);
	if (tsig.error) {
		*in->why = '\0'; /* that is the reason of any RCODE */
		return broken(in, "the primary refuses the key: %s",
			tsig_error_text((enum tsig_error)tsig.error));
	}
	if (error != TSIG_GOOD)
		return broken(in, "the signature of the answer: %s",
			tsig_error_text(error));
	tsig_follow(&in->chain, in->key, &tsig);
	in->chain.later = true;
	buf_fini(&in->between);
	in->n_between = 0;
	return true;
}

/* -- header and question -- */

static bool header_ok(struct in *in, const uint8_t *message, size_t len)
{
	char rcode[RR_TYPE_TEXT_MAX];
	unsigned flags = len >= HEADER_LEN ? get16(message + 2) : 0;

	if (!(flags & FLAG_QR) || flags & FLAG_OPCODE ||
		get16(message) != in->id)
		return broken(in, "that is no answer to the question");
	if (flags & 15)
		return broken(in, "the primary answers %s",
			rcode_text(flags & 15, rcode));
	if (flags & FLAG_TC)
		return broken(in, "the answer is truncated");
	return true;
}

/* An RCODE is said even if it is not signed: it may be the reason for that. */
static bool message_ok(
	struct in *in, const uint8_t *message, size_t len, uint64_t now_s)
{
	bool ok = header_ok(in, message, len);
	return len >= HEADER_LEN && is_proven(in, message, len, now_s) && ok;
}

/* The question may be left out of later messages (RFC 5936 2.2.2). Where the answers
 * begin; 0: it is another question. */
static size_t behind_question(struct in *in, const uint8_t *message, size_t len)
{
	struct name name;
	unsigned n = get16(message + 4);
	size_t at = HEADER_LEN, took;

	if (!n && in->part != IN_FIRST)
		return at;
	took = n == 1 ? name_read(&name, message + at, len - at) : 0;
	at += took;
	if (!took || len - at < 4 || !name_equal(&name, &in->apex) ||
		get16(message + at) != in->qtype ||
		get16(message + at + 2) != CLASS_IN) {
		broken(in, "the answer is to another question");
		return 0;
	}
	return at + 4;
}

/* -- records -- */

static bool is_one_of(uint16_t type, const uint16_t *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (types[i] == type)
			return true;
	return false;
}

/* Whether the primary's signing made it. */
static bool is_of_signing(uint16_t type)
{
	static const uint16_t types[] = {RR_RRSIG, RR_NSEC, RR_NSEC3,
		RR_NSEC3PARAM, RR_DNSKEY, RR_CDS, RR_CDNSKEY};
	return is_one_of(type, types, sizeof types / sizeof *types);
}

/* Types that people look for are written as they know them. All others as RFC 3597 5
 * has it: no program can misread that. */
static bool is_plain(uint16_t type)
{
	static const uint16_t types[] = {RR_A, RR_AAAA, RR_NS, RR_SOA, RR_CNAME,
		RR_MX, RR_TXT, RR_PTR, RR_SRV, RR_DS, RR_DNAME};
	return is_one_of(type, types, sizeof types / sizeof *types);
}

static bool write_generic(struct in *in, const ldns_rr *rr)
{
	char *owner = ldns_rdf2str(ldns_rr_owner(rr));
	ldns_buffer *rdata = ldns_buffer_new(LDNS_MAX_PACKETLEN);
	bool ok = owner && rdata &&
		ldns_rr_rdata2buffer_wire(rdata, rr) == LDNS_STATUS_OK;

	if (ok)
		fprintf(in->file, "%s\t%u\tIN\tTYPE%u\t\\# %zu ", owner,
			ldns_rr_ttl(rr), (unsigned)ldns_rr_get_type(rr),
			ldns_buffer_position(rdata));
	for (size_t i = 0; ok && i < ldns_buffer_position(rdata); i++)
		fprintf(in->file, "%02x", *ldns_buffer_at(rdata, i));
	if (ok)
		fputc('\n', in->file);
	free(owner);
	ldns_buffer_free(rdata);
	return ok || broken(in, "a record cannot be written");
}

static bool write_record(struct in *in, const ldns_rr *rr)
{
	uint16_t type = (uint16_t)ldns_rr_get_type(rr);

	if (is_of_signing(type)) {
		in->left_out++;
		return true;
	}
	in->records++;
	if (!is_plain(type))
		return write_generic(in, rr);
	char *text = ldns_rr2str(rr);
	bool ok = text && fputs(text, in->file) >= 0;
	free(text);
	return ok || broken(in, "a record cannot be written");
}

/* ldns reads RDATA that is empty, of any type. */
static bool is_whole(const ldns_rr *rr)
{
	const ldns_rr_descriptor *of =
		ldns_rr_descript((uint16_t)ldns_rr_get_type(rr));
	return of && ldns_rr_rd_count(rr) >= ldns_rr_descriptor_minimum(of);
}

/* Owner, class and RDATA of a record that ldns could read. */
static bool record_ok(struct in *in, const ldns_rr *rr)
{
	const ldns_rdf *owner = ldns_rr_owner(rr);
	struct name name;

	if (!is_whole(rr))
		return broken(in, "a record is malformed: RDATA is missing");
	if (!name_read(&name, ldns_rdf_data(owner), ldns_rdf_size(owner)) ||
		ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return broken(in, "a record is not of class IN");
	if (!name_below(&name, &in->apex)) {
		char text[NAME_TEXT_MAX];
		return broken(in, "%.100s is not in the zone",
			name_text(&name, text));
	}
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA &&
		!name_equal(&name, &in->apex))
		return broken(in, "a SOA is not at the apex");
	return true;
}

static uint32_t serial_of(const ldns_rr *soa)
{
	return ldns_rdf2native_int32(ldns_rr_rdf(soa, 2));
}

/* The SOA begins and ends all. */
static bool take_record(struct in *in, const ldns_rr *rr)
{
	bool is_soa = ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA;

	if (in->part == IN_DONE)
		return broken(in, "records come behind the last SOA");
	if (!record_ok(in, rr))
		return false;
	if (in->part == IN_FIRST) {
		if (!is_soa)
			return broken(in, "the first record is no SOA");
		in->part = IN_RECORDS;
		in->serial = serial_of(rr);
		return write_record(in, rr);
	}
	if (!is_soa)
		return write_record(in, rr);
	in->part = IN_DONE;
	return serial_of(rr) == in->serial ||
		broken(in, "the SOA at the end is another one");
}

/* The records of the answer section, each to take(). */
static bool read_answers(struct in *in, const uint8_t *message, size_t len,
	bool (*take)(struct in *in, const ldns_rr *rr))
{
	size_t at = behind_question(in, message, len);
	unsigned n = get16(message + 6);
	bool ok = at > 0;

	for (unsigned i = 0; ok && i < n; i++) {
		ldns_rr *rr = NULL;
		ldns_status status = ldns_wire2rr(
			&rr, message, len, &at, LDNS_SECTION_ANSWER);
		if (status != LDNS_STATUS_OK)
			return broken(in, "a record is malformed: %s",
				ldns_get_errorstr_by_id(status));
		ok = take(in, rr);
		ldns_rr_free(rr);
	}
	return ok;
}

bool in_message(
	struct in *in, const uint8_t *message, size_t len, uint64_t now_s)
{
	assert(in->qtype == RR_AXFR && in->part != IN_DONE && in->file);
	in->messages++;
	in->octets += len;
	if (!message_ok(in, message, len, now_s))
		return false;
	if (!get16(message + 6))
		return broken(in, "a message without records");
	if (!read_answers(in, message, len, take_record))
		return false;
	return in->part != IN_DONE || !in->n_between ||
		broken(in, "the last message is not signed");
}

/* -- the SOA alone -- */

static bool take_soa(struct in *in, const ldns_rr *rr)
{
	if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA)
		return true; /* of its signature */
	if (!record_ok(in, rr))
		return false;
	in->serial = serial_of(rr);
	in->part = IN_DONE;
	return true;
}

bool in_soa(struct in *in, const uint8_t *message, size_t len, uint64_t now_s,
	uint32_t *serial)
{
	assert(in->qtype == RR_SOA);
	if (!message_ok(in, message, len, now_s) ||
		!read_answers(in, message, len, take_soa))
		return false;
	if (in->part != IN_DONE)
		return broken(in, "the primary has no SOA of that zone");
	*serial = in->serial;
	return true;
}
