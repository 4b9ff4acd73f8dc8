#define _GNU_SOURCE // rawmemchr
#include "json.h"

#include <string.h>

enum { MAX_DEPTH = 500 };

static bool space(char byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }
static bool digit(char byte) { return byte >= '0' && byte <= '9'; }

static const char *skip_space(const char *at, const char *end) {
    while (at < end && space(*at))
        at++;
    return at;
}

static int hex(char byte) {
    if (digit(byte))
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

// The check. Each function takes the place where its value begins, and returns the place
// after it; NULL where it is no JSON.

static const char *check_value(const char *at, const char *end, int depth);

static const char *check_string(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at != '\\')
            continue;
        if (++at == end || !*at || !strchr("\"\\/bfnrtu", *at))
            return NULL;
        for (int n = 0; *at == 'u' && n < 4; n++)
            if (end - at <= n + 1 || hex(at[n + 1]) < 0)
                return NULL;
    }
    return at < end ? at + 1 : NULL;
}

static const char *check_digits(const char *at, const char *end) {
    const char *first = at;
    while (at < end && digit(*at))
        at++;
    return at > first ? at : NULL;
}

static const char *check_number(const char *at, const char *end) {
    if (*at == '-')
        at++;
    if (at < end && *at == '0')
        at++;
    else
        at = check_digits(at, end);
    if (at && at < end && *at == '.')
        at = check_digits(at + 1, end);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = check_digits(at, end);
    }
    return at;
}

static const char *check_word(const char *at, const char *end, const char *word) {
    size_t size = strlen(word);
    return (size_t)(end - at) >= size && !memcmp(at, word, size) ? at + size : NULL;
}

static const char *check_container(const char *at, const char *end, int depth) {
    bool object = *at == '{';
    char close = object ? '}' : ']';
    if (depth >= MAX_DEPTH)
        return NULL;
    at = skip_space(at + 1, end);
    if (at < end && *at == close)
        return at + 1;
    while (at && at < end) {
        if (object) {
            if (*at != '"' || !(at = check_string(at, end)))
                return NULL;
            at = skip_space(at, end);
            if (at == end || *at != ':')
                return NULL;
            at = skip_space(at + 1, end);
        }
        if (!(at = check_value(at, end, depth + 1)))
            return NULL;
        at = skip_space(at, end);
        if (at < end && *at == close)
            return at + 1;
        if (at == end || *at != ',')
            return NULL;
        at = skip_space(at + 1, end);
    }
    return NULL;
}

static const char *check_value(const char *at, const char *end, int depth) {
    if (at == end)
        return NULL;
    switch (*at) {
    case '{':
    case '[':
        return check_container(at, end, depth);
    case '"':
        return check_string(at, end);
    case 'n':
        return check_word(at, end, "null");
    case 't':
        return check_word(at, end, "true");
    case 'f':
        return check_word(at, end, "false");
    default:
        return *at == '-' || digit(*at) ? check_number(at, end) : NULL;
    }
}

bool json_valid(struct text text) {
    const char *end = text.at + text.size;
    const char *at = check_value(skip_space(text.at, end), end, 0);
    return at && skip_space(at, end) == end;
}

// Looking into what was checked: ends are found by counting brackets outside strings.

static const char *string_end(const char *at) {
    for (;;) {
        at = rawmemchr(at + 1, '"');
        int escapes = 0;
        while (at[-1 - escapes] == '\\')
            escapes++;
        if (escapes % 2 == 0)
            return at + 1;
    }
}

static const char *value_end(const char *at, const char *end) {
    int depth = 0;
    do {
        if (*at == '"') {
            at = string_end(at);
            continue;
        }
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (depth == 0 && *at != '}' && *at != ']') {
            while (at < end && !space(*at) && !strchr(",]}", *at))
                at++;
            return at;
        }
        at++;
    } while (at < end && depth);
    return at;
}

enum json_type json_type(struct text value) {
    value = text_trim(value);
    if (!value.at || !value.size)
        return JSON_NONE;
    switch (value.at[0]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 'n':
        return JSON_NULL;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    default:
        return JSON_NUMBER;
    }
}

bool json_next(struct text container, struct text *place, struct text *name, struct text *item) {
    container = text_trim(container);
    const char *end = container.at + container.size;
    bool object = *container.at == '{';
    const char *at = skip_space(place->at ? place->at : container.at + 1, end);
    if (at < end && *at == ',')
        at = skip_space(at + 1, end);
    if (at >= end || *at == ']' || *at == '}')
        return false;
    if (object) {
        const char *after = string_end(at);
        if (name)
            *name = (struct text){at, (size_t)(after - at)};
        at = skip_space(skip_space(after, end) + 1, end);
    }
    const char *after = value_end(at, end);
    *item = (struct text){at, (size_t)(after - at)};
    place->at = after;
    return true;
}

static bool named(struct text name, const char *wanted) {
    struct text inner = {name.at + 1, name.size - 2};
    if (!memchr(inner.at, '\\', inner.size))
        return text_is(inner, wanted);
    struct buffer plain = {0};
    json_string(&plain, name);
    bool same = text_is(text_from(&plain), wanted);
    buffer_free(&plain);
    return same;
}

struct text json_member(struct text object, const char *name) {
    struct text place = {0}, key = {0}, item = {0}, found = {0};
    if (json_type(object) != JSON_OBJECT)
        return found;
    while (json_next(object, &place, &key, &item))
        if (named(key, name))
            found = item;
    return found;
}

bool json_says_something(struct text value) {
    struct text place = {0}, item = {0};
    switch (json_type(value)) {
    case JSON_TRUE:
        return true;
    case JSON_STRING:
        return value.size > 2;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return json_next(value, &place, NULL, &item);
    case JSON_NUMBER:
        for (size_t n = 0; n < value.size && (value.at[n] | 0x20) != 'e'; n++)
            if (value.at[n] >= '1' && value.at[n] <= '9')
                return true;
        return false;
    default:
        return false;
    }
}

static unsigned unit(const char *at) { // of \uXXXX
    return (unsigned)(hex(at[2]) << 12 | hex(at[3]) << 8 | hex(at[4]) << 4 | hex(at[5]));
}

bool json_string(struct buffer *out, struct text value) {
    bool whole = true;
    const char *at = value.at + 1, *end = value.at + value.size - 1;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const char *stop = escape ? escape : end;
        put(out, (struct text){at, (size_t)(stop - at)});
        if (!escape)
            break;
        if (escape[1] != 'u') {
            static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
            const char *found = strchr(from, escape[1]);
            put_byte(out, found ? to[found - from] : escape[1]);
            at = escape + 2;
            continue;
        }
        unsigned code = unit(escape);
        at = escape + 6;
        if (code >= 0xd800 && code < 0xe000) {
            unsigned next = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? unit(at) : 0;
            if (code < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
                code = 0x10000 + ((code & 0x3ff) << 10 | (next & 0x3ff));
                at += 6;
            } else { // section 8.2: half of a pair stands for no character
                code = 0xfffd;
                whole = false;
            }
        }
        put_code_point(out, code);
    }
    return whole;
}

void put_quoted(struct buffer *out, struct text utf8) {
    static const char digits[] = "0123456789abcdef";
    put_byte(out, '"');
    size_t from = 0;
    for (size_t n = 0; n < utf8.size; n++) {
        unsigned char byte = (unsigned char)utf8.at[n];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        put(out, (struct text){utf8.at + from, n - from});
        from = n + 1;
        if (byte < 0x20) {
            put(out, (struct text){(char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]}, 6});
        } else {
            put_byte(out, '\\');
            put_byte(out, (char)byte);
        }
    }
    put(out, (struct text){utf8.at + from, utf8.size - from});
    put_byte(out, '"');
}
