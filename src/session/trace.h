/* --trace FILE: a run as Chrome trace events (JSON), for chrome://tracing, Perfetto and the like.
 *
 * One lane a node, with its rows and below them its operations, transitions as instants; and a lane of the
 * command's own phases. Happy path: trace_open() before anything is begun, so that a file that cannot be
 * written stops it; trace_follow() once there is a supervisor; trace_phase() as the command goes on;
 * trace_close() at the end. Written as it comes: what a command leaves that was killed is what came until
 * then, and viewers read it without its last bracket. Only what happened since trace_open() is written.
 *
 * All take NULL: nothing is traced. Ownership: the trace is the caller's, the client has to outlive it. */
#ifndef SESSION_TRACE_H
#define SESSION_TRACE_H

#include "session/client.h"

struct trace;
/* path NULL: NULL, and no error. */
struct trace *trace_open(const char *path, struct error *err);
void trace_follow(struct trace *trace, struct client *client);
/* The phase before ends. */
void trace_phase(struct trace *trace, const char *phase);
/* Fetches what has not come yet. -1: not all could be written. */
int trace_close(struct trace *trace, struct error *err);

#endif
