/* When a server begins to answer: PINGs a port of loopback until PONG, and prints the time of day in
 * microseconds.
 *
 *     answers PORT      gives up after a minute, with exit code 1 */
#include "call.h"

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 0;
    double start = now_ms();
    struct timespec now;

    while (!ping(port)) {
        if (now_ms() - start > 60000)
            return 1;
        usleep(300);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%lld\n", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    return 0;
}
