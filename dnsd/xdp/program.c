#include "xdp/program.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "xdp/frame.h"

/* -- instructions -- */

#define LENGTH_MAX 1024
#define PASSES_MAX 512 /* jumps to the end that passes a frame to the kernel */

struct code {
	struct bpf_insn insn[LENGTH_MAX];
	unsigned n;
	unsigned passes[PASSES_MAX], n_passes;
};

/* Registers: what they hold from the begin to the end. */
enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	R3 = BPF_REG_3,
	R4 = BPF_REG_4,
	R5 = BPF_REG_5,
	IP = BPF_REG_6,    /* the IP header */
	FRAME = BPF_REG_7, /* the frame's first octet */
	RULES = BPF_REG_8, /* struct program_rules */
	END = BPF_REG_9    /* behind the frame's last octet */
};

static unsigned put(
	struct code *c, int op, unsigned dst, unsigned src, long off, long imm)
{
	assert(c->n < LENGTH_MAX);
	c->insn[c->n] = (struct bpf_insn){.code = (__u8)op,
		.dst_reg = (__u8)(dst & 15),
		.src_reg = (__u8)(src & 15),
		.off = (__s16)off,
		.imm = (__s32)imm};
	return c->n++;
}

/* dst = *(base + offset), of a size BPF_B, BPF_H, BPF_W or BPF_DW. */
static void load(
	struct code *c, int size, unsigned dst, unsigned base, size_t offset)
{
	put(c, BPF_LDX | size | BPF_MEM, dst, base, (long)offset, 0);
}

static void copy(struct code *c, unsigned dst, unsigned src)
{
	put(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

/* dst = dst OP value. */
static void calculate(struct code *c, int op, unsigned dst, long value)
{
	put(c, BPF_ALU64 | op | BPF_K, dst, 0, 0, value);
}

/* Two instructions: dst = a map or what is in its first value. */
static void load_map(struct code *c, unsigned dst, int kind, int fd)
{
	put(c, BPF_LD | BPF_DW | BPF_IMM, dst, (unsigned)kind, 0, fd);
	put(c, 0, 0, 0, 0, 0);
}

/* To the next label: its place is set by land(). */
static unsigned jump_if(struct code *c, int op, unsigned dst, long value)
{
	return put(c, BPF_JMP | op | BPF_K, dst, 0, 0, value);
}

static unsigned jump_if_reg(struct code *c, int op, unsigned dst, unsigned src)
{
	return put(c, BPF_JMP | op | BPF_X, dst, src, 0, 0);
}

static void land(struct code *c, unsigned jump)
{
	c->insn[jump].off = (__s16)(c->n - jump - 1);
}

/* The jump is to the end that passes the frame on. */
static void passes(struct code *c, unsigned jump)
{
	assert(c->n_passes < PASSES_MAX);
	c->passes[c->n_passes++] = jump;
}

/* The frame has n octets from base on, or goes to the kernel. */
static void need(struct code *c, unsigned base, long n)
{
	copy(c, R1, base);
	calculate(c, BPF_ADD, R1, n);
	passes(c, jump_if_reg(c, BPF_JGT, R1, END));
}

/* -- the program -- */

#define RULE(field) offsetof(struct program_rules, field)

static void begin(struct code *c, int rules_fd)
{
	load(c, BPF_W, FRAME, R1, offsetof(struct xdp_md, data));
	load(c, BPF_W, END, R1, offsetof(struct xdp_md, data_end));
	put(c, BPF_STX | BPF_DW | BPF_MEM, BPF_REG_10, R1, -8, 0);
	load_map(c, RULES, BPF_PSEUDO_MAP_VALUE, rules_fd);
	load(c, BPF_DW, R1, RULES, RULE(on));
	passes(c, jump_if(c, BPF_JEQ, R1, 0));
	need(c, FRAME, 18);
	/* Longer than a query is: the kernel may have room for it. */
	copy(c, R1, FRAME);
	calculate(c, BPF_ADD, R1, FRAME_QUERY_MAX + 1);
	passes(c, jump_if_reg(c, BPF_JLE, R1, END));
}

static void compare_mac(struct code *c)
{
	load(c, BPF_W, R1, FRAME, 0);
	load(c, BPF_W, R2, RULES, RULE(mac));
	passes(c, jump_if_reg(c, BPF_JNE, R1, R2));
	load(c, BPF_H, R1, FRAME, 4);
	load(c, BPF_H, R2, RULES, RULE(mac) + 4);
	passes(c, jump_if_reg(c, BPF_JNE, R1, R2));
}

/* Leaves the type in R5 and IP at the header. */
static void skip_vlan(struct code *c)
{
	load(c, BPF_H, R5, FRAME, 12);
	copy(c, IP, FRAME);
	calculate(c, BPF_ADD, IP, 14);
	unsigned untagged = jump_if(c, BPF_JNE, R5, htons(0x8100));
	load(c, BPF_H, R1, FRAME, 14);
	put(c, BPF_ALU | BPF_END | BPF_TO_BE, R1, 0, 0, 16);
	calculate(c, BPF_AND, R1, PROGRAM_VLANS - 1);
	copy(c, R2, R1);
	calculate(c, BPF_RSH, R2, 6);
	calculate(c, BPF_LSH, R2, 3);
	put(c, BPF_ALU64 | BPF_ADD | BPF_X, R2, RULES, 0, 0);
	load(c, BPF_DW, R2, R2, RULE(vlans));
	calculate(c, BPF_AND, R1, 63);
	put(c, BPF_ALU64 | BPF_RSH | BPF_X, R2, R1, 0, 0);
	calculate(c, BPF_AND, R2, 1);
	passes(c, jump_if(c, BPF_JEQ, R2, 0));
	load(c, BPF_H, R5, FRAME, 16);
	copy(c, IP, FRAME);
	calculate(c, BPF_ADD, IP, 18);
	land(c, untagged);
}

/* To one of our addresses, without options and fragments; the jumps are those of a match. */
static unsigned match_ipv4(struct code *c, unsigned *matches)
{
	need(c, IP, 28);
	load(c, BPF_B, R1, IP, 0);
	passes(c, jump_if(c, BPF_JNE, R1, 0x45));
	load(c, BPF_H, R1, IP, 6);
	calculate(c, BPF_AND, R1, htons(0x3fff));
	passes(c, jump_if(c, BPF_JNE, R1, 0));
	load(c, BPF_B, R1, IP, 9);
	passes(c, jump_if(c, BPF_JNE, R1, 17));
	load(c, BPF_W, R1, IP, 16);
	load(c, BPF_H, R2, IP, 22);
	calculate(c, BPF_LSH, R2, 32);
	put(c, BPF_ALU64 | BPF_OR | BPF_X, R1, R2, 0, 0);
	for (unsigned i = 0; i < PROGRAM_ADDRESSES; i++) {
		load(c, BPF_DW, R5, RULES, RULE(ipv4[i]));
		passes(c, jump_if(c, BPF_JEQ, R5, 0));
		matches[i] = jump_if_reg(c, BPF_JEQ, R5, R1);
	}
	passes(c, put(c, BPF_JMP | BPF_JA, 0, 0, 0, 0));
	return PROGRAM_ADDRESSES;
}

static unsigned match_ipv6(struct code *c, unsigned *matches)
{
	need(c, IP, 48);
	load(c, BPF_B, R1, IP, 0);
	calculate(c, BPF_AND, R1, 0xf0);
	passes(c, jump_if(c, BPF_JNE, R1, 0x60));
	load(c, BPF_B, R1, IP, 6);
	passes(c, jump_if(c, BPF_JNE, R1, 17));
	load(c, BPF_DW, R1, IP, 24);
	load(c, BPF_DW, R2, IP, 32);
	load(c, BPF_H, R4, IP, 42);
	for (unsigned i = 0; i < PROGRAM_ADDRESSES; i++) {
		load(c, BPF_DW, R5, RULES, RULE(ipv6[i].port));
		passes(c, jump_if(c, BPF_JEQ, R5, 0));
		unsigned port = jump_if_reg(c, BPF_JNE, R5, R4);
		load(c, BPF_DW, R5, RULES, RULE(ipv6[i].half[1]));
		unsigned second = jump_if_reg(c, BPF_JNE, R5, R2);
		load(c, BPF_DW, R5, RULES, RULE(ipv6[i].half[0]));
		matches[i] = jump_if_reg(c, BPF_JEQ, R5, R1);
		land(c, port);
		land(c, second);
	}
	passes(c, put(c, BPF_JMP | BPF_JA, 0, 0, 0, 0));
	return PROGRAM_ADDRESSES;
}

/* A queue without a socket: the kernel's. */
static void end(struct code *c, int sockets_fd)
{
	load(c, BPF_DW, R2, BPF_REG_10, (size_t)-8);
	load(c, BPF_W, R2, R2, offsetof(struct xdp_md, rx_queue_index));
	load_map(c, R1, BPF_PSEUDO_MAP_FD, sockets_fd);
	put(c, BPF_ALU64 | BPF_MOV | BPF_K, R3, 0, 0, XDP_PASS);
	put(c, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map);
	put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (unsigned i = 0; i < c->n_passes; i++)
		land(c, c->passes[i]);
	put(c, BPF_ALU64 | BPF_MOV | BPF_K, R0, 0, 0, XDP_PASS);
	put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void assemble(struct code *c, int rules_fd, int sockets_fd)
{
	unsigned matches[2 * PROGRAM_ADDRESSES], n = 0;

	begin(c, rules_fd);
	compare_mac(c);
	skip_vlan(c);
	unsigned other = jump_if(c, BPF_JNE, R5, htons(0x0800));
	n += match_ipv4(c, matches);
	land(c, other);
	passes(c, jump_if(c, BPF_JNE, R5, htons(0x86dd)));
	n += match_ipv6(c, matches + n);
	for (unsigned i = 0; i < n; i++)
		land(c, matches[i]);
	end(c, sockets_fd);
}

/* -- bpf(2) -- */

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int map_new(
	unsigned type, size_t value, unsigned entries, unsigned flags)
{
	union bpf_attr attr = {.map_type = type,
		.key_size = 4,
		.value_size = (__u32)value,
		.max_entries = entries,
		.map_flags = flags};
	return bpf(BPF_MAP_CREATE, &attr);
}

static int program_load(int rules_fd, int sockets_fd)
{
	struct code *code = mem_zero(1, sizeof *code);
	assemble(code, rules_fd, sockets_fd);
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)code->insn,
		.insn_cnt = code->n,
		.license = (uintptr_t) "GPL",
		.expected_attach_type = BPF_XDP,
		.prog_name = "dnsd"};
	int fd = bpf(BPF_PROG_LOAD, &attr);
	int saved = errno;
	free(code);
	errno = saved;
	return fd;
}

static int link_new(int program_fd, unsigned ifindex, bool native)
{
	union bpf_attr attr = {.link_create = {.prog_fd = (__u32)program_fd,
				       .target_ifindex = ifindex,
				       .attach_type = BPF_XDP,
				       .flags = native ? XDP_FLAGS_DRV_MODE
						       : XDP_FLAGS_SKB_MODE}};
	return bpf(BPF_LINK_CREATE, &attr);
}

/* -- its life -- */

static bool map_rules(struct program *p)
{
	void *at = mmap(NULL, sizeof *p->rules, PROT_READ | PROT_WRITE,
		MAP_SHARED, p->rules_fd, 0);
	p->rules = at == MAP_FAILED ? NULL : at;
	return p->rules != NULL;
}

static bool fail(struct program *p)
{
	int saved = errno;
	program_close(p);
	errno = saved;
	return false;
}

bool program_attach(struct program *p, unsigned ifindex, bool native)
{
	*p = (struct program){.link = -1, .rules_fd = -1, .sockets_fd = -1};
	p->rules_fd = map_new(
		BPF_MAP_TYPE_ARRAY, sizeof *p->rules, 1, BPF_F_MMAPABLE);
	p->sockets_fd = map_new(BPF_MAP_TYPE_XSKMAP, 4, PROGRAM_QUEUES, 0);
	if (p->rules_fd < 0 || p->sockets_fd < 0 || !map_rules(p))
		return fail(p);
	int loaded = program_load(p->rules_fd, p->sockets_fd);
	if (loaded < 0)
		return fail(p);
	p->link = link_new(loaded, ifindex, native);
	int saved = errno;
	close(loaded); /* the link has it */
	errno = saved;
	return p->link >= 0 || fail(p);
}

bool program_take(struct program *p, int link, int rules_fd)
{
	*p = (struct program){
		.link = link, .rules_fd = rules_fd, .sockets_fd = -1};
	return map_rules(p) || fail(p);
}

bool program_queue(const struct program *p, unsigned queue, int socket)
{
	__u32 key = queue, value = (__u32)socket;
	union bpf_attr attr = {.map_fd = (__u32)p->sockets_fd,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value};
	return bpf(BPF_MAP_UPDATE_ELEM, &attr) == 0;
}

/* bpf(2) is for the privileged; what the kernel says of a descriptor is not. */
bool program_is_attached(const struct program *p)
{
	char path[64], line[128];
	unsigned ifindex = 1;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", p->link);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "ifindex: %u", &ifindex) == 1)
			break;
	if (f)
		fclose(f);
	return ifindex != 0;
}

void program_close(struct program *p)
{
	int fds[] = {p->link, p->rules_fd, p->sockets_fd};
	for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (p->rules)
		munmap(p->rules, sizeof *p->rules);
	*p = (struct program){.link = -1, .rules_fd = -1, .sockets_fd = -1};
}
