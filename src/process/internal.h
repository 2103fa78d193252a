/* Private to room process: the struct, shared by those who are our children (process.c) and those who outlive
 * us (detached.c). */
#ifndef PROCESS_INTERNAL_H
#define PROCESS_INTERNAL_H

#include "process/process.h"

struct process_stream {
    uv_poll_t poll;
    struct process *process;
    int number; /* 1 or 2 */
    int fd;     /* -1: has ended */
    bool has_grown;
};

struct process {
    struct loop *loop;
    void (*on_output)(int stream, const char *bytes, size_t length, void *data);
    void (*on_exit)(const struct process_exit *how, void *data);
    void *data;
    uv_process_t child;
    struct process_stream streams[2];
    struct timer deadline, linger;
    bool adopted;      /* not our child: its pidfd tells its end */
    int pidfd;         /* or -1 */
    uv_poll_t watch;   /* of pidfd */
    int input_fd;      /* our end of its standard input, which is only held, or -1 */
    int output_fd;     /* file that it writes to, or -1: pipes */
    int64_t output_at; /* read up to here */
    uv_fs_event_t output_event;
    struct turn first_read; /* what was written before the watch began tells no event */
    pid_t pid;
    int handles; /* of libuv, not yet closed */
    bool has_exited, is_finished, is_stopping, is_overdue, is_released;
    int64_t exited_ms;
    struct process_exit how;
};

struct process *process_new(struct loop *loop, const struct process_options *options);
void process_handle_closed(uv_handle_t *handle);
void process_try_finish(struct process *p);

/* ---- detached.c ---- */
/* Reads what the process writes to the file from `offset` on, as its output. */
void detached_follow(struct process *p, const char *path, int64_t offset);
void detached_unfollow(struct process *p);
bool detached_is_alive(const struct process *p); /* an adopted one */
void detached_close(struct process *p);          /* the handles of an adopted one */

/* ---- process.c and start.c ---- */
void process_on_exit(uv_process_t *child, int64_t code, int signum);
/* Reads from fd (0: standard output, 1: standard error), which is the process's from now on. */
void process_read(struct process *p, int index, int fd);
int process_start(struct process *p, const struct process_options *options, struct error *err);

#endif
