<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use InvalidArgumentException;

/** What the environment says; read once, at the start. */
final class Settings
{
    private function __construct(
        /** The upstream: name or address (IPv6 in brackets), port, path without a trailing slash. */
        public readonly string $host,
        public readonly int $port,
        public readonly string $path,
        public readonly bool $isSecure,
        public readonly bool $isVerified,
        public readonly string $key,
        /** Seconds: of silence from the upstream, without a write to the client, until a message. */
        public readonly float $upstreamSeconds,
        public readonly float $writeSeconds,
        public readonly float $messageSeconds,
    ) {
    }

    /** @throws InvalidArgumentException what is wrong, for people */
    public static function read(): self
    {
        $base = self::word('OPENAI_API_BASE', 'https://api.openai.com/v1');
        $url = parse_url($base);
        $scheme = strtolower($url['scheme'] ?? '');
        if (!in_array($scheme, ['http', 'https'], true) || ($url['host'] ?? '') === '') {
            throw new InvalidArgumentException("OPENAI_API_BASE is no http or https URL: $base");
        }
        $key = self::word('OPENAI_API_KEY', '');
        if (preg_match('~[^\x20-\x7e]~', $key . $base) === 1) {
            throw new InvalidArgumentException('OPENAI_API_BASE or OPENAI_API_KEY has bytes that HTTP does not allow');
        }

        return new self(
            $url['host'],
            $url['port'] ?? ($scheme === 'https' ? 443 : 80),
            rtrim($url['path'] ?? '', '/'),
            $scheme === 'https',
            !in_array(strtolower(self::word('OPENAI_INSECURE_SSL', 'false')), ['1', 'true', 'yes', 'on'], true),
            $key,
            self::seconds('OPENAI_IDLE_TIMEOUT', 60.0),
            self::seconds('DAEMON_WRITE_TIMEOUT', 30.0),
            self::seconds('DAEMON_IDLE_SECONDS', 10.0),
        );
    }

    private static function word(string $name, string $default): string
    {
        $value = getenv($name);

        return $value === false || $value === '' ? $default : $value;
    }

    private static function seconds(string $name, float $default): float
    {
        $value = self::word($name, (string) $default);
        if (!is_numeric($value) || !is_finite((float) $value) || (float) $value <= 0) {
            throw new InvalidArgumentException("$name is no number of seconds: $value");
        }

        return (float) $value;
    }
}
