/* notify.h - reports to systemd that the server is ready, or stops (sd_notify(3)), if it asked. */
#ifndef CONTROL_NOTIFY_H
#define CONTROL_NOTIFY_H

void notify_ready(void);
void notify_stopping(void);

#endif
