/* control.h - the control thread: starts all others, polls the nodes,
 * publishes snapshots, reloads.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

/* Serves with the configuration at path until it is stopped. The exit
 * status of the program: 0 after a clean stop, 1 if it could not start.
 * take_over: the descriptor of takeover.h; negative: no other process is there. */
int control_run(const char *path, int take_over);

#endif
