/* Plans for tests, built by hand: no manifest is parsed, so that every odd shape can be had. Build with
 * plans_new() and the adders, end with plans_done(), which hashes the nodes and sends the plan through its
 * JSON form as a command would. */
#ifndef TESTS_ORCHESTRATOR_PLANS_H
#define TESTS_ORCHESTRATOR_PLANS_H

#include "plan/plan.h"

/* The project's hash is made of its name. */
struct plan *plans_new(const char *project);
/* A Redis: node "container:<name>", with its image's node, a chosen port, a generated password, a ping. */
struct plan_node *plans_redis(struct plan *plan, const char *name, const char *image);
/* A host process: node "process:<name>"; argv is /bin/sh -c script. */
struct plan_node *plans_process(struct plan *plan, const char *name, const char *script);
/* Replicas <name>-1 … of one process: nodes in a row, found by plan_node_of(). Returns the first. */
struct plan_node *plans_replicas(struct plan *plan, const char *name, int count, const char *script);
/* A connection string that points to another node's endpoint "tcp". */
struct plan_node *plans_value(struct plan *plan, const char *name, const struct plan_node *to);
struct plan_node *plans_network(struct plan *plan);
struct plan_node *plans_volume(struct plan *plan, const char *name);
/* Mounts a volume's node at /data and makes the container one with data. */
void plans_mount(struct plan *plan, struct plan_node *node, const struct plan_node *volume);
/* from waits for to; required. */
void plans_edge(struct plan *plan, struct plan_node *from, const struct plan_node *to, enum plan_until until);
/* A variable with the port of another node's endpoint "tcp". */
void plans_port_variable(struct plan *plan, struct plan_node *node, const char *name,
                         const struct plan_node *of);
/* A variable with a secret that is a certificate, or its key, made for the network's gateway: see plan.h. */
void plans_issued(struct plan *plan, struct plan_node *node, const char *secret, const char *issued);
void plans_variable(struct plan *plan, struct plan_node *node, const char *name, const char *value);
struct plan_port *plans_port(struct plan *plan, struct plan_node *node, int target, int fixed, int preferred);
struct plan_resource *plans_resource(struct plan *plan, const struct plan_node *node, enum model_kind kind);
struct plan *plans_done(struct plan *plan);

#endif
