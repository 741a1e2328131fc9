#include "cli/state.h"

#include "cli/console.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { MOST_TALKS = 1000 };
static const char ending[] = ".talk";

/* Make every missing folder of path, for the owner alone. path is changed and restored. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made) return false;
    }
    return true;
}

bool cli_state_path(char *out, size_t size, const char *file)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (state && *state == '/')
        n = snprintf(out, size, "%s/aeon/%s", state, file);
    else if (home && *home == '/')
        n = snprintf(out, size, "%s/.local/state/aeon/%s", home, file);
    bool is_there = n >= 0 && (size_t)n < size && make_folders(out);
    if (!is_there) *out = 0;
    return is_there;
}

aeon_status cli_talk_path(char *out, size_t size, const char *name, aeon_error *err)
{
    char file[CLI_TALK_NAME + 16];
    size_t len = strlen(name), n_good = 0;
    while (isalnum((unsigned char)name[n_good]) || (name[n_good] && strchr("-_", name[n_good])))
        n_good++;
    if (!len || len > CLI_TALK_NAME || n_good != len)
        return cli_error(err, CLI_USAGE,
                         "a talk's name has letters, digits, - and _, at most %d of them",
                         CLI_TALK_NAME);
    snprintf(file, sizeof file, "talks/%s%s", name, ending);
    if (cli_state_path(out, size, file)) return AEON_OK;
    return cli_error(err, AEON_IO,
                     "no folder to keep talks in: set HOME or XDG_STATE_HOME to one that can be "
                     "written");
}

/* ---- the list -------------------------------------------------------------------------------- */

typedef struct {
    char name[CLI_TALK_NAME + 1];
    time_t changed;
} talk_file;

static int by_time(const void *a, const void *b)
{
    time_t x = ((const talk_file *)a)->changed, y = ((const talk_file *)b)->changed;
    return x < y ? 1 : x > y ? -1 : 0;
}

static size_t find_talks(talk_file *talks, size_t n_max)
{
    char folder[PATH_MAX], path[PATH_MAX + 256];
    size_t n = 0;
    if (!cli_state_path(folder, sizeof folder, "talks/")) return 0;
    DIR *dir = opendir(folder);
    for (struct dirent *d; dir && n < n_max && (d = readdir(dir));) {
        struct stat st;
        size_t len = strlen(d->d_name), tail = sizeof ending - 1;
        if (len <= tail || len - tail > CLI_TALK_NAME ||
            strcmp(d->d_name + len - tail, ending) != 0)
            continue;
        snprintf(path, sizeof path, "%s%s", folder, d->d_name);
        if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) continue;
        snprintf(talks[n].name, sizeof talks[n].name, "%.*s", (int)(len - tail), d->d_name);
        talks[n++].changed = st.st_mtime;
    }
    if (dir) closedir(dir);
    qsort(talks, n, sizeof *talks, by_time);
    return n;
}

/* "5 minutes ago" */
static void tell_age(char *out, size_t size, double seconds)
{
    static const struct {
        double seconds;
        const char *unit;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int n = (int)(seconds / units[i].seconds);
        if (n < 1) continue;
        snprintf(out, size, "%d %s%s ago", n, units[i].unit, n == 1 ? "" : "s");
        return;
    }
    snprintf(out, size, "just now");
}

aeon_status cli_talk_list(aeon_text *out, aeon_error *err)
{
    static talk_file talks[MOST_TALKS];
    size_t n = find_talks(talks, MOST_TALKS);
    aeon_status status = AEON_OK;
    for (size_t i = 0; i < n && status == AEON_OK; i++) {
        char age[32], line[CLI_TALK_NAME + 64];
        tell_age(age, sizeof age, difftime(time(NULL), talks[i].changed));
        int len = snprintf(line, sizeof line, "%s  %-20s %s", i ? "\n" : "", talks[i].name, age);
        status = aeon_text_append(out, line, (size_t)len, err);
    }
    return status;
}
