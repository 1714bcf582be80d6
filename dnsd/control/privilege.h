/* privilege.h - from root to the configured user, after binding. */
#ifndef CONTROL_PRIVILEGE_H
#define CONTROL_PRIVILEGE_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

/* Makes the directories of the control socket and the store if they are
 * missing, gives them to the user, becomes the user for good and tries to read, as
 * that user, all that a reload will read. From then on the process
 * cannot gain privileges, other processes of the user cannot read its memory, and
 * there are no core files. Not root: capabilities are dropped, nothing else
 * changes. Without `user` in the configuration it is "dnsd" if there is such a user;
 * else root stays, with a warning. False with a message if what was
 * configured can't be done. */
bool privilege_drop(const struct conf *conf, struct err *err);

#endif
