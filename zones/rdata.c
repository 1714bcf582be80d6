#include "zones/rdata.h"

#include "wire/name.h"
#include "wire/rr.h"

struct rdata_names rdata_names(uint16_t type)
{
	switch (type) {
	case RR_NS:
		return (struct rdata_names){0, 1, true, true};
	case RR_MD:
	case RR_MF:
	case RR_CNAME:
	case RR_MB:
	case RR_MG:
	case RR_MR:
	case RR_PTR:
		return (struct rdata_names){0, 1, true, false};
	case RR_SOA:
	case RR_MINFO:
		return (struct rdata_names){0, 2, true, false};
	case RR_MX:
		return (struct rdata_names){2, 1, true, true};
	case RR_SRV:
		return (struct rdata_names){6, 1, false, true};
	case RR_DNAME:
		return (struct rdata_names){0, 1, false, false};
	case RR_SVCB:
	case RR_HTTPS:
		return (struct rdata_names){2, 1, false, true};
	default:
		return (struct rdata_names){0};
	}
}

/* Octets that must stand behind the names; -1: any number. */
static int octets_after(uint16_t type)
{
	return type == RR_SOA                         ? 20
		: type == RR_SVCB || type == RR_HTTPS ? -1
						      : 0;
}

bool rdata_valid(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct rdata_names names = rdata_names(type);
	struct name name;
	size_t at = names.before;

	if (len > UINT16_MAX)
		return false;
	if (type == RR_A || type == RR_AAAA)
		return len == (type == RR_A ? 4 : 16);
	if (!names.count)
		return true;
	for (unsigned i = 0; i < names.count; i++) {
		size_t n =
			at < len ? name_read(&name, rdata + at, len - at) : 0;
		if (!n)
			return false;
		at += n;
	}
	int after = octets_after(type);
	return after < 0 || len - at == (size_t)after;
}

const uint8_t *rdata_target(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct rdata_names names = rdata_names(type);
	return names.target && names.before < len ? rdata + names.before : NULL;
}
