/* Any text as what other programs and name servers write into the registry, and as a
 * view: lines of an operation, a key and a value. What is in force is always an object
 * that was checked, whatever comes, and after all of it the registry can be seeded or
 * adopted. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "control/enrolled.h"
#include "registry/expect.h"
#include "registry/registry.h"
#include "registry/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES 64
#define SENT 256

static struct registry *registry;
static int64_t revision;
static char sent[SENT][REGISTRY_KEY_MAX];
static unsigned n_sent;

static bool on_check(
	void *arg, const char *key, const char *value, struct err *err)
{
	struct conf_expect entry;
	(void)arg;
	if (!strncmp(key, "nodes/", 6))
		return enrolled_ok(key + 6, value, err);
	json_t *json = json_loads(value, 0, NULL);
	bool ok = strncmp(key, "expect/", 7) || expect_parse(json, &entry, err);
	json_decref(json);
	return ok;
}

static void on_in_force(
	void *arg, const char *key, const char *value, const char *by)
{
	json_t *json = value ? json_loads(value, 0, NULL) : NULL;
	(void)arg;
	if (!key || strlen(by) > 63 || (value && !json_is_object(json)))
		abort();
	json_decref(json);
}

static void on_keep(void *arg, const struct registry_row *row)
{
	(void)arg;
	if (strlen(row->key) >= REGISTRY_KEY_MAX || row->revision < 0)
		abort();
}

static void on_send(void *arg, const char *key, const char *value, int64_t base)
{
	(void)arg;
	(void)value;
	if (base < 0)
		abort();
	if (n_sent < SENT)
		strcpy(sent[n_sent++], key);
}

static void on_ended(
	void *arg, const char *key, enum registry_end end, const char *by)
{
	(void)arg;
	(void)end;
	(void)by;
	if (!key)
		abort();
}

static void on_refused(void *arg, const char *key, const char *why)
{
	(void)arg;
	(void)key;
	if (!*why)
		abort();
}

static void answer_some(enum registry_answer answer)
{
	unsigned n = n_sent;
	n_sent = 0;
	for (unsigned i = 0; i < n; i++)
		registry_answer(registry, sent[i], answer, ++revision);
}

static void read_all(const char *key, const char *value)
{
	struct registry_item items[2] = {{key, value, revision},
		{REGISTRY_MARK, "{\"id\":\"m\",\"seeds\":1}", 1}};
	registry_all(registry, revision, items, 2);
}

static int find(const void *arg, const char *name)
{
	(void)arg;
	return (int)strlen(name) % 7 - 1;
}

static void check_view(const char *text)
{
	struct err err = {0};
	struct view *v = view_parse(text, find, NULL, &err);
	if (!v != (err.count == 1))
		abort();
	for (unsigned i = 0; v && i < v->n; i++)
		if (!view_of(v, v->node[i].node) ||
			v->node[i].state > VIEW_DOWN)
			abort();
	view_drop(v);
	err_fini(&err);
}

/* OPERATION KEY VALUE */
static void run_line(char *line)
{
	char *key = strchr(line, ' ');
	char *value = key ? strchr(key + 1, ' ') : NULL;
	struct err err = {0};
	if (!value || value == key + 1)
		return;
	*key++ = *value++ = '\0';
	struct registry_item item = {key, *value ? value : NULL, ++revision};
	switch (*line) {
	case 'c':
		registry_changed(registry, &item, 1);
		break;
	case 'a':
		read_all(key, value);
		break;
	case 'w':
		if (strcmp(key, REGISTRY_MARK) && strlen(key) < 100)
			registry_want(registry, key, "{\"drained\": true}");
		break;
	case 't':
		answer_some((enum registry_answer)(line[1] % 3));
		break;
	case 'd':
		registry_connected(registry, line[1] == '1');
		break;
	case 's':
		registry_seed(registry, &err);
		break;
	case 'o':
		registry_adopt(registry, &err);
		break;
	case 'v':
		check_view(value);
	}
	err_fini(&err);
}

/* All is there again, and what waits arrives. */
static void check_end(void)
{
	struct err err = {0};
	registry_connected(registry, true);
	if (!registry_seed(registry, &err))
		err_fini(&err);
	for (unsigned i = 0; i < 4 && n_sent < SENT; i++)
		answer_some(REGISTRY_TAKEN);
	for (unsigned i = 0; i < registry_count(registry); i++)
		registry_value(registry_row_at(registry, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct registry_events events = {.check = on_check,
		.in_force = on_in_force,
		.keep = on_keep,
		.send = on_send,
		.ended = on_ended,
		.refused = on_refused};
	char *text = mem_zero(size + 1, 1), *save;
	unsigned n = 0;
	memcpy(text, data, size);
	registry = registry_new("ns1", "m", &events);
	revision = 1;
	n_sent = 0;
	for (char *line = strtok_r(text, "\n", &save); line && n < LINES;
		line = strtok_r(NULL, "\n", &save), n++)
		run_line(line);
	check_end();
	registry_free(registry);
	free(text);
	return 0;
}
