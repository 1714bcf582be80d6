#include "wire/rr.h"

#include <stdio.h>

static const struct {
	uint16_t type;
	const char *text;
} types[] = {
	{RR_A, "A"},
	{RR_NS, "NS"},
	{RR_CNAME, "CNAME"},
	{RR_SOA, "SOA"},
	{RR_PTR, "PTR"},
	{RR_HINFO, "HINFO"},
	{RR_MX, "MX"},
	{RR_TXT, "TXT"},
	{17, "RP"},
	{18, "AFSDB"},
	{RR_AAAA, "AAAA"},
	{29, "LOC"},
	{RR_SRV, "SRV"},
	{35, "NAPTR"},
	{37, "CERT"},
	{RR_DNAME, "DNAME"},
	{RR_OPT, "OPT"},
	{RR_DS, "DS"},
	{44, "SSHFP"},
	{RR_RRSIG, "RRSIG"},
	{RR_NSEC, "NSEC"},
	{48, "DNSKEY"},
	{RR_NSEC3, "NSEC3"},
	{RR_NSEC3PARAM, "NSEC3PARAM"},
	{52, "TLSA"},
	{53, "SMIMEA"},
	{59, "CDS"},
	{60, "CDNSKEY"},
	{61, "OPENPGPKEY"},
	{62, "CSYNC"},
	{63, "ZONEMD"},
	{RR_SVCB, "SVCB"},
	{RR_HTTPS, "HTTPS"},
	{99, "SPF"},
	{RR_TSIG, "TSIG"},
	{RR_IXFR, "IXFR"},
	{RR_AXFR, "AXFR"},
	{RR_ANY, "ANY"},
	{256, "URI"},
	{257, "CAA"},
};

static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL",
	"NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
	"NOTAUTH", "NOTZONE"};

const char *rr_type_text(uint16_t type, char *out)
{
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].type == type)
			return types[i].text;
	snprintf(out, RR_TYPE_TEXT_MAX, "TYPE%u", type);
	return out;
}

const char *rcode_text(unsigned rcode, char *out)
{
	if (rcode < sizeof rcodes / sizeof *rcodes)
		return rcodes[rcode];
	if (rcode == RCODE_BADVERS)
		return "BADVERS";
	snprintf(out, RR_TYPE_TEXT_MAX, "RCODE%u", rcode);
	return out;
}
