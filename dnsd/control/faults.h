/* faults.h - what is asked of nodes again and again and fails: said once, when the
 * reason changes, and when it is over (struct log_fault), and a fleet that fails as
 * a whole fills no log. Control thread only.
 */
#ifndef CONTROL_FAULTS_H
#define CONTROL_FAULTS_H

struct faults;

enum fault_of {
	FAULT_POLL,
	FAULT_RTMP,
	FAULT_FLV,
	FAULT_SRT,
	FAULT_WHEP,
	FAULT_STREAMS,
	FAULT_CLIENTS,
	FAULT_HEARTBEAT,
	FAULTS
};

struct faults *faults_new(void);
void faults_free(struct faults *faults); /* NULL allowed */

/* It failed, or not (why NULL). name: of the node, for the log. */
void faults_note(struct faults *faults, unsigned node, const char *name,
	enum fault_of what, const char *why);

/* The node's number means another from now on. */
void faults_forget(struct faults *faults, unsigned node);

#endif
