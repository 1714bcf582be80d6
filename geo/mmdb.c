#define _GNU_SOURCE 1 /* memfd_create */
#include "geo/mmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/rng.h"
#include "geo/nets.h"
#include "geo/record.h"
#include "geo/table.h"

#define V4_DEPTH 96 /* where IPv4 begins in an IPv6 tree */

/* Records already decoded: offset in the data section -> place. Many ranges
 * share one record. Open hash; an empty slot has offset UINT32_MAX. */
struct memo {
	struct client_estimate {
		uint32_t offset, place;
	} * slots;
	size_t n, n_slots;
};

struct walk {
	MMDB_s db;
	struct geo_builder *builder;
	unsigned layer;
	const char *path;
	struct err *err;
	struct memo memo;
	struct record_reader reader;
	struct addr at;      /* of the node or record being looked at */
	uint64_t steps_left; /* a tree that repeats itself never ends */
	bool useful;         /* some record said something */
};

/* -- records -- */

static void memo_grow(struct memo *memo)
{
	struct memo old = *memo;
	memo->n_slots = old.n_slots ? 2 * old.n_slots : 4096;
	memo->slots = mem_alloc(memo->n_slots * sizeof *memo->slots);
	memset(memo->slots, 0xff, memo->n_slots * sizeof *memo->slots);
	for (size_t i = 0; i < old.n_slots; i++) {
		if (old.slots[i].offset == UINT32_MAX)
			continue;
		size_t at = hash_mix(old.slots[i].offset);
		while (memo->slots[at & (memo->n_slots - 1)].offset !=
			UINT32_MAX)
			at++;
		memo->slots[at & (memo->n_slots - 1)] = old.slots[i];
	}
	free(old.slots);
}

/* The slot of a record, or the empty one where it belongs. */
static struct client_estimate *memo_find(struct memo *memo, uint32_t offset)
{
	if (2 * (memo->n + 1) >= memo->n_slots)
		memo_grow(memo);
	for (size_t at = hash_mix(offset);; at++) {
		struct client_estimate *k =
			&memo->slots[at & (memo->n_slots - 1)];
		if (k->offset == offset || k->offset == UINT32_MAX)
			return k;
	}
}

/* -- the tree -- */

static void set_bit(struct addr *a, unsigned bit, bool on)
{
	uint8_t mask = (uint8_t)(0x80 >> bit % 8);
	if (on)
		a->bytes[bit / 8] |= mask;
	else
		a->bytes[bit / 8] &= (uint8_t)~mask;
}

static bool all_zero(const struct addr *a)
{
	static const uint8_t zero[sizeof a->bytes];
	return !memcmp(a->bytes, zero, sizeof zero);
}

/* Adds the range at w->at of a tree, as IPv4 where it is. */
static void add_range(struct walk *w, unsigned depth, uint32_t place)
{
	struct prefix p = {w->at, (uint8_t)depth};
	static const uint8_t v4_prefix[V4_DEPTH / 8];

	if (w->db.depth == 32) {
		p.addr.family = 4;
	} else if (depth >= V4_DEPTH &&
		!memcmp(w->at.bytes, v4_prefix, sizeof v4_prefix)) {
		p = (struct prefix){{.family = 4}, (uint8_t)(depth - V4_DEPTH)};
		memcpy(p.addr.bytes, w->at.bytes + V4_DEPTH / 8, 4);
	} else if (all_zero(&w->at)) {
		/* Above ::/96: this one holds all of IPv4 too. */
		struct prefix all = {{.family = 4}, 0};
		geo_builder_add_place(w->builder, w->layer, &all, place);
	}
	prefix_unmap(&p); /* some have IPv4 only there */
	geo_builder_add_place(w->builder, w->layer, &p, place);
}

static bool add_record(struct walk *w, unsigned depth, MMDB_entry_s *record)
{
	struct client_estimate *known = memo_find(&w->memo, record->offset);
	if (known->offset == UINT32_MAX) {
		struct place place;
		if (!record_read(&w->reader, record, &place))
			return err_add(w->err,
				"%s: broken: a record cannot be decoded",
				w->path);
		known->offset = record->offset;
		known->place = geo_builder_place(w->builder, &place);
		w->memo.n++;
	}
	if (known->place) { /* 0: it says nothing of use */
		w->useful = true;
		add_range(w, depth, known->place);
	}
	return true;
}

static bool walk_node(struct walk *w, uint32_t number, unsigned depth);

/* One half of a node: depth is the length of its prefix. */
static bool walk_record(struct walk *w, unsigned depth, uint64_t value,
	uint8_t type, MMDB_entry_s *record)
{
	switch (type) {
	case MMDB_RECORD_TYPE_EMPTY:
		return true;
	case MMDB_RECORD_TYPE_DATA:
		return add_record(w, depth, record);
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		/* 2002::/16 and others lead to the IPv4 tree once more. */
		if (w->db.depth == 128 &&
			value == w->db.ipv4_start_node.node_value &&
			!(depth == V4_DEPTH && all_zero(&w->at)))
			return true;
		return walk_node(w, (uint32_t)value, depth);
	}
	return err_add(w->err, "%s: broken: a record points nowhere", w->path);
}

static bool walk_node(struct walk *w, uint32_t number, unsigned depth)
{
	MMDB_search_node_s node;

	if (depth >= w->db.depth || w->steps_left-- == 0)
		return err_add(
			w->err, "%s: broken: its tree has a loop", w->path);
	if (MMDB_read_node(&w->db, number, &node) != MMDB_SUCCESS)
		return err_add(
			w->err, "%s: broken: a node cannot be read", w->path);
	if (!walk_record(w, depth + 1, node.left_record, node.left_record_type,
		    &node.left_record_entry))
		return false;
	set_bit(&w->at, depth, true);
	bool good = walk_record(w, depth + 1, node.right_record,
		node.right_record_type, &node.right_record_entry);
	set_bit(&w->at, depth, false);
	return good;
}

static bool walk(struct walk *w)
{
	w->at = (struct addr){.family = w->db.depth == 32 ? 4 : 6};
	/* Subtrees may be shared, so some nodes may be seen more than once. */
	w->steps_left = 8 * (uint64_t)w->db.metadata.node_count + 1024;
	if (w->db.metadata.node_count > 0 && !walk_node(w, 0, 0))
		return false;
	if (w->useful)
		return true;
	struct buf found = {0};
	record_report(&w->reader, w->path, &found);
	err_add(w->err, "%s: no usable field: no coordinates, country or ASN",
		w->path);
	err_add(w->err, "%.*s", (int)found.len - 1, found.text);
	buf_fini(&found);
	return false;
}

/* -- the file -- */

/* How many bytes were copied; -1 on errors. */
static off_t copy_bytes(int to, int from, off_t size)
{
	off_t done = 0;
	while (done < size) {
		ssize_t n = sendfile(to, from, NULL, (size_t)(size - done));
		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0)
			break;
		done += n > 0 ? n : 0;
	}
	return done;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Copies a whole file; false with a message. */
static bool copy_file(int to, int from, const char *path, struct err *err)
{
	struct stat before, after;

	if (fstat(from, &before) != 0)
		return err_add(err, "%s: %s", path, strerror(errno));
	if (!S_ISREG(before.st_mode))
		return err_add(err, "%s: not a file", path);
	off_t done = copy_bytes(to, from, before.st_size);
	if (done < 0 || fstat(from, &after) != 0)
		return err_add(err, "%s: %s", path, strerror(errno));
	if (done != before.st_size || !same_file(&before, &after))
		return err_add(err, "%s: changed while it was read", path);
	return true;
}

/* A copy of a file in memory. libmaxminddb maps what it opens: were the file
 * itself truncated while we walk, the process would die of SIGBUS. Returns the
 * descriptor, or -1 with a message. */
static int private_copy(const char *path, struct err *err)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0) {
		err_add(err, "%s: %s", path, strerror(errno));
		return -1;
	}
	int copy = memfd_create("mmdb", MFD_CLOEXEC);
	if (copy < 0) {
		err_add(err, "%s: no room for a copy: %s", path,
			strerror(errno));
	} else if (!copy_file(copy, file, path, err)) {
		close(copy);
		copy = -1;
	}
	close(file);
	return copy;
}

static bool open_db(struct walk *w, int copy)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/self/fd/%d", copy);
	int status = MMDB_open(name, MMDB_MODE_MMAP, &w->db);
	if (status == MMDB_OUT_OF_MEMORY_ERROR)
		return err_add(w->err, "%s: out of memory", w->path);
	if (status != MMDB_SUCCESS)
		return err_add(w->err,
			"%s: not a MaxMind database, or truncated", w->path);
	if (w->db.depth == 32 || w->db.depth == 128)
		return true;
	MMDB_close(&w->db);
	return err_add(
		w->err, "%s: neither an IPv4 nor an IPv6 database", w->path);
}

bool mmdb_read(struct geo_builder *builder, unsigned layer, const char *path,
	struct buf *report, struct err *err)
{
	struct walk w = {
		.builder = builder, .layer = layer, .path = path, .err = err};
	int copy = private_copy(path, err);
	if (copy < 0)
		return false;

	bool good = open_db(&w, copy);
	if (good) {
		good = walk(&w);
		record_report(&w.reader, path, report);
		MMDB_close(&w.db);
		free(w.memo.slots);
	}
	close(copy);
	return good;
}

struct geo *geo_load(const char *nets, const char *const *databases,
	unsigned n_databases, struct err *err)
{
	struct geo_builder *builder = geo_builder_new();
	struct buf report = {0};
	bool good = true;

	if (nets && *nets && !nets_read(builder, 0, nets, err))
		good = false;
	for (unsigned i = 0; i < n_databases; i++)
		if (!mmdb_read(builder, 1 + i, databases[i], &report, err))
			good = false;
	if (good) {
		struct geo *geo = geo_build(builder);
		geo->report = report.text;
		return geo;
	}
	buf_fini(&report);
	geo_builder_free(builder);
	return NULL;
}
