#include "cli/line.h"

#include "cli/console.h"
#include "cli/state.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 1000 };

struct cli_line {
    EditLine *edit; /* NULL: lines from a pipe */
    History *history;
    const char *prompt;
    char path[PATH_MAX]; /* of the history; "" if there is none */
    aeon_text pending;   /* from a pipe: read but not yet given out */
    size_t n_given;      /* of pending */
    bool ended;
};

/* ---- the history file ----------------------------------------------------------------------- */

/* Only a plain file is read: no link, pipe or device in its place. */
static void load_history(cli_line *line)
{
    struct stat st;
    HistEvent event;
    if (line->path[0] && lstat(line->path, &st) == 0 && S_ISREG(st.st_mode))
        history(line->history, &event, H_LOAD, line->path);
}

/* Written beside and renamed, so that a crash leaves the old history. A talk does not fail because
 * its history could not be kept. */
static void save_history(const cli_line *line)
{
    char beside[PATH_MAX];
    HistEvent event;
    if (!line->path[0]) return;
    snprintf(beside, sizeof beside, "%.*s.new", (int)(sizeof beside - 8), line->path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        if (fd >= 0) close(fd);
        return;
    }
    bool written = history(line->history, &event, H_SAVE_FP, file) >= 0 && !ferror(file);
    written = fclose(file) == 0 && written;
    if (!written || rename(beside, line->path) != 0) unlink(beside);
}

/* ---- libedit -------------------------------------------------------------------------------- */

static const char *prompt_of(EditLine *edit)
{
    void *user = NULL;
    el_get(edit, EL_CLIENTDATA, &user);
    return ((cli_line *)user)->prompt;
}

/* One character for libedit. Its own reader would sleep through the first signal. */
static int read_character(EditLine *edit, wchar_t *out)
{
    mbstate_t state = {0};
    (void)edit;
    for (;;) {
        char byte;
        if (!cli_wait_input(STDIN_FILENO)) return -1;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return (int)n;
        size_t used = mbrtowc(out, &byte, 1, &state);
        if (used == (size_t)-2) continue; /* more bytes belong to it */
        if (used != (size_t)-1) return 1;
        state = (mbstate_t){0}; /* not UTF-8: drop the byte */
    }
}

/* While a line is edited, Ctrl-C and Ctrl-Z are keys: libedit puts the terminal in order before the
 * signal does its work. Stopping stops all that runs in front of the shell, as the terminal would:
 * make, a pipe. */
static unsigned char interrupt(EditLine *edit, int key)
{
    (void)edit;
    (void)key;
    raise(SIGINT);
    return CC_EOF; /* ends el_gets */
}

static unsigned char suspend(EditLine *edit, int key)
{
    (void)key;
    el_set(edit, EL_PREP_TERM, 0);
    kill(0, SIGTSTP);
    el_set(edit, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
}

static aeon_status open_editor(cli_line *line, bool keep_history, aeon_error *err)
{
    HistEvent event;
    /* Typed text is UTF-8 even where the locale was never set up. */
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    line->history = history_init();
    line->edit = el_init("aeon", stdin, stdout, stderr);
    if (!line->history || !line->edit)
        return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for line editing");
    history(line->history, &event, H_SETSIZE, HISTORY_LINES);
    history(line->history, &event, H_SETUNIQUE, 1);
    if (keep_history) cli_state_path(line->path, sizeof line->path, "history");
    load_history(line);

    el_set(line->edit, EL_CLIENTDATA, line);
    el_set(line->edit, EL_PROMPT_ESC, prompt_of, '\1');
    el_set(line->edit, EL_EDITOR, "emacs");
    el_set(line->edit, EL_HIST, history, line->history);
    el_set(line->edit, EL_GETCFN, read_character);
    el_set(line->edit, EL_SETTY, "-d", "-isig", NULL);
    /* Wide, because libedit never frees its wide copies of narrow names. */
    el_wset(line->edit, EL_ADDFN, L"aeon-interrupt", L"throw the line away", interrupt);
    el_wset(line->edit, EL_ADDFN, L"aeon-suspend", L"stop the program", suspend);
    el_set(line->edit, EL_BIND, "^C", "aeon-interrupt", NULL);
    el_set(line->edit, EL_BIND, "^Z", "aeon-suspend", NULL);
    el_set(line->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(line->edit, NULL); /* the person's own ~/.editrc has the last word */
    return AEON_OK;
}

static cli_line_result read_edited(cli_line *line, aeon_text *out, aeon_error *err)
{
    int n = 0;
    el_resize(line->edit); /* the window may have changed during the answer */
    const char *text = el_gets(line->edit, &n);
    if (cli_is_terminated()) return CLI_LINE_END;
    if (cli_is_interrupted()) {
        cli_signals_clear();
        el_reset(line->edit);
        printf("^C\n");
        return CLI_LINE_CANCELLED;
    }
    if (!text || n <= 0) {
        printf("\n");
        return CLI_LINE_END;
    }
    size_t len = strcspn(text, "\r\n");
    return aeon_text_append(out, text, len, err) == AEON_OK ? CLI_LINE_TEXT : CLI_LINE_FAILED;
}

/* ---- a pipe --------------------------------------------------------------------------------- */

static cli_line_result read_plain(cli_line *line, aeon_text *out, aeon_error *err)
{
    for (size_t n_searched = line->n_given;;) {
        aeon_text *p = &line->pending;
        const char *newline = NULL;
        if (p->len > n_searched) newline = memchr(p->data + n_searched, '\n', p->len - n_searched);
        size_t end = newline ? (size_t)(newline - p->data) : p->len;
        if (newline || (line->ended && end > line->n_given)) {
            if (aeon_text_append(out, p->data + line->n_given, end - line->n_given, err) != AEON_OK)
                return CLI_LINE_FAILED;
            line->n_given = end + (newline ? 1 : 0);
            return CLI_LINE_TEXT;
        }
        if (line->ended) return CLI_LINE_END;
        if (line->n_given) { /* forget the lines that were given out */
            memmove(p->data, p->data + line->n_given, p->len - line->n_given);
            p->len -= line->n_given;
            line->n_given = 0;
        }
        n_searched = p->len;
        char block[1 << 12];
        if (!cli_wait_input(STDIN_FILENO)) return CLI_LINE_END;
        ssize_t n = read(STDIN_FILENO, block, sizeof block);
        line->ended = n == 0;
        if (n < 0) {
            (void)cli_error(err, AEON_IO, "standard input: cannot read: %s", strerror(errno));
            return CLI_LINE_FAILED;
        }
        if (n && aeon_text_append(p, block, (size_t)n, err) != AEON_OK) return CLI_LINE_FAILED;
    }
}

/* ---- the interface -------------------------------------------------------------------------- */

aeon_status cli_line_open(cli_line **out, bool keep_history, aeon_error *err)
{
    cli_line *line = calloc(1, sizeof *line);
    if (!line) return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for line editing");
    aeon_status status = AEON_OK;
    if (cli_is_terminal(stdin) && cli_is_terminal(stdout))
        status = open_editor(line, keep_history, err);
    if (status != AEON_OK) {
        cli_line_close(line);
        return status;
    }
    *out = line;
    return AEON_OK;
}

void cli_line_close(cli_line *line)
{
    if (!line) return;
    if (line->history) {
        save_history(line);
        history_end(line->history);
    }
    if (line->edit) el_end(line->edit);
    aeon_text_release(&line->pending);
    free(line);
}

bool cli_line_is_edited(const cli_line *line)
{
    return line->edit != NULL;
}

cli_line_result cli_line_read(cli_line *line, const char *prompt, aeon_text *out, aeon_error *err)
{
    out->len = 0;
    if (aeon_text_append(out, "", 0, err) != AEON_OK) return CLI_LINE_FAILED;
    line->prompt = prompt;
    return line->edit ? read_edited(line, out, err) : read_plain(line, out, err);
}

void cli_line_remember(cli_line *line, const char *text)
{
    HistEvent event;
    if (line->history && *text) history(line->history, &event, H_ENTER, text);
}
