#include "conf/schema.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

const char *const conf_roles[ROLES + 1] = {
	"edge", "origin", "relay", "recorder", NULL};
const char *const conf_policies[] = {
	"nearby", "stable", "geo", "failover", NULL};

const char *const conf_tsig_algorithms[] = {"hmac-sha256", "hmac-sha512", NULL};

static const char *const sandbox_modes[] = {"off", "on", "strict", NULL};
static const char *const xdp_modes[] = {"auto", "native", "copy", NULL};
static const char *const log_forms[] = {"text", "json", NULL};

#define TEXT(macro) TEXT_OF(macro)
#define TEXT_OF(value) #value
#define AT(type, field) .offset = offsetof(struct type, field)

static const struct key tcp_keys[] = {
	{"max", KEY_INT, AT(conf, tcp.max), 1, 1000000, "1000",
		.text = "TCP connections at a time; beyond, the client net with the most loses its oldest"},
	{"idle", KEY_REAL, AT(conf, tcp.idle_s), 0.1, 3600, "10",
		.text = "seconds until an idle TCP connection is closed"},
	{0}};
static const struct section tcp_section = {"tcp", tcp_keys, 0};

static const struct key tls_keys[] = {
	{"listen", KEY_TEXTS, AT(conf, tls.listen),
		.preset = "0.0.0.0:853 [::]:853", .text = "addresses for it"},
	{"cert", KEY_PATH, AT(conf, tls.cert),
		.text = "certificate chain (PEM)"},
	{"key", KEY_PATH, AT(conf, tls.key), .text = "private key (PEM)"}, {0}};
static const struct section tls_section = {"tls", tls_keys, 0};

static const struct key rrl_keys[] = {
	{"rate", KEY_INT, AT(conf, rrl.rate), 0, 1000000, "0",
		.text = "answers over UDP a second that an asking network (/24, /48) gets; 0: no limit"},
	{"slip", KEY_INT, AT(conf, rrl.slip), 0, 100, "1",
		.text = "of those beyond, each so many-th is sent empty with TC, the others are not sent; 0: none is"},
	{0}};
static const struct section rrl_section = {"rrl", rrl_keys, 0};

static const struct key xdp_keys[] = {
	{"interfaces", KEY_TEXTS, AT(conf, xdp.interfaces),
		.text = "Ethernet interfaces whose queries are answered past the kernel's network stack"},
	{"mode", KEY_ENUM, AT(conf, xdp.mode), .names = xdp_modes,
		.preset = "auto",
		.text = "native: by the interface's driver; copy: by the kernel, for any; auto: copy where native fails"},
	{0}};
static const struct section xdp_section = {"xdp", xdp_keys, 0};

static const struct key health_keys[] = {
	{"interval", KEY_REAL, AT(conf, health.interval_s), 0.1, 3600, "3.0",
		.text = "seconds between two polls of a node"},
	{"timeout", KEY_REAL, AT(conf, health.timeout_s), 0.1, 60, "1.5",
		.text = "seconds until a poll or probe has failed"},
	{"fall", KEY_INT, AT(conf, health.fall), 1, 100, "2",
		.text = "failures in a row until a node is down"},
	{"rise", KEY_INT, AT(conf, health.rise), 1, 100, "2",
		.text = "good samples in a row until a node is up again"},
	{"clients", KEY_INT, AT(conf, health.clients_s), 0, 3600, "0",
		.text = "seconds between two looks at the bits that a node's viewers get; 0: never"},
	{0}};
static const struct section health_section = {"health", health_keys, 0};

static const struct key http_keys[] = {
	{"listen", KEY_TEXTS, AT(conf, http.listen), .preset = "127.0.0.1:8053",
		.text = "addresses of the operator's HTTP listener"},
	{"token", KEY_TEXT, AT(conf, http.token),
		.text = "bearer token asked for changes; without one there are none"},
	{"measure_token", KEY_TEXT, AT(conf, http.measure_token),
		.text = "bearer token for reports of paths from other addresses than the node's"},
	{"names", KEY_TEXTS, AT(conf, http.names),
		.text = "host names by which browsers reach it, beside its addresses and localhost"},
	{0}};
static const struct section http_section = {"http", http_keys, 0};

static const struct key public_keys[] = {
	{"listen", KEY_TEXTS, AT(conf, public.listen), .preset = "0.0.0.0:8080",
		.text = "addresses of the listener that may face the internet"},
	{"cert", KEY_PATH, AT(conf, public.cert),
		.text = "certificate chain (PEM); with key: HTTPS"},
	{"key", KEY_PATH, AT(conf, public.key), .text = "private key (PEM)"},
	{"httpdns", KEY_BOOL, AT(conf, public.httpdns),
		.text = "answers also in the shapes of Tencent's and Alibaba's HTTPDNS"},
	{"proxied_by", KEY_PREFIXES, AT(conf, public.proxied_by),
		.text = "reverse proxies in front of it: their X-Forwarded-For is believed"},
	{0}};
static const struct section public_section = {"public", public_keys, 0};

static const struct key record_keys[] = {
	{"file", KEY_PATH, AT(conf, record.file),
		.text = "what the server sees and answers is written there, for dnsd replay"},
	{"size", KEY_RATE, AT(conf, record.size), 10000, 1e15, "100M",
		.text = "bytes (K, M, G) until a new file begins; one old file is kept as FILE.1"},
	{"share", KEY_REAL, AT(conf, record.share), 0, 1, "1",
		.text = "share of the client nets that are recorded"},
	{0}};
static const struct section record_section = {"record", record_keys, 0};

static const struct key dnstap_keys[] = {
	{"socket", KEY_PATH, AT(conf, dnstap.socket),
		.text = "unix socket that a reader of dnstap listens on"},
	{"sample", KEY_REAL, AT(conf, dnstap.sample), 0, 1, "1",
		.text = "share of the answers that go there, each with its query"},
	{"identity", KEY_TEXT, AT(conf, dnstap.identity),
		.text = "this server's name there; default: server_id, else the host's"},
	{0}};
static const struct section dnstap_section = {"dnstap", dnstap_keys, 0};

static const struct key etcd_keys[] = {
	{"endpoints", KEY_TEXTS, AT(conf, etcd.endpoints),
		.text = "URLs of etcd's members"},
	{"prefix", KEY_TEXT, AT(conf, etcd.prefix), .preset = "/dnsd",
		.text = "of all keys there"},
	{"ca", KEY_PATH, AT(conf, etcd.ca),
		.text = "certificates (PEM) that sign those of etcd; default: the system's"},
	{"cert", KEY_PATH, AT(conf, etcd.cert),
		.text = "certificate (PEM) shown to etcd"},
	{"key", KEY_PATH, AT(conf, etcd.key), .text = "its private key (PEM)"},
	{"as", KEY_TEXT, AT(conf, etcd.as),
		.text = "this name server's name there; default: server_id"},
	{0}};
static const struct section etcd_section = {"etcd", etcd_keys, 0};

static const struct key dnssec_keys[] = {
	{"keys", KEY_PATH, AT(conf_zone, dnssec.keys),
		.text = "folder of the zone's keys: K*.key and K*.private"},
	{"validity", KEY_SPAN, AT(conf_zone, dnssec.validity_s), 8, 31536000,
		.text = "how long a signature is valid; it is renewed after half"},
	{0}};
static const struct section dnssec_section = {
	"dnssec", dnssec_keys, sizeof(struct conf_zone)};

static const struct key tsig_keys[] = {
	{"algorithm", KEY_ENUM, AT(conf_tsig, algorithm),
		.names = conf_tsig_algorithms, .preset = "hmac-sha256",
		.text = "of its signatures"},
	{"secret", KEY_TEXT, AT(conf_tsig, secret), .text = "in base64"}, {0}};
static const struct section tsig_section = {
	"a key of tsig", tsig_keys, sizeof(struct conf_tsig)};

static const struct key transfer_keys[] = {
	{"to", KEY_TEXTS, AT(conf_zone, transfer.to_texts),
		.text = "askers that may transfer the zone: ADDRESS, ADDRESS/LENGTH, or key:NAME of tsig; default: none"},
	{"notify", KEY_TEXTS, AT(conf_zone, transfer.notify_texts),
		.text = "name servers that get a NOTIFY: ADDRESS[:PORT] [key:NAME]"},
	{0}};
static const struct section transfer_section = {"transfer", transfer_keys, 0};

static const struct key from_keys[] = {
	{"primary", KEY_TEXTS, AT(conf_zone, from.primary_texts),
		.text = "name servers that have the zone: ADDRESS[:PORT]; the first one that answers with a newer serial is transferred from"},
	{"key", KEY_TEXT, AT(conf_zone, from.key_text),
		.text = "of tsig: signs questions and proves answers"},
	{0}};
static const struct section from_section = {
	"from", from_keys, sizeof(struct conf_zone)};

static const struct key zone_keys[] = {
	{"file", KEY_PATH, AT(conf_zone, file),
		.text = "RFC 1035 master file; without it and without from, SOA and NS are made from ns"},
	{"ns", KEY_TEXTS, AT(conf_zone, ns),
		.text = "name servers: host name and its addresses"},
	{"serial", KEY_COUNT, AT(conf_zone, serial), 0, 4294967295.0, "1",
		.text = "SOA serial of a zone without a file"},
	{"from", KEY_SECTION, .section = &from_section,
		.text = "another name server has the zone: it is transferred from there, and kept beside the store"},
	{"dnssec", KEY_SECTION, .section = &dnssec_section,
		.text = "signs the zone"},
	{"transfer", KEY_SECTION, .section = &transfer_section,
		.text = "to other name servers"},
	{0}};
static const struct section zone_section = {
	"a zone", zone_keys, sizeof(struct conf_zone)};

static const struct key public_url_keys[] = {
	[URL_RTMP] = {"rtmp", KEY_TEXT, AT(conf_node, public_url[URL_RTMP]),
		.text = "rtmp:// or rtmps://HOST[:PORT]"},
	[URL_FLV] = {"flv", KEY_TEXT, AT(conf_node, public_url[URL_FLV]),
		.text = "http:// or https://HOST[:PORT]"},
	[URL_HLS] = {"hls", KEY_TEXT, AT(conf_node, public_url[URL_HLS]),
		.text = "http:// or https://HOST[:PORT]; default: flv's"},
	[URL_SRT] = {"srt", KEY_TEXT, AT(conf_node, public_url[URL_SRT]),
		.text = "srt://HOST:PORT"},
	[URL_WHEP] = {"whep", KEY_TEXT, AT(conf_node, public_url[URL_WHEP]),
		.text = "http:// or https://HOST[:PORT]"},
	[CONF_URLS] = {0}};
const struct section conf_public_url_section = {
	"public_url", public_url_keys, 0};

static const struct key node_keys[] = {
	{"role", KEY_ENUM, AT(conf_node, role), .names = conf_roles,
		.preset = "edge", .text = "what the SRS does"},
	{"address", KEY_ADDRESSES, AT(conf_node, n_addresses),
		.text = "what DNS answers, the first one is the API's by default"},
	{"at", KEY_AT, AT(conf_node, at),
		.text = "latitude, longitude; default: geoip of the first address"},
	{"site", KEY_TEXT, AT(conf_node, site),
		.text = "data centre, a failure domain"},
	{"provider", KEY_TEXT, AT(conf_node, provider),
		.text = "network operator, a failure domain"},
	{"asn", KEY_ASNS, AT(conf_node, n_asn),
		.text = "carriers the node is inside of"},
	{"bias", KEY_REAL, AT(conf_node, bias_ms), -1000, 100000, "0",
		.text = "milliseconds added to its path"},
	{"capacity", KEY_REAL, AT(conf_node, capacity), 1, 1e9, "1000",
		.text = "connections it is meant to carry"},
	{"bandwidth", KEY_RATE, AT(conf_node, bandwidth_bps), 0, 1e15, "0",
		.text = "bit/s it is meant to send (K, M, G); 0: no limit"},
	{"overcommit", KEY_REAL, AT(conf_node, overcommit), 1, 4, "2",
		.text = "times capacity and bandwidth that it may carry, if CPU and bits show that it can; 1: never more"},
	{"api", KEY_TEXT, AT(conf_node, api),
		.text = "URL of the SRS HTTP API; off: not polled"},
	{"api_token", KEY_TEXT, AT(conf_node, api_token),
		.text = "bearer token for the API (SRS 8), instead of user and password in its URL"},
	{"rtmp", KEY_TEXT, AT(conf_node, rtmp),
		.text = "address:port probed with an RTMP handshake, or off"},
	{"flv", KEY_TEXT, AT(conf_node, flv), .preset = "off",
		.text = "address:port of HTTP-FLV, probed and used in URLs, or off"},
	{"srt", KEY_TEXT, AT(conf_node, srt), .preset = "off",
		.text = "address:port of SRT, probed and used in URLs, or off"},
	{"whep", KEY_TEXT, AT(conf_node, whep), .preset = "off",
		.text = "http[s]://host:port of WHEP, probed and used in URLs, or off"},
	{"public_url", KEY_SECTION, .section = &conf_public_url_section,
		.text = "what players' URLs begin with where something stands in front of the node, by kind"},
	{"public", KEY_BOOL, AT(conf_node, is_public),
		.text = "has a DNS name of its own; default: edges and relays"},
	{0}};
static const struct section node_section = {
	"a node", node_keys, sizeof(struct conf_node)};

static const struct key paths_keys[] = {
	{"measured", KEY_BOOL, AT(conf_steer, measured), .preset = "true",
		.text = "what nodes and players measured; false: distance only"},
	{0}};
static const struct section paths_section = {"paths", paths_keys, 0};

static const struct key steer_keys[] = {
	{"pool", KEY_TEXTS, AT(conf_steer, pool),
		.text = "roles and/or node names"},
	{"policy", KEY_ENUM, AT(conf_steer, policy), .names = conf_policies,
		.preset = "nearby", .text = "how a node is chosen"},
	{"lines", KEY_INT, AT(conf_steer, lines), 1, CONF_LINES_MAX, "1",
		.text = "alternates: line2.NAME, line3.NAME ..."},
	{"ttl", KEY_RANGE, AT(conf_steer, ttl), 1, 65535, "5 30",
		.text = "seconds, one number or [least, most]"},
	{"answers", KEY_INT, AT(conf_steer, answers), 1, CONF_ANSWERS_MAX, "1",
		.text = "addresses per answer"},
	{"stay_ms", KEY_REAL, AT(conf_steer, stay_ms), 0, 1000, "1",
		.text = "a client net stays while another node is better by less"},
	{"carrier_ms", KEY_REAL, AT(conf_steer, carrier_ms), 0, 1000, "25",
		.text = "added when the client's ASN is known and not in the node's asn"},
	{"paths", KEY_SECTION, .section = &paths_section,
		.text = "what a path is taken from"},
	{"streams", KEY_BOOL, AT(conf_steer, streams), .preset = "false",
		.text = "<stream>.NAME prefers an edge that has the stream"},
	{"https", KEY_TEXT, AT(conf_steer, https),
		.text = "ALPN list of HTTPS records, e.g. h2,http/1.1"},
	{0}};
static const struct section steer_section = {
	"a steered name", steer_keys, sizeof(struct conf_steer)};

static const struct key expect_keys[] = {
	{"at", KEY_TIME, AT(conf_expect, at_ms),
		.text = "when they begin to come: 2026-11-22T09:00, with Z or +08:00 behind it or local",
		.needed = true},
	{"name", KEY_NAME, AT(conf_expect, name),
		.text = "the steered name they ask for", .needed = true},
	{"viewers", KEY_INT, AT(conf_expect, viewers), 1, CONF_VIEWERS_MAX,
		.text = "how many", .needed = true},
	{"over", KEY_INT, AT(conf_expect, over_s), 1, CONF_OVER_MAX_S,
		TEXT(CONF_OVER_S), .text = "seconds in which they come"},
	{"from", KEY_AT, AT(conf_expect, from),
		.text = "latitude, longitude of where they are"},
	{0}};
static const struct section expect_section = {
	"an item of expect", expect_keys, sizeof(struct conf_expect)};

static const struct key top_keys[] = {
	{"include", KEY_INCLUDE, .text = "further files with the same keys"},
	{"listen", KEY_TEXTS, AT(conf, listen), .preset = "0.0.0.0:53 [::]:53",
		.text = "addresses for UDP and TCP"},
	{"workers", KEY_INT, AT(conf, workers), 0, 256, "0",
		.text = "UDP threads; 0: one per core"},
	{"client_nets", KEY_INT, AT(conf, client_nets), 1024, 67108864,
		"1048576",
		.text = "client nets whose answers are remembered, 32 bytes each when in use"},
	{"servers", KEY_INT, AT(conf, servers), 0, 1000, "0",
		.text = "name servers that share this delegation; 0: as many as the zone has NS"},
	{"session", KEY_REAL, AT(conf, session_s), 60, 21600, "1700",
		.text = "seconds that a viewer stays, in the mean"},
	{"user", KEY_TEXT, AT(conf, user),
		.text = "dropped to after binding, when started as root"},
	{"server_id", KEY_TEXT, AT(conf, server_id),
		.text = "NSID and id.server"},
	{"cookie_secret", KEY_PATH, AT(conf, cookie_secret),
		.text = "file with 32 hex digits, the same on all name servers"},
	{"udp_nocookie", KEY_INT, AT(conf, udp_nocookie), 0, 1232, "1232",
		.text = "larger UDP answers to clients without a valid server cookie get TC"},
	{"rrl", KEY_SECTION, .section = &rrl_section,
		.text = "response rate limiting"},
	{"tcp", KEY_SECTION, .section = &tcp_section, .text = "TCP"},
	{"tls", KEY_SECTION, AT(conf, tls), .section = &tls_section,
		.text = "DNS over TLS"},
	{"xdp", KEY_SECTION, AT(conf, xdp), .section = &xdp_section,
		.text = "answers by AF_XDP"},
	{"geoip", KEY_PATHS, AT(conf, geoip),
		.text = "MaxMind-format databases, merged"},
	{"nets", KEY_PATH, AT(conf, nets),
		.text = "CIDR LAT,LON [COUNTRY [ASN]] a line; wins over geoip"},
	{"trusted", KEY_PREFIXES, AT(conf, trusted),
		.preset = "127.0.0.0/8 ::1/128",
		.text = "addresses that may ask _why and name another client's"},
	{"proxy", KEY_PREFIXES, AT(conf, proxy),
		.text = "DNS proxies: what they send begins with a PROXY header, version 2, whose client counts"},
	{"control", KEY_PATH, AT(conf, control),
		.preset = "/run/dnsd/dnsd.sock", .text = "control socket"},
	{"store", KEY_PATH, AT(conf, store), .preset = "/var/lib/dnsd/dnsd.db",
		.text = "embedded database"},
	{"node_names", KEY_TEXT, AT(conf, node_names),
		.text = "zone of the nodes' own names; default: the first"},
	{"query_log", KEY_REAL, AT(conf, query_log), 0, 1, "0",
		.text = "share of queries that are logged"},
	{"log", KEY_ENUM, AT(conf, log), .names = log_forms, .preset = "text",
		.text = "form of the log's lines on stderr: text, or JSON objects"},
	{"sandbox", KEY_ENUM, AT(conf, sandbox), .names = sandbox_modes,
		.preset = "on",
		.text = "what threads that answer may not do fails, or, if strict, ends dnsd"},
	{"record", KEY_SECTION, AT(conf, record), .section = &record_section,
		.text = "a recording for dnsd replay"},
	{"dnstap", KEY_SECTION, AT(conf, dnstap), .section = &dnstap_section,
		.text = "copies of queries and responses for a reader of dnstap"},
	{"version", KEY_TEXT, AT(conf, version),
		.text = "answer to version.bind; default: none"},
	{"etcd", KEY_SECTION, AT(conf, etcd), .section = &etcd_section,
		.text = "what name servers of one delegation share"},
	{"health", KEY_SECTION, .section = &health_section,
		.text = "polling of the nodes"},
	{"http", KEY_SECTION, AT(conf, http), .section = &http_section,
		.text = "the operator's listener"},
	{"public", KEY_SECTION, AT(conf, public), .section = &public_section,
		.text = "the listener for the website's calls"},
	{"heartbeat_from", KEY_PREFIXES, AT(conf, heartbeat_from),
		.text = "addresses that may report heartbeats; default: the nodes'"},
	{"heartbeat_token", KEY_TEXT, AT(conf, heartbeat_token),
		.text = "bearer token asked of heartbeats (SRS 8), wherever they come from"},
	{"tsig", KEY_NAMED, AT(conf, tsig), .section = &tsig_section,
		.text = "keys that sign transfers"},
	{"zones", KEY_NAMED, AT(conf, zones), .section = &zone_section,
		.text = "the zones served"},
	{"nodes", KEY_NAMED, AT(conf, nodes), .section = &node_section,
		.text = "the SRS nodes"},
	{"steer", KEY_NAMED, AT(conf, steer), .section = &steer_section,
		.text = "the steered names"},
	{"expect", KEY_ITEMS, AT(conf, expect), .section = &expect_section,
		.text = "the schedule: crowds that are to come"},
	{0}};
const struct section conf_section = {
	"the configuration", top_keys, sizeof(struct conf)};

/* -- the JSON schema for editors -- */

static json_t *section_schema(const struct section *section);

static json_t *array_of(json_t *items)
{
	return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *number_schema(const struct key *key, const char *type)
{
	return json_pack("{s:s, s:f, s:f}", "type", type, "minimum", key->min,
		"maximum", key->max);
}

static json_t *enum_schema(const struct key *key)
{
	json_t *names = json_array();
	for (const char *const *n = key->names; *n; n++)
		json_array_append_new(names, json_string(*n));
	return json_pack("{s:o}", "enum", names);
}

static json_t *type_schema(const struct key *key)
{
	switch (key->type) {
	case KEY_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case KEY_INT:
	case KEY_COUNT:
		return number_schema(key, "integer");
	case KEY_REAL:
		return number_schema(key, "number");
	case KEY_RATE:
		return json_pack("{s:[ss]}", "type", "string", "number");
	case KEY_ENUM:
		return enum_schema(key);
	case KEY_RANGE:
		return json_pack("{s:[oo]}", "oneOf",
			number_schema(key, "number"),
			array_of(number_schema(key, "number")));
	case KEY_AT:
	case KEY_ASNS:
		return array_of(json_pack("{s:s}", "type", "number"));
	case KEY_TEXTS:
	case KEY_PATHS:
	case KEY_PREFIXES:
	case KEY_ADDRESSES:
	case KEY_INCLUDE:
		return array_of(json_pack("{s:s}", "type", "string"));
	case KEY_SECTION:
		return section_schema(key->section);
	case KEY_NAMED:
		return json_pack("{s:s, s:o}", "type", "object",
			"additionalProperties", section_schema(key->section));
	case KEY_ITEMS:
		return array_of(section_schema(key->section));
	case KEY_SPAN:
	case KEY_TEXT:
	case KEY_PATH:
	case KEY_TIME:
	case KEY_NAME:
		break;
	}
	return json_pack("{s:s}", "type", "string");
}

static json_t *section_schema(const struct section *section)
{
	json_t *properties = json_object(), *needed = json_array();
	for (const struct key *key = section->keys; key->name; key++) {
		json_t *schema = type_schema(key);
		json_object_set_new(
			schema, "description", json_string(key->text));
		json_object_set_new(properties, key->name, schema);
		if (key->needed)
			json_array_append_new(needed, json_string(key->name));
	}
	json_t *schema = json_pack("{s:s, s:b, s:o}", "type", "object",
		"additionalProperties", 0, "properties", properties);
	if (json_array_size(needed))
		json_object_set(schema, "required", needed);
	json_decref(needed);
	return schema;
}

char *conf_schema(void)
{
	json_t *schema = section_schema(&conf_section);
	json_object_set_new(schema, "$schema",
		json_string("http://json-schema.org/draft-07/schema#"));
	json_object_set_new(schema, "title", json_string("dnsd.yaml"));
	char *text = json_dumps(schema, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(schema);
	return text;
}
