/* What the files of this room share: late values in JSON, and the records. */
#ifndef PLAN_INTERNAL_H
#define PLAN_INTERNAL_H

#include "plan/plan.h"
#include "record/record.h"

/* is_spec: as a specification has it, where a late host is settled. */
cJSON *plan_text_to_json(const struct plan_text *text, bool is_spec);
bool plan_text_from_json(const cJSON *json, struct arena *arena, struct plan_text *text);

RECORD_OF(plan_record_run, struct plan_run);
RECORD_OF(plan_record_node, struct plan_node);
RECORD_OF(plan_record_resource, struct plan_resource);
RECORD_OF(plan_record_secret, struct plan_secret);

#endif
