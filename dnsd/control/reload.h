/* reload.h - the configuration built anew, and swapped in whole if it holds. Control
 * thread only; the build is a job of the builder (builder.h).
 */
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

#include "control/call.h"
#include "control/enrolled.h"

struct control;

/* CALL_RELOAD, or NULL: no caller waits for it. A reload that was asked for and has not
 * begun answers this call as well; what changed after a build began may not be in
 * it, so then there is another. */
void reload_run(struct control *c, struct call *call);

/* A build with changes: of the enrolled nodes, or of a zone of another name server. Part
 * of a struct of the caller's, which stays until done() or drop(). */
struct reload_change {
	struct enrol_change change; /* name NULL: none */
	const char *next;           /* as in struct build_how */
	/* It is in service (why NULL), or does not hold. */
	void (*done)(struct reload_change *change, const char *why);
	void (*drop)(struct reload_change *change); /* the server stops */
};
void reload_with(struct control *c, struct reload_change *change);

#endif
