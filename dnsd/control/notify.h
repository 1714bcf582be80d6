/* notify.h - reports to systemd that the server is ready, or stops (sd_notify(3)), if it asked. */
#ifndef CONTROL_NOTIFY_H
#define CONTROL_NOTIFY_H

#include <stdbool.h>

/* other: this process was started by the one that systemd knows, and takes its place. */
void notify_ready(bool other);
/* One line for `systemctl status`. */
void notify_status(const char *text);
void notify_stopping(void);

#endif
