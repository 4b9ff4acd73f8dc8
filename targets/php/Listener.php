<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use RuntimeException;
use Socket;
use Throwable;

/** The Unix socket on which the web server hands clients over: SOCK_SEQPACKET, one message each. */
final class Listener
{
    /** One hand-off has two descriptors open, and stream_select() knows 1024. The others wait in line. */
    private const MAX_AT_ONCE = 480;
    private const BACKLOG = 1024;

    /** Apache's limit is the kernel's send buffer, about 208 KiB; this is more than enough. */
    private const MAX_PAYLOAD = 1024 * 1024;
    private const MAX_DESCRIPTORS = 16;

    /** SO_ACCEPTCONN of Linux, which ext-sockets has no name for. */
    private const SO_ACCEPTCONN = 30;

    private int $open = 0;

    private function __construct(
        private readonly Socket $socket,
        private readonly string $path,
        private readonly int $inode,
    ) {
    }

    /** @throws RuntimeException why nothing can listen at $path, for people */
    public static function open(string $path, int $mode): self
    {
        if (strlen($path) > 107) {
            throw new RuntimeException("$path: longer than 107 bytes, which is what a Unix socket may have");
        }
        if (!is_dir(dirname($path))) {
            throw new RuntimeException("$path: the folder does not exist");
        }
        self::removeStale($path);
        // Who waits for the file to appear may connect at once, and bind() alone is not listening:
        // the socket gets its name when it listens.
        $place = sprintf('%s/.%s', dirname($path), base_convert((string) getmypid(), 10, 36));
        $place = strlen($place) > 107 ? $path : $place;
        $socket = socket_create(AF_UNIX, SOCK_SEQPACKET, 0);
        $umask = umask(0777 & ~$mode); // never open to others, not even between bind() and chmod()
        $isBound = @socket_bind($socket, $place);
        umask($umask);
        if (!$isBound) {
            throw new RuntimeException("$path: cannot listen: " . socket_strerror(socket_last_error($socket)));
        }
        chmod($place, $mode);
        $isListening = socket_listen($socket, self::BACKLOG) && ($place === $path || @link($place, $path));
        if (!$isListening || $place !== $path) {
            unlink($place);
        }
        if (!$isListening) {
            throw new RuntimeException("$path: cannot listen: another process was faster");
        }
        socket_set_nonblock($socket);

        return new self($socket, $path, (int) fileinode($path));
    }

    /** Take hand-offs, for ever. */
    public function serve(Runtime $runtime, Settings $settings): void
    {
        while (true) {
            if ($this->open >= self::MAX_AT_ONCE) {
                $runtime->wait([], [], 0.005);
                continue;
            }
            $connection = @socket_accept($this->socket);
            if ($connection !== false) {
                $this->open++;
                $runtime->spawn(function () use ($runtime, $settings, $connection): void {
                    $this->task($runtime, $settings, $connection);
                });
            } elseif (socket_last_error() === SOCKET_EAGAIN) {
                $runtime->waitForSocket($this->socket, 60.0);
            } else {
                self::log('cannot accept: ' . socket_strerror(socket_last_error()));
                $runtime->wait([], [], 0.1); // descriptors are used up, most likely: some will close
            }
        }
    }

    /** Remove the socket file, unless another daemon has put its own there. */
    public function remove(): void
    {
        clearstatcache();
        if (@fileinode($this->path) === $this->inode) {
            @unlink($this->path);
        }
    }

    private static function removeStale(string $path): void
    {
        $type = @filetype($path);
        if ($type === false) {
            return;
        }
        if ($type !== 'socket') {
            throw new RuntimeException("$path: is there and is no socket");
        }
        $probe = socket_create(AF_UNIX, SOCK_SEQPACKET, 0);
        socket_set_nonblock($probe); // a full backlog would make connect() wait
        @socket_connect($probe, $path);
        $error = socket_last_error($probe);
        socket_close($probe);
        if ($error !== SOCKET_ECONNREFUSED) {
            $doubt = $error === 0 ? '' : ', or may: ' . socket_strerror($error);
            throw new RuntimeException("$path: another process listens there$doubt");
        }
        if (!@unlink($path)) {
            throw new RuntimeException("$path: stale, but cannot be removed");
        }
    }

    /** What one connection of the web server leads to; nothing that happens here ends the daemon. */
    private function task(Runtime $runtime, Settings $settings, Socket $connection): void
    {
        $client = null;
        try {
            socket_set_nonblock($connection);
            $message = $this->receive($runtime, $connection, $settings->messageSeconds);
            socket_close($connection); // nothing is said to the web server
            $client = $message === null ? null : Client::of($runtime, $message['socket'], $settings->writeSeconds);
            if ($client !== null && $message['isCut']) {
                throw new BadPayload('payload is longer than 1 MiB', 413);
            }
            if ($client !== null) {
                (new HandOff($runtime, $settings, $client))->serve($message['bytes']);
            }
        } catch (BadPayload $error) {
            $this->refuse($client, $error);
        } catch (ClientLeft $error) {
            if ($error->getMessage() !== '') {
                self::log($error->getMessage());
            }
        } catch (Throwable $error) {
            // The message of an error may quote what was received, and logs are not for that.
            self::log(sprintf('%s at %s:%d', $error::class, basename($error->getFile()), $error->getLine()));
        } finally {
            $client?->close();
            $this->open--;
        }
    }

    private function refuse(Client $client, BadPayload $error): void
    {
        try {
            $client->refuse($error->getCode(), $error->getMessage());
        } catch (ClientLeft) {
            // Then nobody needs to know.
        }
    }

    /** @return array{bytes: string, isCut: bool, socket: Socket}|null null: no hand-off; the log tells why */
    private function receive(Runtime $runtime, Socket $connection, float $seconds): ?array
    {
        if (!$runtime->waitForSocket($connection, $seconds)) {
            return self::nothing(sprintf('no message for %g s', $seconds));
        }
        $message = [
            'name' => [],
            'buffer_size' => self::MAX_PAYLOAD,
            'controllen' => socket_cmsg_space(SOL_SOCKET, SCM_RIGHTS, self::MAX_DESCRIPTORS),
        ];
        if (@socket_recvmsg($connection, $message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) === false) {
            return self::nothing('cannot receive: ' . socket_strerror(socket_last_error($connection)));
        }
        // Sockets become Socket objects, all else streams. Those not used close with their last reference.
        $given = array_merge(...array_column($message['control'] ?? [], 'data'));
        $socket = $given[0] ?? null;
        if (!self::isClient($socket)) {
            $what = $given ? 'descriptor is no connected stream socket' : 'no descriptor with the message';
            return self::nothing($what);
        }

        return [
            'bytes' => $message['iov'][0] ?? '',
            'isCut' => ($message['flags'] & MSG_TRUNC) !== 0,
            'socket' => $socket,
        ];
    }

    private static function isClient(mixed $given): bool
    {
        return $given instanceof Socket
            && @socket_get_option($given, SOL_SOCKET, SO_TYPE) === SOCK_STREAM
            && @socket_get_option($given, SOL_SOCKET, self::SO_ACCEPTCONN) === 0
            && @socket_getpeername($given, $address);
    }

    private static function nothing(string $why): null
    {
        self::log("hand-off dropped: $why");

        return null;
    }

    private static function log(string $line): void
    {
        fwrite(STDERR, "streaming_daemon: $line\n");
    }
}
