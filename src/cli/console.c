#include "cli/console.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- messages ------------------------------------------------------------------------------ */

aeon_status cli_error(aeon_error *err, aeon_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

/* Text for people on one line: file names and files may hold anything. */
static void write_line(FILE *stream, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        fputc(c < 0x20 || c == 0x7f ? '?' : c, stream);
    }
    fputc('\n', stream);
}

void cli_print_error(const char *text)
{
    fflush(stdout);
    fputs("aeon: error: ", stderr);
    write_line(stderr, text);
}

bool cli_is_terminal(const FILE *stream)
{
    static int known[3] = {-1, -1, -1};
    int fd = stream == stdin ? 0 : stream == stdout ? 1 : 2;
    if (known[fd] < 0) known[fd] = isatty(fd);
    return known[fd] == 1;
}

const char *cli_style_text(const FILE *stream, cli_style style)
{
    const char *no_color = getenv("NO_COLOR");
    if (!cli_is_terminal(stream) || (no_color && *no_color)) return "";
    return style == CLI_DIM ? "\033[2m" : style == CLI_BOLD ? "\033[1m" : "\033[0m";
}

void cli_notice(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : malloc((size_t)len + 1);
    if (text) vsnprintf(text, (size_t)len + 1, format, again);
    fflush(stdout);
    fputs(cli_style_text(stderr, CLI_DIM), stderr);
    cli_write(stderr, text ? text : format, strlen(text ? text : format));
    fprintf(stderr, "%s\n", cli_style_text(stderr, CLI_PLAIN));
    free(text);
    va_end(again);
    va_end(args);
}

/* ---- progress ------------------------------------------------------------------------------ */

static struct {
    const char *what; /* NULL: nothing under way */
    double start_s, shown_s;
    bool visible;
    char note[40]; /* behind it */
} bar;

static struct {
    char name[40]; /* "": a bar stands for itself */
    double from, to, start_s, expected_s;
} part;

/* What is left, by what was reckoned and, once that can be told, by how far off that was. */
static void note_time_left(double fraction, double now)
{
    char left[16];
    double all_s = part.expected_s, passed_s = now - part.start_s;
    if (fraction > 0.1) all_s = passed_s / fraction;
    if (all_s < 20) return;
    cli_progress_note("%s left",
                      cli_short_time(left, sizeof left, fmax(all_s * (1 - fraction), 1)));
}

bool cli_progress(void *user, const char *what, double fraction)
{
    enum { WIDTH = 30 };
    static const char full[] = "##############################";
    static const char none[] = "..............................";
    (void)user;
    double now = cli_clock_s();
    if (part.name[0]) {
        what = part.name;
        fraction = part.from + (part.to - part.from) * fmin(fmax(fraction, 0), 1);
        note_time_left(fraction, now);
    }
    if (!bar.what || strcmp(bar.what, what) != 0) {
        bar.start_s = now;
        bar.what = what;
    }
    /* Short work shows no bar, and a bar moves at most ten times a second. */
    if (cli_is_terminal(stderr) && now - bar.start_s > 0.3 && now - bar.shown_s > 0.1) {
        fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
        int n = (int)(fraction * WIDTH);
        fflush(stdout);
        fprintf(stderr, "\r\033[K%s [%.*s%.*s] %3.0f %%  %s", what, n, full, WIDTH - n, none,
                100 * fraction, bar.note);
        fflush(stderr);
        bar.shown_s = now;
        bar.visible = true;
    }
    return !cli_is_interrupted();
}

void cli_progress_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(bar.note, sizeof bar.note, format, args);
    va_end(args);
}

void cli_progress_part(const char *name, double from, double to, double start_s, double expected_s)
{
    snprintf(part.name, sizeof part.name, "%s", name ? name : "");
    part.from = from;
    part.to = to;
    part.start_s = start_s;
    part.expected_s = expected_s;
}

void cli_progress_end(void)
{
    if (bar.visible) fputs("\r\033[K", stderr);
    bar.visible = false;
    bar.what = NULL;
    bar.note[0] = 0;
}

/* ---- text ---------------------------------------------------------------------------------- */

size_t cli_utf8_len(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    if (!len) return 0;
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len < n) return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    /* No longer forms, no surrogates, nothing above U+10FFFF. */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    return n;
}

/* C0, DEL and C1: what a terminal would obey instead of showing. */
static bool is_control(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    return s[0] < 0x20 || s[0] == 0x7f || (n == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void cli_write(FILE *stream, const char *text, size_t len)
{
    if (!cli_is_terminal(stream)) {
        fwrite(text, 1, len, stream);
        return;
    }
    for (size_t i = 0; i < len;) {
        size_t n = cli_utf8_len(text + i, len - i);
        if (n == 0)
            fputs(REPLACEMENT, stream);
        else if (!is_control(text + i, n) || text[i] == '\n' || text[i] == '\t')
            fwrite(text + i, 1, n, stream);
        i += n ? n : 1;
    }
}

bool cli_flush(void)
{
    static int failed; /* the first errno stays */
    errno = 0;
    if (!failed && (fflush(stdout) != 0 || ferror(stdout))) failed = errno ? errno : EIO;
    errno = failed;
    return !failed;
}

void cli_write_quoted(FILE *stream, const char *text, size_t len)
{
    fputc('"', stream);
    for (size_t i = 0; i < len;) {
        size_t n = cli_utf8_len(text + i, len - i);
        if (text[i] == '\n')
            fputs("\\n", stream);
        else if (text[i] == '"' || text[i] == '\\')
            fprintf(stream, "\\%c", text[i]);
        else if (n && !is_control(text + i, n))
            fwrite(text + i, 1, n, stream);
        else
            fprintf(stream, "\\x%02x", (unsigned)(unsigned char)text[i]);
        /* A control character of two bytes is shown byte by byte, like a broken one. */
        i += n && !is_control(text + i, n) ? n : 1;
    }
    fputc('"', stream);
}

aeon_status cli_text_append_utf8(aeon_text *out, const char *text, size_t len, aeon_error *err)
{
    size_t start = 0;
    TRY(aeon_text_append(out, "", 0, err));
    for (size_t i = 0; i < len;) {
        size_t n = cli_utf8_len(text + i, len - i);
        if (n) {
            i += n;
            continue;
        }
        TRY(aeon_text_append(out, text + start, i - start, err));
        TRY(aeon_text_append(out, REPLACEMENT, 3, err));
        start = ++i;
    }
    return aeon_text_append(out, text + start, len - start, err);
}

aeon_status cli_read_file(aeon_text *out, const char *path, aeon_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    aeon_status status = aeon_text_append(out, "", 0, err); /* nothing read is "", not NULL */
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && status == AEON_OK) {
        char block[1 << 14];
        if (!cli_wait_input(fd)) {
            status = cli_error(err, AEON_CANCELLED, "interrupted");
        } else {
            n = read(fd, block, sizeof block);
            if (n >= 0) status = aeon_text_append(out, block, (size_t)n, err);
        }
    }
    if (n < 0)
        status = cli_error(err, errno == ENOENT ? AEON_NOT_FOUND : AEON_IO, "%s: cannot read: %s",
                           is_stdin ? "standard input" : path, strerror(errno));
    if (!is_stdin && fd >= 0) close(fd);
    return status;
}

/* units: seven, for powers of 1000. */
static const char *short_number(char *out, size_t size, double value, const char *const *units)
{
    size_t i = 0;
    for (; value >= 999.5 && i < 6; i++) value /= 1000;
    snprintf(out, size, i && value < 99.95 ? "%.1f%s" : "%.0f%s", value, units[i]);
    return out;
}

const char *cli_short_count(char *out, size_t size, double value)
{
    static const char *const units[7] = {"", " k", " M", " B", " T", "e15", "e18"};
    return short_number(out, size, value, units);
}

const char *cli_short_bytes(char *out, size_t size, double value)
{
    static const char *const units[7] = {" B", " kB", " MB", " GB", " TB", " PB", " EB"};
    return short_number(out, size, value, units);
}

const char *cli_short_time(char *out, size_t size, double seconds)
{
    static const struct {
        double below_s, unit_s;
        const char *format;
    } units[] = {{0.9995, 1e-3, "%.0f ms"},
                 {9.95, 1, "%.1f s"},
                 {100, 1, "%.0f s"},
                 {5970, 60, "%.0f min"},
                 {0, 3600, "%.1f h"}};
    size_t i = 0, last = sizeof units / sizeof *units - 1;
    while (i < last && seconds >= units[i].below_s) i++;
    snprintf(out, size, units[i].format, seconds / units[i].unit_s);
    return out;
}

const char *cli_grouped(char *out, size_t size, uint64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    size_t at = 0;
    for (int i = 0; i < n && at + 2 < size; i++) {
        if (i && (n - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

void cli_type_names(char *out, size_t size)
{
    size_t used = 0;
    const char *name;
    *out = 0;
    for (size_t i = 0; (name = aeon_quantize_type_at(i)) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", name);
}

const char *cli_find_type(const char *word)
{
    const char *name = NULL;
    for (size_t i = 0; (name = aeon_quantize_type_at(i)); i++)
        if (strcasecmp(name, word) == 0) break;
    return name;
}

void cli_template_names(char *out, size_t size)
{
    size_t used = 0;
    const char *name;
    *out = 0;
    for (size_t i = 0; (name = aeon_chat_template_name_at(i)) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", name);
}

/* ---- signals and the clock ----------------------------------------------------------------- */

static volatile sig_atomic_t interrupted, terminated;
static int wake[2] = {-1, -1}; /* a pipe: the handler writes, cli_wait_input polls */

static void on_signal(int number)
{
    int saved = errno;
    interrupted = 1;
    if (number != SIGINT) terminated = 1;
    ssize_t ignored = write(wake[1], "", 1); /* a full pipe wakes as well */
    (void)ignored;
    errno = saved;
}

aeon_status cli_signals_catch(aeon_error *err)
{
    if (pipe(wake) != 0) return cli_error(err, AEON_IO, "cannot make a pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        fcntl(wake[i], F_SETFL, O_NONBLOCK);
        fcntl(wake[i], F_SETFD, FD_CLOEXEC);
    }
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        /* What the parent had ignored (nohup) stays ignored. */
        if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(caught[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is seen as a failed write, */
    signal(SIGXFSZ, SIG_IGN); /* and so is a file that reaches the shell's limit (ulimit -f) */
    return AEON_OK;
}

bool cli_is_interrupted(void)
{
    return interrupted;
}

bool cli_is_terminated(void)
{
    return terminated;
}

void cli_signals_clear(void)
{
    char drained[16];
    interrupted = terminated; /* first: a signal from here on keeps its flag */
    while (read(wake[0], drained, sizeof drained) > 0) {
    }
}

bool cli_wait_input(int fd)
{
    struct pollfd waiting[2] = {{.fd = fd, .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
    for (;;) {
        if (interrupted) return false;
        int n = poll(waiting, 2, -1);
        if (n < 0 && errno != EINTR) return true; /* let the read report it */
        if (n > 0 && waiting[0].revents && !interrupted) return true;
    }
}

double cli_clock_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Linux: a number of kB that it knows of this program; 0 if there is none. */
static uint64_t read_own_kib(const char *key)
{
    char text[2048];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *line = strstr(text, key);
    return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

uint64_t cli_rss_bytes(void)
{
    return 1024 * read_own_kib("VmRSS:");
}

bool cli_peak_rss_reset(void)
{
#ifdef __GLIBC__
    malloc_trim(0); /* what is free but not given back is nobody's peak */
#endif
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    bool is_reset = fd >= 0 && write(fd, "5", 1) == 1;
    if (fd >= 0) close(fd);
    return is_reset;
}

uint64_t cli_peak_rss_bytes(void)
{
    /* What getrusage says begins with the peak of whoever started the program. */
    uint64_t peak_kib = read_own_kib("VmHWM:");
    if (peak_kib) return 1024 * peak_kib;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}
