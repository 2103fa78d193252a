/* What we know of the Redis family: default images, ports, how a server is started, its configuration text.
 * Pure functions.
 *
 * A server is started without secrets in argv and without a further engine call: its configuration travels in
 * the environment variable VARIABLE_REDIS_CONF, and a shell line gives it to the server on standard input,
 * through a here document, which expands nothing inside the variable's value. Where the image has
 * docker-entrypoint.sh, it is used: it drops root, owns /data and loads modules. */
#ifndef REDIS_REDIS_H
#define REDIS_REDIS_H

#include "base/ours.h"
#include "base/str.h"
#include "base/json.h"
#include "model/model.h"

enum { REDIS_PORT = 6379, REDIS_CONF_LIMIT = 100 * 1024 };

/* The server's program: "redis-server", … */
const char *redis_server_name(enum model_kind kind);
/* The family on this machine, without containers. programs: the names that the server may have there, the
 * first one that is there counts; package: Debian's, NULL where it has none; arguments: how the server is
 * told to read its configuration from standard input. Lists end with NULL. */
struct redis_native {
    const char *programs[3], *package, *arguments[5];
};
const struct redis_native *redis_native(enum model_kind kind);
/* The shell line that executes the server (for /bin/sh -c). bypass_entrypoint: read-only data on images older
 * than 8, whose entrypoint would end on a failing chown. A sentinel writes what it learns into its
 * configuration: it gets it as a file, and is started by whom the entrypoint would drop to. */
struct redis_launch {
    enum model_kind kind;
    bool bypass_entrypoint, tls, is_sentinel;
};
char *redis_launch_line(const struct redis_launch *how);
/* The major version in an image's tag ("docker.io/library/redis:8.6-alpine" → 8), 0 when it says none. */
int redis_image_major(const char *image);
/* Whom a password without a user stands for, as a URI names it: "default". NULL with servers that know no
 * users: Redis before version 6, by the image's tag; image NULL: not from an image. */
const char *redis_default_user(enum model_kind kind, const char *image);
/* Does this server save to disk by itself? What the manifest says, else: it has writable data. */
/* What makes a server save that saves nothing when it is stopped, or NULL: the others do by themselves. */
const char *redis_save_command(enum model_kind kind);
bool redis_is_persistent(const struct model_redis *redis);
/* Configuration lines in front of what only the caller knows: the port line where it is chosen late (host
 * network), and requirepass. Bind, data folder, persistence, TLS files, the user's directives. */
void redis_conf_text(const struct model_redis *redis, struct strbuf *out);
/* Where launch lines put what may stand in no argument and on no disk: memory that every container has, and
 * that every user in it may write to at every start. A tmpfs of our own is not that: at a container's second
 * start Docker 20.10 leaves it to root. */
#define REDIS_MEMORY_FOLDER "/dev/shm"
#define REDIS_SENTINEL_FILE REDIS_MEMORY_FOLDER "/apphost-sentinel.conf"
/* The files of a server with TLS, and the variables that they come in. */
#define REDIS_TLS_CERT_FILE REDIS_MEMORY_FOLDER "/apphost-cert.pem"
#define REDIS_TLS_KEY_FILE REDIS_MEMORY_FOLDER "/apphost-key.pem"
/* ---- Garnet ----
 *
 * Garnet takes no configuration on standard input: its file is opened and read at an offset. So the launch
 * line writes it to memory. The file is JSON, its names are those of Garnet's own garnet.conf. Sources:
 * Garnet's documentation, "Configuration"; its defaults.conf. */
#define REDIS_GARNET_FILE REDIS_MEMORY_FOLDER "/apphost-garnet.conf"
/* The configuration without its end: "{" and members, each followed by a comma. The caller adds "Port", and
 * the password's members, and closes. folder: where the data is. */
void redis_garnet_text(const struct model_redis *redis, const char *folder, struct strbuf *out);
char *redis_garnet_launch_line(void);
/* One argument of redis.conf, quoted and escaped. The caller frees. */
char *redis_conf_quote(const char *text);

/* ---- connection strings ----
 *
 * Where one points to: StackExchange.Redis' form and URIs.
 *
 * The forms that are read, and where their rules come from:
 *
 *     cache:6380,password=x,user=u,ssl=true,sslHost=name,defaultDatabase=2      ConfigurationOptions.cs of
 *     [::1]:6379   ::1   !/path/of/socket                                       StackExchange.Redis
 *     redis[s]://[user][:password]@host[:port][/database]                       the "redis" scheme's IANA
 *     unix://[user][:password]@/path/of/socket[?db=2]                           registration; redis-py
 *
 * Of several servers the first one counts. Other options are for clients and are passed over. */
/* Texts are owned. Zero-initialised it is empty. */
struct redis_target {
    char *host; /* without brackets; NULL with unix_path */
    int port;   /* 6379, with TLS 6380, where the text says none */
    char *unix_path;
    char *user, *password; /* NULL: none */
    bool tls;
    char *tls_name; /* whom the certificate has to name; NULL: the host */
    int database;
};

/* False when the text names no server: then *out is empty. */
bool redis_target_parse(struct redis_target *out, const char *text);
/* Where the supervisor's answer to `env` about one resource says it is: a server of the project by its
 * properties, another (is_ours false) by its connection string. *ca_file: authorities to trust, or NULL;
 * borrowed from the document. False: nowhere; *out is empty. */
struct redis_question {
    const cJSON *environment;
    const char *resource;
    bool is_ours;
};
bool redis_target_of(struct redis_target *out, const struct redis_question *question, const char **ca_file);
/* Wipes the password; the target is empty after it. */
void redis_target_fini(struct redis_target *target);

#endif
