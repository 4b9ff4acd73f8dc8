<?php

declare(strict_types=1);

namespace Replayfuzz\Daemon;

/** One hand-off: ask the upstream what the payload says, and write its answer to the client. */
final class HandOff
{
    private const ERROR_BYTES = 65536;
    private const ERROR_SECONDS = 5.0;
    private const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        . "Connection: close\r\nX-Accel-Buffering: no\r\n";

    private readonly Upstream $upstream;

    public function __construct(Runtime $runtime, Settings $settings, private readonly Client $client)
    {
        $this->upstream = new Upstream($runtime, $settings, $client);
    }

    /**
     * @throws BadPayload nothing was written to the client
     * @throws ClientLeft
     */
    public function serve(string $bytes): void
    {
        $payload = Payload::parse($bytes);
        try {
            $this->ask($payload);
        } finally {
            $this->upstream->close(); // also where the client left: the upstream need not go on
        }
    }

    private function ask(Payload $payload): void
    {
        $response = $this->upstream->response;
        try {
            $this->upstream->send($payload);
            $body = '';
            while ($response->status === null && $response->fault === null) {
                $body = $this->upstream->read();
            }
        } catch (UpstreamFailed $error) {
            $this->client->refuse(502, $error->getMessage());
            return;
        }
        if ($response->status !== 200 || !$response->isFramed) {
            $this->refuse($body);
            return;
        }
        $fields = array_map(static fn (string $line): string => "$line\r\n", $payload->response);
        $this->client->write(self::HEAD . implode('', $fields) . "\r\n");
        try {
            $this->relay($body);
        } catch (UpstreamFailed $error) {
            $this->client->write(ChatEvents::error($error->getMessage()));
        }
    }

    /** Events to the client, each as soon as it is whole, until [DONE] or the end. */
    private function relay(string $body): void
    {
        $events = new ChatEvents();
        while (true) {
            foreach ($events->receive($body) as $event) {
                $this->client->write($event);
                if ($event === ChatEvents::DONE) {
                    return;
                }
            }
            if ($this->upstream->isOver()) {
                $why = $this->upstream->response->fault ?? 'end of the body';
                throw new UpstreamFailed("upstream ended before [DONE]: $why");
            }
            $body = $this->upstream->read();
        }
    }

    /** The upstream has no stream for us: say why, with its own words where it has some. */
    private function refuse(string $body): void
    {
        $response = $this->upstream->response;
        if ($response->status === null || $response->status === 200) {
            $this->client->refuse(502, "upstream sent garbage: $response->fault");
            return;
        }
        $until = Upstream::now() + self::ERROR_SECONDS;
        try {
            while (!$this->upstream->isOver() && strlen($body) < self::ERROR_BYTES) {
                $body .= $this->upstream->read($until);
            }
        } catch (UpstreamFailed) {
            // What came so far must do.
        }
        $status = $response->status >= 400 && $response->status <= 599 ? $response->status : 502;
        $said = trim("upstream answered $response->status $response->reason") . ': ' . substr($body, 0, 500);
        $this->client->refuse($status, ChatEvents::message($body) ?? $said);
    }
}
