#include "xdp/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- asking the kernel -- */

static bool ask(int request, void *arg)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !ioctl(fd, (unsigned long)request, arg);
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return ok;
}

static struct ifreq request_of(const char *name)
{
	struct ifreq r = {0};
	strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
	return r;
}

static bool ask_driver(const char *name, void *arg)
{
	struct ifreq r = request_of(name);
	r.ifr_data = arg;
	return ask(SIOCETHTOOL, &r);
}

unsigned device_number(const char *name)
{
	return if_nametoindex(name);
}

static unsigned queue_count(const char *name)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
	if (!ask_driver(name, &c))
		return 1;
	unsigned n = c.combined_count + c.rx_count;
	return n > PROGRAM_QUEUES ? PROGRAM_QUEUES : n ? n : 1;
}

static bool takes_tags(const char *name)
{
	struct ethtool_value v = {.cmd = ETHTOOL_GFLAGS};
	return ask_driver(name, &v) && (v.data & ETH_FLAG_RXVLAN);
}

/* -- VLANs on an interface -- */

/* The tag of a VLAN interface that is on `name`; -1: it is none. */
static int tag_of(const char *vlan, const char *name)
{
	struct vlan_ioctl_args real = {.cmd = GET_VLAN_REALDEV_NAME_CMD};
	struct vlan_ioctl_args tag = {.cmd = GET_VLAN_VID_CMD};

	strncpy(real.device1, vlan, sizeof real.device1 - 1);
	strncpy(tag.device1, vlan, sizeof tag.device1 - 1);
	if (!ask(SIOCGIFVLAN, &real) || strcmp(real.u.device2, name) != 0 ||
		!ask(SIOCGIFVLAN, &tag))
		return -1;
	return tag.u.VID & (PROGRAM_VLANS - 1);
}

/* Returns how many there are. */
static unsigned find_vlans(const char *name, uint64_t *bits)
{
	struct if_nameindex *all = if_nameindex();
	unsigned n = 0;

	for (const struct if_nameindex *i = all; i && i->if_index; i++) {
		int tag = tag_of(i->if_name, name);
		if (tag < 0)
			continue;
		bits[tag / 64] |= UINT64_C(1) << tag % 64;
		n++;
	}
	if (all)
		if_freenameindex(all);
	return n;
}

bool device_usable(const char *name, unsigned *queues, struct err *err)
{
	struct ifreq mac = request_of(name), mtu = request_of(name);
	uint64_t tags[PROGRAM_VLANS / 64] = {0};

	if (!ask(SIOCGIFHWADDR, &mac) || !ask(SIOCGIFMTU, &mtu))
		return err_add(err, "%s", strerror(errno));
	if (mac.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return err_add(err, "it is not Ethernet");
	if (mtu.ifr_mtu < DEVICE_MTU_MIN)
		return err_add(err, "its MTU is below %d", DEVICE_MTU_MIN);
	if (find_vlans(name, tags) && takes_tags(name))
		return err_add(err,
			"it has VLANs, and its card takes their tags away: ethtool -K %s rxvlan off",
			name);
	*queues = queue_count(name);
	return true;
}

/* -- rules -- */

struct filler {
	struct program_rules *rules;
	unsigned n4, n6, left_out;
};

/* An address that is in the list already is not another one. */
static void add_ipv4(struct filler *f, const uint8_t *octets, uint16_t port)
{
	uint32_t address;
	memcpy(&address, octets, 4);
	uint64_t word = (uint64_t)htons(port) << 32 | address;

	for (unsigned i = 0; i < f->n4; i++)
		if (f->rules->ipv4[i] == word)
			return;
	if (f->n4 == PROGRAM_ADDRESSES)
		f->left_out++;
	else
		f->rules->ipv4[f->n4++] = word;
}

static void add_ipv6(struct filler *f, const uint8_t *octets, uint16_t port)
{
	struct program_ipv6 one = {.port = htons(port)};
	memcpy(one.half, octets, sizeof one.half);

	for (unsigned i = 0; i < f->n6; i++)
		if (!memcmp(&f->rules->ipv6[i], &one, sizeof one))
			return;
	if (f->n6 == PROGRAM_ADDRESSES)
		f->left_out++;
	else
		f->rules->ipv6[f->n6++] = one;
}

static void add(struct filler *f, const struct addr *a, uint16_t port)
{
	if (a->family == 4)
		add_ipv4(f, a->bytes, port);
	else
		add_ipv6(f, a->bytes, port);
}

/* The address, if this machine has it now; the wildcard: every one of its family. */
static void add_own(struct filler *f, const struct ifaddrs *all,
	const struct addr *want, uint16_t port)
{
	const struct addr wildcard = {.family = want->family};
	bool any = addr_equal(want, &wildcard);

	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr ||
			(i->ifa_addr->sa_family != AF_INET &&
				i->ifa_addr->sa_family != AF_INET6))
			continue;
		struct addr a = addr_from_sockaddr(i->ifa_addr);
		if (any ? a.family == want->family : addr_equal(&a, want))
			add(f, &a, port);
	}
}

unsigned device_rules(const char *name, const struct conf_texts *listen,
	struct program_rules *rules)
{
	struct filler f = {rules, 0, 0, 0};
	struct ifreq mac = request_of(name);
	struct ifaddrs *all = NULL;

	memset(rules, 0, sizeof *rules);
	if (!ask(SIOCGIFHWADDR, &mac) || getifaddrs(&all))
		return 0;
	memcpy(rules->mac, mac.ifr_hwaddr.sa_data, 6);
	find_vlans(name, rules->vlans);
	for (unsigned i = 0; i < listen->n; i++) {
		struct sockaddr_storage ss;
		if (!sockaddr_parse(&ss, listen->text[i], 53))
			continue;
		struct addr a =
			addr_from_sockaddr((const struct sockaddr *)&ss);
		add_own(&f, all, &a, sockaddr_port(&ss));
	}
	freeifaddrs(all);
	return f.left_out;
}
