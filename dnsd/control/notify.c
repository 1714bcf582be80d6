#include "control/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A datagram to $NOTIFY_SOCKET; "@" begins an abstract name. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (!path || !*path || strlen(path) >= sizeof to.sun_path)
		return;
	memcpy(to.sun_path, path, strlen(path));
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
		strlen(path));
	sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(const struct sockaddr *)&to, len);
	close(fd);
}

void notify_ready(bool other)
{
	char text[80];
	int len = other
		? snprintf(text, sizeof text, "MAINPID=%d\n", (int)getpid())
		: 0;
	snprintf(text + len, sizeof text - (size_t)len,
		"READY=1\nSTATUS=serving");
	notify(text);
}

void notify_status(const char *text)
{
	char state[200];
	snprintf(state, sizeof state, "STATUS=%.180s", text);
	notify(state);
}

void notify_stopping(void)
{
	notify("STOPPING=1");
}
