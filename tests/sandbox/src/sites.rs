//! The world outside AWS: a proxy that answers for every site, over TLS, too.
//!
//! Functions get it by `HTTPS_PROXY` and `HTTP_PROXY`, and trust it by `SSL_CERT_FILE`.

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// What a site is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// `https://scr.example/health?deep=1`
    pub url: String,
    /// The names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Zero: the connection ends without an answer.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Answers for every site there is.
pub type Site = dyn Fn(&Request) -> Response + Send + Sync;

/// The open proxy; it closes when this is dropped.
#[derive(Debug)]
pub struct Sites {
    address: SocketAddr,
    certificate: PathBuf,
    listening: JoinHandle<()>,
}

impl Response {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub fn json(body: &serde_json::Value) -> Self {
        Self::text(200, body.to_string()).with("content-type", "application/json; charset=utf-8")
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// No server listens there.
    pub fn nobody() -> Self {
        Self::default()
    }
}

impl Sites {
    /// Opens a proxy on a free port; its certificate is written into `folder`.
    pub async fn open(folder: &Path, site: Arc<Site>) -> io::Result<Self> {
        let authority = Arc::new(Authority::new().map_err(io::Error::other)?);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let certificate = folder.join(format!("sites-{}.pem", address.port()));
        std::fs::write(&certificate, &authority.certificate)?;
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(proxy(stream, Arc::clone(&authority), Arc::clone(&site)));
            }
        });
        Ok(Self { address, certificate, listening })
    }

    /// For `HTTPS_PROXY` and `HTTP_PROXY`.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For `SSL_CERT_FILE`.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }
}

impl Drop for Sites {
    fn drop(&mut self) {
        self.listening.abort();
        // The file is of no use to anybody now; if it is gone already, so much the better.
        let _ = std::fs::remove_file(&self.certificate);
    }
}

/// Signs a certificate for any requested host.
struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, "sandbox");
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    fn acceptor(&self, host: &str) -> io::Result<TlsAcceptor> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let params = CertificateParams::new(vec![host.to_owned()]).map_err(io::Error::other)?;
        let leaf = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let secret = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], secret)
            .map_err(io::Error::other)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// One connection to the proxy: either a tunnel, or plain requests with whole addresses.
async fn proxy(stream: tokio::net::TcpStream, authority: Arc<Authority>, site: Arc<Site>) {
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        let (authority, site) = (Arc::clone(&authority), Arc::clone(&site));
        async move {
            if request.method() != Method::CONNECT {
                let url = request.uri().to_string();
                return ask(request, url, &site).await;
            }
            let host = request.uri().to_string();
            let tunnel = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                // A client that opens a tunnel and goes away gets no answer.
                if let Ok(tunnel) = tunnel.await {
                    let _ = inside(TokioIo::new(tunnel), &host, &authority, site).await;
                }
            });
            Ok(http::Response::new(Full::default()))
        }
    });
    // A client that breaks off has its reasons, and the next connection is not affected.
    let _ =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

/// Inside a tunnel to `host`, which is a name and a port.
async fn inside<S>(stream: S, host: &str, authority: &Authority, site: Arc<Site>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let stream = authority.acceptor(name)?.accept(stream).await?;
    let origin = format!("https://{}", host.strip_suffix(":443").unwrap_or(host));
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (origin, site) = (origin.clone(), Arc::clone(&site));
        async move {
            let url = format!("{origin}{}", request.uri());
            ask(request, url, &site).await
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    served.map_err(io::Error::other)
}

async fn ask(
    request: http::Request<Incoming>,
    url: String,
    site: &Arc<Site>,
) -> io::Result<http::Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let headers = headers.collect();
    let request = Request { method: parts.method.to_string(), url, headers, body };
    let answer = site(&request);
    if answer.status == 0 {
        return Err(io::Error::from(io::ErrorKind::ConnectionReset));
    }
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let mut response = response.body(Full::from(answer.body)).map_err(io::Error::other)?;
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("sandbox"));
    Ok(response)
}
