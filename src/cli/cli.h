/* The command line: one table of commands, one of options, one renderer; a file a command. See command.h
 * inside. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_main(int argc, char **argv);

#endif
