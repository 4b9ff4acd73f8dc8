<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Socket;

/** The client's connection, as the web server handed it over. */
final class Client
{
    /** Reads of its input in a row: a client that floods us may not hold up the others. */
    private const READS = 16;

    /** @param resource $stream */
    private function __construct(
        private readonly Runtime $runtime,
        public readonly mixed $stream,
        private readonly float $writeSeconds,
    ) {
    }

    /** Take over $socket; null: it cannot be used. */
    public static function of(Runtime $runtime, Socket $socket, float $writeSeconds): ?self
    {
        // An event is one small write, to be sent at once. A Unix socket knows no such option.
        @socket_set_option($socket, SOL_TCP, TCP_NODELAY, 1);
        $stream = @socket_export_stream($socket);
        if (!is_resource($stream)) {
            return null;
        }
        stream_set_blocking($stream, false);

        return new self($runtime, $stream, $writeSeconds);
    }

    /**
     * Write all of $bytes; the caller waits as long as the client does not read.
     *
     * @throws ClientLeft
     */
    public function write(string $bytes): void
    {
        while ($bytes !== '') {
            $count = @fwrite($this->stream, $bytes);
            if ($count === false) {
                throw new ClientLeft();
            }
            if ($count === 0 && !$this->runtime->wait([], [$this->stream], $this->writeSeconds)) {
                throw new ClientLeft(sprintf('client read nothing for %g s', $this->writeSeconds));
            }
            $bytes = $count === 0 ? $bytes : substr($bytes, $count);
        }
    }

    /**
     * A whole response with an error in it.
     *
     * @throws ClientLeft
     */
    public function refuse(int $status, string $message): void
    {
        $reason = match ($status) {
            400 => 'Bad Request', 401 => 'Unauthorized', 403 => 'Forbidden', 404 => 'Not Found',
            413 => 'Content Too Large', 429 => 'Too Many Requests', 500 => 'Internal Server Error',
            502 => 'Bad Gateway', 503 => 'Service Unavailable', 504 => 'Gateway Timeout',
            default => 'Error',
        };
        $body = Json::encode(['error' => Json::text($message)]);
        $this->write("HTTP/1.1 $status $reason\r\nContent-Type: application/json\r\n"
            . 'Content-Length: ' . strlen($body) . "\r\nConnection: close\r\n\r\n$body");
    }

    /** The client closed its side, or all of it. What it still sends means nothing and is dropped. */
    public function left(): bool
    {
        for ($read = 0; $read < self::READS; $read++) {
            $bytes = @fread($this->stream, 65536);
            if ($bytes === '' || $bytes === false) {
                return feof($this->stream);
            }
        }

        return false;
    }

    public function close(): void
    {
        // The web server may still hold the connection: shutdown() ends it for all. Input that
        // nobody read would turn close() into a reset, and that may overtake what we wrote.
        @stream_socket_shutdown($this->stream, STREAM_SHUT_WR);
        $this->left();
        fclose($this->stream);
    }
}
