/* Words of other tools for what is called otherwise here: compose's first, then what people type. */
#include "manifest/field.h"

#include <string.h>

static const struct {
    const char *table; /* NULL: any */
    const char *word, *hint;
} words[] = {
    {"manifest", "services", "compose's `services` are `resources` here"},
    {"manifest", "version", "leave it out; a manifest has no version"},
    {"manifest", "volumes",
     "volumes belong to their resource: `data_volume` of a server, `volumes` of a container"},
    {"manifest", "networks", "the network is made when containers must talk; leave it out"},
    {"manifest", "secrets", "use `parameters` with `secret: true`"},
    {"manifest", "configs", "a server's directives go under its `config`"},
    {"manifest", "include", "give several files with -f"},
    {"manifest", "environment", "environment belongs to a resource"},
    {NULL, "depends_on", "`references` gives the address and waits; `wait_for` only waits"},
    {NULL, "links", "use `references`"},
    {NULL, "healthcheck", "use `ready`"},
    {NULL, "health_check", "use `ready`"},
    {NULL, "build", "apphost does not build images: build it before, and name it in `image`"},
    {NULL, "env", "use `environment`"},
    {NULL, "environments", "use `environment`"},
    {NULL, "mem_limit", "use `memory`"},
    {NULL, "stop_grace_period", "use `stop: {timeout: …}`"},
    {NULL, "stop_signal", "use `stop: {signal: …}`"},
    {NULL, "deploy", "use `replicas`, `memory`, `restart`"},
    {NULL, "networks", "the network is made when containers must talk; leave it out"},
    {NULL, "container_name", "containers are called <project>-<hash>-<resource>; leave it out"},
    {NULL, "expose", "use `endpoints`"},
    {NULL, "depends", "use `references` or `wait_for`"},
    {NULL, "pull_policy", "use `pull`"},
    {"redis", "ports", "use `host_port`"},
    {"valkey", "ports", "use `host_port`"},
    {"garnet", "ports", "use `host_port`"},
    {"redis", "port", "use `host_port`; inside it is always 6379"},
    {"valkey", "port", "use `host_port`; inside it is always 6379"},
    {"redis", "volumes", "use `data_volume` or `data_bind_mount`"},
    {"valkey", "volumes", "use `data_volume` or `data_bind_mount`"},
    {"redis", "command", "server directives go under `config`"},
    {"valkey", "command", "server directives go under `config`"},
    {"redis", "requirepass", "use `password`"},
    {"valkey", "requirepass", "use `password`"},
    {"redis", "maxmemory", "server directives go under `config`"},
    {"valkey", "maxmemory", "server directives go under `config`"},
    {"redis", "save", "use `persistence`"},
    {"valkey", "save", "use `persistence`"},
    {"redis", "appendonly", "use `persistence: {append_only: true}`"},
    {"valkey", "appendonly", "use `persistence: {append_only: true}`"},
    {"redis", "tag", "put it into `image`, as in docker.io/library/redis:7.4"},
    {"valkey", "tag", "put it into `image`, as in docker.io/valkey/valkey:8.1"},
    {NULL, "ports", "use `endpoints`"},
    {"process", "port", "use `endpoints`"},
    {"process", "image", "a `process` runs on this machine; use `type: container` for an image"},
    {"process", "entrypoint", "use `command`"},
    {"process", "args", "put them into `command`"},
    {"process", "cwd", "use `working_dir`"},
    {"process", "volumes", "a `process` sees this machine's files; use `type: container` for volumes"},
    {"container", "args", "use `command`"},
    {"container", "cmd", "use `command`"},
    {"container", "port", "use `endpoints`"},
    {"container", "working_directory", "use `working_dir`"},
    {"container", "shell", "use `command: [sh, -c, …]`"},
    {"endpoint", "host_port", "a process listens on its `port` itself"},
    {"container_endpoint", "port", "`target_port` is the port inside, `host_port` the one on this machine"},
    {"container_endpoint", "env", "a container's port inside is fixed; set the variable under `environment`"},
};

const char *manifest_foreign_word(const char *table, const char *word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0 && (!words[i].table || strcmp(words[i].table, table) == 0))
            return words[i].hint;
    return NULL;
}
