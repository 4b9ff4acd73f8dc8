<?php

/**
 * Streaming daemon: takes clients' sockets from a web server (SCM_RIGHTS), asks an LLM provider
 * (OpenAI chat completions, streaming), and writes the whole HTTP response to the client.
 *
 *     php streaming_daemon.php --socket PATH [--mode 0660] [--backend openai]
 *                              [--runtime fibers|amp|swoole|swow]
 *
 * Environment: OPENAI_API_BASE, OPENAI_API_KEY, OPENAI_INSECURE_SSL, OPENAI_IDLE_TIMEOUT,
 * DAEMON_SOCKET_MODE, DAEMON_WRITE_TIMEOUT, DAEMON_IDLE_SECONDS, AMPHP_AUTOLOAD.
 *
 * PHP opens sockets without close-on-exec; that does no harm here, for nothing is executed.
 */

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use InvalidArgumentException;
use RuntimeException;

error_reporting(E_ALL);
ini_set('display_errors', 'stderr');
ini_set('memory_limit', '-1'); // what is kept in memory has limits of its own

spl_autoload_register(static function (string $class): void {
    $file = __DIR__ . '/' . substr($class, strlen(__NAMESPACE__) + 1) . '.php';
    if (str_starts_with($class, __NAMESPACE__ . '\\') && is_file($file)) {
        require $file;
    }
});

/** @return array{socket: string, mode: int, runtime: string} */
function options(): array
{
    $given = getopt('s:m:', ['socket:', 'mode:', 'backend:', 'runtime:'], $end);
    if ($end < count($_SERVER['argv'])) {
        throw new InvalidArgumentException("unknown argument: {$_SERVER['argv'][$end]}");
    }
    $last = static fn (string|array $value): string => is_array($value) ? end($value) : $value;
    $given = array_map($last, $given);
    $mode = $given['mode'] ?? $given['m'] ?? (getenv('DAEMON_SOCKET_MODE') ?: '0660');
    if (preg_match('~^0?o?[0-7]{3}$~D', $mode) !== 1) {
        throw new InvalidArgumentException("mode is not octal, like 0660: $mode");
    }
    if (($given['backend'] ?? 'openai') !== 'openai') {
        throw new InvalidArgumentException("unknown backend: {$given['backend']}; there is openai only");
    }

    return [
        'socket' => $given['socket'] ?? $given['s'] ?? throw new InvalidArgumentException('--socket PATH is missing'),
        'mode' => (int) octdec(substr($mode, -3)),
        'runtime' => $given['runtime'] ?? 'fibers',
    ];
}

function runtime(string $name): Runtime
{
    return match ($name) {
        'fibers' => new FiberRuntime(),
        'amp' => AmpRuntime::load() ? new AmpRuntime() : throw new InvalidArgumentException(
            'amphp is not installed: apt-get install php-amphp-amp, or composer require amphp/amp and AMPHP_AUTOLOAD',
        ),
        'swoole' => extension_loaded('swoole') ? new SwooleRuntime() : throw new InvalidArgumentException(
            'ext-swoole is not loaded: pecl install swoole, then php -d extension=swoole',
        ),
        'swow' => extension_loaded('swow') ? new SwowRuntime() : throw new InvalidArgumentException(
            'ext-swow is not loaded: composer require swow/swow, vendor/bin/swow-builder, then php -d extension=swow',
        ),
        default => throw new InvalidArgumentException("unknown runtime: $name; known are fibers, amp, swoole, swow"),
    };
}

try {
    foreach (['sockets', 'openssl', 'pcntl'] as $extension) {
        extension_loaded($extension) || throw new InvalidArgumentException("ext-$extension is not loaded");
    }
    $options = options();
    $settings = Settings::read();
    $runtime = runtime($options['runtime']);
    $listener = Listener::open($options['socket'], $options['mode']);
} catch (InvalidArgumentException | RuntimeException $error) {
    fwrite(STDERR, "streaming_daemon: {$error->getMessage()}\n");
    exit(1);
}
if (in_array(strtolower((string) getenv('OPENAI_HTTP2_ENABLED')), ['1', 'true', 'yes', 'on'], true)) {
    fwrite(STDERR, "streaming_daemon: OPENAI_HTTP2_ENABLED is set, but this daemon speaks HTTP/1.1 only\n");
}
$runtime->run(static fn () => $listener->serve($runtime, $settings));
$listener->remove();
exit(0);
