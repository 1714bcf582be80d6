/* Any octets as what etcd's gateway says: a page, a line of a watch, answers. What is
 * read has keys and values within their bounds, in order; what is not is named. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/private.h"

#define PREFIX "/p/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, struct err *err)
{
	if (err->count != !good)
		abort();
	err_fini(err);
}

static void check_items(const struct batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct etcd_item *item = &b->item[i];
		if (strlen(item->key) + strlen(PREFIX) > ETCD_KEY_MAX ||
			item->len > ETCD_VALUE_MAX || item->revision < 0 ||
			(item->value ? item->value[item->len] : item->len))
			abort();
	}
}

static void check_page(const char *text, size_t size)
{
	struct gateway_page page = {.more = false};
	struct err err = {0};
	struct batch *b = batch_new();
	bool good = gateway_page(text, size, PREFIX, b, &page, &err);
	check(good, &err);
	check_items(b);
	for (unsigned i = 0; good && i < b->n; i++)
		if (!b->item[i].value ||
			(i && strcmp(b->item[i - 1].key, b->item[i].key) >= 0))
			abort();
	/* The next page is behind it, so that reading ends. */
	if (good && page.more &&
		(!page.next.len ||
			(b->n &&
				strcmp(page.next.text + strlen(PREFIX),
					b->item[b->n - 1].key) < 0)))
		abort();
	buf_fini(&page.next);
	batch_free(b);
}

static void check_line(const char *text, size_t size)
{
	struct gateway_said said;
	struct gateway_error error;
	struct err err = {0};
	struct batch *b = batch_new();
	check(gateway_said(text, size, PREFIX, b, &said, &err), &err);
	check_items(b);
	batch_free(b);
	if (gateway_error(text, size, &error) && error.code > 16)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct err err = {0};
	int64_t id, ttl_s, revision;
	bool changed;

	check_page(text, size);
	check_line(text, size);
	bool good = gateway_leased(text, size, &id, &ttl_s, &err);
	if (good && (id <= 0 || ttl_s < 0))
		abort();
	check(good, &err);
	check(gateway_changed(text, size, &changed, &revision, &err), &err);
	check(gateway_done(text, size, &err), &err);

	uint8_t *out = mem_alloc(BASE64_ROOM(size) + 1);
	size_t n;
	if (base64_read(text, size, out, &n)) {
		struct buf again = {0};
		base64_add(&again, out, n);
		if (again.len != size)
			abort();
		buf_fini(&again);
	}
	free(out);
	return 0;
}
