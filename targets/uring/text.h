// Slices of bytes that somebody else owns, and buffers that grow.
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    const char *at; // NULL: there is none
    size_t size;
};

struct buffer {
    char *data;
    size_t size, room;
};

#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

struct text text_of(const char *string);
struct text text_from(const struct buffer *buffer);
bool text_is(struct text text, const char *string);
bool text_is_caseless(struct text text, const char *string);
struct text text_trim(struct text text); // without white space around it

void put(struct buffer *out, struct text text);
void put_string(struct buffer *out, const char *string);
void put_byte(struct buffer *out, char byte);
void put_format(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_free(struct buffer *buffer);

bool utf8_valid(struct text text);
// Append *text*; each ill-formed sequence becomes U+FFFD (WHATWG Encoding, UTF-8 decode).
void put_utf8(struct buffer *out, struct text text);
// Append one code point.
void put_code_point(struct buffer *out, unsigned code);

void *must(void *memory); // end with a message where there is no memory

#endif
