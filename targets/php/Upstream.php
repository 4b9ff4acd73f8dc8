<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

/**
 * One request to the provider, on a connection of its own, over HTTP/1.1.
 *
 * Whatever it waits for, it watches the client too: one that left needs no answer.
 */
final class Upstream
{
    private const CONNECT_SECONDS = 10.0;

    public readonly ResponseReader $response;

    /** @var resource|null */
    private mixed $stream = null;

    /** When its silence will have lasted too long. */
    private float $deadline;

    public function __construct(
        private readonly Runtime $runtime,
        private readonly Settings $settings,
        private readonly Client $client,
    ) {
        $this->response = new ResponseReader();
        $this->deadline = self::now() + min(self::CONNECT_SECONDS, $settings->upstreamSeconds);
    }

    /**
     * Connect and send the request.
     *
     * @throws UpstreamFailed
     * @throws ClientLeft
     */
    public function send(Payload $payload): void
    {
        $settings = $this->settings;
        $lines = [
            "POST $settings->path/chat/completions HTTP/1.1",
            "Host: $settings->host:$settings->port",
            "Authorization: Bearer $settings->key",
            'Content-Type: application/json',
            'Accept: text/event-stream',
            'Accept-Encoding: identity',
            'Content-Length: ' . strlen($payload->request),
            'Connection: close',
        ];
        foreach ($payload->headers as $name => $value) {
            $lines[] = "$name: $value";
        }
        $this->connect();
        if ($settings->isSecure) {
            $this->secure();
        }
        $this->deadline = self::now() + $settings->upstreamSeconds;
        $bytes = implode("\r\n", $lines) . "\r\n\r\n" . $payload->request;
        while ($bytes !== '') {
            $count = @fwrite($this->stream, $bytes);
            if ($count === false) {
                return; // It closed early; it may have answered before that.
            }
            $count > 0 ? $bytes = substr($bytes, $count) : $this->await([], [$this->stream]);
        }
    }

    /**
     * Read what is there, or wait for it; returns what it adds to the body, '' also at the end.
     *
     * @param float|null $until a deadline earlier than the settings have it
     *
     * @throws UpstreamFailed silent for too long
     * @throws ClientLeft
     */
    public function read(?float $until = null): string
    {
        $bytes = @fread($this->stream, 65536);
        if ($bytes !== '' && $bytes !== false) {
            $this->deadline = self::now() + $this->settings->upstreamSeconds;
            // There may be more; let others run all the same, and see whether the client is there.
            $this->runtime->wait([], [], 0.0);
            if ($this->client->left()) {
                throw new ClientLeft();
            }
            return $this->response->receive($bytes);
        }
        if ($bytes === false || feof($this->stream)) {
            $this->response->end();
            return '';
        }
        $this->await([$this->stream], [], $until);

        return '';
    }

    public function isOver(): bool
    {
        return $this->response->complete || $this->response->fault !== null;
    }

    public function close(): void
    {
        if ($this->stream !== null) {
            fclose($this->stream);
            $this->stream = null;
        }
    }

    public static function now(): float
    {
        return hrtime(true) / 1e9;
    }

    private function connect(): void
    {
        $settings = $this->settings;
        $name = trim($settings->host, '[]');
        $context = stream_context_create(['ssl' => [
            'peer_name' => $name,
            'verify_peer' => $settings->isVerified,
            'verify_peer_name' => $settings->isVerified,
            'allow_self_signed' => !$settings->isVerified,
            'SNI_enabled' => filter_var($name, FILTER_VALIDATE_IP) === false,
            'alpn_protocols' => 'http/1.1',
        ]]);
        $address = "tcp://$settings->host:$settings->port";
        $stream = $this->runtime->connect($address, $context, self::CONNECT_SECONDS, $why);
        if (!is_resource($stream)) {
            throw new UpstreamFailed("cannot connect to upstream: $why");
        }
        $this->stream = $stream;
        stream_set_blocking($stream, false);
        stream_set_chunk_size($stream, 65536);
        $this->await([], [$stream]);
        if (stream_socket_get_name($stream, true) === false) {
            $code = socket_get_option(socket_import_stream($stream), SOL_SOCKET, SO_ERROR);
            throw new UpstreamFailed('cannot connect to upstream: ' . socket_strerror((int) $code));
        }
    }

    private function secure(): void
    {
        error_clear_last();
        while (($done = @stream_socket_enable_crypto($this->stream, true, STREAM_CRYPTO_METHOD_TLS_CLIENT)) === 0) {
            $this->await([$this->stream], []);
        }
        if ($done !== true) {
            $why = preg_replace('~^.*?\): |\s+~', ' ', error_get_last()['message'] ?? 'closed by upstream');
            throw new UpstreamFailed('TLS with upstream failed: ' . trim($why));
        }
    }

    /**
     * @param list<resource> $read
     * @param list<resource> $write
     */
    private function await(array $read, array $write, ?float $until = null): void
    {
        $until = min($until ?? INF, $this->deadline);
        $this->runtime->wait([...$read, $this->client->stream], $write, max(0.0, $until - self::now()));
        if ($this->client->left()) {
            throw new ClientLeft();
        }
        if (self::now() >= $until) {
            throw new UpstreamFailed('upstream said nothing for too long');
        }
    }
}
