/* See question.h. */
#include "session/question.h"
#include "session/await.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { ANSWER_SIZE = 128 };

/* The beginning of a line, up to its end or that of the input: how much there is; or AWAIT_INTERRUPTED as
 * a negative number. */
static ssize_t read_line(struct client *client, char line[ANSWER_SIZE])
{
    ssize_t length = 0, n = 1;
    while (n > 0 && length < ANSWER_SIZE && (!length || line[length - 1] != '\n')) {
        if (client && await_input(client, STDIN_FILENO) == AWAIT_INTERRUPTED)
            return -AWAIT_INTERRUPTED;
        n = read(STDIN_FILENO, line + length, (size_t)(ANSWER_SIZE - length));
        if (n > 0)
            length += n;
        else if (n < 0 && (errno == EINTR || errno == EAGAIN))
            n = 1;
    }
    return length;
}

int question_ask(struct client *client, const char *kept, struct error *err)
{
    char line[ANSWER_SIZE];
    fflush(NULL);
    ssize_t length = read_line(client, line);
    if (length < 0)
        return await_interrupted(err);
    if (length > 0 && (*line == 'y' || *line == 'Y'))
        return 0;
    return error_set(err, ERROR_FAILED, "%s", kept);
}
