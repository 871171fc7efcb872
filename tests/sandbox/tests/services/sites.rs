//! The proxy to the world outside, as a function meets it: a tunnel, and TLS inside.

use expect_test::expect;
use sandbox::sites::{Request, Response, Sites};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

fn answer(request: &Request) -> Response {
    match request.url.as_str() {
        "https://down.example/" => Response::nobody(),
        url => Response::text(200, format!("{} {url} {}", request.method, request.body.len())),
    }
}

async fn get(stream: impl AsyncRead + AsyncWrite, target: &str) -> io::Result<String> {
    let mut stream = Box::pin(stream);
    let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok(format!("{}: {body}", head.lines().next().unwrap_or("nothing")))
}

async fn through_tunnel(sites: &Sites, host: &'static str, path: &str) -> io::Result<String> {
    let mut stream = connect(sites).await?;
    let request = format!("CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_file(sites.certificate()).map_err(io::Error::other)?;
    roots.add(trusted).map_err(io::Error::other)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    get(TlsConnector::from(Arc::new(config)).connect(name, stream).await?, path).await
}

async fn connect(sites: &Sites) -> io::Result<TcpStream> {
    TcpStream::connect(sites.proxy().trim_start_matches("http://")).await
}

#[tokio::test]
async fn a_proxy_answers_for_every_site() {
    let sites = Sites::open(&std::env::temp_dir(), Arc::new(answer)).await.unwrap();
    let mut story = vec![
        through_tunnel(&sites, "scr.example", "/health?deep=1").await.unwrap(),
        get(connect(&sites).await.unwrap(), "http://plain.example/x").await.unwrap(),
    ];
    let down = through_tunnel(&sites, "down.example", "/").await;
    story.push(down.unwrap_or_else(|_| "broken off".into()));
    expect![[r#"
        HTTP/1.1 200 OK: GET https://scr.example/health?deep=1 0
        HTTP/1.1 200 OK: GET http://plain.example/x 0
        broken off"#]]
    .assert_eq(&story.join("\n"));
}
