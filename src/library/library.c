/* See library.h. */
#include "library/library.h"
#include "base/mem.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static int find_all(const struct library *library, void *handle, struct error *err)
{
    void **functions = library->functions;
    for (size_t i = library->count; i-- > 0;) { /* the first one last: it says that all are there */
        void *function = dlsym(handle, library->names[i]);
        if (!function)
            return error_set(err, ERROR_FAILED, "%s has no %s: %s", library->file, library->names[i],
                             library->what_for);
        functions[i] = function;
    }
    return 0;
}

static int open_locked(const struct library *library, struct error *err)
{
    void *const *functions = library->functions;
    if (functions[0])
        return 0;
    if (library->within) {
        memcpy(library->functions, library->within, library->count * sizeof *library->within);
        return 0;
    }

    void *handle = dlopen(library->file, RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
        error_set(err, ERROR_FAILED, "cannot open a library: %s; %s", dlerror(), library->what_for);
        error_hint(err, "on Debian: apt-get install %s", library->package);
        return -1;
    }
    int rc = find_all(library, handle, err);
    if (rc < 0)
        dlclose(handle);
    return rc;
}

int library_open(const struct library *library, struct error *err)
{
    pthread_mutex_lock(&opening);
    int rc = open_locked(library, err);
    pthread_mutex_unlock(&opening);
    return rc;
}
