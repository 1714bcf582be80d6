/* files.h - what the files alone say, when no server runs: all nodes up and
 * empty, nothing reserved, paths by distance.
 */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "control/build.h"
#include "steer/steer.h"

/* What is said before their answer. */
#define FILES_ALONE \
	"no running server: decided from the files alone, all nodes up and empty, paths by distance\n"

struct files {
	struct built *built;
	struct fleet *fleet;
	struct load *load;
	struct steer_state state;
	int64_t now_ms;
};

/* False, with messages in err, if the files can't be used. files_close() in any
 * case. */
bool files_open(struct files *files, const char *conf_path, struct err *err);
void files_close(struct files *files);

#endif
