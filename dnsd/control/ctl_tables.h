/* ctl_tables.h - answers of the control socket that are tables for people. What they
 * say is in JSON too: http/texts.h. Control thread.
 */
#ifndef CONTROL_CTL_TABLES_H
#define CONTROL_CTL_TABLES_H

#include "base/buf.h"

struct control;

void ctl_table_status(const struct control *c, struct buf *out);
void ctl_table_nodes(const struct control *c, struct buf *out);

#endif
