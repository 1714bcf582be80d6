#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/arena.h"

#define UDP_BUFFER (4 << 20)
#define TCP_BACKLOG 1024

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* Also to an address that comes later (keepalived, WireGuard): what is configured is
 * served as soon as it is there. */
static bool bind_to(int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	if (bind(fd, (const struct sockaddr *)ss, len) == 0)
		return true;
	return errno == EADDRNOTAVAIL && set(fd, IPPROTO_IP, IP_FREEBIND, 1) &&
		bind(fd, (const struct sockaddr *)ss, len) == 0;
}

static int socket_new(
	const struct sockaddr_storage *ss, socklen_t len, int type, bool share)
{
	int wait = type == SOCK_STREAM ? SOCK_NONBLOCK : 0;
	int fd = socket(ss->ss_family, type | wait | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	bool ok = true;
	if (ss->ss_family == AF_INET6)
		ok &= set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (type == SOCK_STREAM)
		ok &= set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (share)
		ok &= set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (ok && bind_to(fd, ss, len))
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool is_wildcard(const struct sockaddr_storage *ss)
{
	struct addr a = addr_from_sockaddr((const struct sockaddr *)ss);
	struct addr zero = {.family = a.family};
	return addr_equal(&a, &zero);
}

/* Options that make an answer better but whose lack is no reason not to
 * answer. */
static void udp_options(const struct udp_socket *s)
{
	set(s->fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER);
	set(s->fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER);
	/* Never fragment: DF is set and a path MTU given by ICMP, which may be
	 * forged, is ignored; 1232 octets pass anywhere. */
	if (s->v6)
		set(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			IPV6_PMTUDISC_PROBE);
	else
		set(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
}

/* given: the socket as another process opened it; -1: none. */
static bool udp_open(struct udp_socket *s, const struct sockaddr_storage *ss,
	socklen_t len, int given)
{
	s->v6 = ss->ss_family == AF_INET6;
	s->wildcard = is_wildcard(ss);
	s->fd = given;
	if (given >= 0)
		return true;
	s->fd = socket_new(ss, len, SOCK_DGRAM, true);
	if (s->fd < 0)
		return false;
	udp_options(s);
	if (!s->wildcard)
		return true;
	return s->v6 ? set(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
		     : set(s->fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static int tcp_open(const struct sockaddr_storage *ss, socklen_t len)
{
	int fd = socket_new(ss, len, SOCK_STREAM, false);
	if (fd < 0)
		return -1;
	/* Accepted sockets inherit them. Of one size they stay: what clients
	 * that do not read can hold of the kernel's memory is bounded. */
	set(fd, SOL_SOCKET, SO_SNDBUF, LISTEN_SEND_BUFFER);
	set(fd, SOL_SOCKET, SO_RCVBUF, LISTEN_RECEIVE_BUFFER);
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, IPPROTO_TCP, TCP_FASTOPEN, 256);
	if (listen(fd, TCP_BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

/* SO_REUSEPORT would let a second dnsd take a share of the first one's
 * queries in silence: bind once without it. */
static bool is_free(const struct sockaddr_storage *ss, socklen_t len)
{
	int fd = socket_new(ss, len, SOCK_DGRAM, false);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool open_address(struct listeners *l, unsigned i, const char *text,
	struct listen_handed *handed)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_parse(&ss, text, 53);
	int tcp = listen_take(handed, LISTEN_TCP, 0, text);

	if (!len || (tcp < 0 && !is_free(&ss, len)))
		return false;
	l->tcp[i] = tcp >= 0 ? tcp : tcp_open(&ss, len);
	for (unsigned w = 0; w < l->workers; w++)
		if (!udp_open(&l->udp[w * l->n + i], &ss, len,
			    listen_take(handed, LISTEN_UDP, w, text)))
			return false;
	return l->tcp[i] >= 0;
}

static bool listen_complain(
	struct err *err, const struct conf_texts *addresses, unsigned i)
{
	const struct conf_where *w = &addresses->where[i];
	const char *why = errno ? strerror(errno) : "not ADDRESS:PORT";
	if (!w->file)
		return err_add(err, "cannot listen on %s: %s",
			addresses->text[i], why);
	return err_add(err, "%s:%u: cannot listen on %s: %s", w->file, w->line,
		addresses->text[i], why);
}

/* -- sockets of another process -- */

void listen_give(struct listen_handed *handed, enum listen_kind kind,
	unsigned worker, const char *text, int fd)
{
	struct listen_given given = {.kind = kind, .worker = worker, .fd = fd};
	if (strlen(text) >= sizeof given.text)
		return; /* no address is so long */
	strcpy(given.text, text);
	handed->one =
		mem_grow(handed->one, (handed->n + 1) * sizeof *handed->one);
	handed->one[handed->n++] = given;
	if (kind == LISTEN_UDP && worker >= handed->workers)
		handed->workers = worker + 1;
}

int listen_take(struct listen_handed *handed, enum listen_kind kind,
	unsigned worker, const char *text)
{
	for (unsigned i = 0; handed && i < handed->n; i++) {
		struct listen_given *given = &handed->one[i];
		int fd = given->fd;
		if (fd < 0 || given->kind != kind || given->worker != worker ||
			strcmp(given->text, text) != 0)
			continue;
		given->fd = -1;
		return fd;
	}
	return -1;
}

/* -- addresses that are not there -- */

/* Whether this machine has the address now. */
static bool is_there(struct sockaddr_storage *ss, socklen_t len)
{
	int fd = socket(ss->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)ss)->sin6_port = 0;
	else
		((struct sockaddr_in *)(void *)ss)->sin_port = 0;
	bool absent = fd >= 0 && bind(fd, (struct sockaddr *)ss, len) != 0 &&
		errno == EADDRNOTAVAIL;
	if (fd >= 0)
		close(fd);
	return !absent;
}

void listen_warn(const struct conf_texts *addresses, struct err *err)
{
	for (unsigned i = 0; i < addresses->n; i++) {
		const struct conf_where *w = &addresses->where[i];
		struct sockaddr_storage ss;
		socklen_t len = sockaddr_parse(&ss, addresses->text[i], 1);
		if (len && w->file && !is_there(&ss, len))
			err_warn(err,
				"%s:%u: %s is no address of this machine (yet): it is served as soon as it is one",
				w->file, w->line, addresses->text[i]);
	}
}

bool listen_streams(const struct conf_texts *addresses, int default_port,
	enum listen_kind kind, struct listen_handed *handed, int **fds,
	struct err *err)
{
	bool ok = true;
	*fds = mem_zero(addresses->n + 1, sizeof **fds);
	for (unsigned i = 0; i < addresses->n; i++) {
		struct sockaddr_storage ss;
		socklen_t len =
			sockaddr_parse(&ss, addresses->text[i], default_port);
		(*fds)[i] = listen_take(handed, kind, 0, addresses->text[i]);
		if ((*fds)[i] < 0)
			(*fds)[i] = len ? tcp_open(&ss, len) : -1;
		if ((*fds)[i] < 0)
			ok = listen_complain(err, addresses, i);
	}
	(*fds)[addresses->n] = -1;
	listen_warn(addresses, err);
	return ok;
}

bool listen_open(struct listeners *l, const struct conf_texts *addresses,
	unsigned workers, struct listen_handed *handed, struct err *err)
{
	*l = (struct listeners){.n = addresses->n, .workers = workers};
	l->udp = mem_zero(workers * l->n, sizeof *l->udp);
	l->tcp = mem_zero(l->n, sizeof *l->tcp);
	for (unsigned i = 0; i < workers * l->n; i++)
		l->udp[i].fd = -1;
	l->text = mem_zero(l->n, sizeof *l->text);
	for (unsigned i = 0; i < l->n; i++) {
		l->tcp[i] = -1;
		l->text[i] = mem_strdup(addresses->text[i]);
	}
	bool ok = true;
	for (unsigned i = 0; i < l->n; i++)
		if (!open_address(l, i, addresses->text[i], handed))
			ok = listen_complain(err, addresses, i);
	listen_warn(addresses, err);
	if (!ok)
		listen_close(l);
	return ok;
}

void listen_close(struct listeners *l)
{
	for (unsigned i = 0; i < l->workers * l->n; i++)
		if (l->udp[i].fd >= 0)
			close(l->udp[i].fd);
	for (unsigned i = 0; i < l->n; i++)
		if (l->tcp[i] >= 0)
			close(l->tcp[i]);
	for (unsigned i = 0; i < l->n; i++)
		free(l->text[i]);
	free(l->text);
	free(l->udp);
	free(l->tcp);
	*l = (struct listeners){0};
}
