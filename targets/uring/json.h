// JSON (RFC 8259) without a tree: a text is checked once, and then looked into by scanning.
// Every function but json_valid takes a value of a text that json_valid has accepted.
#ifndef JSON_H
#define JSON_H

#include "text.h"

enum json_type { JSON_NONE, JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

bool json_valid(struct text text); // one value; nesting beyond 500 is refused (section 9)
enum json_type json_type(struct text value);
bool json_says_something(struct text value); // none of null, false, 0, "", [] and {}
struct text json_member(struct text object, const char *name); // of a name twice, the last
// Step through an array, or an object's members (*name* is then set, with its quotes). Start
// with a *place* of {0}; false at the end.
bool json_next(struct text container, struct text *place, struct text *name, struct text *item);
// Append a string's characters; false where there was half a character, which became U+FFFD.
bool json_string(struct buffer *out, struct text value);
void put_quoted(struct buffer *out, struct text utf8); // as a JSON string

#endif
