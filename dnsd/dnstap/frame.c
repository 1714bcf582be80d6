#include "dnstap/frame.h"

#include <assert.h>
#include <tap.pb-c.h>

#define NS_PER_S 1000000000

static const char version[] = "dnsd " DNSD_VERSION;

/* What is only read, as protobuf-c names it. */
static ProtobufCBinaryData octets(const void *p, size_t n)
{
	return (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)p};
}

static void fill_query(Tap__Message *m, const struct tap_event *e)
{
	m->kind = TAP__MESSAGE_KIND__AUTH_QUERY;
	m->has_query_message = true;
	m->query_message = octets(e->query, e->query_len);
}

static void fill_response(Tap__Message *m, const struct tap_event *e)
{
	m->kind = TAP__MESSAGE_KIND__AUTH_RESPONSE;
	m->has_response_message = true;
	m->response_message = octets(e->reply, e->reply_len);
	m->has_response_time_sec = m->has_response_time_nsec = true;
	m->response_time_sec = (uint64_t)(e->response_ns / NS_PER_S);
	m->response_time_nsec = (uint32_t)(e->response_ns % NS_PER_S);
}

size_t frame_pack(const struct tap_event *e, enum frame_kind kind,
	const char *identity, uint8_t *out)
{
	Tap__Message m = TAP__MESSAGE__INIT;
	Tap__Frame frame = TAP__FRAME__INIT;

	m.has_family = m.has_transport = m.has_query_address = true;
	m.family = e->peer.family == 4 ? TAP__FAMILY__INET : TAP__FAMILY__INET6;
	m.transport = e->tls ? TAP__TRANSPORT__DOT
		: e->tcp     ? TAP__TRANSPORT__TCP
			     : TAP__TRANSPORT__UDP;
	m.query_address = octets(e->peer.bytes, addr_bits(&e->peer) / 8);
	m.has_query_port = true;
	m.query_port = e->port;
	m.has_query_time_sec = m.has_query_time_nsec = true;
	m.query_time_sec = (uint64_t)(e->query_ns / NS_PER_S);
	m.query_time_nsec = (uint32_t)(e->query_ns % NS_PER_S);
	if (kind == FRAME_QUERY)
		fill_query(&m, e);
	else
		fill_response(&m, e);
	frame.has_identity = *identity != '\0';
	frame.identity = octets(identity, strlen(identity));
	frame.has_version = true;
	frame.version = octets(version, sizeof version - 1);
	frame.message = &m;
	assert(frame.identity.len <= FRAME_IDENTITY_MAX);
	return tap__frame__pack(&frame, out);
}
