#include "measure/sockets.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PART_MAX 32768        /* octets; the kernel fills no more at once */
#define ESTABLISHED (1u << 1) /* TCP_ESTABLISHED */
#define WAIT_S 5

/* -- an answer -- */

/* The kernel may be older or newer than this program's headers: what it does not
 * say is 0. */
static struct tcp_info info_of(const struct nlmsghdr *message)
{
	struct tcp_info info = {0};
	const uint8_t *at = (const uint8_t *)message +
		NLMSG_SPACE(sizeof(struct inet_diag_msg));
	const uint8_t *end = (const uint8_t *)message + message->nlmsg_len;

	while (end - at >= (ptrdiff_t)sizeof(struct nlattr)) {
		const struct nlattr *attribute = (const struct nlattr *)at;
		if (attribute->nla_len < sizeof *attribute ||
			attribute->nla_len > end - at)
			break;
		size_t len = attribute->nla_len - sizeof *attribute;
		if (attribute->nla_type == INET_DIAG_INFO)
			memcpy(&info, attribute + 1,
				len < sizeof info ? len : sizeof info);
		size_t step = NLA_ALIGN(attribute->nla_len);
		if (step > (size_t)(end - at))
			break;
		at += step;
	}
	return info;
}

static bool socket_of(const struct nlmsghdr *message, struct tcp_socket *socket)
{
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
		return false;
	const struct inet_diag_msg *m = NLMSG_DATA(message);
	const struct tcp_info info = info_of(message);
	const bool is_v4 = m->idiag_family == AF_INET;

	*socket = (struct tcp_socket){
		.cookie = (uint64_t)m->id.idiag_cookie[1] << 32 |
			m->id.idiag_cookie[0],
		.peer = {.family = is_v4 ? 4 : 6},
		.port = ntohs(m->id.idiag_sport),
		.rtt_ms = (float)info.tcpi_rtt / 1000,
		.sent = info.tcpi_data_segs_out ? info.tcpi_data_segs_out
						: info.tcpi_segs_out,
		.sent_again = info.tcpi_total_retrans};
	/* Not measured yet is the largest number. */
	if (info.tcpi_min_rtt != UINT32_MAX)
		socket->rtt_least_ms = (float)info.tcpi_min_rtt / 1000;
	memcpy(socket->peer.bytes, m->id.idiag_dst, is_v4 ? 4 : 16);
	addr_unmap(&socket->peer);
	return m->idiag_state == 1;
}

enum sockets_part sockets_parse(
	const void *bytes, size_t len, sockets_each *each, void *arg)
{
	const uint8_t *at = bytes, *end = at + len;

	while (end - at >= (ptrdiff_t)sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)at;
		struct tcp_socket socket;
		if (message->nlmsg_len < sizeof *message ||
			message->nlmsg_len > (size_t)(end - at))
			return SOCKETS_BAD;
		if (message->nlmsg_type == NLMSG_DONE)
			return SOCKETS_END;
		if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			return SOCKETS_BAD;
		if (socket_of(message, &socket))
			each(arg, &socket);
		size_t step = NLMSG_ALIGN(message->nlmsg_len);
		at += step < (size_t)(end - at) ? step : (size_t)(end - at);
	}
	return SOCKETS_MORE;
}

/* -- asking -- */

static bool sockets_ask(int fd, int family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 want;
	} question = {.head = {.nlmsg_len = sizeof question,
			      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.want = {.sdiag_family = (uint8_t)family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_ext = 1 << (INET_DIAG_INFO - 1),
			.idiag_states = ESTABLISHED}};
	return send(fd, &question, sizeof question, 0) == sizeof question;
}

static bool sockets_family(int fd, int family, sockets_each *each, void *arg)
{
	_Alignas(struct nlmsghdr) uint8_t part[PART_MAX];

	if (!sockets_ask(fd, family))
		return false;
	for (;;) {
		ssize_t len = recv(fd, part, sizeof part, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return false;
		switch (sockets_parse(part, (size_t)len, each, arg)) {
		case SOCKETS_MORE:
			break;
		case SOCKETS_END:
			return true;
		case SOCKETS_BAD:
			errno = EPROTO;
			return false;
		}
	}
}

bool sockets_read(sockets_each *each, void *arg, struct err *err)
{
	const struct timeval wait = {.tv_sec = WAIT_S};
	int fd = socket(
		AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	bool ok = fd >= 0 &&
		!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) &&
		sockets_family(fd, AF_INET, each, arg) &&
		sockets_family(fd, AF_INET6, each, arg);
	if (!ok)
		err_add(err, "the kernel's list of TCP connections: %s",
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}
