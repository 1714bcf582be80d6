/* program.h - the BPF program on an interface: which frames go to the AF_XDP socket of
 * their queue, all others to the kernel.
 *
 * It is made of instructions here and loaded by bpf(2): neither a compiler for BPF nor a
 * library is needed. Its rules are memory that it shares with this process, so that they
 * can be changed without a privilege. It is attached by a link: when the last descriptor
 * of the link is closed, be it by the end of the process, it is detached.
 */
#ifndef XDP_PROGRAM_H
#define XDP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRAM_ADDRESSES 32 /* of each family */
#define PROGRAM_QUEUES 256
#define PROGRAM_VLANS 4096

/* Memory of the map; words are written whole, by one thread. Octets as in frames. */
struct program_rules {
	uint64_t on;    /* 0: all goes to the kernel */
	uint8_t mac[8]; /* that a frame must be for; two are unused */
	uint64_t vlans[PROGRAM_VLANS / 64]; /* tags that are allowed, as bits */
	/* Address and port of UDP, the port in the upper half; ended by 0. */
	uint64_t ipv4[PROGRAM_ADDRESSES + 1];
	/* Ended by port 0. */
	struct program_ipv6 {
		uint64_t port;
		uint64_t half[2]; /* of the address */
	} ipv6[PROGRAM_ADDRESSES + 1];
};

struct program {
	int link, rules_fd, sockets_fd; /* -1: none */
	struct program_rules *rules;    /* NULL: not mapped */
};

/* Loads it and attaches it. native: by the interface's driver, else by the kernel for any
 * interface. Nothing goes to a socket before rules->on is set. False with errno, and
 * nothing left; EBUSY: another program is attached. */
bool program_attach(struct program *program, unsigned ifindex, bool native);

/* The same with descriptors of another process (sockets_fd is not needed). They are the
 * program's from now on, also if it fails. */
bool program_take(struct program *program, int link, int rules_fd);

/* From now on frames of the queue may go to the socket. */
bool program_queue(const struct program *program, unsigned queue, int socket);

/* False: it has been detached, or its interface is gone. */
bool program_is_attached(const struct program *program);

/* Closes what is open; without effect on another process that has the descriptors. */
void program_close(struct program *program);

#endif
