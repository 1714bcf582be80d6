/* Where a client would go, and why. */
#include "base/clock.h"
#include "client/decision.h"
#include "http/handlers.h"
#include "http/request.h"

void api_explain(struct request *r)
{
	struct steer_query query;
	struct steer_decision d;
	struct steer_trace trace;
	struct decision_of of = {.state = &r->snap->steer,
		.name = request_param(r, "name"),
		.query = &query,
		.decision = &d,
		.trace = &trace};

	if (!request_client(
		    r, of.name, request_param(r, "client"), &query, &of.scope))
		return;
	steer_decide(
		of.state, r->http->accounts, &query, clock_ms(), &d, &trace);
	request_json(r, 200, decision_json(&of));
}
