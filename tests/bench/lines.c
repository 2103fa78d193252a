/*
 * Writes COUNT numbered lines of about 60 characters to standard output as fast as it can, then ends.
 *
 *     lines COUNT
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 0;
    static char buffer[1 << 16];

    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    for (long i = 1; i <= count; i++)
        printf("%09ld GET /catalog/items?page=3 200 1.532 ms user=4711\n", i);
    return ferror(stdout) ? 1 : 0;
}
