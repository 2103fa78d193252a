/* What the files of import/ share, from below to above: texts, the pieces of a resource, services and what is
 * known of them, and the converters of their fields. Everything lives in the document's arena. */
#ifndef IMPORT_INTERNAL_H
#define IMPORT_INTERNAL_H

#include "import/import.h"

#include "base/mem.h"
#include "manifest/document.h"

#include <stdbool.h>
#include <stdint.h>

enum { MOST_PORTS = 200 };

enum service_kind {
    SERVICE_CONTAINER,
    SERVICE_SERVER,  /* of the Redis family */
    SERVICE_PROCESS, /* it has to be built: a sketch, as a comment */
    SERVICE_SIDECAR, /* Commander or Insight of `whole` */
    SERVICE_MEMBER,  /* of the topology of `whole`: a replica, a sentinel, a node of a cluster */
    SERVICE_KINDS
};

/* A field of a resource with what stands behind it and below it, or a comment (no name). */
struct piece {
    const char *name;
    const char *held; /* a comment that waits for the place of this field */
    struct strbuf value, body;
};

struct port {
    int target;
    const char *host; /* as it is written to the manifest; NULL: chosen */
    const char *name; /* of the endpoint */
};

/* Another resource that this one needs. */
struct need {
    struct service *target;
    const char *env;   /* variable that gets the URI, or NULL */
    const char *until; /* NULL: as usual */
    bool is_optional;
};

struct env_pair {
    const char *name, *value; /* as the compose file has it; NULL: of the environment */
    const char *text;         /* as the manifest gets it; NULL: it became a reference */
    const char *remark;       /* or NULL */
    const struct yaml_node *at;
};

struct word_list {
    const char **items;
    size_t count, capacity;
};

/* A line of a server's `config`. */
struct setting {
    const char *name, *value;
};

/* What a server is told, by its command, its image's variables and its file. */
struct server {
    const char *password; /* as the manifest gets it; NULL: none was said */
    const char *interval, *changes;
    bool has_save, is_save_off, is_append_only;
    struct setting *config;
    size_t config_count;
    bool is_topology, is_cluster;
    int nodes, replicas, sentinels, quorum;
    const char *primary_name;
    struct service *commander, *insight;
};

struct service {
    const char *key;  /* in the compose file */
    const char *name; /* as a resource */
    const char *type; /* of a server: "redis" */
    const struct yaml_node *at, *fields;
    enum service_kind kind;
    const char *image; /* resolved, or NULL */
    struct service *whole;
    const char *why; /* of members and sidecars: what became of it */
    struct server server;
    struct word_list words; /* entrypoint and command of a server, split */
    struct piece *pieces;
    size_t piece_count, piece_capacity;
    struct port *ports;
    size_t port_count;
    struct need *links;
    size_t link_count;
    struct env_pair *variables;
    size_t variable_count;
    bool has_links; /* they were written */
    bool has_command;
    const char *holding; /* comments wait for the place of this field; NULL: they stand where they are made */
    bool *needs;         /* by index of service: for cycles */
};

struct import {
    const struct import_request *request;
    struct manifest_document *document;
    struct arena *arena;
    struct yaml_node *root;
    struct service *services;
    size_t count;
    struct import_result *result;
    const char *folder;              /* of the first file, relative to here; "." */
    struct word_list variable_files; /* that were read, in order */
};

/* ---- text.c ---- */

/* A scalar of YAML, plain where that is safe. */
void import_put_text(struct strbuf *out, const char *text);
/* Compose's ${NAME} and $NAME as the manifest has them: without a value they are empty there. */
const char *import_text(struct import *im, const char *raw);
/* The same with a default of our choice for variables that have none. */
const char *import_text_or(struct import *im, const char *raw, const char *fallback);
/* A node in one line, shortened. */
char *import_flow(const struct yaml_node *node);
/* Where a short form is cut: the next `separator` that stands in no ${…}, or the end. */
const char *import_cut(const char *text, char separator);
/* A path of the file that the node stands in, from here: as the manifest has it. */
const char *import_path(struct import *im, const struct yaml_node *node, const char *path);
/* Items of a list, or the scalar itself. */
size_t import_item_count(const struct yaml_node *node);
const struct yaml_node *import_item(const struct yaml_node *node, size_t index);
bool import_is_true(const struct yaml_node *node);

/* ---- words.c ---- */

void words_add(struct import *im, struct word_list *words, const char *text);
/* Splits as compose does: blanks, quotes, backslash; no shell. */
void words_split(struct import *im, struct word_list *words, const char *text);
/* A list, or a line. */
void words_of(struct import *im, struct word_list *words, const struct yaml_node *node);
/* "sh -c 'exec redis-server …'" as redis-server's words: what the shell would run, up to its next command. */
void words_unshell(struct import *im, struct word_list *words);

/* ---- pieces.c ---- */

struct strbuf *piece_value(struct service *service, const char *name);
struct strbuf *piece_body(struct service *service, const char *name);
bool piece_is_there(const struct service *service, const char *name);
/* "name: text" */
void piece_text(struct service *service, const char *name, const char *text);
/* A comment with the place of `at`. `what` is the field's name, or NULL. */
void piece_remark(struct import *im, struct service *service, const struct yaml_node *at, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
/* The value of a scalar with its variables replaced, or NULL. */
const char *import_scalar(struct import *im, const struct yaml_node *node);
/* A comment with the field, its value and why it has no place. */
void import_refuse(struct import *im, struct service *service, const struct yaml_node *key,
                   const struct yaml_node *value, const char *reason);
/* Comments that waited for this field come here; NULL: all that wait. */
void pieces_release(struct service *service, const char *field);
/* A text as a comment, wrapped, with so many blanks before its lines. */
void import_put_comment(struct strbuf *out, int indent, const char *text);
/* The place of a node, as comments name it. */
void import_put_place(struct strbuf *out, const struct yaml_node *at);
void pieces_write(const struct service *service, struct strbuf *out);
void pieces_free(struct service *service);

/* ---- ports.c ---- */

/* One entry of `ports`, taken apart. */
struct port_range {
    int first, last;           /* inside */
    int host_first, host_last; /* 0: chosen, or a variable's affair */
    const char *host;          /* text of the host's part, or NULL */
    const char *address;       /* or NULL */
    bool is_udp;
};
/* "127.0.0.1:8000-8002:80-82/udp"; false: it is none. */
bool import_port_parse(struct import *im, const char *text, struct port_range *range);
/* Reads `ports` and `expose`, with remarks. */
void ports_read(struct import *im, struct service *service);
/* The endpoint of that port, made where there is none. */
const struct port *port_need(struct import *im, struct service *service, int target);
/* The place of the endpoints among the fields; what they are is written at the end, when all are known. */
void ports_write(struct import *im, struct service *service, const struct yaml_node *at);
void ports_finish(struct service *service);

/* ---- mounts.c ---- */

struct placed {
    const char *source, *target; /* source NULL: a volume without a name */
    const char *mode;            /* options of the short form that have no counterpart, or NULL */
    bool is_bind, is_tmpfs, is_read_only;
    const struct yaml_node *at;
};
/* One entry of `volumes`; false after a remark. */
bool mount_read(struct import *im, struct service *service, const struct yaml_node *item,
                struct placed *mount);
void mounts_write(struct import *im, struct service *service, const struct yaml_node *value);
/* The host's file behind a path inside of the server, or NULL. */
const char *mount_file_at(struct import *im, const struct service *service, const char *path);

/* ---- links.c ---- */

struct service *import_find(struct import *im, const char *host);
/* The resource that stands for it in the manifest, or NULL: it has none. */
struct service *import_stand_in(struct service *service);
/* Whether it is there whenever `from` is, whatever profiles are on. */
bool link_is_steady(const struct service *from, const struct service *to);
/* False: it would close a circle. */
bool link_may(struct import *im, struct service *from, struct service *to);
void link_add(struct import *im, struct service *from, struct need link);
void links_read(struct import *im, struct service *service);
void links_write(struct service *service);

/* ---- variables.c ---- */

void variables_list(struct import *im, struct service *service);
const char *variable_value(const struct service *service, const char *name);
/* The text with the names of services replaced by their addresses; NULL: there are none in it. */
const char *variable_address(struct import *im, struct service *service, const char *text);
void variables_resolve(struct import *im, struct service *service);
void variables_write(struct import *im, struct service *service);

/* ---- server.c ---- */

/* What an option or a line of redis.conf says, at most one value a word. */
void server_directive(struct import *im, struct service *service, const struct yaml_node *at,
                      const char *name, const char *value);
void server_command(struct import *im, struct service *service, const struct yaml_node *at);
void server_variables(struct import *im, struct service *service, const struct yaml_node *at);
void server_finish(struct import *im, struct service *service);

/* ---- family.c ---- */

/* What each service is, from its image; then who belongs to whom. */
void family_classify(struct import *im);
void family_write_topology(struct service *server);
/* The sidecars of a server, as its fields; and what of their services is lost. */
void family_write_sidecars(struct import *im, struct service *server);
void family_remark(struct import *im, struct service *service);

/* ---- merge.c ---- */

/* All files, their `include` and `extends`, as one tree. */
int merge_files(struct import *im, struct error *err);

/* What becomes of one field: it writes pieces, remarks, or both. */
typedef void import_convert(struct import *im, struct service *service, const struct yaml_node *key,
                            const struct yaml_node *value);

/* ---- life.c ---- */

import_convert convert_restart, convert_stop, convert_healthcheck, convert_memory, convert_deploy,
    convert_scale;

/* ---- extras.c ---- */

import_convert convert_labels, convert_files, convert_extra_hosts, convert_network_mode, convert_pull,
    convert_profiles;

/* ---- fields.c ---- */

/* All fields of a service, in its order. */
void import_fields(struct import *im, struct service *service);

#endif
