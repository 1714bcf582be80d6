#include "control/joined.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "control/build.h"
#include "control/pending.h"
#include "control/reload.h"
#include "control/state.h"
#include "snapshot/servers.h"
#include "store/enrolled.h"

/* A node, and what is said of it. */
struct joined_node {
	char *name, *text, *by;
};

struct joined_list {
	struct joined_node *at;
	unsigned n;
};

/* Changes that are built together; the first of them is that of the reload. */
struct batch {
	struct reload_change reload;
	struct joined *joined;
	struct batch *next;
	unsigned n;
	struct enrol_change *changes; /* n - 1, behind the first */
	struct joined_list nodes;     /* all n: the texts are theirs */
};

struct joined {
	struct control *control;
	struct joined_list kept;    /* in the store */
	struct joined_list queue;   /* text NULL: removed */
	struct joined_list refused; /* text: why */
	struct batch *batches; /* to be built; the first one is, if building */
	bool building;
};

/* -- lists in the order of names; all texts are the list's -- */

static char *text_copy(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

static void node_fini(struct joined_node *node)
{
	free(node->name);
	free(node->text);
	free(node->by);
}

static void list_fini(struct joined_list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		node_fini(&list->at[i]);
	free(list->at);
	*list = (struct joined_list){0};
}

/* Where a node of this name is, or would be. */
static unsigned list_place(const struct joined_list *list, const char *name)
{
	unsigned low = 0, high = list->n;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (strcmp(list->at[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct joined_node *list_find(
	const struct joined_list *list, const char *name)
{
	unsigned at = list_place(list, name);
	return at < list->n && !strcmp(list->at[at].name, name) ? &list->at[at]
								: NULL;
}

/* In place of one of the same name, if there is one. Takes the text. */
static void list_put(
	struct joined_list *list, const char *name, char *text, const char *by)
{
	struct joined_node *node = list_find(list, name);
	unsigned at = list_place(list, name);
	if (node) {
		free(node->text);
		free(node->by);
	} else {
		list->at = mem_grow(list->at, (list->n + 1) * sizeof *node);
		node = &list->at[at];
		memmove(node + 1, node, (list->n++ - at) * sizeof *node);
		node->name = mem_strdup(name);
	}
	node->text = text;
	node->by = text_copy(by);
}

static void list_drop(struct joined_list *list, const char *name)
{
	struct joined_node *node = list_find(list, name);
	if (!node)
		return;
	node_fini(node);
	size_t behind = (size_t)(list->at + list->n-- - (node + 1));
	memmove(node, node + 1, behind * sizeof *node);
}

/* -- batches -- */

static void batch_free(struct batch *b)
{
	list_fini(&b->nodes);
	free(b->changes);
	free(b);
}

static void on_batch_built(struct reload_change *change, const char *why);

static void on_batch_dropped(struct reload_change *change)
{
	batch_free((struct batch *)change);
}

/* Of these nodes, which it takes. */
static struct batch *batch_new(
	struct joined *j, const struct joined_node *nodes, unsigned n)
{
	assert(n > 0);
	struct batch *b = mem_zero(1, sizeof *b);
	b->joined = j;
	b->n = b->nodes.n = n;
	b->nodes.at = mem_alloc(n * sizeof *nodes);
	memcpy(b->nodes.at, nodes, n * sizeof *nodes);
	b->changes = mem_zero(n, sizeof *b->changes);
	for (unsigned i = n; i-- > 0;) {
		struct enrol_change *to =
			i ? &b->changes[i - 1] : &b->reload.change;
		*to = (struct enrol_change){.name = nodes[i].name,
			.text = nodes[i].text,
			.next = i + 1 < n ? &b->changes[i] : NULL};
	}
	b->reload.done = on_batch_built;
	b->reload.drop = on_batch_dropped;
	return b;
}

/* A node of the files counts more than an approved one of its name. */
static bool is_of_files(const struct control *c, const char *name)
{
	const struct conf *conf = c->built->conf;
	for (unsigned i = 0; i < conf->n_nodes; i++)
		if (!strcmp(conf->nodes[i].name, name))
			return strcmp(conf->nodes[i].where.file,
				       ENROLLED_FILE) != 0;
	return false;
}

/* Every one of them holds. */
static void batch_good(struct joined *j, struct batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct joined_node *node = &b->nodes.at[i];
		bool counts =
			!node->text || !is_of_files(j->control, node->name);
		log_info("node %s: %s by %s%s", node->name,
			node->text ? "approved" : "removed",
			*node->by ? node->by : "another program",
			counts ? ""
			       : ", but the configuration has it too, which counts");
		if (node->text)
			pending_enrolled(j->control->pending, node->name);
		if (j->control->store)
			store_enrolled_keep(j->control->store, node->name,
				node->text, (struct store_waiter){0});
		joined_set(j, node->name, node->text);
		if (!counts)
			list_put(&j->refused, node->name,
				mem_strdup(
					"the configuration has a node of that name, which counts"),
				NULL);
	}
}

/* Said is what is wrong with the node itself, if anything is, else with the whole; and
 * the first line of it. */
static void refuse(
	struct joined *j, const struct joined_node *node, const char *why)
{
	struct err own = {0};
	if (node->text && !enrolled_ok(node->name, node->text, &own))
		why = err_text(&own);
	char *line = mem_strdup(why);
	line[strcspn(line, "\n")] = '\0';
	log_warn("node %s: not %s: %s", node->name,
		node->text ? "approved" : "removed", line);
	list_put(&j->refused, node->name, line, NULL);
	err_fini(&own);
}

static void batch_bad(struct joined *j, struct batch *b, const char *why)
{
	unsigned half = b->n / 2;
	if (b->n > 1) {
		struct batch *first = batch_new(j, b->nodes.at, half);
		struct batch *second =
			batch_new(j, b->nodes.at + half, b->n - half);
		b->nodes.n = 0;
		second->next = j->batches;
		first->next = second;
		j->batches = first;
		return;
	}
	refuse(j, b->nodes.at, why);
}

static void on_batch_built(struct reload_change *change, const char *why)
{
	struct batch *b = (struct batch *)change;
	struct joined *j = b->joined;
	j->building = false;
	if (why)
		batch_bad(j, b, why);
	else
		batch_good(j, b);
	batch_free(b);
	joined_go(j);
}

void joined_go(struct joined *j)
{
	if (j->building || (!j->batches && !j->queue.n))
		return;
	struct batch *b = j->batches;
	if (b) {
		j->batches = b->next;
	} else {
		b = batch_new(j, j->queue.at, j->queue.n);
		free(j->queue.at);
		j->queue = (struct joined_list){0};
	}
	j->building = true;
	reload_with(j->control, &b->reload);
}

/* -- what comes -- */

/* Whether a node is so already, or will be when what is under way is done. */
static bool is_so(const struct joined *j, const char *name, const char *text)
{
	const struct joined_node *kept = list_find(&j->kept, name);
	const char *now = kept ? kept->text : NULL;
	bool same = now && text ? !strcmp(now, text) : now == text;
	return same && !j->building && !j->batches;
}

void joined_add(struct joined *j, const char *name, char *text, const char *by)
{
	list_drop(&j->refused, name);
	if (!list_find(&j->queue, name) && is_so(j, name, text))
		free(text);
	else
		list_put(&j->queue, name, text, by);
}

void joined_set(struct joined *j, const char *name, const char *text)
{
	list_drop(&j->refused, name);
	if (text)
		list_put(&j->kept, name, mem_strdup(text), NULL);
	else
		list_drop(&j->kept, name);
}

void joined_each(struct joined *j,
	void (*take)(void *arg, const char *name, const char *text), void *arg)
{
	for (unsigned i = 0; i < j->kept.n; i++)
		take(arg, j->kept.at[i].name, j->kept.at[i].text);
}

void joined_report(const struct joined *j, struct servers_lines *lines)
{
	char key[128];
	for (unsigned i = 0; i < j->refused.n; i++) {
		snprintf(key, sizeof key, "nodes/%s", j->refused.at[i].name);
		servers_add(lines, key, j->refused.at[i].text);
	}
}

/* -- begin and end -- */

struct joined *joined_new(struct control *c)
{
	struct joined *j = mem_zero(1, sizeof *j);
	struct store_enrolled *rows;
	unsigned n;
	struct err err = {0};

	j->control = c;
	if (!store_enrolled_read(c->built->conf->store, &rows, &n, &err))
		n = 0; /* the build has said why */
	for (unsigned i = 0; i < n; i++)
		list_put(
			&j->kept, rows[i].name, mem_strdup(rows[i].text), NULL);
	if (n)
		store_enrolled_free(rows, n);
	err_fini(&err);
	return j;
}

void joined_free(struct joined *j)
{
	if (!j)
		return;
	while (j->batches) {
		struct batch *b = j->batches;
		j->batches = b->next;
		batch_free(b);
	}
	list_fini(&j->kept);
	list_fini(&j->queue);
	list_fini(&j->refused);
	free(j);
}
