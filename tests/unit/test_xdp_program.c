/* test_xdp_program.c - what the program on an interface passes to its socket, as the
 * kernel runs it (BPF_PROG_TEST_RUN). For root, in a network namespace of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xdp/program.h"
#include "xdp/queue.h"
#include "xdp_frames.h"

static struct program program;
static struct queue queue;
static int fd; /* of the loaded program */

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int program_of_link(int link)
{
	struct bpf_link_info info = {0};
	union bpf_attr ask = {.info = {.bpf_fd = (__u32)link,
				      .info_len = sizeof info,
				      .info = (uintptr_t)&info}};
	assert_int_equal(bpf(BPF_OBJ_GET_INFO_BY_FD, &ask), 0);
	union bpf_attr by = {.prog_id = info.prog_id};
	return bpf(BPF_PROG_GET_FD_BY_ID, &by);
}

static void set_rules(void)
{
	struct program_rules *r = program.rules;
	uint64_t address = 0;
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	static const uint8_t v4[4] = {192, 0, 2, 1};
	static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

	memset(r, 0, sizeof *r);
	memcpy(r->mac, mac, 6);
	memcpy(&address, v4, 4);
	r->ipv4[0] = (uint64_t)htons(5353) << 32 | address;
	r->ipv4[1] = (uint64_t)htons(FRAME_SERVER_PORT) << 32 | address;
	for (unsigned i = 0; i < 2; i++) {
		r->ipv6[i].port = htons(FRAME_SERVER_PORT);
		memcpy(r->ipv6[i].half, v6, 16);
	}
	r->ipv6[0].half[0]++; /* another one */
	r->vlans[7 / 64] |= UINT64_C(1) << 7 % 64;
	r->vlans[4095 / 64] |= UINT64_C(1) << 4095 % 64;
	r->on = 1;
}

static bool is_passed_to_socket(const uint8_t *frame, size_t len)
{
	union bpf_attr attr = {.test = {.prog_fd = (__u32)fd,
				       .data_size_in = (__u32)len,
				       .data_in = (uintptr_t)frame,
				       .repeat = 1}};
	assert_int_equal(bpf(BPF_PROG_TEST_RUN, &attr), 0);
	assert_true(attr.test.retval == XDP_REDIRECT ||
		attr.test.retval == XDP_PASS);
	return attr.test.retval == XDP_REDIRECT;
}

static bool passes(const struct shape *s)
{
	uint8_t frame[FRAME_ROOM];
	return is_passed_to_socket(frame, frame_make(frame, s));
}

/* With one octet of the IP header, or what is behind it, another one. */
static bool passes_with(bool v6, size_t at, uint8_t value)
{
	uint8_t frame[FRAME_ROOM];
	size_t len = frame_make(
		frame, &(struct shape){.v6 = v6, .tag = -1, .len = 20});
	frame[14 + at] = value;
	return is_passed_to_socket(frame, len);
}

static void test_shapes(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct shape s = {.v6 = v6, .tag = -1, .len = 20};
		assert_true(passes(&s));
		for (s.tag = 0; s.tag < PROGRAM_VLANS; s.tag++)
			assert_int_equal(
				passes(&s), s.tag == 7 || s.tag == 4095);
		s.tag = -1;
		size_t headers = v6 ? 62 : 42;
		s.len = FRAME_QUERY_MAX - headers;
		assert_true(passes(&s));
		s.len++;
		assert_false(passes(&s));
		s.len = 0;
		assert_true(passes(&s));
	}
}

/* A priority (802.1p) is no other VLAN. */
static void test_priority(void **state)
{
	uint8_t frame[FRAME_ROOM];
	size_t len = frame_make(frame, &(struct shape){.tag = 7, .len = 20});
	frame[14] |= 0xe0;
	assert_true(is_passed_to_socket(frame, len));
	frame[12] = 0x88; /* 802.1ad */
	frame[13] = 0xa8;
	assert_false(is_passed_to_socket(frame, len));
}

static void test_ipv4(void **state)
{
	assert_true(passes_with(false, 0, 0x45));
	for (unsigned first = 0; first < 256; first++)
		assert_int_equal(
			passes_with(false, 0, (uint8_t)first), first == 0x45);
	for (unsigned flags = 0; flags < 256; flags++) /* and the offset */
		assert_int_equal(passes_with(false, 6, (uint8_t)flags),
			(flags & 0x3f) == 0);
	assert_false(passes_with(false, 7, 1));
	assert_false(passes_with(false, 9, 6));
	for (size_t at = 16; at < 20; at++)
		assert_false(passes_with(false, at, 99));
	assert_false(passes_with(false, 23, 54));
	assert_false(passes_with(false, 22, 1));
}

static void test_ipv6(void **state)
{
	for (unsigned first = 0; first < 256; first++)
		assert_int_equal(
			passes_with(true, 0, (uint8_t)first), first >> 4 == 6);
	for (unsigned next = 0; next < 256; next++)
		assert_int_equal(
			passes_with(true, 6, (uint8_t)next), next == 17);
	for (size_t at = 24; at < 40; at++)
		assert_false(passes_with(true, at, 99));
	assert_false(passes_with(true, 43, 54));
}

static void test_hardware_address(void **state)
{
	for (size_t at = 0; at < 6; at++) {
		uint8_t frame[FRAME_ROOM];
		size_t len = frame_make(
			frame, &(struct shape){.tag = -1, .len = 20});
		frame[at] ^= 1;
		assert_false(is_passed_to_socket(frame, len));
	}
}

/* Cut anywhere: none is read beyond its end, which the kernel would refuse to load. */
static void test_short(void **state)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (int tag = -1; tag < 8; tag += 8) {
			uint8_t frame[FRAME_ROOM];
			size_t len = frame_make(frame,
				&(struct shape){
					.v6 = v6, .tag = tag, .len = 8});
			for (size_t n = 14; n < len - 8; n++)
				assert_false(is_passed_to_socket(frame, n));
			assert_true(is_passed_to_socket(frame, len - 8));
		}
}

static void test_switch(void **state)
{
	struct shape s = {.tag = -1, .len = 20};
	program.rules->on = 0;
	assert_false(passes(&s));
	program.rules->on = 1;
	assert_true(passes(&s));
	assert_true(program_is_attached(&program));
}

/* Rules without an end, as far as they go. */
static void test_many_addresses(void **state)
{
	struct shape s = {.tag = -1, .len = 20},
		     s6 = {.v6 = true, .tag = -1, .len = 20};
	uint64_t v4 = program.rules->ipv4[1];
	struct program_ipv6 v6 = program.rules->ipv6[1];
	for (unsigned i = 0; i < PROGRAM_ADDRESSES; i++) {
		program.rules->ipv4[i] = 1 + i;
		program.rules->ipv6[i] = (struct program_ipv6){1, {i, i}};
	}
	assert_false(passes(&s));
	assert_false(passes(&s6));
	program.rules->ipv4[PROGRAM_ADDRESSES - 1] = v4;
	program.rules->ipv6[PROGRAM_ADDRESSES - 1] = v6;
	assert_true(passes(&s));
	assert_true(passes(&s6));
	set_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_hardware_address),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_many_addresses),
	};
	unsigned lo = 0;
	if (!unshare(CLONE_NEWNET))
		lo = if_nametoindex("lo");
	if (!lo || !program_attach(&program, lo, false) ||
		!queue_open(&queue, lo, 0, false)) {
		printf("skipped: AF_XDP: %s\n", strerror(errno));
		return 0;
	}
	fd = program_of_link(program.link);
	if (!program_queue(&program, 0, queue.socket) || fd < 0)
		return 1;
	set_rules();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	close(fd);
	queue_close(&queue);
	program_close(&program);
	return failed;
}
