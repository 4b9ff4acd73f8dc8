<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Socket;
use Swow\Channel;
use Swow\Coroutine;
use Swow\Signal;

/**
 * Swow's coroutines. Swow always hooks streams: stream_select() suspends the coroutine that calls
 * it, and sockets that ext-sockets exports become Swow's.
 */
final class SwowRuntime implements Runtime
{
    public function run(callable $main): void
    {
        $ended = new Channel(2);
        foreach ([Signal::TERM, Signal::INT] as $signal) {
            Coroutine::run(static function () use ($signal, $ended): void {
                Signal::wait($signal);
                $ended->push($signal);
            });
        }
        $this->spawn($main);
        $ended->pop();
    }

    public function spawn(callable $task): void
    {
        Coroutine::run($task);
    }

    public function wait(array $read, array $write, float $seconds): bool
    {
        $micros = max(0, (int) ceil($seconds * 1e6));
        if (!$read && !$write) {
            usleep($micros); // hooked: suspends the coroutine
            return false;
        }
        $except = null;

        return @stream_select($read, $write, $except, intdiv($micros, 1000000), $micros % 1000000) > 0;
    }

    /**
     * Swow's streams know SOCK_STREAM and SOCK_DGRAM, and the Unix socket is SOCK_SEQPACKET: ask
     * for it every few milliseconds.
     */
    public function waitForSocket(Socket $socket, float $seconds): bool
    {
        $until = hrtime(true) / 1e9 + $seconds;
        do {
            $read = [$socket];
            $write = $except = null;
            if (socket_select($read, $write, $except, 0) > 0) {
                return true;
            }
            usleep(5000);
        } while (hrtime(true) / 1e9 < $until);

        return false;
    }

    public function connect(string $address, mixed $context, float $seconds, ?string &$why): mixed
    {
        // Blocks this coroutine only, and resolves names without blocking any other.
        return @stream_socket_client($address, $code, $why, $seconds, STREAM_CLIENT_CONNECT, $context);
    }
}
