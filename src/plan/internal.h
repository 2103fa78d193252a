/* What the files of this room share: late values in JSON, and the records. */
#ifndef PLAN_INTERNAL_H
#define PLAN_INTERNAL_H

#include "plan/plan.h"
#include "record/record.h"

/* is_spec: as a specification has it, where a late host is settled. */
cJSON *plan_text_to_json(const struct plan_text *text, bool is_spec);
bool plan_text_from_json(const cJSON *json, struct arena *arena, struct plan_text *text);

RECORD_OF(plan_record_run, struct plan_run);
/* A late text by itself: a word of a command line. */
RECORD_OF(plan_record_word, struct plan_text);
RECORD_OF(plan_record_probe, struct plan_probe);
RECORD_OF(plan_record_node, struct plan_node);
RECORD_OF(plan_record_resource, struct plan_resource);
RECORD_OF(plan_record_secret, struct plan_secret);

/* forms.c: rows that are told in another way than by name and type. */
extern const struct record_form plan_form_text, plan_form_words, plan_form_input, plan_form_environment,
    plan_form_labels, plan_form_ports, plan_form_mounts, plan_form_pull, plan_form_signal,
    plan_form_stop_timeout, plan_form_interval, plan_form_timeout, plan_form_size, plan_form_network,
    plan_form_restart, plan_form_users, plan_form_topology, plan_form_probe, plan_form_hidden;

#endif
