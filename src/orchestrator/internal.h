/* What the files of the orchestrator do for each other: one paragraph a file, from below to above, and the
 * units that they form. No file needs one above it, nor one of a unit above its own (scripts/check-order);
 * what a lower one has to ask of a higher one goes through the node's kind (struct node_kind) or through the
 * three pointers of struct orchestrator that orchestrator_new() sets. */
#ifndef ORCHESTRATOR_INTERNAL_H
#define ORCHESTRATOR_INTERNAL_H

#include "orchestrator/facts_note.h"
#include "orchestrator/node.h"
#include "orchestrator/want.h"
#include "redis/redis.h"

/* ==== core: a node, what is known of it, and the operation that is under way ==== */

/* ---- node.c ---- */
int64_t node_now(const struct node *node);
void node_wake(struct node *node);
/* Something may have changed in what is shown of it. */
void node_touch(struct node *node);
void node_wake_neighbours(struct node *node);
void orchestrator_wake_all(struct orchestrator *o);
/* The requests are to be looked at. */
void requests_changed(struct orchestrator *o);
/* Something that late values are made of has changed. */
void values_changed(struct orchestrator *o);
struct node *node_find(const struct orchestrator *o, const char *id);
const struct plan_resource *node_resource(const struct node *node);
/* The node of a resource's name (with replicas the first) or of a replica's, or NULL. */
struct node *node_of_resource(struct orchestrator *o, const char *resource);
/* Is it the name of its resource, or of the replica that it is? */
bool node_is_named(const struct node *node, const char *name);
/* The resource that it is a replica of, or NULL. */
const char *node_replica_of(const struct node *node);
/* As people know it: its resource, else its own name; where that says too little, its id. */
const char *node_shown_name(const struct node *node);
const char *node_exact_name(const struct node *node);
/* Another replica of the same resource is wanted: who needs the resource can do without this one. */
bool node_has_stand_in(const struct node *node);
/* kind: enum plan_node_kind. */
bool node_is(const struct node *node, int kind);
/* May an instance of the one use the other, a network or a volume, without saying so? */
bool node_may_use(const struct node *user, const struct node *shared);
struct node *image_of(struct node *node);
struct node *network_of(struct orchestrator *o);
const struct plan_probe *node_probe(const struct node *node);
int port_of(const struct node *node, const char *endpoint);

/* ---- predicates.c ---- */
bool engine_is_listed(const struct orchestrator *o);
bool node_needs_engine(const struct node *node);
bool node_is_server(const struct node *node);
/* Something of it exists that a dependency must outlive. */
bool node_is_alive(const struct node *node);
/* Nothing of it exists. */
bool node_is_gone(const struct node *node);
bool node_is_absent(const struct node *node);  /* the engine has none; what is not known is not gone */
bool node_is_over(const struct node *node);    /* a process that ended as it should */
bool node_succeeded(const struct node *node);  /* the exit code is one of success */
bool node_is_current(const struct node *node); /* what is there is as it is wanted */
/* Up table or down table? */
bool node_is_going_down(const struct node *node);
/* The down table ends with stopped, not with removed. */
bool node_stops_only(const struct node *node);
bool node_is_ready_by_running(const struct node *node);
/* Until when an instance that is ready by running has to run on; 0: it did, or has a readiness of its own. */
int64_t node_settled_ms(const struct node *node);
/* A process that reads its configuration from standard input: see native.c. */
bool native_is_server(const struct node *node);
/* The folder of a volume node of the native engine, or NULL. */
const char *native_folder(const struct node *node);
/* A folder that nothing is kept in: it goes with every `down`. */
bool native_is_scratch(const struct node *node);
/* Limits of rows. */
struct limit goal_ready_limit(const struct node *node);
struct limit goal_task_limit(const struct node *node); /* the same, but a task takes as long as it takes */
struct limit goal_object_limit(const struct node *node);
struct limit goal_forever(const struct node *node);

/* ---- facts_note.c: see facts_note.h ---- */

/* ---- moment.c ---- */
/* Until now the node worked on its goal, or on what it is doing. */
void moment_of_goal(const struct node *node);
void moment_of_op(const struct node *node);

/* ---- slots.c ---- */
bool slot_take(struct node *node);
void slot_release(struct node *node);

/* ---- engine_lost.c ---- */
void engine_need(struct orchestrator *o);
bool engine_is_needed(const struct orchestrator *o);
void engine_lose(struct orchestrator *o, const struct error *err);
/* Asks for a fresh look at everything. */
void engine_look_again(struct orchestrator *o);

/* ---- ops.c ---- */
/* What one operation came to: call node_op_end() first in every engine callback. */
void node_op_begin(struct node *node, enum op what, struct engine_op *op);
void node_op_end(struct node *node);
void node_op_cancel(struct node *node);
/* An operation failed: engine trouble, passing trouble or failure for good. */
void node_op_failed(struct node *node, const struct error *err);
/* Failed for good (until the next request), whichever way it is on; fetches the last lines first where there
 * are some to fetch. */
void node_give_up(struct node *node, const struct error *err);
/* The same, of what is done on the way up only. An answer that comes when nobody wants that any more has
 * failed nothing: what is there is looked at anew, and goes. */
void node_fail(struct node *node, const struct error *err);
/* The same, of an error that is made of node_last_words(): they need not be told beside it. */
void node_fail_in_words(struct node *node, const struct error *err);
void node_fail_text(struct node *node, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void node_clear_failure(struct node *node);

/* ---- decide.c ---- */
/* Notes once per request what is done with the node and why: "created", "reused", "recreated", … */
void node_decide(struct node *node);
/* The same for what the new plan no longer has. */
void decide_to_send_away(struct node *node);
const char *decision_of(struct orchestrator *o, const struct plan_node *spec, char **explain);
/* What differs from what is there. The caller frees. */
char *decide_explain(struct orchestrator *o, const struct node *node, const struct plan_node *spec);

/* ==== values: what is known late: where, ports, secrets, and what is made of them ==== */

/* ---- outside.c ---- */
/* What the engine said about our own container: its Mounts, or NULL. Copied. */
void outside_note(struct orchestrator *o, const cJSON *mounts);
/* A mount's source as the engine's machine has it; the caller frees. NULL: it does not see it. */
char *outside_source(const struct orchestrator *o, const struct plan_mount *mount);
/* Fails the node when it is to have what the engine does not see. */
bool outside_refuses(struct node *node);

/* ---- place.c: where published ports are reached ---- */
bool place_is_met(const struct node *root);
void place_find(struct node *root);
const char *place_host(const struct orchestrator *o);
/* The gateway of the project's network; NULL: not known (yet). */
const char *place_gateway(struct orchestrator *o);
/* As a text has it (IPv6 in brackets); NULL: not known yet. */
const char *place_in_text(struct orchestrator *o);
const char *place_of_port(const struct orchestrator *o, const struct plan_port *port);
/* What the node's probe tries now; and that it was answered there. True: that has just proven where all ports
 * are. */
const char *place_to_try(const struct node *node, const struct plan_port *port);
bool place_prove(struct node *node);
/* The addresses that a port is published on. */
int place_count(const struct orchestrator *o, const struct plan_port *port);
const char *place_bind(const struct orchestrator *o, const struct plan_port *port, int i);
/* The entry of a container's extra hosts: the processes of this machine may be somewhere else than its
 * engine. */
const char *place_extra_host(const struct node *node, const char *entry);
/* The part of the node's digest. */
void place_add(const struct node *node, struct strbuf *out);
/* Fails the node when what it publishes cannot be reached from here. */
bool place_refuses(struct node *node);
/* Looks once whether the engine published anything of the node, and fails it when not. */
void place_look(struct node *node);

/* ---- secrets.c ---- */
void secrets_take(struct orchestrator *o, const struct plan *plan);
/* What takes the values of today out of a text; allocated, the caller's. */
struct scrub *secrets_scrub(struct orchestrator *o);
const char *secret_value(struct orchestrator *o, const char *name);
/* Finds or makes all values that the wanted nodes need; false when the state could not be written (error). */
int secrets_settle(struct orchestrator *o, struct error *err);
/* Does the node use a secret that nobody knows, but a running container may? */
bool secrets_missing(const struct node *node);
/* Reads secrets back from the environment of the node's container. */
void secrets_read_back(struct node *node, const cJSON *environment);
void secrets_free(struct orchestrator *o);
void secrets_digest_key(struct orchestrator *o);

/* ---- ports.c ---- */
/* Chooses ports for every wanted node that can have them now; one write of the state. */
int ports_settle(struct orchestrator *o, struct error *err);
/* The next free port instead of one that turned out to be taken. false: it was fixed. */
bool ports_move(struct node *node, int taken);
void ports_from_label(struct node *node, const char *label);
char *ports_label(const struct node *node);

/* ---- nodes.c ---- */
struct node *node_new(struct orchestrator *o, const char *id,
                      int kind); /* enum plan_node_kind, NODE_ENGINE */
void node_set_spec(struct node *node, struct plan_ref *origin, const struct plan_node *spec);
void node_link(struct node *node, struct node *to, enum plan_until until, bool required);
void nodes_link(struct orchestrator *o);
void plan_ref_drop(struct plan_ref *ref);
void node_drop_ports(struct node *node);
void node_remember_bonds(struct node *node);
/* What a container that stays needs stays as well. */
void nodes_settle_wants(struct orchestrator *o);

/* ---- present.c: servers that are one, and change their roles ---- */
/* Of a first node who is primary now, and the other way round; else the node itself. */
struct node *present_node(struct node *node);

/* ---- values.c ---- */
struct plan_lookup values_lookup(struct orchestrator *o);
/* The same, and of servers that are one whoever is primary now stands where the plan has the first node. */
struct plan_lookup values_lookup_present(struct orchestrator *o);
/* What the node's next instance is started with: a process gets what is so now. */
struct plan_lookup values_lookup_for(const struct node *node);
/* Digest of the node's resolved values (borrowed), or NULL while one is missing (node->missing). */
const char *values_digest(struct node *node);
/* The same as it was computed last, or NULL. */
const char *values_known_digest(const struct node *node);
/* Does a container's environment (the engine's list) hold what it would be given now? What is not known yet
 * counts as equal. For containers whose digest was made with a key that the state has lost. */
bool values_match(struct node *node, const cJSON *environment);
/* argv of entrypoint or command; false when a value is missing. */
bool values_list(const struct node *node, const struct plan_text *texts, size_t count, struct strlist *out);
bool values_environment(struct node *node, struct strlist *out);
char *values_resolve(struct orchestrator *o, const struct plan_text *text);
/* The same of a text that may be left out: NULL then. */
char *values_resolve_given(struct orchestrator *o, const struct plan_text *text);
/* Ports and secrets for all that can have them now, in one write of the state. */
void values_settle(struct orchestrator *o);

/* ==== rows: the tables' work that all kinds share ==== */

/* ---- goals.c ---- */
bool link_is_met(const struct link *link);
/* The dependency whose failure keeps the node from starting; on the way down, the user that failed to go and
 * holds a network or a volume; or NULL. */
struct node *node_blocker(const struct node *node);
struct node *node_waits_for(const struct node *node);
bool node_has_current_values(const struct node *node);
/* An engine that was never reached has nothing of ours. */
void node_learn_nothing(struct node *node);
/* Shared rows. */
bool goal_waiting_met(const struct node *node);
bool goal_unused_met(const struct node *node);
bool goal_connected_met(const struct node *node);
bool goal_calm_met(const struct node *node);

/* ---- blame.c ---- */
/* The first failed dependency, down to the node that failed itself; the node where none has. */
const struct node *report_root_cause(const struct node *node);
/* What went wrong with the node: its own failure or the one it is derived from. */
void report_node_error(const struct node *node, struct error *err);
/* What another resource's failure came to: "api was not started". The caller frees; NULL: it is its own. */
char *report_consequence(const struct node *node);

/* ---- state.c ---- */
const char *node_state_name(enum node_state state);
/* Takes over detail. */
void node_set_state(struct node *node, enum node_state state, char *detail);
void node_set_detail(struct node *node, int64_t current, int64_t total, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ==== kinds: what only some kinds do; with engine_root.c, goals_container.c, goals_image.c,
 * goals_network.c, goals_process.c, goals_value.c, goals_volume.c, kinds.c ==== */

/* ---- holder.c ---- */
/* Fails the node with ERROR_PORT for its fixed port that is taken: asks the engine which container has it,
 * else looks into /proc. */
void holder_fail(struct node *node);

/* ---- listening.c ---- */
/* Adds what the node listens on, when its endpoint does not answer. */
void listening_hint(const struct node *node, struct error *err);

/* ---- spec.c ---- */
cJSON *spec_container(struct node *node);
cJSON *spec_labels(const struct node *node, const char *digest);

/* ---- elsewhere.c ---- */
/* How a connection string's server, or an external service, is asked. */
struct elsewhere {
    struct probe_options options;
    const char *why; /* it cannot be, when it cannot */
    struct redis_target target;
    char *host; /* what the options point to */
};
/* text: the resolved one. */
bool elsewhere_find(struct elsewhere *place, const struct plan_node *spec, const char *text);
void elsewhere_fini(struct elsewhere *place);

/* ---- server.c ---- */
struct redis_conn_options;
struct redis_conn;
/* Where the node's server is, with the default user's password; server_forget() wipes and frees it. */
struct redis_conn_options server_access(struct node *node, char **password);
void server_forget(char *password);
/* A connection to it. on_lost gets `data`, and so do replies. */
struct redis_conn *server_open(struct node *whom,
                               void (*on_lost)(const struct error *err, bool final, void *data), void *data);

/* ---- saving.c: what has to be saved before the end ---- */
bool saving_is_met(const struct node *node);
void saving_start(struct node *node);
struct limit saving_limit(const struct node *node);
/* Cancels it. */
void saving_stop(struct node *node);

/* ---- forming.c: servers that are one ---- */
bool forming_is_met(const struct node *node);
/* Its role may be another one: it was cut off, or is back. */
void forming_look(struct node *node);
void forming_start(struct node *node);
/* Its instance is no part of it any more. */
void forming_leave(struct node *node);
/* Itself, or where it is a replica, who is primary in its place. */
struct node *forming_writable(struct node *node);
/* The next primary of the same cluster, from *at on, that is not this node; NULL: there is no more. */
struct node *forming_next_primary(const struct node *node, size_t *at);
/* What is missing, in words; NULL: nothing that we know of. */
const char *forming_trouble(const struct node *node);
/* The same once it takes its time: a cold start passes by many such words. */
const char *forming_delay(const struct node *node);

/* ---- goals_join.c: on the project's network, or off it ---- */
bool container_is_joined(const struct node *node);
void container_join(struct node *node);

/* ---- output.c ---- */
/* A line of our own among those of the resource. */
void output_say(struct node *node, const char *line);
struct log_writer *output_open(struct node *node);
void output_follow(struct node *node);
void output_unfollow(struct node *node);
void output_free(struct node *node);
/* The last lines, or NULL; the caller frees. */
char *output_tail(const struct node *node);

/* ---- native.c ---- */
/* How a native server is to be spawned so that others find it later. */
int native_prepare(struct node *node, struct process_options *options, char **output_path, struct error *err);
void native_started(struct node *node);
void native_ended(struct node *node);
/* Lets a persistent server run on, and notes where the next session goes on with it. */
void native_release(struct node *node);
/* Adopts the recorded servers that still run; once. */
void native_survey(struct orchestrator *o);
/* A node for every folder with data in the state. */
void native_find_folders(struct orchestrator *o);
/* Makes the volume's folder; one that keeps nothing is made anew. */
int native_make_folder(struct node *node, struct error *err);

/* ---- sensor.c ---- */
void sensor_start(struct node *node);
void sensor_stop(struct node *node);
/* What was known is known no more: it is asked from the beginning. */
void sensor_again(struct node *node);
const struct error *sensor_error(const struct node *node);

/* ---- seed.c ---- */
bool seed_is_met(const struct node *node);
void seed_start(struct node *node);

/* ---- users.c ---- */
bool users_are_met(const struct node *node);
void users_start(struct node *node);
/* Nothing is known of the server's users: it is another one. */
void users_forget(struct node *node);

/* ---- instance.c ---- */
void node_instance_started(struct node *node);
void node_instance_ended(struct node *node);
/* An instance ended by itself: restart, completed or failed. */
void node_judge_exit(struct node *node);
/* "ended with exit code 1", "was ended by signal 9 (out of memory)"; `when` stands after the verb. Caller
 * frees. */
char *node_exit_text(const struct node *node, const char *when);
/* Of something that should run and ended well in its first seconds: words for that, else NULL. */
char *node_early_end_text(const struct node *node);
/* Under which a task counts as completed. */
char *task_key(const struct node *node);

/* ---- facts.c ---- */
/* Nothing is there. */
void facts_gone(struct node *node);
void facts_of_container(struct node *node, const struct engine_container *container, bool inspected);
void facts_of_list(struct orchestrator *o, const struct engine_container *containers, int count);
void facts_of_event(struct orchestrator *o, const struct engine_event *event);
const char *label_of(const struct engine_container *container, const char *name);
/* Is the container in the project's network? */
bool facts_is_member(const struct node *node, const struct engine_container *container);
/* The effect of what is in flight was seen: its answer has a moment more. */
void facts_note_effect(struct node *node);

/* ---- glance.c ---- */
void glance_if_due(struct node *node);
/* The kind's callback of a glance calls it, last. */
void glance_over(struct node *node, bool shows_effect);

/* ---- goals_shared.c: rows of networks and volumes ---- */
bool shared_is_known(const struct node *node);
bool shared_is_there(const struct node *node);
bool shared_is_gone(const struct node *node);
void shared_on_removed(const struct engine_result *result, const struct error *err, void *node);

/* ---- container_start.c ---- */
void container_start(struct node *node);
struct limit container_start_limit(const struct node *node);

/* ---- watching.c ---- */
/* Begins or ends to watch the files that the node names, as it is wanted now. */
void watching_settle(struct node *node);
void watching_leave(struct node *node);

/* ---- persist.c ---- */
void persist_spec(struct node *node);
void persist_flush(void *orchestrator);

/* ==== step: which row is next ==== */

/* ---- step.c ---- */
void node_step(void *node);
/* What kept it from its goal, as far as anybody said; or NULL. */
const char *node_last_words(const struct node *node);

/* ==== requests: what is asked for and told; with edges.c, environment.c, orchestrator.c, verbs.c ==== */

/* ---- view.c ---- */
enum view_state node_view_state(const struct node *node);
bool node_is_shown(const struct node *node);
bool node_is_shown_as_resource(const struct node *node); /* else among the others */
/* These borrow from the nodes, until the next turn. */
struct view_resource node_record(struct node *node, struct arena *arena);
struct view_engine engine_record(const struct orchestrator *o, struct arena *arena);

/* ---- report.c ---- */
cJSON *report_of(const struct request *request);
/* What applying the plan would do: {"resources": [{"name","decision","explain"}]}. */
cJSON *report_dry_run(struct orchestrator *o, const struct plan *plan);

/* ---- changes.c ---- */
/* So much has changed that all is to be told again. */
void changes_whole(struct orchestrator *o);
/* The node is about to be freed. */
void changes_forget(struct node *node);
void changes_free(struct orchestrator *o);
void changes_tell(struct orchestrator *o);

/* ---- reap.c ---- */
void node_free(struct node *node);
/* Frees what nobody wants, asked for or has. */
void nodes_reap(struct orchestrator *o);

/* ---- request.c ---- */
struct request *request_new(struct orchestrator *o, enum request_kind kind, orchestrator_done_cb *done,
                            void *data);
void request_target(struct request *request, struct node *node);
void request_target_all(struct request *request);
/* timeout_ms 0: the default; < 0: none. Returns the request's id. */
orchestrator_request request_start(struct request *request, int64_t timeout_ms);
void request_free(struct request *request);
/* Something of the project has gone: for the list that `down` reports. */
void requests_note_removed(const struct node *node);
void requests_settle(void *data);

/* ---- apply.c ---- */
/* The node must come up (again): failures are forgotten. */
void node_want_up(struct node *node);

#endif
