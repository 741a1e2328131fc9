/* support.h - files that tests of train/ need: a folder, a byte tokenizer, talks, a recipe. */
#ifndef AEON_TESTS_TRAIN_SUPPORT_H
#define AEON_TESTS_TRAIN_SUPPORT_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

typedef struct {
    char folder[32];
    char path[10][64]; /* of files written or named so far */
    int n_paths;
} test_files;

static inline void files_begin(test_files *f)
{
    *f = (test_files){.folder = "/tmp/aeon-train-XXXXXX"};
    assert_non_null(mkdtemp(f->folder));
}

/* The path of a file in the folder; it is removed at the end. */
static inline const char *files_path(test_files *f, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    for (int i = 0; i < f->n_paths; i++)
        if (strcmp(f->path[i], path) == 0) return f->path[i];
    assert_true(f->n_paths < 10);
    return strcpy(f->path[f->n_paths++], path);
}

static inline const char *files_write(test_files *f, const char *name, const char *text)
{
    const char *path = files_path(f, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fputs(text, out) < 0, 0);
    assert_int_equal(fclose(out), 0);
    return path;
}

static inline void files_end(test_files *f)
{
    for (int i = 0; i < f->n_paths; i++) unlink(f->path[i]);
    assert_int_equal(rmdir(f->folder), 0);
}

/* A tokenizer.json whose tokens are the 256 bytes and the control tokens of the template: byte b
 * is spelled by the printable character that byte-level vocabularies give it. */
static inline const char *files_write_tokenizer(test_files *f)
{
    static char text[16384];
    char *at = text;
    int n_others = 0;
    at += sprintf(at, "{\"added_tokens\":[");
    const char *const control[] = {"<|endoftext|>", "<|assistant|>", "<|end|>",
                                   "<|user|>",      "<|system|>",    "<|tool|>",
                                   "<|/tool|>",     "<|tool_call|>", "<|/tool_call|>"};
    for (int i = 0; i < 9; i++)
        at += sprintf(at, "%s{\"id\":%d,\"content\":\"%s\",\"special\":true}", i ? "," : "",
                      256 + i, control[i]);
    at += sprintf(at, "],\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                      "\"use_regex\":true},\"decoder\":{\"type\":\"ByteLevel\"},"
                      "\"model\":{\"type\":\"BPE\",\"vocab\":{");
    for (int b = 0; b < 256; b++) {
        int is_plain = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        at += sprintf(at, "%s\"\\u%04x\":%d", b ? "," : "", is_plain ? b : 256 + n_others++, b);
    }
    sprintf(at, "},\"merges\":[]}}");
    return files_write(f, "tokenizer.json", text);
}

#endif
