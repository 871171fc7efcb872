//! A Lambda that hands out a number of payloads, and an AWS that knows nothing of anybody.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub(crate) struct Lambda {
    pub(crate) address: SocketAddr,
    served: Receiver<()>,
}

impl Lambda {
    /// Listens on loopback; returns `payload` this many `times`.
    pub(crate) fn start(payload: &str, times: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (served_sender, served) = channel();
        let state = Arc::new(State {
            payload: payload.to_owned(),
            left: Mutex::new(times),
            served: served_sender,
        });
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                // A connection that breaks off is a function that has ended.
                thread::spawn(move || state.serve(connection));
            }
        });
        Ok(Self { address, served })
    }

    /// Waits until the function asks for more than there is.
    pub(crate) fn wait(&self) -> std::result::Result<(), String> {
        let limit = Duration::from_secs(120);
        self.served.recv_timeout(limit).map_err(|_| {
            format!("the function did not ask for its next payload within {} s", limit.as_secs())
        })
    }
}

struct State {
    payload: String,
    left: Mutex<usize>,
    served: Sender<()>,
}

impl State {
    fn serve(&self, connection: TcpStream) -> Result<()> {
        let mut writer = connection.try_clone()?;
        let mut reader = BufReader::new(connection);
        loop {
            let mut request = String::new();
            if reader.read_line(&mut request)? == 0 {
                return Ok(());
            }
            let (mut length, mut target) = (0, String::new());
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                let line = line.trim();
                if line.is_empty() {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap_or_default(),
                    "x-amz-target" => target = value.trim().to_owned(),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            if request.contains("/invocation/next") {
                self.hand_out(&mut writer)?;
            } else if request.contains("/runtime/") {
                answer(&mut writer, "202 Accepted", "", "{}")?;
            } else {
                answer(&mut writer, "200 OK", "", nothing_known(&target))?;
            }
        }
    }

    fn hand_out(&self, writer: &mut TcpStream) -> Result<()> {
        let more = match self.left.lock() {
            Ok(mut left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        };
        if !more {
            // The receiver may be gone; then there is no one to wait for.
            let _ = self.served.send(());
            loop {
                thread::park();
            }
        }
        let headers = "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
            Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
            Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:measured\r\n\
            Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\n";
        answer(writer, "200 OK", headers, &self.payload)
    }
}

/// AWS's answer if none is configured.
fn nothing_known(target: &str) -> &'static str {
    match target.rsplit('.').next().unwrap_or_default() {
        "Query" => r#"{"Items":[],"Count":0,"ScannedCount":0}"#,
        "BatchGetItem" => r#"{"Responses":{},"UnprocessedKeys":{}}"#,
        "SendMessageBatch" => r#"{"Successful":[],"Failed":[]}"#,
        _ => "{}",
    }
}

fn answer(writer: &mut TcpStream, status: &str, headers: &str, body: &str) -> Result<()> {
    let length = body.len();
    write!(
        writer,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    writer.flush()
}
