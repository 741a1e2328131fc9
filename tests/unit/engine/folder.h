/* folder.h - a folder in /tmp that lives as long as a group of tests, and the shell in which tools
 * write models into it. */
#ifndef AEON_TESTS_FOLDER_H
#define AEON_TESTS_FOLDER_H

#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/aeon-models-XXXXXX";

/* A path in the folder; good until the call after the next. */
static inline const char *in_folder(const char *name)
{
    static char path[2][160];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static inline void run_shell(const char *command)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(pclose(pipe), 0);
}

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    run_shell(command);
    return 0;
}

#endif
