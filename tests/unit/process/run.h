/* What the tests of room process share: a loop, a child with its collected output, and waiting with a limit.
 */
#ifndef RUN_H
#define RUN_H

#include "base/str.h"
#include "process/process.h"

struct run {
    struct loop loop;
    struct process *process;
    struct strbuf out[3]; /* by stream */
    bool has_ended[3];
    int exits;
    struct process_exit how;
    const char *output_path; /* for the next child */
    const char *input;       /* for descriptor 0 of the next child */
    bool keeps_input_open;   /* of the next child */
    bool frees_in_exit;      /* process_free() inside on_exit */
    bool frees_in_output;    /* process_free() inside on_output */
};

int run_setup(void **state);
/* Fails the test when something was left in the loop. */
int run_teardown(void **state);
/* Starts `/bin/sh -c script`. */
void run_script(struct run *run, const char *script);
struct process *run_argv(struct run *run, const char *const *argv, const char *const *environment,
                         const char *dir, struct error *err);
struct process *run_adopt(struct run *run, pid_t pid, uint64_t start_ticks, int64_t output_offset,
                          struct error *err);
/* Runs the loop until the condition holds; false after ten seconds. */
bool run_until(struct run *run, bool (*holds)(struct run *run));
bool run_has_exited(struct run *run);
bool run_has_output(struct run *run);

#endif
