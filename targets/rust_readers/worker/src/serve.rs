use crate::{Call, Event, Failure};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::FromRawFd;
use std::panic::PanicHookInfo;
use std::process::exit;
use std::time::Instant;

/// What the ready line says.
#[derive(Serialize)]
pub struct About {
    pub name: &'static str,
    pub version: String,
    pub dialects: &'static [&'static str],
    pub variants: &'static [&'static str],
    pub memory: bool,
}

impl About {
    /// A reader of raw events, in its one way; `lock` is the text of its Cargo.lock.
    pub fn of_events(name: &'static str, lock: &str, memory: bool) -> Self {
        Self {
            name,
            version: version(lock, name),
            dialects: &["sse"],
            variants: &["default"],
            memory,
        }
    }
}

/// What runs one asynchronous call after the other.
#[cfg(feature = "runtime")]
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs little")
}

#[derive(Serialize)]
struct Ready {
    ready: u8,
    #[serde(flatten)]
    about: About,
}

#[derive(Serialize)]
struct Timed {
    t: f64,
    #[serde(flatten)]
    event: Event,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a RawValue,
    events: Vec<Timed>,
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    cpu: f64,
}

/// What the caller of the library has seen in this call.
pub struct Events {
    began: Instant,
    seen: Vec<Timed>,
}

impl Events {
    pub fn show(&mut self, event: Event) {
        let t = rounded(self.began.elapsed().as_secs_f64());
        self.seen.push(Timed { t, event });
    }
}

/// Answer requests on standard input until it ends.
///
/// From here on standard output is standard error and standard input is empty, so that a
/// library that prints or reads cannot touch the protocol. A panic ends the process, as it
/// would end a user's, with its message as the last line of standard error.
pub fn serve(
    about: About,
    mut adapter: impl FnMut(&Call, &mut Events) -> Result<(), Failure>,
) -> ! {
    std::panic::set_hook(Box::new(|panic| eprintln!("{}", one_line(&told(panic)))));
    let (requests, mut answers) = claim();
    send(&mut answers, &Ready { ready: 1, about });
    for line in BufReader::with_capacity(1 << 16, requests).split(b'\n') {
        let line = line.unwrap_or_else(|fault| quit(&fault.to_string()));
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let call: Call = serde_json::from_slice(&line)
            .unwrap_or_else(|fault| quit(&format!("a request is not worker protocol v1: {fault}")));
        let mut events = Events {
            began: Instant::now(),
            seen: Vec::new(),
        };
        let before = processor_time();
        let error = adapter(&call, &mut events).err();
        let answer = Answer {
            id: &call.id,
            events: events.seen,
            end: if error.is_some() { "error" } else { "complete" },
            error,
            cpu: rounded(processor_time() - before),
        };
        send(&mut answers, &answer);
    }
    exit(0)
}

/// Version of `package` in the text of a Cargo.lock: the highest, where there are several.
pub fn version(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let found = lock
        .split("[[package]]")
        .filter(|part| part.lines().any(|line| line == name));
    let versions = found.filter_map(|part| part.split("\nversion = \"").nth(1)?.split('"').next());
    versions.last().unwrap_or("").to_string()
}

/// Take the standard descriptors away; what stays in their places is harmless.
fn claim() -> (File, File) {
    // SAFETY: plain system calls on descriptors that every process has; each new one gets
    // one owner, and nothing has read or written before.
    unsafe {
        let requests = libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3);
        let answers = libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 3);
        let empty = libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY);
        if requests < 0 || answers < 0 || empty < 0 {
            quit("the standard descriptors are not open");
        }
        libc::dup2(empty, 0);
        libc::dup2(2, 1);
        libc::close(empty);
        (File::from_raw_fd(requests), File::from_raw_fd(answers))
    }
}

fn send(to: &mut File, value: &impl Serialize) {
    let mut text = serde_json::to_vec(value).unwrap_or_else(|fault| quit(&fault.to_string()));
    text.push(b'\n');
    to.write_all(&text)
        .unwrap_or_else(|fault| quit(&fault.to_string()));
}

fn quit(message: &str) -> ! {
    eprintln!("{message}");
    exit(2)
}

/// What a panic says, with a place of the crate in place of one of this machine.
fn told(panic: &PanicHookInfo) -> String {
    let place = panic.location().map_or("", |at| at.file());
    let registry = place.split_once("/registry/src/");
    let inside = registry.and_then(|(_, rest)| rest.split_once('/'));
    panic
        .to_string()
        .replace(place, inside.map_or(place, |(_, file)| file))
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}

/// CPU seconds of this process.
fn processor_time() -> f64 {
    // SAFETY: a struct of numbers, which getrusage fills.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut used);
        used
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(used.ru_utime) + seconds(used.ru_stime)
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
