/* What several workers came to, for a terminal. See report.h. */
#include "report/internal.h"
#include "ui/output.h"

#include "base/mem.h"
#include "base/pick.h"

static void add_worker(struct text_table *table, const struct report *worker)
{
    char elapsed[24];
    cleanup_free char *label = report_label(worker), *why = NULL;
    cleanup_free char *code = xasprintf("%d", (int)worker->exit_code.value);
    str_elapsed(worker->elapsed_ms, elapsed);
    if (worker->outcome != REPORT_PASSED)
        why = report_reason(worker);
    cleanup_free char *shown = str_printable(text_or_empty(why));
    const char *const cells[] = {text_or_empty(label), report_outcome_name(worker->outcome),
                                 text_if(worker->exit_code.is_known, code), elapsed, shown};
    table_row(table, cells);
}

void report_print_workers(const cJSON *document, FILE *stream, bool colour)
{
    struct report report = {0};
    struct arena arena = {0};
    struct text_table table = {.columns = 5};
    static const char *const head[] = {"RUN", "OUTCOME", "CODE", "TIME", ""};
    table_row(&table, head);
    if (!record_take(&report_record, document, &arena, &report, "the report", NULL))
        for (size_t i = 0; i < report.worker_count; i++)
            add_worker(&table, &report.workers[i]);

    table_print(&table, stream, colour);
    table_free(&table);
    arena_free(&arena);
}
