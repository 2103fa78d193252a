/* Requests of clients as such: kept while they are under way, and what they ask for as a structure. */
#include "supervisor/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <utlist.h>

struct verb_request *supervisor_begin(const struct call *call)
{
    struct verb_request *request = xcalloc(1, sizeof *request);
    *request = (struct verb_request){
        .supervisor = call->s, .client = call->client, .id = call->id, .verb = call->verb};
    DL_APPEND(call->s->requests, request);
    return request;
}

void supervisor_forget(struct verb_request *request)
{
    DL_DELETE(request->supervisor->requests, request);
    cJSON_Delete(request->harvest);
    cJSON_Delete(request->details);
    if (request->op)
        engine_cancel(request->supervisor->engine, request->op);
    error_clear(&request->error);
    free(request);
}

const void *supervisor_read(const struct call *call, const struct record *record, struct arena *arena)
{
    cleanup_error struct error error = {0};
    void *request = arena_alloc(arena, record->size);
    if (!record_read(record, call->message, arena, request, &error))
        return request;
    control_send_done(call->client, call->id, &error, NULL);
    return NULL;
}
