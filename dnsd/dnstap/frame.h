/* frame.h - an event as two frames of dnstap: what was asked, and what was answered.
 * By protobuf-c, from tap.proto. Pure functions; any thread.
 */
#ifndef DNSTAP_FRAME_H
#define DNSTAP_FRAME_H

#include <stddef.h>

#include "dnstap/ring.h"

#define FRAME_IDENTITY_MAX 255
#define FRAME_MAX (UINT16_MAX + 1024) /* octets */

enum frame_kind { FRAME_QUERY, FRAME_RESPONSE };
#define FRAME_KINDS 2 /* of an event */

/* Writes it into out, which has room for FRAME_MAX octets. identity: the server's
 * name, "": none. */
size_t frame_pack(const struct tap_event *event, enum frame_kind kind,
	const char *identity, uint8_t *out);

#endif
