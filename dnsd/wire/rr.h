/* rr.h - the numbers of DNS, and octets in network order. */
#ifndef WIRE_RR_H
#define WIRE_RR_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum rr_type {
	RR_A = 1,
	RR_NS = 2,
	RR_MD = 3,
	RR_MF = 4,
	RR_CNAME = 5,
	RR_SOA = 6,
	RR_MB = 7,
	RR_MG = 8,
	RR_MR = 9,
	RR_PTR = 12,
	RR_HINFO = 13,
	RR_MINFO = 14,
	RR_MX = 15,
	RR_TXT = 16,
	RR_SIG = 24,
	RR_KEY = 25,
	RR_AAAA = 28,
	RR_SRV = 33,
	RR_DNAME = 39,
	RR_OPT = 41,
	RR_DS = 43,
	RR_RRSIG = 46,
	RR_NSEC = 47,
	RR_DNSKEY = 48,
	RR_NSEC3 = 50,
	RR_NSEC3PARAM = 51,
	RR_CDS = 59,
	RR_CDNSKEY = 60,
	RR_SVCB = 64,
	RR_HTTPS = 65,
	RR_TKEY = 249, /* 249..255 are questions only (RFC 6895 3.1) */
	RR_TSIG = 250,
	RR_IXFR = 251,
	RR_AXFR = 252,
	RR_ANY = 255,
	RR_CAA = 257,
};

enum rr_class { CLASS_IN = 1, CLASS_CH = 3, CLASS_NONE = 254, CLASS_ANY = 255 };

enum rcode {
	RCODE_NOERROR,
	RCODE_FORMERR,
	RCODE_SERVFAIL,
	RCODE_NXDOMAIN,
	RCODE_NOTIMP,
	RCODE_REFUSED,
	RCODE_YXDOMAIN,
	RCODE_YXRRSET,
	RCODE_NXRRSET,
	RCODE_NOTAUTH,
	RCODE_NOTZONE,
	RCODE_BADVERS = 16,
};

/* Header (RFC 1035 4.1.1): id, flags and four counts. */
#define HEADER_LEN 12
#define FLAG_QR 0x8000u
#define FLAG_OPCODE 0x7800u
#define OPCODE_NOTIFY 0x2000u
#define FLAG_AA 0x0400u
#define FLAG_TC 0x0200u
#define FLAG_RD 0x0100u
#define FLAG_CD 0x0010u

/* A TTL is 31 bits (RFC 2181 8). */
#define TTL_MAX 0x7fffffffu

/* Type, class, TTL and length in front of RDATA; with a pointer as owner. */
#define RR_FIXED_LEN 10
#define RR_POINTER_LEN (2 + RR_FIXED_LEN)

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get64(const uint8_t *p)
{
	uint64_t word;
	memcpy(&word, p, 8);
	return be64toh(word);
}

static inline void put16(uint8_t *p, unsigned v)
{
	uint16_t word = htobe16((uint16_t)v);
	memcpy(p, &word, 2);
}

static inline void put32(uint8_t *p, uint32_t v)
{
	uint32_t word = htobe32(v);
	memcpy(p, &word, 4);
}

/* "A", "TYPE1234": text of a type, into out if it has no name of its own.
 * out has room for RR_TYPE_TEXT_MAX. */
#define RR_TYPE_TEXT_MAX 16
const char *rr_type_text(uint16_t type, char *out);

/* "NOERROR", "RCODE11". */
const char *rcode_text(unsigned rcode, char *out);

#endif
