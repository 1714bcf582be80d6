/* fuzz_packet.c - any octets as a query, through the whole packet path.
 *
 * Whatever comes in, what goes out is nothing or a message that ldns can read,
 * with the same id, no larger than the client may be sent. The zone has one of
 * everything. Input: one octet of flags, then the packet; bit 0: TCP, bit 1:
 * IPv6 peer, bit 2: udp_nocookie, bit 3: a small buffer over TCP, bit 4: a question
 * with a known suffix is put in front, so that names get deep into the zone, bit 5:
 * its network has had what it gets: the answer is no larger than the question, bit
 * 6: IPv4 peers are trusted, bit 7: with bit 0 over TLS.
 */
#include <assert.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer/answer.h"
#include "answer/steered.h"
#include "ledger/rrl.h"
#include "snapshot/mark.h"
#include "snapshot/options.h"
#include "snapshot/snapshot.h"
#include "state/map.h"
#include "transfer/source.h"
#include "wire/reply.h"
#include "zones/zonefile.h"
#include "zones/zoneset.h"

static const char zone_file[] =
	"$TTL 300\n"
	"@ SOA ns1 h 1 2 3 4 60\n@ NS ns1\n@ NS ns2.example.net.\n@ MX 1 mx\n"
	"ns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\nmx A 192.0.2.2\n"
	"a A 192.0.2.3\na AAAA 2001:db8::3\na TXT x\n"
	"c CNAME a\nl CNAME m\nm CNAME l\no CNAME x.example.net.\n"
	"*.w A 192.0.2.4\n*.x.w CNAME a\n*.y CNAME z.y\n"
	"d DNAME w\ne DNAME d\nf DNAME f.f\n"
	"k NS ns.k\nk NS ns1\nk DS 1 8 1 0000000000000000000000000000000000000000\n"
	"ns.k A 192.0.2.5\ntok CNAME q.k\ndk DNAME k\n"
	"s SRV 1 2 3 a\nv SVCB 1 . port=1\nv A 192.0.2.6\nh HTTPS 0 a\n"
	"u TYPE65280 \\# 3 010203\n1.2.3.4.5 A 192.0.2.7\n"
	"t TXT \"0123456789012345678901234567890123456789012345678901234567\"\n"
	"cl CNAME live\ndl DNAME live\nlive TXT beside\n";

static struct zone *zones[2];
static struct server_options options = {
	.udp_max = 1232, .nsid = "ns1", .version = "dnsd"};
static struct snapshot snap;
static struct rrl_table *rrl;
static const struct prefix ipv4 = {.addr.family = 4};
static struct tsig_key fuzz_key;
static struct transfer_source transfers = {.n_keys = 1, .keys = &fuzz_key};
static const struct map map;

void steered_find_all(const struct answerer *answerer, struct answer_job *first)
{
}

void steered_answer_at(struct answerer *answerer, const struct answer_job *job,
	const struct steered_name *name, struct reply *reply, uint16_t owner,
	struct steered_result *result)
{
	*result = (struct steered_result){.ttl_s = 10, .scope = 24};
	result->refused = name->why && job->peer.family == 6;
	if (job->q.qtype == RR_A) {
		reply_rr(reply, owner, RR_A, 10, job->peer.bytes, 4);
		result->records = 1;
	}
}

void steered_answer(struct answerer *answerer, const struct answer_job *job,
	struct reply *reply, struct steered_result *result)
{
	steered_answer_at(
		answerer, job, &job->asked->steered, reply, HEADER_LEN, result);
}

static struct zone *load(const char *apex, const char *text, bool steered)
{
	struct err err = {0};
	struct name name;
	name_from_text(&name, apex);
	struct zone_builder *b = zone_builder_new(&name);
	zonefile_parse(b, NULL, text, strlen(text), &err);
	if (steered) {
		struct mark m = {.kind = MARK_NAME, .line = 1, .streams = true};
		name_from_text(&name, "live.example.com");
		zone_builder_mark(b, &name, mark_pack(m), NULL, &err);
		m.kind = MARK_WHY;
		name_from_text(&name, "_why.live.example.com");
		zone_builder_mark(b, &name, mark_pack(m), NULL, &err);
	}
	struct zone *zone = zone_build(b, &err);
	if (!zone) {
		fputs(err_text(&err), stderr);
		abort();
	}
	err_fini(&err);
	return zone;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	zones[0] = load("example.com", zone_file, true);
	zones[1] = load("k.example.com",
		"$TTL 9\n@ SOA a b 1 2 3 4 5\n@ NS ns\nns A 192.0.2.5\n",
		false);
	snap.zones = zoneset_new((const struct zone *const *)zones, 2);
	snap.options = &options;
	snap.transfers = &transfers;
	tsig_key_set(&fuzz_key, "ns2.example", TSIG_HMAC_SHA256,
		(const uint8_t *)"secret", 6);
	snap.steer.map = &map;
	rrl = rrl_table_new(1);
	options.rrl_slip = 1;
	options.trusted = &ipv4;
	return 0;
}

/* Puts a header and names of the zone in front: the fuzzer need not find
 * them. The first octet chooses how many labels of its own follow. */
static size_t prepare(uint8_t *out, const uint8_t *data, size_t size)
{
	static const uint8_t header[12] = {1, 2, 1, 0, 0, 1};
	static const char suffix[] = "\7example\3com";
	if (size < 4)
		return 0;
	size_t own = data[0] % 64 < size - 3 ? data[0] % 64 : size - 3;
	memcpy(out, header, 12);
	out[11] = data[1] & 1; /* an additional record */
	memcpy(out + 12, data + 2, own);
	memcpy(out + 12 + own, suffix, sizeof suffix);
	memcpy(out + 12 + own + sizeof suffix, data + 2 + own, size - own - 2);
	return 12 + sizeof suffix + size - 2;
}

static void check(const struct answer_job *job, size_t allowed)
{
	ldns_pkt *pkt = NULL;
	assert(job->reply_len >= 12 && job->reply_len <= job->reply_room);
	assert(job->tcp || job->reply_len <= allowed);
	assert(!memcmp(job->reply, job->query, 2));
	assert(job->reply[2] & 0x80);
	if (ldns_wire2pkt(&pkt, job->reply, job->reply_len) != LDNS_STATUS_OK)
		abort();
	if (ldns_pkt_tc(pkt))
		assert(!ldns_pkt_ancount(pkt) && !ldns_pkt_nscount(pkt));
	ldns_pkt_free(pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t query[8192];
	struct answerer answerer = {
		.snap = &snap, .wall_s = 1600000000, .rrl = rrl};
	struct answer_job job = {0};

	if (!size || size > 4096)
		return 0;
	uint8_t flags = data[0];
	size_t len = flags & 16 ? prepare(query, data + 1, size - 1) : size - 1;
	/* Exact allocations: a sanitizer sees one octet too many. */
	uint8_t *exact = malloc(len ? len : 1);
	memcpy(exact, flags & 16 ? query : data + 1, len);
	job.query = exact;
	job.query_len = (uint16_t)len;
	job.tcp = flags & 1;
	job.tls = job.tcp && flags & 128;
	job.peer = (struct addr){.family = flags & 2 ? 6 : 4};
	job.reply_room = flags & 8 ? 1232 : job.tcp ? 65535 : 1232;
	job.reply = malloc(job.reply_room);
	options.udp_nocookie = flags & 4 ? 256 : UINT16_MAX;
	options.n_trusted = flags >> 6 & 1;
	options.rrl_cost = flags & 32 ? INT64_MAX / 2 : 0; /* none fits */

	answer_batch(&answerer, &job, 1);
	if (answerer.limited)
		assert(job.reply_len <= len);
	bool large = job.q.edns.present || job.q.tsig;
	if (job.reply_len)
		check(&job, large ? 1232 : 512);
	free(job.reply);
	free(exact);
	return 0;
}
