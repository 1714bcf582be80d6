#include "geo/record.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a field lies, in the order of preference; a path of one or two keys. */
struct path {
	const char *const keys[3];
};

/* Latitude and longitude; with lon empty both are in one text "LAT,LON". */
static const struct {
	struct path lat, lon;
} at_paths[] = {
	{{{"location", "latitude"}}, {{"location", "longitude"}}},
	{{{"latitude"}}, {{"longitude"}}},
	{{{"lat"}}, {{"lng"}}},
	{{{"lat"}}, {{"lon"}}},
	{{{"location", "lat"}}, {{"location", "lng"}}},
	{{{"location", "lat"}}, {{"location", "lon"}}},
	{{{"loc"}}, {{NULL}}},
};
static const struct path country_paths[] = {
	{{"country", "iso_code"}},
	{{"country_code"}},
	{{"country"}},
	{{"country", "code"}},
	{{"registered_country", "iso_code"}},
};
static const struct path asn_paths[] = {
	{{"autonomous_system_number"}},
	{{"asn"}},
	{{"traits", "autonomous_system_number"}},
	{{"as_number"}},
	{{"asn", "number"}},
};
#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define COUNTRY_FALLBACK (LENGTH(country_paths) - 1)

/* What a look at one path found. */
enum found { NOTHING, UNREADABLE, GOOD };

static bool broken(int status)
{
	return status != MMDB_SUCCESS &&
		status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR;
}

/* Whether there is a value; *is_broken if the file does not hold together. A map is
 * no value: others may lie in it. */
static bool value_at(MMDB_entry_s *record, const struct path *path,
	MMDB_entry_data_s *value, bool *is_broken)
{
	int status = MMDB_aget_value(record, value, path->keys);
	*is_broken |= broken(status);
	return status == MMDB_SUCCESS && value->has_data &&
		value->type != MMDB_DATA_TYPE_MAP &&
		value->type != MMDB_DATA_TYPE_ARRAY;
}

/* A text, without spaces around it. Too long ones are cut. */
static bool text_of(const MMDB_entry_data_s *value, char *out, size_t room)
{
	if (value->type != MMDB_DATA_TYPE_UTF8_STRING)
		return false;
	const char *text = value->utf8_string;
	size_t n = value->data_size;
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	while (n && isspace((unsigned char)*text))
		text++, n--;
	n = n < room ? n : room - 1;
	memcpy(out, text, n);
	out[n] = '\0';
	return true;
}

/* Digits, also behind a point: strtod alone takes "inf" and "0x1p3" too. */
static bool decimal(const char *text, double *out)
{
	char *end;
	if (!*text || text[strspn(text, "+-.0123456789")])
		return false;
	*out = strtod(text, &end);
	return !*end;
}

static bool record_number(const MMDB_entry_data_s *value, double *out)
{
	char text[32];
	switch (value->type) {
	case MMDB_DATA_TYPE_DOUBLE:
		*out = value->double_value;
		return true;
	case MMDB_DATA_TYPE_FLOAT:
		*out = value->float_value;
		return true;
	case MMDB_DATA_TYPE_UINT16:
		*out = value->uint16;
		return true;
	case MMDB_DATA_TYPE_UINT32:
		*out = value->uint32;
		return true;
	case MMDB_DATA_TYPE_INT32:
		*out = value->int32;
		return true;
	case MMDB_DATA_TYPE_UINT64:
		*out = (double)value->uint64;
		return true;
	}
	return text_of(value, text, sizeof text) && decimal(text, out);
}

/* -- what cannot be read -- */

static void show(const MMDB_entry_data_s *value, char *out, size_t room)
{
	double n;
	if (text_of(value, out, room)) {
		for (; *out; out++) /* it goes to terminals */
			if (!isprint((unsigned char)*out))
				*out = '?';
	} else if (record_number(value, &n)) {
		snprintf(out, room, "%g", n);
	} else {
		snprintf(out, room, "no text or number");
	}
}

/* An empty text, 0 and the like are how databases say that they do not know. */
static bool says_nothing(const MMDB_entry_data_s *value)
{
	char text[4];
	double n;
	if (text_of(value, text, sizeof text))
		return !*text || !strcmp(text, "-");
	return record_number(value, &n) && n == 0;
}

static enum found unreadable(struct record_reader *reader,
	enum record_field field, const MMDB_entry_data_s *value)
{
	if (says_nothing(value))
		return NOTHING;
	if (!*reader->example[field])
		show(value, reader->example[field],
			sizeof reader->example[field]);
	return UNREADABLE;
}

/* -- coordinates -- */

static bool both(const MMDB_entry_data_s *value, double *lat, double *lon)
{
	char text[64];
	if (!text_of(value, text, sizeof text))
		return false;
	char *comma = strchr(text, ',');
	if (!comma)
		return false;
	*comma++ = '\0';
	comma += *comma == ' ';
	return decimal(text, lat) && decimal(comma, lon);
}

/* 0,0 is how databases say that they do not know. */
static enum found at(struct record_reader *reader, MMDB_entry_s *record,
	unsigned i, struct place *place, bool *is_broken)
{
	MMDB_entry_data_s first, second;
	double lat, lon;
	bool good;

	if (!value_at(record, &at_paths[i].lat, &first, is_broken))
		return NOTHING;
	if (!at_paths[i].lon.keys[0]) {
		good = both(&first, &lat, &lon);
	} else {
		if (!value_at(record, &at_paths[i].lon, &second, is_broken))
			return NOTHING;
		good = record_number(&first, &lat);
		if (good && !(good = record_number(&second, &lon)))
			first = second;
	}
	if (!good || !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180))
		return unreadable(reader, RECORD_AT, &first);
	if (lat == 0 && lon == 0)
		return NOTHING;
	place->lat = (float)lat;
	place->lon = (float)lon;
	place->source = PLACE_DATABASE;
	return GOOD;
}

/* -- country and carrier -- */

static enum found country(struct record_reader *reader, MMDB_entry_s *record,
	unsigned i, struct place *place, bool *is_broken)
{
	MMDB_entry_data_s value;
	char text[8];

	if (!value_at(record, &country_paths[i], &value, is_broken))
		return NOTHING;
	if (!text_of(&value, text, sizeof text) || strlen(text) != 2 ||
		!isalpha((unsigned char)text[0]) ||
		!isalpha((unsigned char)text[1]))
		return unreadable(reader, RECORD_COUNTRY, &value);
	memcpy(place->country, text, 2);
	return GOOD;
}

/* A number, "4134" or "AS4134". */
static enum found asn(struct record_reader *reader, MMDB_entry_s *record,
	unsigned i, struct place *place, bool *is_broken)
{
	MMDB_entry_data_s value;
	char text[32];
	double n;

	if (!value_at(record, &asn_paths[i], &value, is_broken))
		return NOTHING;
	bool good = record_number(&value, &n);
	if (!good && text_of(&value, text, sizeof text) &&
		(text[0] | 0x20) == 'a' && (text[1] | 0x20) == 's')
		good = decimal(text + 2 + strspn(text + 2, " "), &n);
	if (!good || !(n >= 1 && n <= UINT32_MAX) || n != (double)(uint32_t)n)
		return unreadable(reader, RECORD_ASN, &value);
	place->asn = (uint32_t)n;
	return GOOD;
}

/* -- records -- */

typedef enum found look(struct record_reader *reader, MMDB_entry_s *record,
	unsigned i, struct place *place, bool *is_broken);

/* Looks at the likely path, then at the others. */
static bool look_for(struct record_reader *reader, MMDB_entry_s *record,
	enum record_field field, look *look_at, unsigned n, uint8_t *likely,
	struct place *place)
{
	bool is_broken = false, is_unread = false;
	unsigned first = *likely;

	for (unsigned k = 0; k <= n; k++) {
		unsigned i = k == 0 ? first : k - 1;
		if (k && i == first)
			continue;
		enum found found =
			look_at(reader, record, i, place, &is_broken);
		if (found == GOOD) {
			reader->found[field]++;
			*likely = (uint8_t)i;
			return !is_broken;
		}
		is_unread |= found == UNREADABLE;
	}
	reader->unread[field] += is_unread;
	return !is_broken;
}

bool record_read(
	struct record_reader *reader, MMDB_entry_s *record, struct place *place)
{
	memset(place, 0, sizeof *place); /* padding too */
	reader->records++;
	bool good = look_for(reader, record, RECORD_AT, at, LENGTH(at_paths),
		&reader->likely_at, place);
	good &= look_for(reader, record, RECORD_COUNTRY, country,
		LENGTH(country_paths), &reader->likely_country, place);
	if (reader->likely_country == COUNTRY_FALLBACK)
		reader->likely_country = 0; /* it stays behind the others */
	good &= look_for(reader, record, RECORD_ASN, asn, LENGTH(asn_paths),
		&reader->likely_asn, place);
	return good;
}

void record_report(
	const struct record_reader *reader, const char *path, struct buf *out)
{
	static const char *const names[RECORD_FIELDS] = {
		"coordinates", "country", "AS number"};

	buf_printf(out, "%s: %u records", path, reader->records);
	for (unsigned i = 0; i < RECORD_FIELDS; i++)
		buf_printf(out, "%s %s in %u", i ? "," : ":", names[i],
			reader->found[i]);
	for (unsigned i = 0; i < RECORD_FIELDS; i++)
		if (reader->unread[i])
			buf_printf(out, "; %s not readable in %u, as '%s'",
				names[i], reader->unread[i],
				reader->example[i]);
	buf_printf(out, "\n");
}
