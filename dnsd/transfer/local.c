#include "transfer/local.h"

#include <netinet/in.h>

#include "base/addr.h"

bool local_is_loopback(const struct sockaddr_storage *ss)
{
	struct addr a = addr_from_sockaddr((const struct sockaddr *)ss);
	return a.family == 4
		? a.bytes[0] == 127
		: !addr_half(&a, 0) && addr_half(&a, 1) == htobe64(1);
}

static bool is_wildcard(const struct sockaddr_storage *ss)
{
	struct addr a = addr_from_sockaddr((const struct sockaddr *)ss);
	return !addr_half(&a, 0) && !addr_half(&a, 1);
}

void local_bind(
	const struct conf *conf, int fd, const struct sockaddr_storage *to)
{
	const struct conf_texts *listen = &conf->listen;
	for (unsigned i = 0; i < listen->n; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sockaddr_parse(&ss, listen->text[i], 53);
		if (!len || ss.ss_family != to->ss_family || is_wildcard(&ss) ||
			local_is_loopback(&ss) != local_is_loopback(to))
			continue;
		/* The port lies at the same place of both families. */
		((struct sockaddr_in *)(void *)&ss)->sin_port = 0;
		if (bind(fd, (const struct sockaddr *)&ss, len) == 0)
			return;
	}
}
