//! A real Chromium, driven by the DevTools protocol over a pipe: no port, and no client of web
//! sockets.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::process::program;
use crate::waiting::eventually;

/// The timeout of one command of the protocol.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the page may take to show what is waited for.
const SHOWN_TIMEOUT: Duration = Duration::from_secs(60);

/// A browser with one page. It ends when this is dropped.
pub struct Browser {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The number of the last command.
    last: u64,
    /// The session of the page, once it is attached to.
    session: Option<String>,
    faults: Vec<String>,
    _child: Child,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page of this size in a browser that prefers light colours.
    ///
    /// # Panics
    /// If there is no Chromium, or it does not open the page.
    pub async fn open(url: &str, (width, height): (u32, u32)) -> Self {
        let profile = TempDir::new().expect("a temporary folder");
        // The protocol's pipes are the descriptors 3 and 4, which the shell makes of 0 and 1. Only pages of
        // the tests are opened, so that no sandbox is needed, which root cannot have.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program("chromium", "chromium"))
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a shell");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut browser = Self {
            input,
            output,
            last: 0,
            session: None,
            faults: Vec::new(),
            _child: child,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser.size((width, height)).await;
        browser.prefer("light").await;
        browser.go(url).await;
        browser
    }

    /// Opens another address.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub async fn go(&mut self, url: &str) {
        let opened = self.call("Page.navigate", json!({"url": url})).await;
        assert!(opened.get("errorText").is_none(), "{url}: {opened}");
    }

    /// Sets the size of the page; a narrow one is that of a phone.
    ///
    /// # Panics
    /// If the browser refuses.
    pub async fn size(&mut self, (width, height): (u32, u32)) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Sets the colours that the system prefers: `light` or `dark`.
    ///
    /// # Panics
    /// If the browser refuses.
    pub async fn prefer(&mut self, colours: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": colours}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// The value of an expression in the page.
    ///
    /// # Panics
    /// If it throws.
    pub async fn value(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut told = self.call("Runtime.evaluate", parameters).await;
        assert!(told.get("exceptionDetails").is_none(), "{expression}: {told:#}");
        told["result"]["value"].take()
    }

    /// The text of the first element that a selector picks, as it is seen; `None` without one.
    ///
    /// # Panics
    /// If the selector cannot be read.
    pub async fn text(&mut self, selector: &str) -> Option<String> {
        let text = format!("document.querySelector({})?.innerText ?? null", json!(selector));
        self.value(&text).await.as_str().map(str::to_owned)
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn until(&mut self, expression: &str) {
        let whole = "document.querySelector('main')?.innerText.slice(0, 3000)";
        eventually(expression, SHOWN_TIMEOUT, async || {
            // Before a page is there, what it has may not be there either.
            let guarded = format!(
                "(() => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }})()"
            );
            if self.value(&guarded).await == true {
                return Ok(());
            }
            Err(self.value(whole).await.to_string())
        })
        .await;
    }

    /// Clicks the first element that a selector picks.
    ///
    /// # Panics
    /// If there is none.
    pub async fn click(&mut self, selector: &str) {
        self.value(&format!("document.querySelector({}).click()", json!(selector))).await;
    }

    /// Presses a key, by its name in the DOM: `/`, `Enter`, `ArrowDown`, `Escape`.
    ///
    /// # Panics
    /// If the browser refuses.
    pub async fn press(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Enter" => ("Enter", 13, "\r"),
            "Escape" => ("Escape", 27, ""),
            "ArrowDown" => ("ArrowDown", 40, ""),
            "ArrowUp" => ("ArrowUp", 38, ""),
            "Tab" => ("Tab", 9, ""),
            "/" => ("Slash", 191, "/"),
            other => panic!("{other} is no key that is known here"),
        };
        let mut event = json!({"key": key, "code": code, "windowsVirtualKeyCode": number});
        event["type"] = json!(if text.is_empty() { "rawKeyDown" } else { "keyDown" });
        if !text.is_empty() {
            event["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", event.clone()).await;
        event["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", event).await;
    }

    /// Writes a text where the focus is.
    ///
    /// # Panics
    /// If the browser refuses.
    pub async fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Takes a picture. With `LEADSMAN_SCREENSHOTS`, a folder, it is kept there under this name.
    ///
    /// # Panics
    /// If the browser takes none, or it cannot be kept.
    pub async fn picture(&mut self, name: &str) -> Vec<u8> {
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        let data = STANDARD.decode(taken["data"].as_str().unwrap_or_default()).expect("base64");
        if let Some(folder) = std::env::var_os("LEADSMAN_SCREENSHOTS") {
            let path = Path::new(&folder).join(format!("{name}.png"));
            std::fs::write(&path, &data).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        }
        data
    }

    /// Exceptions of the page, and what its policy refused, so far. What the network refused is not
    /// among them.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Sends a command, and waits for its result.
    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let number = self.last;
        let mut command = json!({"id": number, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).await.expect("a browser that runs");
        self.input.flush().await.expect("a browser that runs");
        loop {
            let mut told = self.read(method).await;
            if told["id"] == number {
                assert!(told.get("error").is_none(), "{method}: {told:#}");
                return told["result"].take();
            }
            self.note(&told);
        }
    }

    async fn read(&mut self, method: &str) -> Value {
        let mut message = Vec::new();
        let read = timeout(CALL_TIMEOUT, self.output.read_until(0, &mut message)).await;
        let length = read.unwrap_or_else(|_| panic!("{method}: no answer within {CALL_TIMEOUT:?}"));
        assert!(length.expect("a pipe") > 0, "{method}: the browser has ended");
        message.pop();
        serde_json::from_slice(&message).expect("JSON")
    }

    fn note(&mut self, event: &Value) {
        let about = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.faults.push(about.to_string()),
            Some("Log.entryAdded") => {
                let entry = &about["entry"];
                if entry["level"] == "error" && entry["source"] != "network" {
                    self.faults.push(entry.to_string());
                }
            }
            _ => {}
        }
    }
}
