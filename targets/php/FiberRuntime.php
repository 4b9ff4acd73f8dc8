<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

use Fiber;

/**
 * PHP fibers over one stream_select(): nothing to install.
 *
 * select() knows no descriptor above 1023; Listener keeps below that.
 */
final class FiberRuntime implements Runtime
{
    use NativeStreams;

    private bool $stopped = false;

    /** @var array<int, array{Fiber, list<resource>, list<resource>, float}> suspended tasks */
    private array $waiting = [];

    /** @var array<int, resource> streams to be read and to be written, by resource number */
    private array $reads = [];
    private array $writes = [];

    /** @var array<int, int> whose stream it is: a stream has one task that waits for it */
    private array $owner = [];

    public function run(callable $main): void
    {
        pcntl_async_signals(true);
        foreach ([SIGTERM, SIGINT] as $signal) {
            pcntl_signal($signal, function (): void {
                $this->stopped = true;
            });
        }
        $this->spawn($main);
        while (!$this->stopped) {
            $this->turn();
        }
    }

    public function spawn(callable $task): void
    {
        $this->resume(new Fiber($task), null);
    }

    public function wait(array $read, array $write, float $seconds): bool
    {
        return Fiber::suspend([$read, $write, hrtime(true) / 1e9 + $seconds]);
    }

    /** One select(), and every task that it, or the clock, makes ready. */
    private function turn(): void
    {
        $now = hrtime(true) / 1e9;
        $next = min(array_column($this->waiting, 3) ?: [$now + 1.0]);
        // Rounded up, so that the time is over when select() says so; bounded, because a signal
        // that comes between the test in run() and select() does not interrupt it.
        $micros = (int) ceil(min(0.5, max(0.0, $next - $now)) * 1e6);
        $read = $this->reads;
        $write = $this->writes;
        $except = null;
        if ($read || $write) {
            $ready = @stream_select($read, $write, $except, 0, $micros);
        } else {
            usleep($micros);
            $ready = 0;
        }
        $woken = [];
        if ($ready) {
            foreach ($read + $write as $number => $_) {
                $woken[$this->owner[$number]] = true;
            }
        }
        $now = hrtime(true) / 1e9;
        foreach ($this->waiting as $id => [, , , $until]) {
            if ($until <= $now) {
                $woken[$id] ??= false;
            }
        }
        foreach ($woken as $id => $isReady) {
            $this->wake($id, $isReady);
        }
    }

    private function wake(int $id, bool $isReady): void
    {
        [$fiber, $read, $write] = $this->waiting[$id];
        unset($this->waiting[$id]);
        foreach ([...$read, ...$write] as $stream) {
            $number = get_resource_id($stream);
            unset($this->reads[$number], $this->writes[$number], $this->owner[$number]);
        }
        $this->resume($fiber, $isReady);
    }

    private function resume(Fiber $fiber, ?bool $isReady): void
    {
        $wish = $fiber->isStarted() ? $fiber->resume($isReady) : $fiber->start();
        if ($fiber->isTerminated()) {
            return;
        }
        [$read, $write, $until] = $wish;
        $id = spl_object_id($fiber);
        $this->waiting[$id] = [$fiber, $read, $write, $until];
        foreach ($read as $stream) {
            $this->reads[get_resource_id($stream)] = $stream;
            $this->owner[get_resource_id($stream)] = $id;
        }
        foreach ($write as $stream) {
            $this->writes[get_resource_id($stream)] = $stream;
            $this->owner[get_resource_id($stream)] = $id;
        }
    }
}
