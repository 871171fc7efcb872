//! One HTTP client for all: AWS, checks and Slack.
//!
//! The SDK's own client decodes a certificate bundle at every cold start and builds a connector
//! only to drop it. This one uses the public roots as ready-made anchors, and builds nothing before
//! the first request. `SSL_CERT_FILE` sets a custom certificate authority; `HTTPS_PROXY` and
//! `NO_PROXY` set a proxy.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower_service::Service;

/// AWS closes idle connections after about this time; ours close before.
const IDLE: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A client that is created on first use.
#[derive(Clone, Default)]
pub struct Http {
    client: Arc<OnceLock<Client<HttpsConnector<Dialer>, SdkBody>>>,
}

impl Http {
    /// Sends one request. The caller sets the time-out.
    pub async fn send(
        &self,
        request: http::Request<SdkBody>,
    ) -> Result<http::Response<SdkBody>, ConnectorError> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let client =
                    new_client().map_err(|error| ConnectorError::other(error.into(), None))?;
                self.client.get_or_init(|| client)
            }
        };
        let response = client.request(request).await.map_err(into_connector_error)?;
        Ok(response.map(SdkBody::from_body_1_x))
    }
}

fn new_client() -> std::io::Result<Client<HttpsConnector<Dialer>, SdkBody>> {
    let builder = HttpsConnectorBuilder::new();
    let builder = match std::env::var_os("SSL_CERT_FILE") {
        Some(_) => builder.with_native_roots()?,
        None => builder.with_webpki_roots(),
    };
    let connector = builder.https_or_http().enable_http1().wrap_connector(Dialer::new());
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(connector))
}

fn into_connector_error(error: hyper_util::client::legacy::Error) -> ConnectorError {
    let refused = error.is_connect();
    let error: Box<dyn Error + Send + Sync> = error.into();
    if refused { ConnectorError::io(error) } else { ConnectorError::other(error, None) }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.clone();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let response = http.send(request).await?;
            HttpResponse::try_from(response)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// Connects directly, or through the proxy that the environment names for the destination.
#[derive(Clone)]
struct Dialer {
    tcp: Tcp,
    proxies: Arc<Matcher>,
}

type Dialing =
    Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, Box<dyn Error + Send + Sync>>> + Send>>;

impl Dialer {
    fn new() -> Self {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self { tcp, proxies: Arc::new(Matcher::from_env()) }
    }
}

impl Service<http::Uri> for Dialer {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Dialing;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: http::Uri) -> Dialing {
        // Plain HTTP requests go directly: they need no tunnel, and their hosts are nearby.
        let is_https = destination.scheme_str() == Some("https");
        let proxy = self.proxies.intercept(&destination).filter(|_| is_https);
        match proxy {
            Some(proxy) => {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
                if let Some(authorization) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(authorization.clone());
                }
                let dialing = tunnel.call(destination);
                Box::pin(async move { Ok(dialing.await?) })
            }
            None => {
                let dialing = self.tcp.call(destination);
                Box::pin(async move { Ok(dialing.await?) })
            }
        }
    }
}
