/* cache.c - see cache.h.
 *
 *	0     struct header: the lengths of the arrays, sums
 *	4096  the block of the table as it lies in memory; it has no pointers
 *
 * A file whose sums are right was written by us, whole, so the offsets in it are
 * not looked at again. It is read, not mapped: access to a mapped file that was truncated ends
 * the process (SIGBUS). Reading 67 MiB takes 43 ms, mapping took 27.
 */
#include "geo/cache.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/rng.h"
#include "geo/table.h"

/* To be raised when the file's layout changes, or what geo_build makes of the
 * same sources (tests/unit/test_cache.c notices). */
#define VERSION 2
#define BYTE_ORDER_MARK 0x01020304u

#define WHOLE (2 << 20)  /* sources up to this size are looked at whole */
#define PAGE 4096        /* larger ones: pages, */
#define PAGES 256        /* so many, spread evenly */
#define HEAD (64 << 10)  /* and both ends; MaxMind's metadata begin in the */
#define TAIL (128 << 10) /* last 128 KiB of a file */

static const char magic[8] = "dnsdgeo";

struct header {
	char magic[8];
	uint32_t byte_order, version, header_size, place_size;
	uint32_t top_bits[2], shortest[2];
	uint64_t n_words[2], n_places, size;
	uint64_t digest; /* of the sources */
	uint64_t sum;    /* of the block */
	uint64_t header_sum;
};

/* The block begins on a page, for its parts begin on cache lines. */
#define BLOCK_AT 4096
_Static_assert(sizeof(struct header) <= BLOCK_AT, "no room for the header");

/* -- sums -- */

/* Four independent chains, for one waits for its multiplications: 56 MB take
 * 6 ms. Each step is a bijection, so no change of a single word is missed. */
struct sum {
	uint64_t lane[4];
};

/* n is a multiple of 32. */
static void sum_add(struct sum *sum, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	struct sum s = *sum;
	for (; n >= sizeof s.lane; p += sizeof s.lane, n -= sizeof s.lane) {
		uint64_t word[4];
		memcpy(word, p, sizeof word);
		for (int i = 0; i < 4; i++) {
			s.lane[i] = (s.lane[i] ^ word[i]) * 0x9fb21c651e98df25u;
			s.lane[i] ^= s.lane[i] >> 32;
		}
	}
	*sum = s;
}

static uint64_t sum_end(const struct sum *sum)
{
	return hash_bytes(sum->lane, sizeof sum->lane, 0);
}

static uint64_t header_sum(const struct header *header)
{
	struct header h = *header;
	h.header_sum = 0;
	return hash_bytes(&h, sizeof h, 0);
}

/* -- sources -- */

/* Adds a piece of a file to a digest; buffer has room for it. */
static bool add_piece(
	uint64_t *digest, int file, off_t at, size_t n, uint8_t *buffer)
{
	ssize_t got = pread(file, buffer, n, at);
	if (got < 0)
		return false;
	*digest = hash_bytes(buffer, (size_t)got, *digest);
	return true;
}

static bool add_samples(uint64_t *digest, int file, off_t size, uint8_t *buffer)
{
	off_t step = size / PAGES & ~(off_t)(PAGE - 1);
	/* All reads of a cold disk are announced at once. */
	posix_fadvise(file, 0, HEAD, POSIX_FADV_WILLNEED);
	posix_fadvise(file, size - TAIL, TAIL, POSIX_FADV_WILLNEED);
	for (off_t i = 0; i < PAGES; i++)
		posix_fadvise(file, i * step, PAGE, POSIX_FADV_WILLNEED);
	for (off_t i = 0; i < PAGES; i++)
		if (!add_piece(digest, file, i * step, PAGE, buffer))
			return false;
	return add_piece(digest, file, 0, HEAD, buffer) &&
		add_piece(digest, file, size - TAIL, TAIL, buffer);
}

static bool add_content(
	uint64_t *digest, int file, const struct stat *st, uint8_t *buffer)
{
	const uint64_t identity[] = {(uint64_t)st->st_size,
		(uint64_t)st->st_ino, (uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec};
	*digest = hash_bytes(identity, sizeof identity, *digest);
	return st->st_size <= WHOLE
		? add_piece(digest, file, 0, WHOLE, buffer)
		: add_samples(digest, file, st->st_size, buffer);
}

static bool add_source(uint64_t *digest, const char *path)
{
	struct stat st;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0)
		return false;
	uint8_t *buffer = mem_alloc(WHOLE);
	*digest = hash_bytes(path, strlen(path), *digest);
	bool good = fstat(file, &st) == 0 && S_ISREG(st.st_mode) &&
		add_content(digest, file, &st, buffer);
	free(buffer);
	close(file);
	return good;
}

uint64_t geo_cache_digest(
	const char *nets, const char *const *databases, unsigned n_databases)
{
	bool with_nets = nets && *nets;
	uint64_t digest = hash_mix(with_nets);

	if (with_nets && !add_source(&digest, nets))
		return 0;
	for (unsigned i = 0; i < n_databases; i++)
		if (!add_source(&digest, databases[i]))
			return 0;
	return digest;
}

/* -- reading -- */

static struct header header_of(const struct geo *geo, uint64_t digest)
{
	struct header h = {.byte_order = BYTE_ORDER_MARK,
		.version = VERSION,
		.header_size = sizeof h,
		.place_size = sizeof(struct place),
		.top_bits = {geo->v4.top_bits, geo->v6.top_bits},
		.shortest = {(uint32_t)geo->v4.shortest,
			(uint32_t)geo->v6.shortest},
		.n_words = {geo->v4.n_words, geo->v6.n_words},
		.n_places = geo->n_places,
		.size = geo->size,
		.digest = digest};
	memcpy(h.magic, magic, sizeof magic);
	return h;
}

/* The table that a header describes, still without its block. */
static struct geo geo_of(const struct header *h)
{
	return (struct geo){.v4 = {.n_words = h->n_words[0],
				    .top_bits = h->top_bits[0],
				    .shortest = (int)h->shortest[0]},
		.v6 = {.n_words = h->n_words[1],
			.top_bits = h->top_bits[1],
			.shortest = (int)h->shortest[1]},
		.n_places = (uint32_t)h->n_places};
}

/* The lengths make a table of the size that the file has. */
static bool lengths_agree(const struct header *h, size_t file_size)
{
	for (int i = 0; i < 2; i++)
		if (h->top_bits[i] < 1 || h->top_bits[i] > 24 ||
			h->n_words[i] >= TABLE_NODE)
			return false;
	if (h->n_places < 1 || h->n_places >= TABLE_INSIDE)
		return false;
	struct geo geo = geo_of(h);
	return h->size == table_lay_out(&geo, NULL) &&
		file_size == BLOCK_AT + h->size;
}

/* Whether a file may be ours: what another user wrote, we do not follow. */
static bool own(int file, struct stat *st)
{
	return fstat(file, st) == 0 && S_ISREG(st->st_mode) &&
		st->st_uid == geteuid();
}

static bool header_good(const char *path, const struct header *h,
	uint64_t digest, size_t file_size, struct err *err)
{
	if (memcmp(h->magic, magic, sizeof magic) != 0)
		return err_add(err, "%s: not a table of dnsd", path);
	if (h->byte_order != BYTE_ORDER_MARK || h->version != VERSION ||
		h->header_size != sizeof *h ||
		h->place_size != sizeof(struct place)) {
		err_warn(err, "%s: of another version", path);
		return false;
	}
	if (h->header_sum != header_sum(h) || !lengths_agree(h, file_size))
		return err_add(err, "%s: damaged", path);
	if (h->digest != digest) {
		err_warn(err, "%s: made from other files", path);
		return false;
	}
	return true;
}

/* n octets from there on; false if there are fewer. */
static bool read_whole(int file, void *to, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(
			file, (char *)to + done, n - done, at + (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

/* The table of a header, with its block; NULL: the file has not what it says. */
static struct geo *read_block(int file, const struct header *h)
{
	struct geo *geo = mem_alloc(sizeof *geo);
	struct sum sum = {{0}};

	*geo = geo_of(h);
	geo->size = h->size;
	geo->block = table_block(h->size);
	if (read_whole(file, geo->block, h->size, BLOCK_AT)) {
		sum_add(&sum, geo->block, h->size);
		if (sum_end(&sum) == h->sum) {
			table_lay_out(geo, geo->block);
			return geo;
		}
	}
	geo_free(geo);
	return NULL;
}

static struct geo *read_file(int file, const char *path, size_t size,
	uint64_t digest, struct err *err)
{
	struct header h;

	if (size < BLOCK_AT || !read_whole(file, &h, sizeof h, 0)) {
		err_add(err, "%s: damaged", path);
		return NULL;
	}
	if (!header_good(path, &h, digest, size, err))
		return NULL;
	posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
	struct geo *geo = read_block(file, &h);
	if (!geo)
		err_add(err, "%s: damaged", path);
	return geo;
}

struct geo *geo_cache_read(const char *path, uint64_t digest, struct err *err)
{
	struct geo *geo = NULL;
	struct stat st;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (file < 0) {
		if (errno != ENOENT)
			err_add(err, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (own(file, &st))
		geo = read_file(file, path, (size_t)st.st_size, digest, err);
	else
		err_add(err, "%s: not a file of ours", path);
	close(file);
	return geo;
}

/* -- writing -- */

static bool write_whole(int file, const void *from, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = write(file, (const char *)from + done, n - done);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

static bool write_table(int file, const struct geo *geo, uint64_t digest)
{
	struct header h = header_of(geo, digest);
	char first[BLOCK_AT] = {0};
	struct sum sum = {{0}};

	sum_add(&sum, geo->block, geo->size);
	h.sum = sum_end(&sum);
	h.header_sum = header_sum(&h);
	memcpy(first, &h, sizeof h);
	return write_whole(file, first, sizeof first) &&
		write_whole(file, geo->block, geo->size) && fsync(file) == 0;
}

bool geo_cache_write(const char *path, const struct geo *geo, uint64_t digest,
	struct err *err)
{
	assert(digest);
	char fresh[4096];
	int n = snprintf(fresh, sizeof fresh, "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof fresh)
		return err_add(err, "%s: too long", path);

	unlink(fresh); /* of a program that was interrupted */
	int file = open(fresh,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (file < 0)
		return err_add(err, "%s: %s", fresh, strerror(errno));
	bool good = write_table(file, geo, digest);
	good &= close(file) == 0;
	if (good && rename(fresh, path) == 0)
		return true;
	err_add(err, "%s: %s", path, strerror(errno));
	unlink(fresh);
	return false;
}
