/* privilege.h - from root to the configured user, after binding. */
#ifndef CONTROL_PRIVILEGE_H
#define CONTROL_PRIVILEGE_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

/* Makes the directories of the control socket and the store if they are
 * missing, gives them to the user, and becomes the user. Not root: nothing to
 * drop. Without `user` in the configuration it is "dnsd" if there is such a
 * user; else root stays, with a warning. False with a message if what was
 * configured can't be done. */
bool privilege_drop(const struct conf *conf, struct err *err);

#endif
