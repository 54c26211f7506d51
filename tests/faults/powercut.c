/* A power cut for one folder, for LD_PRELOAD: what was written and not synced can be undone.
 *
 * XIAOER_CUT_FOLDER   files directly in this folder are watched (but for *-shm, which is memory)
 * XIAOER_CUT_NOTES    where the notes go: FILE.undo says what stood where before each write that
 *                     no sync has followed; FILE.new that the folder was not synced since the file
 *                     was made; FILE.gone is the file that was deleted, until the folder is synced
 * XIAOER_SYNC_MS      each sync takes so many milliseconds longer, wherever the file is
 *
 * A note is written before the deed that it undoes, and thrown away after the sync: whenever the
 * process is killed, powercut.py can bring back what a disk had to hold at that moment. One
 * process at a time may write a file.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SECTOR 512
#define MOST_FDS 4096
#define REAL(name, type) \
    static type real; \
    if (!real) real = (type)dlsym(RTLD_NEXT, name)

typedef int (*open_t)(const char *, int, ...);
typedef int (*openat_t)(int, const char *, int, ...);
typedef ssize_t (*pwrite_t)(int, const void *, size_t, off_t);
typedef ssize_t (*write_t)(int, const void *, size_t);
typedef int (*ftruncate_t)(int, off_t);
typedef int (*fd_t)(int);
typedef int (*unlink_t)(const char *);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[MOST_FDS]; /* of the watched files that are open */
static char is_folder[MOST_FDS];
static const char *folder, *notes;
static long sync_ms;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("XIAOER_CUT_FOLDER");
    notes = getenv("XIAOER_CUT_NOTES");
    if (!notes) folder = NULL;
    const char *ms = getenv("XIAOER_SYNC_MS");
    sync_ms = ms ? atol(ms) : 0;
}

static void fail(const char *what) { /* a note that is lost makes every result worthless */
    dprintf(2, "powercut: %s: %s\n", what, strerror(errno));
    abort();
}

/* The name within the watched folder; NULL for what is not directly in it. */
static const char *watched(const char *path) {
    size_t length = folder ? strlen(folder) : 0;
    if (!folder || strncmp(path, folder, length) || path[length] != '/') return NULL;
    const char *name = path + length + 1;
    size_t end = strlen(name);
    if (!end || strchr(name, '/')) return NULL;
    return end > 4 && !strcmp(name + end - 4, "-shm") ? NULL : name;
}

static void note_path(char *path, const char *name, const char *kind) {
    if (snprintf(path, PATH_MAX, "%s/%s.%s", notes, name, kind) >= PATH_MAX) fail("path");
}

static int real_open(const char *path, int flags, mode_t mode) {
    REAL("open", open_t);
    return real(path, flags, mode);
}

static void opened(int fd, const char *path, int is_new) {
    if (fd < 0 || fd >= MOST_FDS || !folder) return;
    const char *name = watched(path);
    if (name) {
        names[fd] = strdup(name);
    } else if (!strcmp(path, folder)) {
        is_folder[fd] = 1;
    }
    if (name && is_new) {
        char path_of_note[PATH_MAX];
        note_path(path_of_note, name, "new");
        int made = real_open(path_of_note, O_CREAT | O_WRONLY, 0600);
        if (made < 0) fail("new");
        syscall(SYS_close, made);
    }
}

static int open_it(int at, const char *path, int flags, mode_t mode, openat_t real) {
    pthread_mutex_lock(&lock);
    int is_new = (flags & O_CREAT) && folder && watched(path) && access(path, F_OK);
    int fd = real(at, path, flags, mode);
    int error = errno;
    opened(fd, path, is_new);
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags, last, mode) \
    mode_t mode = 0; \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, last); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, flags, mode);
    REAL("openat", openat_t);
    return open_it(AT_FDCWD, path, flags, mode, real);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, flags, mode);
    REAL("openat64", openat_t);
    return open_it(AT_FDCWD, path, flags, mode, real);
}

int openat(int at, const char *path, int flags, ...) {
    MODE(flags, flags, mode);
    REAL("openat", openat_t);
    return open_it(at, path, flags, mode, real);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags, flags, mode);
    REAL("openat64", openat_t);
    return open_it(at, path, flags, mode, real);
}

int close(int fd) {
    REAL("close", fd_t);
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < MOST_FDS) {
        free(names[fd]);
        names[fd] = NULL;
        is_folder[fd] = 0;
    }
    int result = real(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

static int is_watched(int fd) { return fd >= 0 && fd < MOST_FDS && names[fd]; }

/* Note what stands from `from` to `to` (whole sectors), and how long the file is. */
static void note(int fd, off_t from, off_t to) {
    struct stat now;
    if (fstat(fd, &now)) fail("fstat");
    from -= from % SECTOR;
    to += (SECTOR - to % SECTOR) % SECTOR;
    char *old = calloc(1, to > from ? to - from : 1);
    if (!old) fail("calloc");
    for (off_t at = from; at < to && at < now.st_size;) {
        ssize_t got = pread(fd, old + (at - from), to - at, at);
        if (got < 0) fail("pread");
        if (!got) break;
        at += got;
    }
    char path[PATH_MAX];
    note_path(path, names[fd], "undo");
    int out = real_open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    if (out < 0) fail("undo");
    int64_t head[3] = {from, to > from ? to - from : 0, now.st_size};
    struct iovec parts[2] = {{head, sizeof head}, {old, head[1]}};
    if (writev(out, parts, 2) != (ssize_t)(sizeof head + head[1])) fail("undo");
    syscall(SYS_close, out);
    free(old);
}

static ssize_t pwrite_it(int fd, const void *data, size_t count, off_t at, pwrite_t real) {
    if (!is_watched(fd)) return real(fd, data, count, at);
    pthread_mutex_lock(&lock);
    note(fd, at, at + count);
    ssize_t result = real(fd, data, count, at);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t at) {
    REAL("pwrite", pwrite_t);
    return pwrite_it(fd, data, count, at, real);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off_t at) {
    REAL("pwrite64", pwrite_t);
    return pwrite_it(fd, data, count, at, real);
}

ssize_t write(int fd, const void *data, size_t count) {
    REAL("write", write_t);
    if (!is_watched(fd)) return real(fd, data, count);
    pthread_mutex_lock(&lock);
    int flags = fcntl(fd, F_GETFL);
    off_t at = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
    note(fd, at, at + count);
    ssize_t result = real(fd, data, count);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static int ftruncate_it(int fd, off_t size, ftruncate_t real) {
    if (!is_watched(fd)) return real(fd, size);
    pthread_mutex_lock(&lock);
    struct stat now;
    if (fstat(fd, &now)) fail("fstat");
    note(fd, size, now.st_size > size ? now.st_size : size);
    int result = real(fd, size);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t size) {
    REAL("ftruncate", ftruncate_t);
    return ftruncate_it(fd, size, real);
}

int ftruncate64(int fd, off_t size) {
    REAL("ftruncate64", ftruncate_t);
    return ftruncate_it(fd, size, real);
}

static void forget(const char *name, const char *kind) {
    REAL("unlink", unlink_t);
    char path[PATH_MAX];
    note_path(path, name, kind);
    if (real(path) && errno != ENOENT) fail("forget");
}

/* The folder is synced: what was made stays, and what was deleted is gone. */
static void forget_names(void) {
    DIR *all = opendir(notes);
    if (!all) fail("opendir");
    for (struct dirent *one; (one = readdir(all));) {
        char *kind = strrchr(one->d_name, '.');
        if (!kind || (strcmp(kind, ".new") && strcmp(kind, ".gone"))) continue;
        *kind = 0;
        forget(one->d_name, kind + 1);
    }
    closedir(all);
}

static int sync_it(int fd, fd_t real) {
    if (sync_ms) {
        struct timespec pause = {sync_ms / 1000, sync_ms % 1000 * 1000000};
        nanosleep(&pause, NULL);
    }
    if (!is_watched(fd) && !(fd >= 0 && fd < MOST_FDS && is_folder[fd])) return real(fd);
    pthread_mutex_lock(&lock);
    int result = real(fd);
    int error = errno;
    if (!result && is_watched(fd)) forget(names[fd], "undo");
    if (!result && !is_watched(fd)) forget_names();
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int fd) {
    REAL("fsync", fd_t);
    return sync_it(fd, real);
}

int fdatasync(int fd) {
    REAL("fdatasync", fd_t);
    return sync_it(fd, real);
}

int unlink(const char *path) {
    REAL("unlink", unlink_t);
    const char *name = watched(path);
    if (!name) return real(path);
    pthread_mutex_lock(&lock);
    char kept[PATH_MAX];
    note_path(kept, name, "gone");
    if (real(kept) && errno != ENOENT) fail("unlink");
    if (link(path, kept) && errno != ENOENT) fail("link");
    int result = real(path);
    int error = errno;
    if (!result) forget(name, "undo");
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
