/* local.h - from which address other name servers are asked and notified: they believe
 * addresses. Thread of transfer.h.
 */
#ifndef TRANSFER_LOCAL_H
#define TRANSFER_LOCAL_H

#include <sys/socket.h>

#include "conf/conf.h"

/* Whether an address is this machine's alone. */
bool local_is_loopback(const struct sockaddr_storage *address);

/* Binds a socket to the address that questions are sent to, if the configuration names
 * one of that family. Else routing decides. */
void local_bind(
	const struct conf *conf, int fd, const struct sockaddr_storage *to);

#endif
