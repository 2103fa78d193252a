/*
 * Runs a fuzz target once over every file that is named on the command line, or that stands in a folder named
 * there.
 *
 * The same targets are built twice: with libFuzzer, which looks for new inputs, and with this driver under
 * gcc's sanitizers, which replays what was found, so that `make check` needs no fuzzer. Each input is copied
 * into a block of exactly its size, so that a read beyond the end is seen. Prints nothing but the number of
 * inputs at the end; a sanitizer ends the program at the first fault. No input at all is a failure: a corpus
 * that got lost must not pass.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static long run_file(const char *path, long size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size ? (size_t)size : 1);

    if (!file || !data || fread(data, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fclose(file);
    /* Said before the run, on a stream that a crash does not lose: the last name is the culprit. */
    if (getenv("FUZZ_VERBOSE"))
        fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 1;
}

static long run_path(const char *path);

static long run_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    char name[4096];
    long count = 0;

    if (!folder)
        return 0;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        count += run_path(name);
    }
    closedir(folder);
    return count;
}

static long run_path(const char *path)
{
    struct stat st;

    if (stat(path, &st))
        return 0;
    return S_ISDIR(st.st_mode) ? run_folder(path) : run_file(path, (long)st.st_size);
}

int main(int argc, char **argv)
{
    long count = 0;

    for (int i = 1; i < argc; i++)
        count += run_path(argv[i]);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("%ld inputs\n", count);
    return count ? 0 : 1;
}
