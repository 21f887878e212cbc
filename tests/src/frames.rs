//! Floods of HTTP/2 frames, written as they are on the wire: no library sends them.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// What a connection is flooded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// Requests, each of which is reset at once.
    RapidReset,
    /// Empty frames that go on with the head of a request, which never ends.
    Continuation,
    /// Empty frames of the body of a request.
    Data,
    /// Settings without any, each of which is to be acknowledged.
    Settings,
    /// Pings, each of which is to be answered.
    Ping,
    /// Priorities of streams that are not there.
    Priority,
    /// Room for more answers, byte by byte.
    WindowUpdate,
    /// Frames of a kind that there is not.
    Unknown,
}

/// What begins a connection of HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The kinds of frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0x42;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The code of a reset: the answer is not wanted any more.
const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// How many frames are written at once.
const BATCH: u32 = 500;

/// A server that takes nothing for so long holds the flood back.
const HELD_BACK: Duration = Duration::from_secs(2);

impl Flood {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RapidReset,
        Self::Continuation,
        Self::Data,
        Self::Settings,
        Self::Ping,
        Self::Priority,
        Self::WindowUpdate,
        Self::Unknown,
    ];

    /// Floods a connection, on which HTTP/2 was agreed, with at most so many frames. Ends when the server
    /// closes it or takes no more. `path` is that of the requests; what the server answers is read only
    /// if `takes_answers`. Gives the number of frames that the server took.
    ///
    /// # Panics
    /// If the path is longer than 126 bytes.
    pub async fn send(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        path: &str,
        frames: u32,
        takes_answers: bool,
    ) -> u32 {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let writing = async {
            let mut begin = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
            match self {
                Self::Continuation => begin.extend(frame(HEADERS, END_STREAM, 1, &head(path))),
                Self::Data => begin.extend(frame(HEADERS, END_HEADERS, 1, &head(path))),
                _ => {}
            }
            let mut sent = 0;
            let mut goes_on = written(&mut writer, &begin).await;
            while goes_on && sent < frames {
                let batch: Vec<u8> =
                    (sent..sent + BATCH).flat_map(|number| self.frame(number, path)).collect();
                goes_on = written(&mut writer, &batch).await;
                sent += if goes_on { BATCH } else { 0 };
            }
            sent
        };
        let reading = async {
            let mut buffer = [0; 16_384];
            while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            std::future::pending::<u32>().await
        };
        if takes_answers {
            tokio::select! {
                sent = writing => sent,
                never = reading => never,
            }
        } else {
            writing.await
        }
    }

    /// One of its frames, or the two of a request that is reset.
    fn frame(self, number: u32, path: &str) -> Vec<u8> {
        // Streams of clients have odd numbers.
        let stream = 2 * number + 1;
        match self {
            Self::RapidReset => [
                frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(path)),
                frame(RST_STREAM, 0, stream, &CANCEL),
            ]
            .concat(),
            Self::Continuation => frame(CONTINUATION, 0, 1, &[]),
            Self::Data => frame(DATA, 0, 1, &[]),
            Self::Settings => frame(SETTINGS, 0, 0, &[]),
            Self::Ping => frame(PING, 0, 0, &[0; 8]),
            Self::Priority => frame(PRIORITY, 0, stream, &[0, 0, 0, 0, 16]),
            Self::WindowUpdate => frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
            Self::Unknown => frame(UNKNOWN, 0, 0, &[0; 8]),
        }
    }
}

/// Writes, unless the server closes the connection or takes nothing.
async fn written(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> bool {
    let writing = async {
        writer.write_all(bytes).await?;
        writer.flush().await
    };
    matches!(timeout(HELD_BACK, writing).await, Ok(Ok(())))
}

/// A frame of a stream: its kind, its flags, and what it carries.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

/// The head of a GET, compressed by nothing but the names that every connection knows.
fn head(path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).ok().filter(|&length| length < 127);
    let length = length.expect("a short path");
    // `:method: GET`, `:scheme: https`, `:authority: a`, and `:path` with its text.
    [&[0x82, 0x87, 0x01, 1, b'a', 0x04, length][..], path.as_bytes()].concat()
}
