/* Fields of process, and the rules that concern several of them. */
#include "manifest/tables.h"

#include <string.h>

static void check_task(struct loader *l, struct yaml_node *map, const struct model_resource *resource)
{
    if (!resource->process.task)
        return;
    if (resource->restart.when == MODEL_RESTART_ALWAYS)
        manifest_problem(l, manifest_get(map, "restart"), "a task that is always restarted never completes");
    if (manifest_get(map, "ready"))
        manifest_problem(l, manifest_get_key(map, "ready"),
                         "a task has no `ready`: others wait until it has completed");
    if (resource->process.replicas)
        manifest_problem(l, manifest_get(map, "replicas"), "a task has no replicas");
}

static void finish_process(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_resource *resource = object;
    const struct yaml_node *shell = manifest_get_key(map, "shell"),
                           *command = manifest_get_key(map, "command");
    if (shell && command)
        manifest_problem(l, shell, "a process has `command` or `shell`, not both");
    if (!shell && !command) {
        struct yaml_node at = {.pos = resource->pos, .length = (int)strlen(resource->name)};
        manifest_problem(l, &at, "the process `%s` needs `command` or `shell`", resource->name);
    }

    const struct yaml_node *folder = manifest_get(map, "working_dir");
    if (folder)
        resource->process.working_dir_pos = folder->pos;
    if (!resource->process.working_dir)
        resource->process.working_dir = manifest_path(l, map, ".");
    for (size_t i = 0; resource->process.replicas > 1 && i < resource->endpoint_count; i++)
        if (resource->endpoints[i].port)
            manifest_problem_at(l, resource->endpoints[i].pos, 1, "replicas cannot share the fixed port %d",
                                resource->endpoints[i].port);
    if (resource->process.task && !manifest_get(map, "stdin"))
        resource->process.standard_input = MODEL_STDIN_CLOSED;
    check_task(l, map, resource);
}

static const struct field process_fields[] = {
    {.name = "command",
     RESOURCE_LIST(shape_command, process.command, process.command_count),
     .help = "What to run, without a shell."},
    {.name = "shell",
     RESOURCE_LIST(shape_shell, process.command, process.command_count),
     .help = "What to run, by /bin/sh -c."},
    {.name = "working_dir",
     RESOURCE(shape_path, process.working_dir),
     .fallback = "the manifest's folder",
     .help = "Where it runs."},
    ROW_ENV_FILE,
    ROW_REFERENCES,
    {.name = "endpoints", WHOLE(shape_endpoints, struct model_resource), .help = "Where it listens."},
    ROW_READY("tcp on the first endpoint, else a second after its start"),
    {.name = "success_exit_codes",
     RESOURCE_LIST(shape_exit_codes, process.success_exit_codes, process.success_count),
     .min = 0,
     .max = 255,
     .fallback = "0",
     .help = "Exit codes that are no failure."},
    {.name = "task",
     RESOURCE(shape_bool, process.task),
     .fallback = "false",
     .help = "It runs to completion; others wait for that."},
    {.name = "stdin",
     RESOURCE(shape_stdin, process.standard_input),
     .fallback = "open, of a task closed",
     .help =
         "What it reads: `open` gives nothing and never ends, which watchers (esbuild, tailwind, tsc) take "
         "for somebody who is there; `closed` has ended from the start."},
    {.name = "replicas",
     RESOURCE(shape_number, process.replicas),
     .min = 1,
     .max = 100,
     .fallback = "one, called like the resource",
     .help = "How many of it run, from 1 to 100, called NAME-1, NAME-2, and so on, each with a port of its "
             "own for every "
             "endpoint; at most 1000 in a project. NAME means all of them, and as an address the first."},
    {.name = "watch",
     RESOURCE_LIST(shape_globs, process.watch, process.watch_count),
     .fallback = "none",
     .help =
         "Globs of files below `working_dir`; when one of them is written, moved or removed it is "
         "restarted, whether it runs, has ended or has failed, and a task runs again. What depends on it "
         "goes on. `**` is any number of folders, {a,b} is one of several, and a glob that begins with ! "
         "takes files out. Wildcards match neither hidden names nor node_modules; .git is never looked at."},
};
const struct table table_process = {.name = "process",
                                    .help = "a `process`",
                                    .fields = process_fields,
                                    .count = FIELD_COUNT(process_fields),
                                    .base = &table_running,
                                    .finish = finish_process};
