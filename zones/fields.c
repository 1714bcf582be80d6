#include "zones/fields.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "zones/text.h"

#define STRING_MAX 255

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool fields_number(
	const struct text_word *w, uint64_t max, struct text_fault *fault)
{
	uint64_t n;
	return text_number(w, max, &n) ||
		text_bad(fault, w, "not a number from 0 to %llu",
			(unsigned long long)max);
}

/* A number or a name that ldns knows. */
static bool named(
	const struct text_word *w, uint64_t max, struct text_fault *fault)
{
	return !strchr("0123456789+-", *w->at) || fields_number(w, max, fault);
}

/* Seconds, or numbers with units as in 1h30m. */
static bool period(const struct text_word *w, struct text_fault *fault)
{
	static const char units[] = "sSmMhHdDwW";
	static const uint32_t seconds[] = {1, 60, 3600, 86400, 604800};
	uint64_t sum = 0, n = 0;
	bool digits = false;

	for (size_t i = 0; i < w->len; i++) {
		char c = w->at[i];
		const char *unit = strchr(units, c);
		if (is_digit(c)) {
			n = n * 10 + (uint64_t)(c - '0');
			digits = true;
		} else if (unit && digits) {
			sum += n * seconds[(unit - units) / 2];
			n = 0;
			digits = false;
		} else {
			return text_bad(fault, w, "not a time");
		}
		if (n > UINT32_MAX || sum > UINT32_MAX)
			return text_bad(
				fault, w, "a time above %u s", UINT32_MAX);
	}
	return sum + n <= UINT32_MAX ||
		text_bad(fault, w, "a time above %u s", UINT32_MAX);
}

/* YYYYMMDDHHmmSS, or seconds of 32 bits (RFC 4034 3.2). */
static bool stamp(const struct text_word *w, struct text_fault *fault)
{
	return w->len == 14 || fields_number(w, UINT32_MAX, fault);
}

static bool type_name(const struct text_word *w, struct text_fault *fault)
{
	struct text_word digits = {w->at + 4, w->len - 4};
	uint64_t n;
	return w->len < 5 || strncasecmp(w->at, "TYPE", 4) != 0 ||
		!is_digit(w->at[4]) || text_number(&digits, UINT16_MAX, &n) ||
		text_bad(fault, w, "not a type");
}

bool fields_type(const char *text)
{
	struct text_word w = {text, strlen(text)};
	struct text_fault fault;
	return type_name(&w, &fault);
}

static bool string(const struct text_word *w, struct text_fault *fault)
{
	uint8_t octets[4096];
	long n = text_octets(w, octets, sizeof octets);
	struct text_word begin = {w->at, w->len < 40 ? w->len : 40};

	if (n <= STRING_MAX && n >= 0)
		return true;
	if (n < 0 && w->len < sizeof octets)
		return text_bad(fault, w, "not an escape of \\DDD or \\X");
	return text_bad(fault, &begin,
		"a string above 255 octets, to be cut into several");
}

/* [!]AFI:ADDRESS/LENGTH (RFC 3123 5). */
static bool apl(const struct text_word *w, struct text_fault *fault)
{
	const char *at = w->at + (*w->at == '!'), *end = w->at + w->len;
	const char *colon = memchr(at, ':', (size_t)(end - at));
	const char *slash = memchr(at, '/', (size_t)(end - at));
	uint64_t n;

	if (!colon || !slash || slash < colon || colon - at != 1 ||
		(*at != '1' && *at != '2'))
		return text_bad(fault, w, "not 1:IPV4/LENGTH or 2:IPV6/LENGTH");
	struct text_word length = {slash + 1, (size_t)(end - slash - 1)};
	return text_number(&length, *at == '1' ? 32 : 128, &n) ||
		text_bad(fault, w, "a prefix length above the address's");
}

static bool fields_field(
	ldns_rdf_type kind, const struct text_word *w, struct text_fault *fault)
{
	uint64_t zero;
	switch (kind) {
	case LDNS_RDF_TYPE_INT8:
		return fields_number(w, UINT8_MAX, fault);
	case LDNS_RDF_TYPE_INT16:
		return fields_number(w, UINT16_MAX, fault);
	case LDNS_RDF_TYPE_INT32:
		return fields_number(w, UINT32_MAX, fault);
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
	case LDNS_RDF_TYPE_SELECTOR:
	case LDNS_RDF_TYPE_MATCHING_TYPE:
		return named(w, UINT8_MAX, fault);
	case LDNS_RDF_TYPE_CERT_ALG: /* 0 is reserved, and ldns leaks it */
		if (text_number(w, 0, &zero))
			return text_bad(fault, w, "not a type of certificate");
		return named(w, UINT16_MAX, fault);
	case LDNS_RDF_TYPE_PERIOD:
		return period(w, fault);
	case LDNS_RDF_TYPE_TIME:
		return stamp(w, fault);
	case LDNS_RDF_TYPE_TYPE:
	case LDNS_RDF_TYPE_NSEC:
		return type_name(w, fault);
	case LDNS_RDF_TYPE_STR:
		return string(w, fault);
	case LDNS_RDF_TYPE_APL:
		return apl(w, fault);
	case LDNS_RDF_TYPE_DNAME:
		return !text_quoted(w) ||
			text_bad(fault, w, "a name in quotes");
	default:
		return true;
	}
}

/* -- types that ldns describes as one field -- */

/* DIGITS[.DIGITS], not below least and not above most. */
static bool decimal(const char *text, double least, double most, double *out)
{
	char *end;
	if (!is_digit(text[*text == '-']) || text[strspn(text, "-.0123456789")])
		return false;
	*out = strtod(text, &end);
	return !*end && *out >= least && *out <= most;
}

/* The next word as a number; of a length in metres, which may end in m. */
static bool loc_number(const char **rest, bool metres, double least,
	double most, double *out, struct text_fault *fault)
{
	struct text_word w;
	char text[32];
	size_t n = text_next(rest, &w) ? w.len : 0;

	if (metres && n && (w.at[n - 1] | 0x20) == 'm')
		n--;
	if (!n || n >= sizeof text)
		return text_bad(fault, &w, "not a number");
	memcpy(text, w.at, n);
	text[n] = '\0';
	return decimal(text, least, most, out) ||
		text_bad(fault, &w, "not a number from %.0f to %.2f", least,
			most);
}

/* DEGREES [MINUTES [SECONDS]] and one of two letters. */
static bool loc_angle(const char **rest, double most, const char *letters,
	struct text_fault *fault)
{
	const double most_of[] = {most, 59, 59.999};
	const double parts[] = {1, 60, 3600};
	double sum = 0, value;

	for (unsigned i = 0;; i++) {
		const char *peek = *rest;
		struct text_word w;
		if (!text_next(&peek, &w))
			return text_bad(fault, NULL, "%c or %c is missing",
				letters[0], letters[1]);
		if (i && w.len == 1 && strchr(letters, *w.at & ~0x20)) {
			*rest = peek;
			return sum <= most ||
				text_bad(fault, NULL, "more than %.0f degrees",
					most);
		}
		if (i == 3)
			return text_bad(fault, &w, "not %c or %c", letters[0],
				letters[1]);
		if (!loc_number(rest, false, 0, most_of[i], &value, fault))
			return false;
		sum += value / parts[i];
	}
}

/* RFC 1876 3. */
static bool check_loc(const char *text, struct text_fault *fault)
{
	double value;
	if (!loc_angle(&text, 90, "NS", fault) ||
		!loc_angle(&text, 180, "EW", fault) ||
		!loc_number(&text, true, -100000, 42849672.95, &value, fault))
		return false;
	for (unsigned i = 0; i < 3 && text[strspn(text, " ")]; i++)
		if (!loc_number(&text, true, 0, 90000000, &value, fault))
			return false;
	return true;
}

/* ADDRESS PROTOCOL PORT... */
static bool check_wks(const char *text, struct text_fault *fault)
{
	struct text_word w;
	for (unsigned i = 0; text_next(&text, &w); i++)
		if (i && !named(&w, i == 1 ? UINT8_MAX : UINT16_MAX, fault))
			return false;
	return true;
}

/* Numbers of an octet in front, and what ldns reads rightly. */
static bool check_front(
	const char *text, unsigned numbers, struct text_fault *fault)
{
	struct text_word w;
	while (numbers-- && text_next(&text, &w))
		if (!fields_number(&w, UINT8_MAX, fault))
			return false;
	return true;
}

/* RFC 3597 5: \# LENGTH and the octets. */
static bool check_generic(const char *text, struct text_fault *fault)
{
	struct text_word w;
	return !text_next(&text, &w) || !text_next(&text, &w) ||
		fields_number(&w, UINT16_MAX, fault);
}

static bool caa_tag(const struct text_word *w)
{
	for (size_t i = 0; i < w->len; i++)
		if (!is_digit(w->at[i]) &&
			((w->at[i] | 0x20) < 'a' || (w->at[i] | 0x20) > 'z'))
			return false;
	return w->len < 256;
}

bool fields_caa(
	const char *text, uint8_t *out, size_t *len, struct text_fault *fault)
{
	struct text_word flags, tag, value, more;
	uint64_t n;

	if (!text_next(&text, &flags) || !text_next(&text, &tag) ||
		!text_next(&text, &value))
		return text_bad(fault, NULL, "not FLAGS TAG VALUE");
	if (!text_number(&flags, UINT8_MAX, &n))
		return text_bad(fault, &flags, "not a number from 0 to 255");
	if (!caa_tag(&tag))
		return text_bad(fault, &tag, "not a tag of letters and digits");
	if (text_next(&text, &more))
		return text_bad(
			fault, &more, "more than one value (without quotes?)");
	out[0] = (uint8_t)n;
	out[1] = (uint8_t)tag.len;
	memcpy(out + 2, tag.at, tag.len);
	size_t at = 2 + tag.len;
	long octets = text_octets(&value, out + at, UINT16_MAX - at);
	*len = at + (octets > 0 ? (size_t)octets : 0);
	return octets >= 0 || text_bad(fault, NULL, "not a value");
}

bool fields_check(uint16_t type, const char *text, struct text_fault *fault)
{
	const ldns_rr_descriptor *of = ldns_rr_descript(type);
	const char *rest = text;
	struct text_word w;
	ldns_rdf_type kind = LDNS_RDF_TYPE_NONE;

	if (text[strspn(text, " ")] == '\\' &&
		text[strspn(text, " ") + 1] == '#')
		return check_generic(text, fault);
	switch (type) {
	case LDNS_RR_TYPE_LOC:
		return check_loc(text, fault);
	case LDNS_RR_TYPE_WKS:
		return check_wks(text, fault);
	case LDNS_RR_TYPE_IPSECKEY:
		return check_front(text, 3, fault);
	case LDNS_RR_TYPE_HIP:
		return check_front(text, 1, fault);
	}
	for (size_t i = 0; text_next(&rest, &w); i++) {
		if (kind != LDNS_RDF_TYPE_NSEC) { /* which takes all the rest */
			if (!of || i >= ldns_rr_descriptor_maximum(of))
				return true; /* too many: ldns says so */
			kind = ldns_rr_descriptor_field_type(of, i);
		}
		if (!fields_field(kind, &w, fault))
			return false;
	}
	return true;
}
