#include "base/sections.h"

#include <assert.h>
#include <string.h>

struct section {
	char name[24];
	uint32_t version;
	uint32_t size; /* of a struct */
	uint64_t n;    /* structs behind this */
	uint64_t unused[3];
};
_Static_assert(sizeof(struct section) == SECTIONS_ALIGNED, "one unit");

static size_t whole_units(size_t len)
{
	return (len + SECTIONS_ALIGNED - 1) / SECTIONS_ALIGNED *
		SECTIONS_ALIGNED;
}

/* -- writing -- */

void *sections_room(struct buf *out, size_t size, size_t most)
{
	assert(out->len % SECTIONS_ALIGNED == 0);
	return buf_room(
		       out, sizeof(struct section) + whole_units(size * most)) +
		sizeof(struct section);
}

void sections_keep(struct buf *out, const char *name, uint32_t version,
	size_t size, size_t n)
{
	struct section head = {
		.version = version, .size = (uint32_t)size, .n = n};
	size_t len = size * n;

	assert(strlen(name) < sizeof head.name);
	strcpy(head.name, name);
	memcpy(out->text + out->len, &head, sizeof head);
	out->len += sizeof head + len;
	memset(out->text + out->len, 0, whole_units(len) - len);
	out->len += whole_units(len) - len;
}

void sections_add(struct buf *out, const char *name, uint32_t version,
	size_t size, const void *structs, size_t n)
{
	void *room = sections_room(out, size, n);
	if (n)
		memcpy(room, structs, size * n);
	sections_keep(out, name, version, size, n);
}

/* -- reading -- */

static void leave(struct sections *in, const char *name)
{
	buf_printf(&in->left, "%s%s", in->left.len ? ", " : "", name);
}

const void *sections_find(struct sections *in, const char *name,
	uint32_t version, size_t size, size_t *n)
{
	size_t at = 0;

	*n = 0;
	while (in->len - at >= sizeof(struct section)) {
		const struct section *s = (const void *)(in->at + at);
		size_t room = in->len - at - sizeof *s;
		if (s->size && s->n > room / s->size)
			break;
		size_t len = whole_units((size_t)(s->size * s->n));
		if (strncmp(s->name, name, sizeof s->name) != 0) {
			at += sizeof *s + len;
			if (len > room)
				break;
			continue;
		}
		if (s->version != version || s->size != size)
			break;
		*n = (size_t)s->n;
		return s + 1;
	}
	leave(in, name);
	return NULL;
}

void sections_fini(struct sections *in)
{
	buf_fini(&in->left);
}
