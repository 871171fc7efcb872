//! A way to the table on which the answer to one write is lost, after it was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Which write's answer is lost; 0: none. It counts down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loss(Arc<AtomicUsize>);

impl Loss {
    pub(crate) fn of_the_next_write(&self) {
        self.0.store(1, Ordering::SeqCst);
    }

    fn takes(&self, request: &[u8]) -> bool {
        let text = String::from_utf8_lossy(request);
        let is_write = text.contains("PutItem") || text.contains("TransactWriteItems");
        is_write && self.0.compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(crate) fn happened(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }
}

/// The endpoint of one that passes everything on to `table` but the answers that are lost.
pub(crate) async fn before(table: &str, loss: Loss) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let table = table.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            tokio::spawn(pass_on(caller, table.clone(), loss.clone()));
        }
    });
    endpoint
}

async fn pass_on(mut caller: TcpStream, table: String, loss: Loss) {
    let mut server = TcpStream::connect(table).await.unwrap();
    while let Some(request) = message(&mut caller).await {
        server.write_all(&request).await.unwrap();
        let Some(answer) = message(&mut server).await else { return };
        let answer = if loss.takes(&request) { server_error() } else { answer };
        caller.write_all(&answer).await.unwrap();
    }
}

/// DynamoDB says so when it does not know itself what became of the write; the SDK asks again.
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
