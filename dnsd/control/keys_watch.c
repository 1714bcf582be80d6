#include "control/keys_watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/build.h"
#include "control/reload.h"
#include "control/state.h"
#include "sign/signer.h"

/* Before another try, when the one before failed. */
#define AGAIN_S 60

/* Renewed at half of their validity, signatures do not come so near to their end. */
#define NEAR_END(validity_s) ((validity_s) / 4)

static void watch_zone(
	struct control *c, const struct zone_signing *zone, int64_t now_s)
{
	if (!zone->changes_s || zone->changes_s > now_s ||
		now_s - c->keys_read_s < AGAIN_S)
		return;
	log_info("a key of a signed zone comes or goes now: reloading");
	c->keys_read_s = now_s;
	reload_run(c, NULL);
}

static bool near_end(
	const struct control *c, const struct signer_figures *f, int64_t now_s)
{
	bool near = false;
	for (unsigned i = 0; i < c->built->n_zones; i++) {
		const struct zone_signing *zone = c->built->signing[i];
		near |= zone && f->expires_s &&
			f->expires_s - now_s < NEAR_END(zone->validity_s);
	}
	return near;
}

void keys_watch(struct control *c)
{
	int64_t now_s = clock_wall_ms() / 1000;
	struct signer_figures figures = signer_figures(c->signer);

	for (unsigned i = 0; i < c->built->n_zones; i++)
		if (c->built->signing[i])
			watch_zone(c, c->built->signing[i], now_s);
	bool near = near_end(c, &figures, now_s);
	if (near && !c->signatures_late)
		log_error(
			"signatures are not renewed: the first one ends in %lld s",
			(long long)(figures.expires_s - now_s));
	else if (!near && c->signatures_late)
		log_info("signatures are renewed again");
	c->signatures_late = near;
}
