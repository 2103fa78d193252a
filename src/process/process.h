/* Host processes: spawn in a group of their own with pipes, stop by signal with a deadline, know when they
 * are finished.
 *
 * A process is finished when it has exited and its pipes have ended, or one second after its exit (a
 * grandchild may hold the pipes). Output arrives as raw pieces in order; room logs/ makes lines of them.
 * Stopping sends `stop_signal` and CONT to the group, and KILL when the deadline passes.
 *
 * When a process is finished, what is left of its group is killed; only what went into a session of its own
 * outlives it. While it is being stopped, the rest of the group has the same time until the deadline.
 *
 * Nothing but descriptors 0 (/dev/null, the input, or a pipe that stays open and empty), 1 and 2 (pipes from
 * pipe2, inherited, not socket pairs) reaches the child: everything else is marked close-on-exec before the
 * spawn. The child's environment is given whole.
 *
 * Promise: callbacks never run before process_spawn() returned; on_exit runs once; none after process_free().
 */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include "base/error.h"
#include "base/str.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <sys/types.h>

struct process;

struct process_exit {
    int code;   /* exit code, or -1 when ended by a signal */
    int signal; /* or 0 */
};

struct process_options {
    const char *const *argv;        /* NULL-terminated; argv[0] is looked up in the child's own PATH */
    const char *const *environment; /* "K=V", NULL-terminated */
    bool is_tool;                   /* our own, not the manifest's: see base/tool.h */
    const char *working_dir;        /* NULL: ours */
    const char *input;              /* what it reads on descriptor 0 (a file in memory); NULL: nothing */
    bool keeps_input_open; /* without `input`: reading waits until the process is finished; else /dev/null */
    /* stream 1 or 2. The bytes are valid during the callback. length 0: the stream has ended. */
    void (*on_output)(int stream, const char *bytes, size_t length, void *data);
    void (*on_exit)(const struct process_exit *how, void *data);
    void *data;
    /* A file (made 0600) that it appends its output to, instead of pipes: so that it can outlive us. What it
     * writes arrives as stream 1. NULL: pipes. */
    const char *output_path;
    /* A sweep of the guard leaves it to `gc`, which knows what it may do to it. Needs `input`. */
    bool is_kept;
    struct {
        pid_t pid;
        uint64_t start_ticks;
        int64_t output_offset; /* how far its output was read; -1: all of it */
    } adopt;                   /* process_adopt() only */
};

/* NULL: ERROR_NOT_FOUND (command; the text says which and where it was looked for), ERROR_NOT_EXECUTABLE, or
 * ERROR_RESOURCE (working directory missing or no folder …). */
struct process *process_spawn(struct loop *loop, const struct process_options *options, struct error *err);
/* Would it be refused? The same errors as process_spawn()'s, and nothing is started. */
int process_check(const struct process_options *options, struct error *err);
pid_t process_pid(const struct process *process);
/* Start time in clock ticks since boot (/proc/PID/stat), which together with the pid identifies a process for
 * good. */
uint64_t process_start_ticks(pid_t pid);
bool process_is_running(const struct process *process); /* not finished */
/* Asks the group to end: signal (and CONT), after timeout_ms KILL. Again: shortens the deadline. */
void process_stop(struct process *process, int signal, int64_t timeout_ms);
int process_signal(struct process *process, int signal, struct error *err);
/* Forgets the process: no more callbacks. A running one is killed with its group. */
void process_free(struct process *process);
/* Forgets it and lets it run on; one that was spawned with output_path. */
void process_release(struct process *process);
/* Takes over a process that an earlier one of us released (adopt.pid and adopt.start_ticks say which; of the
 * rest only output_path and the callbacks are used). NULL with ERROR_NOT_RUNNING when it has ended. Its exit
 * code will be -1: only a parent learns it. */
struct process *process_adopt(struct loop *loop, const struct process_options *options, struct error *err);
/* Does a child inherit this "K=V" of ours? Not what parameters are worth and not what steers apphost. */
bool process_inherits(const char *entry);
/* Adds all that a child inherits of an environment. */
void process_inherit(struct strlist *list, char *const *environment);
/* How far its output file was read and delivered. */
int64_t process_output_offset(struct process *process);

#endif
