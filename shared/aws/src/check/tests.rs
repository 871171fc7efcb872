//! Checks against a server that answers what the test says.

use super::check;
use crate::clients::Aws;
use crate::settings::Settings;
use expect_test::expect;
use pipeline::event::Outcome;
use pipeline::spec::Check;
use pipeline::time::Span;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

const PATIENCE: Span = Span::seconds(20);

/// Serves one connection with `answer`, and returns where.
fn server(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut request = [0; 2048];
        let _ = connection.read(&mut request);
        let _ = connection.write_all(answer.as_bytes());
    });
    format!("{address}")
}

fn ask(url: &str, timeout: Span) -> String {
    let spec = Check {
        url: url.into(),
        expect: vec![200, 307],
        attempts: 1,
        every: Span::seconds(1),
        timeout,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let aws = Aws::new(Settings::given([]));
    match runtime.block_on(check(&aws, &spec)) {
        Outcome::Passed => "passed".into(),
        Outcome::Failed { reason } => reason,
    }
}

fn answered(answer: &str) -> String {
    ask(&format!("http://{}/health", server(answer.into())), PATIENCE)
}

#[test]
fn a_check_passes_or_says_what_the_answer_was() {
    let long = "all work and no play ".repeat(1000);
    let answers = [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n".into(),
        "HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n".into(),
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 25\r\n\r\ndatabase:\r\n\tno connection".into(),
        format!("HTTP/1.1 500 Internal Server Error\r\ncontent-length: {}\r\n\r\n{long}", long.len()),
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 3\r\n\r\n\u{1b}[3".into(),
        String::new(),
        "what?\r\n\r\n".into(),
    ];
    let lines = answers.map(|answer| answered(&answer) + "\n");
    expect![[r#"
        passed
        passed
        status 302 Found to /login
        status 503 Service Unavailable: database: no connection
        status 500 Internal Server Error: all work and no play all work and no play all work and no play all work and no play all work and no play all work and no play all work and no play all work and …
        status 500 Internal Server Error: [3
        connection lost: connection closed before message completed
        request failed: invalid HTTP version parsed
    "#]].assert_eq(&lines.concat());
}

#[test]
fn a_check_that_gets_no_answer_says_why() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = free.local_addr().expect("an address").to_string();
    drop(free);
    let lines = [
        ask(&format!("http://{nobody}/"), PATIENCE),
        ask(&format!("http://{}/", server("HTTP/1.1 200 OK\r\n\r\n".into())), Span::seconds(0)),
        ask("ftp://example.com/", PATIENCE),
        ask("/health", PATIENCE),
        ask("not a url", PATIENCE),
    ];
    expect![[r#"
        connection refused
        timed out after 0s
        only http:// and https:// URLs can be checked
        only http:// and https:// URLs can be checked
        invalid URL: invalid uri character
    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn an_unknown_name_and_a_server_without_tls_are_distinguished() {
    let unknown = ask("http://slipway.invalid/", PATIENCE);
    assert!(unknown.starts_with("the name cannot be resolved (DNS)"), "{unknown}");
    let plain = server("HTTP/1.1 400 Bad Request\r\n\r\n".into());
    let plain = ask(&format!("https://{plain}/"), PATIENCE);
    assert!(plain.starts_with("TLS failed"), "{plain}");
}

#[test]
fn the_query_of_a_url_is_never_shown() {
    let answers = [
        "HTTP/1.1 302 Found\r\nlocation: https://login/?back=/health?token=0123abcd\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 47\r\n\r\nCannot GET /health?full=yes&amp;token=0123abcd!",
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 17\r\n\r\ntoken=0123abcd no",
    ];
    let told = answers.map(|answer| {
        let url = format!("http://{}/health?full=yes&token=0123abcd", server(answer.into()));
        ask(&url, PATIENCE) + "\n"
    });
    expect![[r#"
        status 302 Found to https://login/?…
        status 404 Not Found: Cannot GET /health?full=yes&amp;token=…!
        status 500 Internal Server Error: token=… no
    "#]]
    .assert_eq(&told.concat());
}
