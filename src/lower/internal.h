/* The lowering's own context, shared by the files of this room: one file a concern.
 *
 * lower.c drives: secrets, then a node (and its image and volumes) for every active resource, then edges and
 * hashes. A consumer is the resource whose text or environment is being lowered: its vantage decides every
 * address. */
#ifndef LOWER_INTERNAL_H
#define LOWER_INTERNAL_H

#include "lower/lower.h"
#include "base/str.h"

struct lower {
    const struct model *model;
    const struct plan_context *context;
    struct plan *plan;
    struct arena *arena; /* the plan's */
    struct error *problems;
    size_t problem_count;
    bool *on_network; /* by index of the resource: must join the project's network */
    bool native;      /* no containers: servers are processes of this machine */
    int sidecars;
    struct lower_entry *table; /* nodes by id, until the plan has its own index */
};

struct consumer {
    const struct model_resource *resource;
    bool in_container;
    bool is_sidecar;          /* no resource of the model: joins the network by itself */
    bool needs_gateway;       /* refers to a process of the host from a container */
    struct strlist ca_mounts; /* containers: \"host path<tab>path inside\" of authorities they need */
    struct plan_node *node;   /* gets edges; NULL: exports */
    int replica;              /* which one of a process with replicas it is; 0: no replica */
    int target_replica;       /* whose address is meant; 0: the first one's, or one's own */
};

/* Appends a problem at a position; ERROR_MANIFEST. */
void lower_problem(struct lower *l, const struct model_pos *pos, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void lower_warning(struct lower *l, const struct model_pos *pos, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
struct plan_node *lower_add_node(struct lower *l, enum plan_node_kind kind, const char *name,
                                 const char *resource);
void lower_add_edge(struct lower *l, struct plan_node *from, const struct plan_edge *edge);
/* Id of the resource's main node, with replicas of the first one's; arena. */
const char *lower_node_id(struct lower *l, const struct model_resource *resource);
bool lower_has_replicas(const struct model_resource *resource);

/* 1, or 0: there is one node, without a number. */
int lower_first_replica(const struct model_resource *resource);

/* Until when one waits who says nothing about it. */
enum plan_until lower_usual_wait(const struct model_resource *target);

/* The table of nodes by id; the plan has its own index from then on. */
void lower_forget_nodes(struct lower *l);
/* How many nodes a resource has: 1, or its replicas. */
int lower_node_count(const struct model_resource *resource);
/* A replica's name (from 1), or the resource's own for 0; arena. And the id of its node. */
const char *lower_replica_name(struct lower *l, const struct model_resource *resource, int replica);
const char *lower_replica_id(struct lower *l, const struct model_resource *resource, int replica);
/* Edges to all nodes of `to`. */
void lower_wait_for(struct lower *l, struct plan_node *from, const struct model_resource *to,
                    const struct plan_edge *how);
struct plan_node *lower_find(struct lower *l, const char *id);
void lower_join_network(struct lower *l, const struct model_resource *resource);

/* ---- texts ---- */
struct text_builder {
    struct arena *arena;
    struct plan_text text;
    size_t capacity;
    struct strbuf literal;
};
void text_literal(struct text_builder *b, const char *text);
void text_port(struct text_builder *b, const char *node, const char *endpoint);
/* NULL: the late host where published ports are reached. */
void text_host(struct text_builder *b, const char *host);
void text_gateway(struct text_builder *b);
void text_secret(struct text_builder *b, const char *name, enum plan_filter filter);
void text_append(struct text_builder *b, const struct plan_text *text);
struct plan_text text_finish(struct text_builder *b);
struct plan_text text_of(struct arena *arena, const char *literal);
/* A model text as this consumer sees it. */
struct plan_text lower_text(struct lower *l, struct consumer *c, const struct model_text *text);
/* One property of a resource as this consumer sees it; false (with a problem) when it has none. */
bool lower_get(struct lower *l, struct consumer *c, const struct model_part *part, struct text_builder *out);

/* ---- addresses ---- */
struct address {
    const char *host; /* NULL: late, the published host or the gateway */
    bool at_gateway;
    int port; /* 0: late: node and endpoint */
    const char *node, *endpoint;
    const char *scheme;
};
/* endpoint NULL: the first, or the server's. false when it has none. */
bool lower_address(struct lower *l, struct consumer *c, const struct model_resource *target,
                   const char *endpoint, struct address *address);
void text_address(struct text_builder *b, const struct address *address); /* "host:port" */
void text_address_host(struct text_builder *b, const struct address *address);
void text_address_port(struct text_builder *b, const struct address *address);
void text_number(struct text_builder *b, int number);
/* Where this machine reaches what the engine publishes; NULL: late. */
const char *lower_published_host(const struct lower *l);
/* The secret's name of a server's or connection string's password, NULL without one. */
const char *lower_password(struct lower *l, const struct model_resource *resource);

/* The same of one of its users; NULL: the default user. */
const char *lower_user_password(struct lower *l, const struct model_resource *server, const char *user);

/* A literal connection string taken apart: enough for a URI. Arena. */
struct connection_parts {
    const char *host; /* as a URI has it, IPv6 in brackets; NULL with unix_path */
    const char *unix_path, *user, *password;
    int port, database;
    bool tls;
};
bool lower_parse_connection(struct lower *l, const struct model_resource *resource,
                            struct connection_parts *parts);
/* The secret's name of a literal connection string as a whole; NULL where it is known to hold none. */
const char *lower_connection_secret(struct lower *l, const struct model_resource *resource);

/* ---- environment ---- */
/* While `claimant` is set, what it sets is its own: two claimants of one variable are a problem, because
 * neither said that it yields. What no claimant sets (files, the resource's own variables) replaces in
 * silence. */
struct environment {
    struct plan_variable *items;
    const struct model_pos **claimants; /* of each item; NULL: none */
    size_t count, capacity;
    const struct model_pos *claimant;
    bool has_clashed; /* this claimant: one problem is enough */
};
void environment_set(struct lower *l, struct environment *e, const char *name, struct plan_text value);
/* env_file, injected, own: merged in this order. Adds the edges of references to c->node. */
struct environment lower_environment(struct lower *l, struct consumer *c);
/* What a reference injects: of which resource, under which name, and whether one more variable gets the URI.
 */
struct injection {
    const struct model_resource *target;
    const char *name, *uri_variable;
    const char *user; /* NULL: the default user */
    unsigned without; /* enum model_inject */
};
void lower_inject(struct lower *l, struct consumer *c, const struct injection *how, struct environment *out);
/* What is shown of it to people on this machine; host->resource itself. */
struct plan_text lower_display(struct lower *l, struct consumer *host);

/* ---- kinds ---- */
/* What the main node of a kind is, with an engine of containers and on the native one. */
#define NO_NODE PLAN_NODE_KIND_COUNT /* it is left out there */
struct lower_kind {
    enum plan_node_kind node, native_node;
};
const struct lower_kind *lower_kind(enum model_kind kind);
/* Who makes it, by kind. */
typedef void lower_resource(struct lower *l, const struct model_resource *resource);
extern lower_resource *const lower_resources[MODEL_KIND_COUNT];
void lower_secrets(struct lower *l);
struct plan_secret *lower_secret(struct lower *l, const char *name, const char *value);
/* Makes the secrets of a server with TLS known; and where its authority is (host path), NULL without one. */
void lower_certificate(struct lower *l, const struct model_resource *resource);
const char *lower_ca_file(struct lower *l, const struct model_resource *resource);
/* Path of the certificate or the key, quoted for redis.conf; and any. */
const char *lower_conf_quote(struct lower *l, const char *path);
const char *lower_cert_file(struct lower *l, const struct model_resource *resource, bool key);
/* What a container's and a native server's lowering share: port and password lines, the port, the PING. */
void lower_conf_end(struct lower *l, const struct consumer *self, struct text_builder *b);
void lower_server_port(struct lower *l, const struct consumer *self);
void lower_users(struct lower *l, const struct consumer *self);
/* What its configuration is made of: a sentinel has nothing of a server's. */
struct model_redis lower_told(const struct consumer *self);
void lower_server_ping(struct lower *l, struct plan_node *node, const struct model_resource *resource);
/* ---- topologies ---- */
/* The lines that a node of one has besides; nothing for a single server. */
void lower_topology_conf(struct lower *l, const struct consumer *self, struct text_builder *b);
void lower_topology(struct lower *l, const struct consumer *self);
/* Those that its nodes have besides the server's own. */
void lower_topology_ports(struct lower *l, const struct consumer *self);
/* Published on the gateway of the project's network, and nowhere else. */
/* It runs where nobody of ours is: what forms it stands in its configuration. */
bool lower_is_by_name(const struct lower *l, const struct model_resource *resource);
bool lower_is_at_gateway(const struct lower *l, const struct model_resource *resource);
/* By everybody, whoever else can. */
bool lower_is_reached_at_gateway(const struct lower *l, const struct model_resource *resource);
/* Where a node of one is reached, by everybody: its address is the same for all. */
void lower_topology_address(struct lower *l, struct consumer *c, const struct model_resource *target,
                            struct address *address);
/* "host:port" of all nodes with data, with commas between them; of one that is meant, its own. */
void lower_topology_nodes(struct lower *l, struct consumer *c, const struct model_resource *target,
                          struct text_builder *out);
/* The same of the sentinels, and what they call the primary; false: it has none. */
bool lower_topology_sentinels(struct lower *l, struct consumer *c, const struct model_resource *target,
                              struct text_builder *out);
bool lower_topology_sentinel_name(const struct model_resource *target, struct text_builder *out);
/* What a connection string begins with. */
void lower_topology_string(struct lower *l, struct consumer *c, const struct model_resource *target,
                           struct text_builder *out);
/* It watches, and holds no data. */
bool lower_is_sentinel(const struct consumer *self);
/* Garnet's configuration, complete; folder: of its data. And how its container is started. */
struct plan_text lower_garnet_conf(struct lower *l, const struct model_resource *resource,
                                   const char *folder);
void lower_garnet_launch(struct lower *l, struct plan_node *node, const struct model_resource *resource);
void lower_native_server(struct lower *l, const struct model_resource *resource, int replica);
/* Nothing of it will be there: inactive, or a container where there are none. */
bool lower_is_absent(const struct lower *l, const struct model_resource *resource);
/* True when the resource is left out on this engine (with a problem unless it is optional). */
bool lower_native_refuses(struct lower *l, const struct model_resource *resource);
/* Insight and Commander, one each for all servers that ask for them. */
void lower_sidecars(struct lower *l);
void lower_server(struct lower *l, const struct model_resource *resource);
void lower_container(struct lower *l, const struct model_resource *resource);
void lower_process(struct lower *l, const struct model_resource *resource);
void lower_connection_string(struct lower *l, const struct model_resource *resource);
void lower_external(struct lower *l, const struct model_resource *resource);
/* What exists elsewhere waits for what its address is made of. */
void lower_wait_for_parts(struct lower *l, struct plan_node *node, const struct model_text *text);
/* What containers share: image node and edge, engine name, mounts with their volume nodes, labels, limits. */
void lower_container_base(struct lower *l, struct plan_node *node, const struct model_resource *resource,
                          const char *image);
/* As the manifest means it, without the project's prefix. */
const char *lower_volume_name(struct lower *l, const struct plan_node *node, const struct model_mount *mount);
void lower_mount(struct lower *l, struct plan_node *node, const struct model_mount *mount);
void lower_common_run(struct lower *l, struct plan_node *node, const struct model_resource *resource);
void lower_ready(struct lower *l, struct plan_node *node, const struct model_resource *resource);
int lower_preferred_port(struct lower *l, const char *resource, const char *endpoint);

#endif
