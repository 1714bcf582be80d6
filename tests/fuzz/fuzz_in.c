/* Any octets as the messages of a transfer from a primary: what is written is a master
 * file with as many records as are counted, none of which is outside the zone, and reading
 * that file and making a zone of it does no harm. Each message has two octets of length in
 * front, and gets the id of the question. */
#include <stdlib.h>
#include <string.h>

#include "transfer/in.h"
#include "wire/rr.h"
#include "zones/zone.h"
#include "zones/zonefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* As a secondary reads what it has kept. */
static void read_back(const struct name *apex, const char *text, size_t len)
{
	struct zone_builder *builder = zone_builder_new(apex);
	struct err err = {0};

	bool ok = zonefile_parse(builder, NULL, text, len, &err);
	zone_free(zone_build(builder, &err));
	must(ok || err.count);
	err_fini(&err);
}

static bool one(struct in *in, const uint8_t *message, size_t len)
{
	uint8_t *exact = malloc(len + 1);
	uint32_t serial;
	bool more;

	memcpy(exact, message, len);
	if (len >= 2)
		put16(exact, in->id);
	if (in->qtype == RR_SOA)
		more = in_soa(in, exact, len, 1700000000, &serial) && false;
	else
		more = in_message(in, exact, len, 1700000000);
	must(more || *in->why || in->qtype == RR_SOA);
	free(exact);
	return more && in->part != IN_DONE;
}

static void messages(struct in *in, const uint8_t *data, size_t size)
{
	while (size >= 2) {
		size_t len = get16(data);
		if (len > size - 2)
			len = size - 2;
		if (!one(in, data + 2, len))
			return;
		data += 2 + len;
		size -= 2 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t question[IN_QUESTION_MAX];
	struct name apex;
	struct in in;
	char *text = NULL;
	size_t len = 0;

	if (!size)
		return 0;
	must(name_from_text(&apex, "example.com"));
	in_begin(&in, &apex, NULL);
	in.file = open_memstream(&text, &len);
	in_question(&in, *data & 1 ? RR_SOA : RR_AXFR, question, 1700000000);
	messages(&in, data + 1, size - 1);
	uint64_t records = in.records, lines = 0;
	bool whole = !*in.why;
	fclose(in.file);
	in_end(&in);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	must(!whole || lines == records);
	read_back(&apex, text, len);
	free(text);
	return 0;
}
