/* Every mistake that a field's shape knows: where it is said to be, what is said, and what is advised.
 *
 * A row is a fragment of a manifest, and what must stand in the report. The fragment's place fixes line and
 * column, so that a position that moves is seen. */
#include "fixture.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

struct mistake {
    const char *fragment, *wanted, *hint; /* hint NULL: none is looked for */
};

static void look_for(struct fixture *f, const char *hint)
{
    cleanup_free char *line = xasprintf("hint: %s", hint);
    if (!strstr(strbuf_text(&f->printed), line))
        fail_msg("wanted \"%s\" in:\n%s", line, strbuf_text(&f->printed));
}

/* before and after: what stands around each fragment. */
static void refuse_all(struct fixture *f, const char *before, const char *after, const struct mistake *rows)
{
    for (; rows->fragment; rows++) {
        cleanup_free char *text = xasprintf("%s%s%s", before, rows->fragment, after);
        fixture_bad(f, text, rows->wanted);
        if (rows->hint)
            look_for(f, rows->hint);
    }
}

/* A process: `command: [x]` and this. */
static const struct mistake process_rows[] = {
    {"ready: {http: health}", "2:50: error: `http` must be a path that starts with /",
     "the host and the port come from the endpoint"},
    {"ready: {http: /h, tcp: e}", "2:54: error: `ready` has both `http` and `tcp`; one of them decides",
     NULL},
    {"ready: {log: \"[\"}", "2:49: error: this is not an extended regular expression", NULL},
    {"ready: {log: \"\"}", "2:49: error: an empty pattern is met by every line", NULL},
    {"ready: {exec: []}", "2:50: error: `exec` is empty", NULL},
    {"ready: {exec: [[a]]}", "2:51: error: an argument of `exec` must be text", NULL},
    {"ready: {status: 200, exec: [a]}", "2:44: error: `status` goes with `http`", NULL},
    {"ready: {endpoint: e, log: x}", "2:44: error: `endpoint` goes with `http`", NULL},
    {"ready: {http: /h}", "2:43: error: `ready` asks an endpoint, and `a` has none",
     "for example `endpoints: {http: {env: PORT}}`"},
    {"endpoints: {e: {}}, ready: {http: /h, endpoint: f}", "2:63: error: `a` has no endpoint `f`",
     "it has `e`"},
    {"ready: {http: /h, status: 99}", "2:62: error: `status` must be from 100 to 599", NULL},
    {"ready: {tcp: \"\"}", "2:49: error: `tcp` must be an endpoint's name", NULL},
    {"ready: yes", "2:43: error: `ready` must be a map with http, tcp, log or exec, not `yes`", NULL},
    {"ready: {timeout: 0s, exec: [a]}", "2:53: error: `timeout` must be at least 1 ms and at most 86400 s",
     NULL},
    {"ready: {interval: 2h, exec: [a]}", "2:54: error: `interval` must be at least 1 ms and at most 3600 s",
     NULL},
    {"restart: no",
     "2:45: error: `restart` must be `never`, `on-failure`, `always`, or {policy, backoff, …}, not `no`",
     "compose's `no` is `never` here"},
    {"restart: unless-stopped",
     "2:45: error: `restart` must be `never`, `on-failure`, `always`, or {policy, backoff, …}, not "
     "`unless-stopped`",
     "`always` is what you want: what you stop stays stopped"},
    {"restart: on-failur",
     "2:45: error: `restart` must be `never`, `on-failure`, `always`, or {policy, backoff, …}, not "
     "`on-failur`",
     "did you mean `on-failure`?"},
    {"restart: {policy: always, max_retries: -1}", "2:75: error: `max_retries` must be from 0 to 1000000",
     NULL},
    {"restart: {policy: always, backoff: 10s, max_backoff: 1s}",
     "2:89: error: `max_backoff` is shorter than `backoff`", NULL},
    {"stop: {signal: TREM}",
     "2:51: error: `signal` must be one of TERM, INT, QUIT, HUP, KILL, USR1, USR2, WINCH, not `TREM`", NULL},
    {"stop: {signal: 99}",
     "2:51: error: `signal` must be one of TERM, INT, QUIT, HUP, KILL, USR1, USR2, WINCH, not `99`", NULL},
    {"stop: {timeout: soon}",
     "2:52: error: `timeout` must be a duration such as 500ms, 10s or 1m30s, not `soon`", NULL},
    {"stop: 5s", "2:42: error: `stop` must be a map with signal and timeout, not `5s`", NULL},
    {"env_file: missing.env", "No such file or directory", NULL},
    {"env_file: \"\"", "2:46: error: `env_file` cannot be empty", NULL},
    {"env_file: {required: false}", "2:46: error: `env_file` needs a `path`", NULL},
    {"env_file: [[a]]",
     "2:47: error: `env_file` must be a path, {path, required}, or a list of them, not a list", NULL},
    {"environment: {A: [1]}", "2:53: error: a value in `environment` must be text", NULL},
    {"environment: [\"A=1\", \"A=2\"]", "2:57: error: `A` is given twice in `environment`", NULL},
    {"environment: [\"=1\"]", "2:50: error: `` cannot be the name of a variable", NULL},
    {"environment: {\"A B\": 1}", "2:50: error: `A B` cannot be the name of a variable", NULL},
    {"replicas: 0", "2:46: error: `replicas` must be from 1 to 100", NULL},
    {"replicas: 101", "2:46: error: `replicas` must be from 1 to 100", NULL},
    {"replicas: 2, endpoints: {e: {port: 80}}", "2:64: error: replicas cannot share the fixed port 80", NULL},
    {"task: true, replicas: 2", "2:58: error: a task has no replicas", NULL},
    {"task: true, restart: always", "2:57: error: a task that is always restarted never completes", NULL},
    {"task: true, ready: {exec: [a]}",
     "2:48: error: a task has no `ready`: others wait until it has completed", NULL},
    {"shell: echo", "2:36: error: a process has `command` or `shell`, not both", NULL},
    {"stdin: shut", "2:43: error: `stdin` must be `open` or `closed`, not `shut`", NULL},
    {"watch: [/abs]", "2:44: error: a glob of `watch` stays below `working_dir`",
     "write it relative to `working_dir`, such as src/**/*.js"},
    {"watch: [\"../x\"]", "2:44: error: a glob of `watch` stays below `working_dir`",
     "write it relative to `working_dir`, such as src/**/*.js"},
    {"watch: [\"\"]", "2:44: error: `watch` cannot be empty", NULL},
    {"wait_for: [a]", "2:47: error: `a` waits for itself", NULL},
    {"wait_for: [b]", "2:47: error: there is no resource `b`", NULL},
    {"references: [b]", "2:49: error: there is no resource `b`", NULL},
    {"references: [{as: x}]", "2:49: error: a reference needs `resource`", NULL},
    {"references: [{resource: a}]", "2:60: error: `a` references itself",
     "its own address is ${a.ENDPOINT.url}"},
    {"references: [c, c]", "2:52: error: `c` is referenced twice under one name",
     "give one of them another name with `as`"},
    {"references: [{resource: c, env: 1X}]", "2:68: error: `env` must be the name of a variable, not `1X`",
     NULL},
    {"references: [{resource: c, as: \"x y\"}]",
     "2:67: error: `x y` cannot be the name of a reference: a name has only ASCII letters, digits and "
     "hyphens",
     "for example `x-y`"},
    {"references: [{resource: c, inject: [hosts]}]",
     "2:72: error: `inject` must be a list of `connection_string`, `properties`, `services` and `endpoints`, "
     "or a boolean, not `hosts`",
     NULL},
    {"references: [\"\"]", "2:49: error: a name in `references` is empty", NULL},
    {"wait_for: [c, c]", "2:50: error: `c` stands twice in `wait_for`", NULL},
    {"wait_for: [{resource: c, until: soon}]",
     "2:68: error: `until` must be `started`, `healthy` or `completed`, not `soon`", NULL},
    {"wait_for: [{resource: c, until: completed}]", "2:58: error: `c` does not run to completion", NULL},
    {"success_exit_codes: [256]", "2:57: error: `success_exit_codes` must be from 0 to 255", NULL},
    {"success_exit_codes: x", "2:56: error: `success_exit_codes` must be exit codes, not `x`", NULL},
    {"endpoints: {e: {port: 0}}", "2:58: error: `port` must be a port from 1 to 65535", NULL},
    {"endpoints: {e: {port: 70000}}", "2:58: error: `port` must be a port from 1 to 65535", NULL},
    {"endpoints: {\"e f\": {}}",
     "2:48: error: `e f` cannot be the name of an endpoint: a name has only ASCII letters, digits and "
     "hyphens",
     "for example `e-f`"},
    {"endpoints: {e: {schema: http}}", "2:52: error: an endpoint of a process has no field `schema`",
     "did you mean `scheme`?"},
    {"endpoints: {e: {scheme: \"h t\"}}",
     "2:60: error: `scheme`: a scheme has letters, digits, + - and ., and starts with a letter", NULL},
    {"endpoints: [e]", "2:47: error: `endpoints` must be a map from names to endpoints, not a list", NULL},
    {"start: maybe", "2:43: error: `start` must be `automatic` or `manual`, not `maybe`", NULL},
    {"optional: sure", "2:46: error: `optional` must be true or false, not `sure`", NULL},
    {"profiles: [\"\"]", "2:47: error: `profiles` cannot be empty", NULL},
    {"comand: [y]", "2:36: error: a `process` has no field `comand`", "did you mean `command`?"},
    {"lifetime: persistent", "2:36: error: a `process` has no field `lifetime`", NULL},
    {NULL, NULL, NULL},
};

static void processes_refuse(void **state)
{
    refuse_all(*state, "resources:\n  a: {type: process, command: [x], ", "}\n  c: redis\n", process_rows);
}

/* The command of a process. */
static const struct mistake command_rows[] = {
    {"\"a && b\"", "2:31: error: `&&` in a command needs a shell, and this one has none",
     "use `shell` instead of `command`"},
    {"\"a | b\"", "2:31: error: `|` in a command needs a shell, and this one has none",
     "use `shell` instead of `command`"},
    {"\"echo $HOME\"", "2:31: error: a `$` variable in a command needs a shell, and this one has none",
     "use `shell` instead of `command`"},
    {"\"a 'b\"", "2:31: error: a quote (') is never closed", NULL},
    {"[]", "2:31: error: `command` is empty", NULL},
    {"\"\"", "2:31: error: `command` is empty", NULL},
    {"[[a]]", "2:32: error: an argument of `command` must be text", NULL},
    {"{a: b}",
     "2:31: error: `command` must be a list of arguments, or a line that is split without a shell, not a map",
     NULL},
    {NULL, NULL, NULL},
};

static void commands_refuse(void **state)
{
    refuse_all(*state, "resources:\n  a: {type: process, command: ", "}\n  c: redis\n", command_rows);
}

/* A container with an image and this. */
static const struct mistake container_rows[] = {
    {"volumes: [\"data\"]",
     "2:44: error: write source:/path or source:/path:ro; the path in the container is absolute", NULL},
    {"volumes: [\"a:b\"]",
     "2:44: error: write source:/path or source:/path:ro; the path in the container is absolute", NULL},
    {"volumes: [\":/x\"]", "2:44: error: nothing stands before the colon", NULL},
    {"volumes: [\"a:/x:rx\"]", "2:44: error: what follows the last colon is `ro` or nothing", NULL},
    {"volumes: [\"./a:/x\"]", "2:44: error: `./a` cannot be the name of a volume",
     "a folder of this machine is a bind mount"},
    {"volumes: [{source: a}]", "2:44: error: a volume needs `target`", NULL},
    {"volumes: [{target: x}]", "2:53: error: `target` must be an absolute path inside of the container",
     NULL},
    {"volumes: [{target: /x, external: true}]", "2:44: error: an external volume needs its name in `source`",
     NULL},
    {"volumes: [\"a:/x\", \"b:/x\"]", "2:52: error: two mounts stand at /x", NULL},
    {"volumes: [[a]]", "2:44: error: a volume must be source:/path[:ro] or a map", NULL},
    {"bind_mounts: [\"/x\"]", "2:48: error: a bind mount needs a source: source:/x", NULL},
    {"bind_mounts: [\"none:/x\"]", "none: No such file or directory", NULL},
    {"bind_mounts: [{source: .}]", "2:48: error: a bind mount needs `source` and `target`", NULL},
    {"tmpfs: x", "2:41: error: `tmpfs` must be absolute paths inside of the container", NULL},
    {"extra_hosts: [\"a\"]", "2:47: error: `a` is not name:address",
     "for example db:10.0.0.5, or here:host-gateway"},
    {"extra_hosts: [\"a:b\"]", "2:47: error: `a:b` is not name:address",
     "for example db:10.0.0.5, or here:host-gateway"},
    {"memory: 1k", "2:42: error: `memory` must be at least 6m", NULL},
    {"memory: much", "2:42: error: `memory` must be a size such as 512k, 64m or 1g, not `much`", NULL},
    {"user: \"\"", "2:40: error: `user` cannot be empty", NULL},
    {"labels: {io.apphost.x: y}", "2:43: error: labels that start with io.apphost. belong to apphost", NULL},
    {"labels: [a, a]", "2:46: error: `a` is given twice in `labels`", NULL},
    {"pull: sometimes", "2:40: error: `pull` must be `missing`, `always` or `never`, not `sometimes`", NULL},
    {"lifetime: always", "2:44: error: `lifetime` must be `session` or `persistent`, not `always`", NULL},
    {"platform: \"\"", "2:44: error: `platform` cannot be empty", NULL},
    {"network: none", "2:34: error: a `container` has no field `network`", NULL},
    {NULL, NULL, NULL},
};

static void containers_refuse(void **state)
{
    refuse_all(*state, "resources:\n  a: {type: container, image: x, ", "}\n  c: redis\n", container_rows);
}

/* The image of a container. */
static const struct mistake image_rows[] = {
    {"https://x/y", "2:31: error: `image`: an image has no scheme (https://) before it", NULL},
    {"\"a b\"", "2:31: error: `image`: the name of an image has no blanks", NULL},
    {"-x", "2:31: error: `image`: this is not the name of an image", NULL},
    {"\"\"", "2:31: error: `image` cannot be empty", NULL},
    {"UPPER", "2:31: error: `image`: the repository must be lower case", NULL},
    {"x:y:z", "2:31: error: `image`: there is more than one ':' behind the registry", NULL},
    {"[x]", "2:31: error: `image` must be an image such as docker.io/library/redis:8.6, not a list", NULL},
    {NULL, NULL, NULL},
};

static void images_refuse(void **state)
{
    refuse_all(*state, "resources:\n  a: {type: container, image: ", "}\n  c: redis\n", image_rows);
}

/* A Redis server with this. */
static const struct mistake server_rows[] = {
    {"host_port: 0", "2:31: error: `host_port` must be a port from 1 to 65535", NULL},
    {"host_port: x", "2:31: error: `host_port` must be a port from 1 to 65535, not `x`", NULL},
    {"bind_address: localhost",
     "2:34: error: `bind_address` must be an IP address such as 127.0.0.1, not `localhost`",
     "write 127.0.0.1"},
    {"bind_address: 1.2.3",
     "2:34: error: `bind_address` must be an IP address such as 127.0.0.1, not `1.2.3`", NULL},
    {"password: \"\"", "2:30: error: a password cannot be empty; `password: false` is a server without one",
     NULL},
    {"password: {length: 5}", "2:31: error: `password` has no field `length`", NULL},
    {"password: {parameter: p}", "2:42: error: there is no parameter `p`", "declare it under `parameters`"},
    {"password: \"${c.host}\"", "2:30: error: `password` cannot be put together from references", NULL},
    {"password: \"a\\nb\"", "2:30: error: a password cannot have line breaks", NULL},
    {"data_volume: {external: true}", "2:33: error: an external volume needs its `name`", NULL},
    {"data_bind_mount: {read_only: true}", "2:37: error: `data_bind_mount` needs `source`", NULL},
    {"data_bind_mount: none", "none: No such file or directory", "create it first: mkdir -p"},
    {"data_volume: x, data_bind_mount: .",
     "2:53: error: a server has one place for its data: `data_volume` or `data_bind_mount`", NULL},
    {"data_volume: ../x", "2:33: error: `../x` cannot be the name of a volume",
     "a folder of this machine is a bind mount"},
    {"persistence: {interval: 500ms}", "2:44: error: `interval` must be whole seconds, at least one", NULL},
    {"persistence: {keys_changed_threshold: 0}",
     "2:58: error: `keys_changed_threshold` must be from 1 to 1000000000", NULL},
    {"persistence: often",
     "2:33: error: `persistence` must be {interval, keys_changed_threshold, append_only}, true or false, not "
     "`often`",
     NULL},
    {"config: {port: 1}", "2:29: error: the directive `port` belongs to apphost",
     "use `host_port`; inside the port is fixed"},
    {"config: {\"a b\": 1}", "2:29: error: `a b` cannot be the name of a directive", NULL},
    {"config: {x: [[1]]}", "2:33: error: a directive's value is text, or a list with one text a line", NULL},
    {"config: {x: \"a\\nb\"}", "2:32: error: a directive is one line; a list gives several", NULL},
    {"config: {x: \"'a\"}", "2:32: error: the server could not split this line: its quotes do not match",
     NULL},
    {"config: [x]", "2:28: error: `config` must be a map of directives, not a list", NULL},
    {"tls: {cert: x}", "2:25: error: `tls` needs both `cert` and `key`, or is just true", NULL},
    {"tls: maybe", "2:25: error: `tls` must be true, false, or {cert, key, ca}, not `maybe`", NULL},
    {"seed: none.txt", "none.txt: No such file or directory", NULL},
    {"insight: {host_port: 70000}", "2:41: error: `host_port` must be a port from 1 to 65535", NULL},
    {"commander: {name: a}", "2:38: error: the sidecar's name `a` is that of the resource `a`",
     "the resource is in line 2; give the sidecar another `name`"},
    {"memory: 1m", "2:28: error: `memory` must be at least 6m", NULL},
    {"network: hosts", "2:29: error: `network` must be `bridge` or `host`, not `hosts`",
     "did you mean `host`?"},
    {"users: x", "2:27: error: `users` must be a map from names to users, not `x`", NULL},
    {"command: [x]", "2:20: error: a `redis` has no field `command`", "server directives go under `config`"},
    {NULL, NULL, NULL},
};

static void servers_refuse(void **state)
{
    refuse_all(*state, "resources:\n  a: {type: redis, ", "}\n  c: redis\n", server_rows);
}

/* Users of a server. */
static const struct mistake user_rows[] = {
    {"users: {app: {password: x}}",
     "2:28: error: the user `app` needs `acl`: without rules it may do nothing", NULL},
    {"users: {default: {password: x, acl: \"+@all\"}}",
     "2:28: error: the user `default` is the one that `password` is for", NULL},
    {"users: {\"a b\": {password: x, acl: \"+@all\"}}",
     "2:28: error: a user's name has 1 to 63 letters, digits, hyphens, dots and _", NULL},
    {"users: {app: {password: \"\", acl: \"+@all\"}}",
     "2:44: error: a password cannot be empty; `password: false` is a server without one", NULL},
    {"users: {app: {password: x, acl: \"\"}}",
     "2:52: error: `acl` must be rules such as \"~app:* +@read +@write\", on one line", NULL},
    {"users: {app: {password: x, acl: [\"+@all\"]}}",
     "2:52: error: `acl` must be rules such as \"~app:* +@read +@write\", not a list", NULL},
    {"users: {app: {password: x, acl: \"+@all >y\"}}", "2:52: error: a password stands in `password`", NULL},
    {"users: {app: {password: x, acl: \"+@all\", role: y}}", "2:61: error: a user has no field `role`", NULL},
    {"users: [app]", "2:27: error: `users` must be a map from names to users, not a list", NULL},
    {"users: {app: secret}", "2:33: error: a user must be a map with `password` and `acl`", NULL},
    {"users: {app: {password: {parameter: p}, acl: \"+@all\"}}", "2:56: error: there is no parameter `p`",
     "declare it under `parameters`"},
    {"users: {app: {password: x, acl: \"+@all\"}}, config: {aclfile: /x}",
     "2:81: error: the directive `aclfile` does not go with `users`", NULL},
    {"users: {app: {password: x, acl: \"+@all\\noff\"}}",
     "2:52: error: `acl` must be rules such as \"~app:* +@read +@write\", on one line", NULL},
    {NULL, NULL, NULL},
};

static void users_refuse(void **state)
{
    refuse_all(*state, "resources:\n  a: {type: redis, ", "}\n  c: redis\n", user_rows);
}

/* A service that others run. */
static const struct mistake external_rows[] = {
    {"url: \"\"", "2:28: error: `url` is no URL",
     "for example https://api.example.com/v1; its scheme is written out"},
    {"url: nowhere", "2:28: error: `url` is no URL",
     "for example https://api.example.com/v1; its scheme is written out"},
    {"url: \"http://\"", "2:28: error: `url` is no URL",
     "for example https://api.example.com/v1; its scheme is written out"},
    {"url: \"ftp://h\"", "2:28: error: `url` needs a port",
     "only http, https, ws and wss have one by themselves"},
    {"url: \"http://h:99999\"", "2:28: error: `url` has no valid port", "ports are numbers from 1 to 65535"},
    {"url: \"http://u:p@h\"", "2:28: error: `url` has a password in it",
     "make it a parameter: `${parameters.NAME}`, with `secret: true`"},
    {"url: http://h/x, ready: {http: x}", "2:54: error: `http` must be a path that starts with /",
     "the host and the port come from `url`"},
    {"url: tcp://h, ready: {http: /x}", "2:37: error: `http` asks a URL of http or https",
     "write `tcp: true`"},
    {"url: http://h, ready: {log: x}", "2:46: error: `ready` of an external has no field `log`", NULL},
    {"url: http://h, image: x", "2:38: error: an `external` has no field `image`", NULL},
    {"url: http://h, ready: {status: 200}", "2:46: error: `status` goes with `http`", NULL},
    {"url: \"http://h h\"", "2:28: error: `url` is no URL", NULL},
    {"url: [x]", "2:28: error: `url` must be text, not a list", NULL},
    {NULL, NULL, NULL},
};

static void externals_refuse(void **state)
{
    refuse_all(*state, "resources:\n  a: {type: external, ", "}\n  c: redis\n", external_rows);
}

/* The manifest itself. */
static const struct mistake manifest_rows[] = {
    {"resources: []", "1:12: error: `resources` must be a map from names to resources, not a list", NULL},
    {"resources: {1: redis}",
     "1:13: error: `1` cannot be the name of a resource: a name starts with a letter", NULL},
    {"resources: {a: redis, A: redis}", "1:23: error: `A` and `a` differ in case only",
     "the first one is in line 1; names are unique without regard to case"},
    {"resources: {a: redsi}", "1:16: error: there is no kind of resource `redsi`", "did you mean `redis`?"},
    {"resources: {a: {}}", "1:13: error: the resource `a` needs a `type`",
     "one of redis, valkey, garnet, connection-string, process, container"},
    {"resources: {a: {type: [x]}}", "1:23: error: `type` must be a kind of resource", NULL},
    {"name: \"a b\"",
     "1:7: error: `a b` cannot be the name of a project: a name has only ASCII letters, digits and hyphens",
     "for example `a-b`"},
    {"name: [a]", "1:7: error: `name` must be a name, not a list", NULL},
    {"parameters: {p: {default: a, generate: true}}",
     "1:30: error: a parameter has `default` or `generate`, not both", NULL},
    {"parameters: {p: {generate: {length: 0}}}", "1:37: error: `length` must be from 1 to 1024", NULL},
    {"parameters: [p]", "1:13: error: `parameters` must be a map from names to parameters, not a list", NULL},
    {"resource: {}", "1:1: error: a manifest has no field `resource`", "did you mean `resources`?"},
    {"engine: dokcer", "1:9: error: `engine` must be `docker` or `native`, not `dokcer`",
     "did you mean `docker`?"},
    {"profiles: {a: b}", "1:11: error: `profiles` must be text or a list of texts, not a map", NULL},
    {"version: 9", "1:1: error: a manifest has no field `version`",
     "leave it out; a manifest has no version"},
    {"env_file: none.env", "No such file or directory", NULL},
    {"network: {}", "1:1: error: a manifest has no field `network`", NULL},
    {NULL, NULL, NULL},
};

static void manifests_refuse(void **state)
{
    refuse_all(*state, "", "\n", manifest_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(processes_refuse), TEST(commands_refuse),  TEST(containers_refuse), TEST(images_refuse),
        TEST(servers_refuse),   TEST(manifests_refuse), TEST(users_refuse),      TEST(externals_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
