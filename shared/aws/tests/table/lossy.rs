//! A proxy to the table that records the requests, and loses the answer to one write after it was
//! done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens on the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// Whose answer is lost: 1: that of the next write; 0: none.
    loses: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Way {
    pub(crate) fn lose_the_next_answer(&self) {
        self.loses.store(1, Ordering::SeqCst);
    }

    pub(crate) fn has_lost_it(&self) -> bool {
        self.loses.load(Ordering::SeqCst) == 0
    }

    /// Takes what was asked since the last time, each request with its head.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn loses(&self, request: &str) -> bool {
        let is_write = request.contains("PutItem") || request.contains("TransactWriteItems");
        is_write && self.loses.compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// The endpoint of one that passes everything on to `table` but the answers that are lost.
pub(crate) async fn before(table: &str, way: Way) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let table = table.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            tokio::spawn(pass_on(caller, table.clone(), way.clone()));
        }
    });
    endpoint
}

async fn pass_on(mut caller: TcpStream, table: String, way: Way) {
    let mut server = TcpStream::connect(table).await.unwrap();
    while let Some(request) = message(&mut caller).await {
        server.write_all(&request).await.unwrap();
        let Some(answer) = message(&mut server).await else { return };
        let text = String::from_utf8_lossy(&request).into_owned();
        let answer = if way.loses(&text) { server_error() } else { answer };
        way.asked.lock().unwrap().push(text);
        caller.write_all(&answer).await.unwrap();
    }
}

/// DynamoDB returns this when it does not know the outcome of the write; the SDK retries.
fn server_error() -> Vec<u8> {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}"#;
    let head = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/x-amz-json-1.0";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// One whole request or answer; `None`: the connection is closed.
async fn message(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = from.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read).to_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        if read.len() >= head.len() + 4 + length {
            return Some(read);
        }
    }
}
