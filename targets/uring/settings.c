#include "settings.h"

#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct settings settings;

static void say_list(const char *format, va_list values) {
    char line[512];
    vsnprintf(line, sizeof line, format, values);
    fprintf(stderr, "uring: %s\n", line);
}

void say(const char *format, ...) {
    va_list values;
    va_start(values, format);
    say_list(format, values);
    va_end(values);
}

void fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    say_list(format, values);
    va_end(values);
    exit(1);
}

static const char *variable(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

static bool flag(const char *name) {
    const char *value = variable(name, "");
    return !strcasecmp(value, "true") || !strcasecmp(value, "yes") || !strcasecmp(value, "on") || !strcmp(value, "1");
}

static double seconds(const char *name, const char *otherwise) {
    const char *text = variable(name, otherwise);
    char *end;
    double value = strtod(text, &end);
    if (*end || !(value > 0) || !isfinite(value) || value > 1e9)
        fail("%s is '%s', not a number of seconds above 0", name, text);
    return value;
}

static bool printable(const char *text) {
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static void read_url(const char *url) {
    bool tls = !strncasecmp(url, "https://", 8);
    const char *at = url + (tls ? 8 : 7);
    size_t size = tls || !strncasecmp(url, "http://", 7) ? strcspn(at, "/?#") : 0;
    if (!size || size >= sizeof settings.authority || !printable(url) || at[size] == '?' || at[size] == '#')
        fail("OPENAI_API_BASE is '%s', no http or https URL", url);
    settings.tls = tls;
    settings.path = at + size;
    memcpy(settings.authority, at, size);
    char *user = strrchr(settings.authority, '@');
    if (user)
        memmove(settings.authority, user + 1, strlen(user));

    const char *host = settings.authority, *port = tls ? "443" : "80";
    size_t length = *host == '[' ? strcspn(++host, "]") : strcspn(host, ":");
    const char *rest = host + length + (host[length] == ']');
    if (*rest == ':')
        port = rest + 1;
    if (!length || length >= sizeof settings.host)
        fail("OPENAI_API_BASE is '%s', which has no host", url);
    memcpy(settings.host, host, length);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int code = getaddrinfo(settings.host, port, &hints, &settings.addresses);
    if (code)
        fail("OPENAI_API_BASE is '%s': %s", url, gai_strerror(code));
}

static void read_mode(const char *text) {
    char *end;
    unsigned long mode = strtoul(text, &end, 8);
    if (!isdigit((unsigned char)*text) || *end || mode > 0777)
        fail("the socket's mode is '%s', not permissions in octal", text);
    settings.mode = (mode_t)mode;
}

static void read_arguments(int count, char **arguments) {
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'}, {"socket-mode", required_argument, NULL, 'm'},
        {"mode", required_argument, NULL, 'm'},   {"backend", required_argument, NULL, 'b'},
        {0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "s:m:", options, NULL)) != -1) {
        if (option == 's')
            settings.socket = optarg;
        else if (option == 'm')
            read_mode(optarg);
        else if (option != 'b' || strcmp(optarg, "openai") != 0)
            fail("usage: %s --socket PATH [--socket-mode 0660] [--backend openai]", arguments[0]);
    }
    if (!settings.socket || optind < count)
        fail("usage: %s --socket PATH [--socket-mode 0660] [--backend openai]", arguments[0]);
}

void settings_read(int count, char **arguments) {
    read_mode(variable("DAEMON_SOCKET_MODE", "0660"));
    read_arguments(count, arguments);
    settings.key = variable("OPENAI_API_KEY", "");
    if (!printable(settings.key))
        fail("OPENAI_API_KEY has characters that no header field can carry");
    settings.insecure = flag("OPENAI_INSECURE_SSL");
    if (flag("OPENAI_HTTP2_ENABLED"))
        fail("OPENAI_HTTP2_ENABLED is set, and this daemon speaks HTTP/1.1 only");
    settings.upstream_seconds = seconds("OPENAI_IDLE_TIMEOUT", "60");
    settings.write_seconds = seconds("DAEMON_WRITE_TIMEOUT", "30");
    settings.payload_seconds = seconds("DAEMON_IDLE_SECONDS", "10");
    read_url(variable("OPENAI_API_BASE", "https://api.openai.com/v1"));
}
