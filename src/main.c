/* apphost: entry point. Everything is in the rooms; see ARCHITECTURE.md for the tours. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
