//! Server-sent events (WHATWG HTML 9.2.6, "Interpreting an event stream"): bytes in, events out.

/// What one event may take, so that an endless line cannot take all memory.
const MAX_EVENT: usize = 8 << 20;

/// One dispatched event; its data is without the trailing line end.
#[derive(Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub data: String,
}

/// An event is larger than `MAX_EVENT`.
#[derive(Debug, PartialEq)]
pub struct TooLarge;

/// Reads a stream that arrives in pieces. What comes out depends on the joined bytes alone, never
/// on where they were cut; time is linear in them.
#[derive(Default)]
pub struct Reader {
    /// The line whose end has not arrived.
    line: Vec<u8>,
    /// Data lines of the unfinished event, each with LF.
    data: Vec<u8>,
    name: String,
    /// The first line, and with it a byte order mark, is behind us.
    started: bool,
    after_cr: bool,
}

impl Reader {
    /// Feeds bytes and appends the events that they complete.
    pub fn read(&mut self, mut chunk: &[u8], events: &mut Vec<Event>) -> Result<(), TooLarge> {
        while let Some(&first) = chunk.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                // The CR ended its line at once. Waiting to see whether LF follows would hold an
                // event back for as long as the upstream stays silent.
                chunk = &chunk[1..];
                continue;
            }
            let end = chunk.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let part = &chunk[..end.unwrap_or(chunk.len())];
            if self.data.len() + self.line.len() + part.len() > MAX_EVENT {
                return Err(TooLarge);
            }
            let Some(end) = end else {
                self.line.extend_from_slice(part);
                break;
            };
            if self.line.is_empty() {
                self.end_line(part, events);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(part);
                self.end_line(&line, events);
                line.clear();
                self.line = line; // its memory serves the next one
            }
            self.after_cr = chunk[end] == b'\r';
            chunk = &chunk[end + 1..];
        }
        Ok(())
    }

    fn end_line(&mut self, mut line: &[u8], events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch(events);
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let name = &line[..colon.unwrap_or(line.len())];
        let value = colon.map_or(&b""[..], |colon| &line[colon + 1..]);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.name = decode(value),
            // Comments have no name; id and retry are for clients that connect again.
            _ => {}
        }
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let name = std::mem::take(&mut self.name);
        // "If the data buffer is an empty string, set the data buffer and the event type buffer
        // to the empty string and return." That of a lone "data:" line is LF: an event.
        if let Some((_, data)) = self.data.split_last() {
            let data = decode(data);
            events.push(Event { name, data });
            self.data.clear();
        }
    }
}

/// Decodes with U+FFFD for what is not UTF-8. Splitting lines first is the same: no byte of a
/// longer character is CR, LF or a colon.
fn decode(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
