#include "xdp/queue.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES_SIZE ((size_t)QUEUE_FRAMES * FRAME_PLACE)
#define FILE_SIZE (FRAMES_SIZE + sizeof(struct queue_state))
#define FLUSH_TRIES 4

_Static_assert(FRAME_PLACE / 2 >= 256 + FRAME_QUERY_MAX,
	"a query with the kernel's room before it is in the first half");

/* -- open -- */

static bool map_file(struct queue *q)
{
	void *at = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, q->file, 0);
	if (at == MAP_FAILED)
		return false;
	q->frames = at;
	q->state = (struct queue_state *)(void *)(q->frames + FRAMES_SIZE);
	return true;
}

static bool map_ring(struct queue_ring *ring, int fd,
	const struct xdp_ring_offset *off, size_t entry, off_t at)
{
	ring->map_len = off->desc + QUEUE_RING * entry;
	uint8_t *map = mmap(NULL, ring->map_len, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, fd, at);
	if (map == MAP_FAILED)
		return false;
	ring->map = map;
	ring->producer = (uint32_t *)(void *)(map + off->producer);
	ring->consumer = (uint32_t *)(void *)(map + off->consumer);
	ring->flags = (uint32_t *)(void *)(map + off->flags);
	ring->entries = map + off->desc;
	return true;
}

static bool map_rings(struct queue *q)
{
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof off;

	if (getsockopt(q->socket, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len))
		return false;
	return map_ring(&q->received, q->socket, &off.rx,
		       sizeof(struct xdp_desc), XDP_PGOFF_RX_RING) &&
		map_ring(&q->sent, q->socket, &off.tx, sizeof(struct xdp_desc),
			XDP_PGOFF_TX_RING) &&
		map_ring(&q->fill, q->socket, &off.fr, sizeof(uint64_t),
			(off_t)XDP_UMEM_PGOFF_FILL_RING) &&
		map_ring(&q->done, q->socket, &off.cr, sizeof(uint64_t),
			(off_t)XDP_UMEM_PGOFF_COMPLETION_RING);
}

static bool set_rings(int fd, void *frames)
{
	const int options[] = {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING,
		XDP_RX_RING, XDP_TX_RING};
	const int entries = QUEUE_RING;
	struct xdp_umem_reg memory = {.addr = (uintptr_t)frames,
		.len = FRAMES_SIZE,
		.chunk_size = FRAME_PLACE};

	bool ok =
		!setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof memory);
	for (unsigned i = 0; ok && i < sizeof options / sizeof *options; i++)
		ok = !setsockopt(
			fd, SOL_XDP, options[i], &entries, sizeof entries);
	return ok;
}

static void ask_zero_copy(struct queue *q)
{
	struct xdp_options options = {0};
	socklen_t len = sizeof options;
	q->zero_copy =
		!getsockopt(q->socket, SOL_XDP, XDP_OPTIONS, &options, &len) &&
		(options.flags & XDP_OPTIONS_ZEROCOPY);
}

/* Drivers that refuse to be asked for frames without a copy give them with one. */
static bool bind_to(
	const struct queue *q, unsigned ifindex, unsigned number, bool native)
{
	struct sockaddr_xdp to = {.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_USE_NEED_WAKEUP,
		.sxdp_ifindex = ifindex,
		.sxdp_queue_id = number};
	const struct sockaddr *address = (const struct sockaddr *)(void *)&to;

	if (native && !bind(q->socket, address, sizeof to))
		return true;
	to.sxdp_flags |= XDP_COPY;
	return !bind(q->socket, address, sizeof to);
}

static void first_state(struct queue *q, unsigned ifindex, bool native)
{
	struct queue_state *s = q->state;
	s->mark = QUEUE_STATE_MARK;
	s->version = QUEUE_STATE_VERSION;
	s->frames = QUEUE_FRAMES;
	s->ring = QUEUE_RING;
	s->ifindex = ifindex;
	s->native = native;
	for (uint32_t i = 0; i < QUEUE_FRAMES; i++)
		s->free[s->n_free++] = QUEUE_FRAMES - 1 - i;
}

static const struct queue closed = {.socket = -1, .file = -1};

static bool fail(struct queue *q)
{
	int saved = errno;
	queue_close(q);
	errno = saved;
	return false;
}

bool queue_open(struct queue *q, unsigned ifindex, unsigned number, bool native)
{
	*q = closed;
	q->file = memfd_create("dnsd-xdp", MFD_CLOEXEC);
	q->socket = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (q->file < 0 || q->socket < 0 || ftruncate(q->file, FILE_SIZE) ||
		!map_file(q) || !set_rings(q->socket, q->frames) ||
		!map_rings(q))
		return fail(q);
	first_state(q, ifindex, native);
	queue_refill(q);
	if (!bind_to(q, ifindex, number, native))
		return fail(q);
	ask_zero_copy(q);
	return true;
}

bool queue_take(struct queue *q, int fd, int file)
{
	*q = closed;
	q->socket = fd;
	q->file = file;
	if (file < 0 || lseek(file, 0, SEEK_END) != (off_t)FILE_SIZE) {
		errno = EINVAL;
		return fail(q);
	}
	if (!map_file(q) || !map_rings(q))
		return fail(q);
	const struct queue_state *s = q->state;
	if (s->mark != QUEUE_STATE_MARK || s->version != QUEUE_STATE_VERSION ||
		s->frames != QUEUE_FRAMES || s->ring != QUEUE_RING) {
		errno = EINVAL;
		return fail(q);
	}
	ask_zero_copy(q);
	return true;
}

void queue_close(struct queue *q)
{
	struct queue_ring *rings[] = {
		&q->fill, &q->done, &q->received, &q->sent};
	for (unsigned i = 0; i < sizeof rings / sizeof *rings; i++)
		if (rings[i]->map)
			munmap(rings[i]->map, rings[i]->map_len);
	if (q->socket >= 0)
		close(q->socket);
	if (q->file >= 0)
		close(q->file);
	if (q->frames)
		munmap(q->frames, FILE_SIZE);
	*q = closed;
}

/* -- rings: the kernel is at the other end -- */

static uint32_t theirs(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void move(uint32_t *word, uint32_t by)
{
	__atomic_store_n(word, *word + by, __ATOMIC_RELEASE);
}

/* Entries that we may read; and that we may write. */
static uint32_t there(const struct queue_ring *ring)
{
	return theirs(ring->producer) - *ring->consumer;
}

static uint32_t room(const struct queue_ring *ring)
{
	return QUEUE_RING - (*ring->producer - theirs(ring->consumer));
}

static uint64_t *address_at(const struct queue_ring *ring, uint32_t at)
{
	return (uint64_t *)ring->entries + (at & (QUEUE_RING - 1));
}

static struct xdp_desc *frame_at(const struct queue_ring *ring, uint32_t at)
{
	return (struct xdp_desc *)ring->entries + (at & (QUEUE_RING - 1));
}

static bool wants_call(const struct queue_ring *ring)
{
	return __atomic_load_n(ring->flags, __ATOMIC_RELAXED) &
		XDP_RING_NEED_WAKEUP;
}

void queue_free(struct queue *q, uint32_t number)
{
	struct queue_state *s = q->state;
	assert(number < QUEUE_FRAMES && s->n_free < QUEUE_FRAMES);
	s->free[s->n_free++] = number;
}

void queue_refill(struct queue *q)
{
	struct queue_state *s = q->state;
	uint32_t n = there(&q->done);

	for (uint32_t i = 0; i < n; i++)
		queue_free(q,
			(uint32_t)(*address_at(
					   &q->done, *q->done.consumer + i) /
				FRAME_PLACE));
	if (n)
		move(q->done.consumer, n);
	n = room(&q->fill);
	if (n > s->n_free)
		n = s->n_free;
	for (uint32_t i = 0; i < n; i++)
		*address_at(&q->fill, *q->fill.producer + i) =
			(uint64_t)s->free[--s->n_free] * FRAME_PLACE;
	if (n)
		move(q->fill.producer, n);
	if (q->zero_copy && wants_call(&q->fill)) {
		struct pollfd p = {.fd = q->socket, .events = POLLIN};
		poll(&p, 1, 0);
	}
}

unsigned queue_receive(
	struct queue *q, struct queue_frame *frames, unsigned most)
{
	uint32_t n = there(&q->received);
	if (n > most)
		n = most;
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *d =
			frame_at(&q->received, *q->received.consumer + i);
		frames[i] = (struct queue_frame){
			.number = (uint32_t)(d->addr / FRAME_PLACE),
			.at = (uint32_t)(d->addr % FRAME_PLACE),
			.len = d->len};
	}
	if (n)
		move(q->received.consumer, n);
	return n;
}

bool queue_send(struct queue *q, uint32_t number, size_t len)
{
	if (!room(&q->sent))
		return false;
	*frame_at(&q->sent, *q->sent.producer) = (struct xdp_desc){
		.addr = (uint64_t)number * FRAME_PLACE + FRAME_PLACE / 2,
		.len = (uint32_t)len};
	move(q->sent.producer, 1);
	return true;
}

/* A call sends as many as the kernel likes. */
bool queue_flush(struct queue *q)
{
	for (int i = 0; i < FLUSH_TRIES; i++) {
		if (room(&q->sent) == QUEUE_RING)
			return true;
		if (wants_call(&q->sent) &&
			sendto(q->socket, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 &&
			errno != EAGAIN && errno != EINTR)
			break;
	}
	return room(&q->sent) == QUEUE_RING;
}

uint64_t queue_dropped(const struct queue *q)
{
	struct xdp_statistics s = {0};
	socklen_t len = sizeof s;
	getsockopt(q->socket, SOL_XDP, XDP_STATISTICS, &s, &len);
	return s.rx_dropped + s.rx_ring_full;
}
