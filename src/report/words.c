/* What is said of a report in every form. See internal.h. */
#include "report/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <string.h>

char *report_command_line(const struct report *report)
{
    struct strbuf line = {0};
    for (size_t i = 0; i < report->command_count; i++) {
        const char *word = report->command[i];
        bool is_plain = *word && !strpbrk(word, " \t\n'\"$\\|&;<>()*?`");
        const char *quote = text_if(!is_plain, "'");
        strbuf_addf(&line, "%s%s%s%s", text_if(i > 0, " "), quote, word, quote);
    }
    return strbuf_take(&line);
}

char *report_reason(const struct report *report)
{
    if (report->error.message)
        return xstrdup(report->error.message);
    if (report->outcome == REPORT_UNFINISHED)
        return xasprintf("apphost was ended%s%s", text_if(report->phase != NULL, " in phase "),
                         text_or_empty(report->phase));
    if (report->signal.is_known)
        return xasprintf("the command was ended by signal %d", (int)report->signal.value);
    if (report->outcome == REPORT_INTERRUPTED)
        return xstrdup("it was interrupted");
    return xasprintf("exit code %d", (int)report->exit_code.value);
}

char *report_resource_reason(const struct report_resource *resource)
{
    const char *memory = text_if(resource->is_out_of_memory, ", out of memory");
    if (resource->error.message)
        return xstrdup(resource->error.message);
    if (resource->signal)
        return xasprintf("ended by signal %d%s", (int)resource->signal, memory);
    if (resource->exit_code.is_known)
        return xasprintf("exit code %d%s", (int)resource->exit_code.value, memory);
    return xasprintf("it is %s%s", text_or(resource->state, "unknown"), memory);
}

char *report_label(const struct report *report)
{
    if (report->variant)
        return xstrdup(report->variant);
    if (report->worker)
        return xasprintf("worker %d", report->worker);
    return NULL;
}
