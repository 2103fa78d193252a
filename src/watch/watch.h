/* Files below a folder that change: inotify on the folders in which something can match, grouped to one
 * report for each burst.
 *
 * Globs are relative to the folder. `*`, `?` and `[…]` stay within one name, `**` is any number of folders,
 * `{a,b}` is one of several, a leading `!` takes out what it matches; a glob that ends in a plain name means
 * that file, or everything below that folder. As in a shell, wildcards match no name that begins with a dot;
 * they do not enter node_modules either. Nothing below .git matches ever.
 *
 * Happy path: the tree is walked in slices, each folder in which something can match gets an inotify watch;
 * new folders join as they come. What was written since the watch began, but before its folder was reached,
 * counts too. A burst is over when nothing came for 100 ms (or after two seconds of it). Failure modes: the
 * kernel's limits are told once through on_trouble, what was reached until then stays watched; an overflow of
 * the kernel's queue counts as a change; a folder that is not there (any more) is looked for again every two
 * seconds.
 *
 * Ownership: strings are copied. Callbacks never run before watch_new() has returned, nor after watch_free().
 */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct watch;
/* path: the file that changed first, relative to the folder, valid during the call; more: others changed with
 * it; changed_ms: when the last one did (loop_now_ms()). The watch may be freed by it. */
typedef void watch_change_cb(const char *path, bool more, int64_t changed_ms, void *data);
/* Not everything can be watched. Once for each watch at most, which goes on with the rest; not to be freed
 * here. */
typedef void watch_trouble_cb(const struct error *err, void *data);

struct watch_options {
    const char *folder; /* absolute */
    const char *const *globs;
    size_t glob_count;
    size_t most_folders; /* 0: 100,000 */
    watch_change_cb *on_change;
    watch_trouble_cb *on_trouble;
    void *data;
};
struct watch *watch_new(struct loop *loop, const struct watch_options *options);
void watch_free(struct watch *watch); /* NULL is fine */

#endif
