<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Socket;

/** What is the same in every runtime that leaves PHP's own streams as they are. */
trait NativeStreams
{
    public function waitForSocket(Socket $socket, float $seconds): bool
    {
        // Exported twice, a socket gives the same stream.
        return $this->wait([socket_export_stream($socket)], [], $seconds);
    }

    public function connect(string $address, mixed $context, float $seconds, ?string &$why): mixed
    {
        // A name is resolved before the connection starts, and PHP blocks meanwhile: give an address.
        $flags = STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT;

        return @stream_socket_client($address, $code, $why, $seconds, $flags, $context);
    }
}
