/* folder.h - the shell in which tools write models, folders of files, into the folder of scratch.h.
 */
#ifndef AEON_TESTS_FOLDER_H
#define AEON_TESTS_FOLDER_H

#include "unit/format/scratch.h"

static inline void run_shell(const char *command)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(pclose(pipe), 0);
}

static inline int remove_folders(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", scratch);
    run_shell(command);
    return 0;
}

#endif
