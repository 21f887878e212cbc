//! A minimal HTTP/1.1 server, which replies can break on purpose.

use std::io::{self, ErrorKind};

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt,
};

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A client's request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters of the URL, decoded.
    pub query: Vec<(String, String)>,
    /// The same and those of a form body.
    pub form: Vec<(String, String)>,
    /// The headers. Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, if it is text.
    pub body: String,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Request {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.form, name)
    }

    /// The PromQL of the request.
    ///
    /// # Panics
    /// If there is no query.
    pub fn promql(&self) -> &str {
        self.parameter("query").unwrap_or_else(|| panic!("no parameter `query` in {self:?}"))
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A complete response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers other than `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Response {
    /// A response of one content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The status line and the headers, up to the empty line. `framing` is the header with the
    /// length or the transfer encoding of the body.
    pub(crate) fn head(&self, framing: &str) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n{framing}\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head
    }

    pub(crate) async fn send(&self, stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let head = self.head(&format!("Content-Length: {}", self.body.len()));
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(self.body.as_bytes()).await?;
        stream.flush().await
    }
}

/// Reads the next request of a connection; `None` if the client has closed it.
pub(crate) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Request>> {
    let Some(first) = line(stream).await? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("no request: {first:?}")));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: pairs(query.as_bytes()),
        form: pairs(query.as_bytes()),
        headers: Vec::new(),
        body: String::new(),
        bytes: Vec::new(),
    };
    while let Some(header) = line(stream).await?.filter(|header| !header.is_empty()) {
        if let Some((name, value)) = header.split_once(':') {
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    request.form.extend(pairs(&body));
    request.body = std::str::from_utf8(&body).unwrap_or_default().to_owned();
    request.bytes = body;
    Ok(Some(request))
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}
