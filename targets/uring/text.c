#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void *must(void *memory) {
    if (!memory) {
        fputs("uring: out of memory\n", stderr);
        abort();
    }
    return memory;
}

struct text text_of(const char *string) { return (struct text){string, strlen(string)}; }

struct text text_from(const struct buffer *buffer) {
    return (struct text){buffer->data ? buffer->data : "", buffer->size};
}

bool text_is(struct text text, const char *string) {
    return text.at && text.size == strlen(string) && !memcmp(text.at, string, text.size);
}

bool text_is_caseless(struct text text, const char *string) {
    return text.at && text.size == strlen(string) && !strncasecmp(text.at, string, text.size);
}

static bool is_space(char byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

struct text text_trim(struct text text) {
    while (text.size && is_space(text.at[0]))
        text.at++, text.size--;
    while (text.size && is_space(text.at[text.size - 1]))
        text.size--;
    return text;
}

static void make_room(struct buffer *out, size_t more) {
    if (out->room - out->size >= more)
        return;
    size_t room = out->room ? out->room : 256;
    while (room - out->size < more)
        room *= 2; // doubling keeps the copying linear
    out->data = must(realloc(out->data, room));
    out->room = room;
}

void put(struct buffer *out, struct text text) {
    if (!text.size)
        return;
    make_room(out, text.size);
    memcpy(out->data + out->size, text.at, text.size);
    out->size += text.size;
}

void put_string(struct buffer *out, const char *string) { put(out, text_of(string)); }

void put_byte(struct buffer *out, char byte) { put(out, (struct text){&byte, 1}); }

void put_format(struct buffer *out, const char *format, ...) {
    char line[512]; // for short things; longer ones are cut
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    put_string(out, line);
}

void buffer_free(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}

// Bytes of the well-formed sequence at the front of *text*, by Unicode's table 3-7; where it
// is ill-formed, minus the bytes that are replaced together.
static int sequence(struct text text) {
    const unsigned char *at = (const unsigned char *)text.at;
    unsigned char low = 0x80, high = 0xbf;
    int length = at[0] < 0x80   ? 1
                 : at[0] < 0xc2 ? 0
                 : at[0] < 0xe0 ? 2
                 : at[0] < 0xf0 ? 3
                 : at[0] < 0xf5 ? 4
                                : 0;
    if (!length)
        return -1;
    if (at[0] == 0xe0)
        low = 0xa0;
    if (at[0] == 0xed)
        high = 0x9f;
    if (at[0] == 0xf0)
        low = 0x90;
    if (at[0] == 0xf4)
        high = 0x8f;
    for (int n = 1; n < length; n++, low = 0x80, high = 0xbf)
        if ((size_t)n >= text.size || at[n] < low || at[n] > high)
            return -n;
    return length;
}

bool utf8_valid(struct text text) {
    while (text.size) {
        int length = sequence(text);
        if (length < 0)
            return false;
        text.at += length;
        text.size -= (size_t)length;
    }
    return true;
}

void put_utf8(struct buffer *out, struct text text) {
    while (text.size) {
        size_t good = 0;
        int length = 1;
        while (good < text.size &&
               (length = sequence((struct text){text.at + good, text.size - good})) > 0)
            good += (size_t)length;
        put(out, (struct text){text.at, good});
        if (length < 0) {
            put(out, TEXT("\xef\xbf\xbd"));
            good += (size_t)-length;
        }
        text.at += good;
        text.size -= good;
    }
}

void put_code_point(struct buffer *out, unsigned code) {
    if (code < 0x80) {
        put_byte(out, (char)code);
        return;
    }
    if (code < 0x800) {
        put_byte(out, (char)(0xc0 | code >> 6));
    } else {
        if (code < 0x10000) {
            put_byte(out, (char)(0xe0 | code >> 12));
        } else {
            put_byte(out, (char)(0xf0 | code >> 18));
            put_byte(out, (char)(0x80 | (code >> 12 & 0x3f)));
        }
        put_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
    }
    put_byte(out, (char)(0x80 | (code & 0x3f)));
}
