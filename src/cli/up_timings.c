/* `up --timings`: where the time went, as a waterfall of what happened since the command began. Of a
 * supervisor that remembers nothing the view's sums are shown, without their beginnings. */
#include "cli/up.h"
#include "control/watch.h"
#include "ui/view.h"
#include "ui/waterfall.h"

#include "base/mem.h"

#include <time.h>

int64_t up_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void up_print_timings(struct up *up, const struct view *view)
{
    struct client *client = &up->context->client;
    const struct output *output = &up->context->output;
    cleanup_json cJSON *answer = NULL;
    cleanup_error struct error error = {0};
    struct arena arena = {0};
    size_t count = 0;

    struct view_moments moments = {0};
    if (client_call(client, ASK_HISTORY, NULL, ANSWER_LIMIT, &answer, &error) == 0)
        view_moments_read(answer, &arena, &moments, &error);
    struct waterfall_row *rows = NULL;
    count = waterfall_read(moments.items, up->began_us, &arena, &rows);
    if (count)
        waterfall_print(output, rows, count, stderr);
    else if (error_is_set(&error))
        view_print_timings(output, view, stderr);
    else
        output_note(output, "nothing took time: everything was there");
    arena_free(&arena);
}
