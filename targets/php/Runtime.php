<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Socket;

/**
 * What the daemon asks of an event loop: tasks that wait without holding up the others.
 *
 * All reading and writing is non-blocking and done by the caller; a runtime only waits. So an
 * implementation is a page, and the protocol code is the same for all of them.
 */
interface Runtime
{
    /** Run $main and all that it spawns; return when SIGTERM or SIGINT came. */
    public function run(callable $main): void;

    /** Start a task beside the one that asks. */
    public function spawn(callable $task): void;

    /**
     * Suspend the current task until a stream is ready or the time is over.
     *
     * @param list<resource> $read
     * @param list<resource> $write
     *
     * @return bool false: the time is over. true may be wrong; the caller tries and waits again
     */
    public function wait(array $read, array $write, float $seconds): bool;

    /** As wait(), until $socket, which belongs to ext-sockets, can be read or accepted from. */
    public function waitForSocket(Socket $socket, float $seconds): bool;

    /** A TCP connection that may not be complete before it is writable; false and why if it failed. */
    public function connect(string $address, mixed $context, float $seconds, ?string &$why): mixed;
}
