#include "control/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory of a file that we will make; only one level is made. */
static void own_directory(const char *path, uid_t uid, gid_t gid)
{
	char dir[4096];
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path || (size_t)(slash - path) >= sizeof dir)
		return;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	/* Only what we made is given away: /tmp stays root's. */
	if (mkdir(dir, 0750) == 0 && chown(dir, uid, gid))
		return;
}

bool privilege_drop(const struct conf *conf, struct err *err)
{
	bool given = *conf->user != '\0';
	const char *user = given ? conf->user : "dnsd";
	struct passwd *pw;

	if (geteuid() != 0) {
		own_directory(conf->control, geteuid(), getegid());
		own_directory(conf->store, geteuid(), getegid());
		return true;
	}
	pw = getpwnam(user);
	if (!pw && given)
		return err_add(err, "%s:%u: user: there is no user '%s'",
			conf_key_where(conf, "user").file,
			conf_key_where(conf, "user").line, user);
	own_directory(conf->control, pw ? pw->pw_uid : 0, pw ? pw->pw_gid : 0);
	own_directory(conf->store, pw ? pw->pw_uid : 0, pw ? pw->pw_gid : 0);
	if (!pw) {
		err_warn(err, "running as root: there is no user 'dnsd'");
		return true;
	}
	if (pw->pw_uid == 0)
		return true;
	if (initgroups(user, pw->pw_gid) || setgid(pw->pw_gid) ||
		setuid(pw->pw_uid))
		return err_add(err, "cannot become user '%s': %s", user,
			strerror(errno));
	if (access(conf->path, R_OK))
		err_warn(err,
			"%s: user '%s' may not read it: reloads will fail",
			conf->path, user);
	/* Core files were switched off by the change of user. */
	prctl(PR_SET_DUMPABLE, 1);
	return true;
}
