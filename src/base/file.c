#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* advice: what to do, or "". */
static aeon_status fail_system(aeon_error *err, const char *path, const char *what,
                               const char *advice)
{
    aeon_status code = errno == ENOENT || errno == ENOTDIR ? AEON_NOT_FOUND : AEON_IO;
    return ae_fail(err, code, "%s: %s: %s%s", path, what, strerror(errno), advice);
}

static aeon_status fail_errno(aeon_error *err, const char *path, const char *what)
{
    return fail_system(err, path, what, "");
}

static const char *write_advice(void)
{
    switch (errno) {
    case EACCES:
    case EPERM:
    case EROFS: return "; choose a folder you may write to, or change its permissions";
    case ENOSPC:
    case EDQUOT: return "; make room on the disk or choose another";
    case EFBIG: return "; raise the limit on the size of files (ulimit -f)";
    case EWOULDBLOCK:
        return "; another program is writing this file: wait until it is done, or choose another "
               "name";
    default: return "";
    }
}

static aeon_status fail_write(aeon_error *err, const char *path, const char *what)
{
    return fail_system(err, path, what, write_advice());
}

/* Open a regular file for reading; devices, pipes and folders are refused. O_NONBLOCK keeps the
 * open of a pipe from waiting for a writer. */
static aeon_status open_regular(int *fd, struct stat *st, const char *path, aeon_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return fail_errno(err, path, "cannot open");
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode)) return AEON_OK;
    close(*fd);
    return ae_fail(err, AEON_IO, "%s: not a regular file", path);
}

/* ---- mapping ---- */

aeon_status ae_map_open(ae_map *out, const char *path, aeon_error *err)
{
    int fd;
    struct stat st;
    TRY(open_regular(&fd, &st, path, err));
    ae_map m = {NULL, (size_t)st.st_size};
    if (m.size) {
        void *at = mmap(NULL, m.size, PROT_READ, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED) {
            aeon_status status = fail_errno(err, path, "cannot map into memory");
            close(fd);
            return status;
        }
        m.data = at;
    }
    close(fd);
    *out = m;
    return AEON_OK;
}

aeon_status ae_map_new(ae_map *out, size_t size, aeon_error *err)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return ae_fail_memory(err, size, "a file in memory");
    *out = (ae_map){at, size};
    return AEON_OK;
}

void ae_map_close(ae_map *m)
{
    if (m->data) munmap((void *)m->data, m->size);
    *m = (ae_map){0};
}

void ae_map_forget(const void *data, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)data + page - 1) / page * page;
    uintptr_t last = ((uintptr_t)data + size) / page * page;
    if (last > first) madvise((void *)first, last - first, MADV_DONTNEED);
}

/* ---- safe replacement ---- */

enum { PUBLIC_MODE = 0644, PRIVATE_MODE = 0600 };

struct ae_writer {
    int fd;
    bool failed;
    uint64_t pos;
    size_t n_buffered;
    char *path, *path_tmp;
    unsigned char buffer[1 << 16];
};

static void writer_free(ae_writer *w)
{
    if (w->fd >= 0) close(w->fd);
    ae_mem_free(w->path);
    ae_mem_free(w->path_tmp);
    ae_mem_free(w);
}

/* Does the name still stand for this open file? */
static bool is_named(int fd, const char *path)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

/* Lock it, or wait a moment for who has it: longer than a talk takes to be saved, shorter than a
 * user's patience with a model being written. false and EWOULDBLOCK if it is still taken. */
static bool lock_soon(int fd)
{
    enum { NAPS = 200 };
    const struct timespec nap = {.tv_nsec = 10 * 1000 * 1000};
    for (int i = 0; i < NAPS; i++, nanosleep(&nap, NULL)) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK && errno != EINTR) return false;
    }
    errno = EWOULDBLOCK;
    return false;
}

/* Open a file that is to be renamed, and lock it until it is closed. The lock ends with its
 * process, so what a killed one left is taken over. Who had to wait may hold a file that was
 * renamed or removed meanwhile, and opens the name again. -1 and errno if that fails. */
static int open_locked(const char *path, mode_t mode)
{
    for (;;) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0) return -1;
        if (!lock_soon(fd)) {
            int error = errno;
            close(fd);
            errno = error;
            return -1;
        }
        if (is_named(fd, path)) return fd;
        close(fd);
    }
}

/* Empty, and in the private mode even if a killed process left it in another. */
static bool make_ready(int fd, mode_t mode)
{
    return ftruncate(fd, 0) == 0 && (mode != PRIVATE_MODE || fchmod(fd, mode) == 0);
}

static aeon_status writer_open(ae_writer **out, const char *path, mode_t mode, aeon_error *err)
{
    struct stat st; /* a rename would replace a device or a pipe by a file */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return ae_fail(err, AEON_IO, "%s: not a regular file; choose another name", path);
    ae_writer *w = ae_mem_alloc(AE_MEM_OTHER, sizeof *w);
    if (!w) return ae_fail_memory(err, sizeof *w, "a file buffer");
    char tmp[PATH_MAX];
    int len = snprintf(tmp, sizeof tmp, "%s.aeon-tmp", path);
    w->fd = -1;
    if (len < 0 || (size_t)len >= sizeof tmp) {
        writer_free(w);
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%.80s...: the path is too long", path);
    }
    w->path = ae_mem_text(AE_MEM_OTHER, path, strlen(path));
    w->path_tmp = ae_mem_text(AE_MEM_OTHER, tmp, (size_t)len);
    if (!w->path || !w->path_tmp) {
        writer_free(w);
        return ae_fail_memory(err, (size_t)len, "a path");
    }
    w->fd = open_locked(tmp, mode);
    if (w->fd < 0 || !make_ready(w->fd, mode)) {
        aeon_status status = fail_write(err, path, "cannot write here");
        writer_free(w);
        return status;
    }
    *out = w;
    return AEON_OK;
}

aeon_status ae_writer_open(ae_writer **out, const char *path, aeon_error *err)
{
    return writer_open(out, path, PUBLIC_MODE, err);
}

aeon_status ae_writer_open_private(ae_writer **out, const char *path, aeon_error *err)
{
    return writer_open(out, path, PRIVATE_MODE, err);
}

static aeon_status write_all(ae_writer *w, const unsigned char *data, size_t size, aeon_error *err)
{
    while (size) {
        ssize_t n = write(w->fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            w->failed = true;
            return fail_write(err, w->path, "cannot write");
        }
        data += n;
        size -= (size_t)n;
    }
    return AEON_OK;
}

static aeon_status writer_flush(ae_writer *w, aeon_error *err)
{
    size_t n = w->n_buffered;
    w->n_buffered = 0;
    return write_all(w, w->buffer, n, err);
}

aeon_status ae_writer_put(ae_writer *w, const void *data, size_t size, aeon_error *err)
{
    if (w->failed) return ae_fail(err, AEON_IO, "%s: an earlier write failed", w->path);
    w->pos += size;
    if (size > sizeof w->buffer - w->n_buffered) TRY(writer_flush(w, err));
    if (size > sizeof w->buffer) return write_all(w, data, size, err);
    if (size) memcpy(w->buffer + w->n_buffered, data, size);
    w->n_buffered += size;
    return AEON_OK;
}

uint64_t ae_writer_pos(const ae_writer *w)
{
    return w->pos;
}

/* A rename is only durable once the folder that holds the name is on disk. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1,
                       slash ? path : ".");
    if (len < 0 || (size_t)len >= sizeof folder) return;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

aeon_status ae_writer_commit(ae_writer *w, aeon_error *err)
{
    aeon_status status = AEON_OK;
    if (w->failed) status = ae_fail(err, AEON_IO, "%s: an earlier write failed", w->path);
    if (status == AEON_OK) status = writer_flush(w, err);
    if (status == AEON_OK && fsync(w->fd) != 0) status = fail_write(err, w->path, "cannot sync");
    if (status == AEON_OK && rename(w->path_tmp, w->path) != 0)
        status = fail_write(err, w->path, "cannot rename the finished file");
    if (status != AEON_OK) {
        ae_writer_abort(w);
        return status;
    }
    sync_folder(w->path);
    writer_free(w);
    return AEON_OK;
}

void ae_writer_abort(ae_writer *w)
{
    if (!w) return;
    unlink(w->path_tmp);
    writer_free(w);
}

/* ---- small helpers ---- */

static aeon_status read_all(int fd, const char *path, size_t max_bytes, aeon_text *out,
                            aeon_error *err)
{
    char block[1 << 14];
    for (size_t total = 0;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(err, path, "cannot read");
        if (n == 0) return AEON_OK;
        total += (size_t)n;
        if (total > max_bytes)
            return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: larger than %zu bytes", path,
                           max_bytes);
        TRY(aeon_text_append(out, block, (size_t)n, err));
    }
}

aeon_status ae_file_read(const char *path, size_t max_bytes, aeon_text *out, aeon_error *err)
{
    TRY(aeon_text_append(out, "", 0, err)); /* an empty file is an empty text, not NULL */
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", max_bytes, out, err);
    int fd;
    struct stat st;
    TRY(open_regular(&fd, &st, path, err));
    aeon_status status = read_all(fd, path, max_bytes, out, err);
    close(fd);
    return status;
}

bool ae_file_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool ae_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool ae_file_is_same(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

bool ae_path_join(char *out, size_t size, const char *folder, const char *name)
{
    size_t len = strlen(folder);
    const char *slash = len && folder[len - 1] == '/' ? "" : "/";
    int n = snprintf(out, size, "%s%s%s", folder, slash, name);
    return n >= 0 && (size_t)n < size;
}

const char *ae_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

double ae_clock_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
