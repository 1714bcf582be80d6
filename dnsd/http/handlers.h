/* handlers.h - the calls of the API. Each answers its request (request.h), at once or
 * later. Private to http/.
 */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include <stdbool.h>

struct request;

void api_clusters(struct request *r);
void api_drain(struct request *r, const char *node, bool drained);
void api_move(struct request *r, const char *node);
void api_enrol(struct request *r, const char *node);
void api_enrol_remove(struct request *r, const char *node);
void api_events(struct request *r);
void api_explain(struct request *r);
void api_feedback(struct request *r);
void api_heartbeat(struct request *r);
void api_history(struct request *r);
void api_lines(struct request *r);
void api_metrics(struct request *r);
void api_nodes(struct request *r);
void api_path_history(struct request *r);
void api_paths(struct request *r);
void api_pending(struct request *r);
void api_resolve(struct request *r);

/* Decides for a name and client (parameters, or NULL) as DNS would. False: an error was
 * answered. */
struct steer_decision;
bool lines_resolve(struct request *r, const char *name, const char *client,
	struct steer_decision *d);
void api_schedule(struct request *r);
void api_schedule_remove(struct request *r, const char *id);
void api_status(struct request *r);
void api_streams(struct request *r);

#endif
