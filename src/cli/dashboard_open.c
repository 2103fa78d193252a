/* See dashboard_open.h. */
#include "cli/dashboard_open.h"

#include "base/coredump.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/signals.h"
#include "base/tool.h"
#include "dashboard/dashboard.h"
#include "process/process.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What it is called with is a way in: a name that BROWSER has is looked for as ours would be. */
static char *find_opener(char *const *environment)
{
    struct strlist list = {.items = (char **)(uintptr_t)environment};
    while (environment[list.count])
        list.count++;
    const char *browser = strlist_getenv(&list, "BROWSER");
    const char *name = "xdg-open";
    if (browser && *browser)
        name = browser;
    if (strchr(name, '/'))
        return xstrdup(name);
    return tool_find(strlist_getenv(&list, "PATH"), name, NULL);
}

static _Noreturn void become(const char *opener, const char *url, char *const *environment, int report)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fork() != 0)
        _exit(0);
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    signals_give_back();
    coredump_give_back();
    execve(opener, (char *const[]){(char *)(uintptr_t)opener, (char *)(uintptr_t)url, NULL}, environment);
    if (write(report, "!", 1) < 0)
        _exit(126);
    _exit(127);
}

/* Twice forked: a browser that is started by this stays, and is nobody's child. The pipe ends without a byte
 * when it runs. */
static bool start(const char *opener, const char *url, char *const *environment)
{
    cleanup_strlist struct strlist inherited = {0};
    int report[2];
    char byte;
    if (pipe2(report, O_CLOEXEC))
        return false;
    process_inherit(&inherited, environment);

    pid_t pid = fork();
    if (pid == 0)
        become(opener, url, inherited.items, report[1]);
    close(report[1]);
    bool runs = pid > 0 && waitpid(pid, NULL, 0) == pid && read(report[0], &byte, 1) == 0;
    close(report[0]);
    return runs;
}

int dashboard_open(struct context *context, const char *folder, struct error *err)
{
    cleanup_free char *opener = find_opener(context->environment);
    char *url = dashboard_url(folder, opener != NULL, err);
    if (!url)
        return -1;
    bool is_started = opener && start(opener, url, context->environment);
    if (!is_started) {
        output_warn(&context->output,
                    "no browser can be started here (BROWSER, xdg-open); this is the address");
        printf("%s\n", url);
    }
    mem_wipe(url, strlen(url));
    free(url);
    return 0;
}

void dashboard_beside(const struct context *context)
{
    cleanup_free char *folder = project_folder(&context->project);
    cleanup_error struct error why = {0};
    struct dashboard_options options = {.folder = folder, .port = -1, .environment = context->environment};
    struct dashboard_record record;

    if (dashboard_start(&options, &why) < 0 || dashboard_find(folder, &record, &why)) {
        output_warn(&context->output, "no dashboard: %s", why.text);
        return;
    }
    cleanup_free char *address = dashboard_address(folder, record.port);
    output_note(&context->output, "dashboard: %s (apphost dashboard --open)", address);
}
