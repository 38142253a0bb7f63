//! A listener's connections: accepted, decrypted, their bytes watched, and handed to HTTP. The
//! framework's own server, but for the stream between. It must not know what is asked.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use super::stream::Stream;
use crate::config::Http;

/// How long a connection that ends may take to take its last bytes.
const DISCONNECT: Duration = Duration::from_secs(1);

/// Serves to whoever connects what `app` makes, once on each thread of the server.
pub(super) fn serve<F, A, B>(
    server: ServerBuilder,
    config: &Http,
    listener: TcpListener,
    tls: Option<ServerConfig>,
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> App<A> + Clone + Send + 'static,
    A: Routes<B>,
    B: MessageBody + 'static,
{
    let config = config.clone();
    let server = server.disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let server = match tls {
        None => server.listen("plain", listener, move || {
            let accepted = fn_service(|stream: TcpStream| async {
                let peer = stream.peer_addr().ok();
                Ok((Stream::new(stream), Protocol::Http1, peer))
            });
            accepted.and_then(http(app(), &config, &stopping))
        }),
        Some(mut tls) => {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            server.listen("encrypted", listener, move || {
                let decrypted = Acceptor::new(tls.clone()).map_err(TlsError::into_service_error);
                let accepted = decrypted.and_then(|stream: TlsStream<TcpStream>| async {
                    let peer = stream.get_ref().0.peer_addr().ok();
                    Ok((Stream::new(stream), Protocol::Http1, peer))
                });
                let http = http(app(), &config, &stopping);
                accepted.and_then(http.map_err(TlsError::Service))
            })
        }
    }?;
    Ok(server.run())
}

/// What an app is made of.
pub(super) trait Routes<B>:
    ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<B>,
        Error = Error,
        InitError = (),
    > + 'static
{
}

impl<A, B> Routes<B> for A where
    A: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static
{
}

/// HTTP over the connections of one thread.
fn http<S, A, B>(
    app: App<A>,
    config: &Http,
    stopping: &GracefulShutdownSignal,
) -> impl ServiceFactory<
    (Stream<S>, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<S, A, B>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    A: Routes<B>,
    B: MessageBody + 'static,
{
    let stopping = stopping.clone();
    let app = app.into_factory();
    let app = app.map_err(|error: Error| error.error_response());
    HttpService::build()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .client_request_timeout(Duration::from_millis(config.request_head_ms_max))
        .client_disconnect_timeout(DISCONNECT)
        .keep_alive(Duration::from_secs(config.keep_alive_seconds))
        .finish(map_config(app, |()| AppConfig::default()))
}
