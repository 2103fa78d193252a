/* What the files of this room share: one lowering at work. */
#ifndef DEPLOYMENT_INTERNAL_H
#define DEPLOYMENT_INTERNAL_H

#include "deployment/deployment.h"
#include "base/str.h"

/* Stands for the project's hash in the plan that a deployment is made of: names there are nobody's. */
#define DEPLOYMENT_HASH "00000000"

struct lowering {
    const struct model *model; /* the manifest's */
    struct model inside;       /* what is lowered: processes as containers */
    const struct deployment_options *options;
    struct deployment *d;
    struct arena *arena; /* the deployment's */
    struct error *problems;
    size_t problem_count;
};

/* A sentence at a position; hint may be NULL. */
void lowering_problem(struct lowering *l, const struct model_pos *pos, const char *hint, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));
void lowering_take_problem(struct lowering *l, struct error *problem);
void lowering_note(struct lowering *l, const struct model_pos *pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* prepare.c: fills l->inside. */
void lowering_prepare(struct lowering *l);
/* Is it left out of what is deployed? */
bool lowering_is_left_out(const struct model_resource *resource);
/* report.c: every field of a resource that is not kept is refused, or a note. */
void lowering_report_fields(struct lowering *l);
/* services.c: d->plan read as services. */
void lowering_add_services(struct lowering *l);
/* server.c: what is other for a server: its files, how it is started, how it is asked. */
void lowering_add_server(struct lowering *l, struct deployment_service *service,
                         const struct plan_node *node);
/* authority.c: files of this machine that become files of a service. */
bool lowering_is_authority(const struct lowering *l, const struct plan_mount *mount);
void lowering_add_authorities(struct lowering *l, struct deployment_service *service,
                              const struct plan_node *node);
void lowering_add_pem(struct lowering *l, struct deployment_file *file, const char *path,
                      const struct model_pos *pos);
void lowering_move_path(struct lowering *l, struct plan_text *text, const char *from, const char *to);
/* check.c */
void lowering_add_check(struct lowering *l, struct deployment_service *service, const struct plan_node *node);
/* nodes.c: of a topology. A line for the shell that is true as soon as a node is what it should be: `answers`
 * is one that is true when it answers, `client` the start of a command to it. */
const char *lowering_node_check(struct lowering *l, const char *answers, const char *client);
void lowering_check_nodes(struct lowering *l, const struct model_resource *server);
/* On Kubernetes they are one service. */
void lowering_gather_nodes(struct lowering *l);
/* order.c: needs, and each service behind what it needs. */
void lowering_add_needs(struct lowering *l);
void lowering_sort(struct lowering *l);
/* secrets.c: those that texts of the deployment have. */
void lowering_collect_secrets(struct lowering *l);

/* The folder of files of secrets inside, by target. */
const char *lowering_folder(const struct lowering *l);
/* Texts of the deployment's arena. */
struct plan_text lowering_literal(struct lowering *l, const char *text);
struct plan_text lowering_join(struct lowering *l, const struct plan_text *texts, size_t count);

#endif
