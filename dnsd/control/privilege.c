#include "control/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* -- whether the user can read what a reload will read -- */

static bool may_read(struct conf_where where, const char *what,
	const char *path, const char *user, struct err *err)
{
	if (!path || !*path || !access(path, R_OK))
		return true;
	return err_add(err, "%s:%u: %s: user '%s' cannot read %s: %s",
		where.file, where.line, what, user, path, strerror(errno));
}

/* A file of the configuration: one message for each. */
static bool may_read_conf(
	const char **last, const char *path, const char *user, struct err *err)
{
	if (!path || (*last && !strcmp(*last, path)))
		return true;
	*last = path;
	return may_read(
		(struct conf_where){path, 1}, "configuration", path, user, err);
}

static bool may_read_all(
	const struct conf *conf, const char *user, struct err *err)
{
	const char *last = NULL;
	bool ok = may_read_conf(&last, conf->path, user, err);

	for (unsigned i = 0; i < conf->n_keys; i++)
		ok &= may_read_conf(&last, conf->keys[i].where.file, user, err);
	for (unsigned i = 0; i < conf->n_nodes; i++)
		ok &= may_read_conf(
			&last, conf->nodes[i].where.file, user, err);
	for (unsigned i = 0; i < conf->n_zones; i++)
		ok &= may_read(conf->zones[i].where, conf->zones[i].name,
			conf->zones[i].file, user, err);
	for (unsigned i = 0; i < conf->geoip.n; i++)
		ok &= may_read(conf->geoip.where[i], "geoip",
			conf->geoip.text[i], user, err);
	ok &= may_read(
		conf_key_where(conf, "nets"), "nets", conf->nets, user, err);
	ok &= may_read(conf_key_where(conf, "cookie_secret"), "cookie_secret",
		conf->cookie_secret, user, err);
	ok &= may_read(conf->tls.where, "cert", conf->tls.cert, user, err);
	ok &= may_read(conf->tls.where, "key", conf->tls.key, user, err);
	ok &= may_read(
		conf->public.where, "cert", conf->public.cert, user, err);
	ok &= may_read(conf->public.where, "key", conf->public.key, user, err);
	return ok;
}

/* -- for good -- */

/* What no program started from here could have again. Needs root. */
static bool empty_bounding_set(void)
{
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) && errno != EINVAL)
			return false;
	return true;
}

/* All sockets are bound: no capability is needed any more. */
static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) == 0;
}

/* Neither a program with more rights, nor a core file with the secrets. */
static void lock(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0);
}

static bool become(const struct passwd *pw, struct err *err)
{
	if (!empty_bounding_set() || initgroups(pw->pw_name, pw->pw_gid) ||
		setgid(pw->pw_gid) || setuid(pw->pw_uid) ||
		!drop_capabilities())
		return err_add(err, "cannot become user '%s': %s", pw->pw_name,
			strerror(errno));
	return true;
}

static void own_directories(const struct conf *conf, uid_t uid, gid_t gid)
{
	own_directory(conf->control, uid, gid);
	own_directory(conf->store, uid, gid);
}

bool privilege_drop(const struct conf *conf, struct err *err)
{
	bool given = *conf->user != '\0';
	const char *user = given ? conf->user : "dnsd";
	struct passwd *pw;

	if (geteuid() != 0) {
		own_directories(conf, geteuid(), getegid());
		lock();
		return drop_capabilities() ||
			err_add(err, "cannot drop capabilities: %s",
				strerror(errno));
	}
	pw = getpwnam(user);
	if (!pw && given)
		return err_add(err, "%s:%u: user: there is no user '%s'",
			conf_key_where(conf, "user").file,
			conf_key_where(conf, "user").line, user);
	own_directories(conf, pw ? pw->pw_uid : 0, pw ? pw->pw_gid : 0);
	if (!pw)
		err_warn(err, "running as root: there is no user 'dnsd'");
	bool drops = pw && pw->pw_uid != 0;
	if (drops && !become(pw, err))
		return false;
	lock();
	return !drops || may_read_all(conf, user, err);
}
