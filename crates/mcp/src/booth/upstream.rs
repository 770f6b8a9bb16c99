//! The MCP server behind the prices: a program that is started, or an address; connected to again when it has gone.

use crate::limits::{
    PROGRESS_TELL_MAX, PROGRESS_WAITING_MAX, TOOL_COUNT_MAX, TOOL_PAGES_MAX, UPSTREAM_CALLS_MAX,
    UPSTREAM_LINE_EXTRA_BYTES, UPSTREAM_NEWS_MAX,
};
use rmcp::model::{
    CancelledNotificationParam, ClientCapabilities, ClientConfig, ClientRequest, ClientResult, ErrorCode,
    ErrorData, Implementation, JsonRpcMessage, ListToolsRequest, PaginatedRequestParams,
    ProgressNotificationParam, ProgressToken, ProtocolVersion, RequestId, ServerNotification, ServerPeerInfo,
    ServerRequest, ServerResult, Tool,
};
use rmcp::service::{
    NotificationContext, Peer, PeerRequestOptions, RequestContext, RunningService, RxJsonRpcMessage, Service,
    ServiceError, TxJsonRpcMessage,
};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{IntoTransport, StreamableHttpClientTransport, Transport};
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient, RoleServer};
use std::collections::HashMap;
use std::ffi::OsString;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, broadcast, mpsc};
use url::Url;

/// Where the server behind is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A program, which speaks over its standard input and output.
    Program(OsString, Vec<OsString>),
    /// An address of streamable HTTP.
    Address(Url),
}

/// Why the server behind did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAsked {
    /// It answered that it does not.
    #[error("it refused: {}", .0.message)]
    Refused(ErrorData),
    /// It is not there, or went.
    #[error("it cannot be reached: {0}")]
    Gone(String),
    /// It did not answer in time.
    #[error("it did not answer in time")]
    TooSlow,
    /// Too much is under way.
    #[error("too many calls are under way")]
    Busy,
}

/// Who hears how a request gets on.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) peer: Peer<RoleServer>,
    pub(crate) token: ProgressToken,
}

/// The server behind.
#[derive(Debug)]
pub(crate) struct Upstream {
    place: Place,
    /// How long it may take, for anything.
    timeout: Duration,
    /// The longest message that is read from it.
    message_bytes_max: usize,
    link: tokio::sync::Mutex<Option<Link>>,
    ears: Arc<Ears>,
    room: Semaphore,
}

/// A connection. The program ends with it.
pub(crate) struct Link {
    running: RunningService<RoleClient, Ear>,
    _program: Option<Child>,
}

/// What it says without being asked.
#[derive(Debug)]
struct Ears {
    /// Where it is said how each request gets on that somebody listens to.
    progress: Mutex<HashMap<ProgressToken, mpsc::Sender<ProgressNotificationParam>>>,
    news: broadcast::Sender<ServerNotification>,
}

/// Our side of a connection: it hears, and answers nothing. Nobody behind us asks a client of ours for anything.
#[derive(Clone, Debug)]
struct Ear(Arc<Ears>);

/// A request that has no answer yet. When nobody waits for it any more, it is cancelled.
struct Waiting<'a> {
    ears: &'a Ears,
    token: ProgressToken,
    peer: Peer<RoleClient>,
    id: Option<RequestId>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Upstream {
    pub(crate) fn new(place: Place, timeout: Duration, answer_bytes_max: usize) -> Upstream {
        Upstream {
            place,
            timeout,
            message_bytes_max: answer_bytes_max.saturating_add(UPSTREAM_LINE_EXTRA_BYTES),
            link: tokio::sync::Mutex::default(),
            ears: Arc::new(Ears::new()),
            room: Semaphore::new(UPSTREAM_CALLS_MAX),
        }
    }

    /// What the server says without being asked, from now on.
    pub(crate) fn news(&self) -> broadcast::Receiver<ServerNotification> {
        self.ears.news.subscribe()
    }

    /// What the server says about itself.
    pub(crate) async fn info(&self) -> Result<ServerPeerInfo, NotAsked> {
        let info = self.peer().await?.peer_info();
        info.map(|info| ServerPeerInfo::clone(&info))
            .ok_or_else(|| NotAsked::Gone("it said nothing about itself".to_owned()))
    }

    /// All its tools, as they are now.
    pub(crate) async fn tools(&self) -> Result<Vec<Tool>, NotAsked> {
        let mut tools: Vec<Tool> = Vec::new();
        let mut page = PaginatedRequestParams::default();
        for _ in 0..TOOL_PAGES_MAX {
            let request = ListToolsRequest { params: Some(page), ..Default::default() };
            let ServerResult::ListToolsResult(listed) =
                self.ask(ClientRequest::ListToolsRequest(request), None).await?
            else {
                return Err(NotAsked::Gone("it answered something else than its tools".to_owned()));
            };
            tools.extend(listed.tools);
            if TOOL_COUNT_MAX < tools.len() {
                break;
            }
            let Some(next) = listed.next_cursor else { return Ok(tools) };
            page = PaginatedRequestParams::default().with_cursor(Some(next));
        }
        Err(NotAsked::Gone(format!(
            "it has more than {TOOL_COUNT_MAX} tools, or {TOOL_PAGES_MAX} pages of them"
        )))
    }

    /// Asks one thing. When the future is dropped, the server is told that nobody waits any more.
    pub(crate) async fn ask(
        &self,
        request: ClientRequest,
        listener: Option<Listener>,
    ) -> Result<ServerResult, NotAsked> {
        let _room = self.room.try_acquire().map_err(|_| NotAsked::Busy)?;
        let asking = async {
            let peer = self.peer().await?;
            let sent = peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await;
            let sent = sent.map_err(|fault| NotAsked::Gone(fault.to_string()))?;
            let token = sent.progress_token.clone();
            let (says, said) = mpsc::channel(PROGRESS_WAITING_MAX);
            if listener.is_some() {
                self.ears.listeners().insert(token.clone(), says);
            }
            let mut waiting = Waiting { ears: &self.ears, token, peer, id: Some(sent.id.clone()) };
            let answer = told(sent.await_response(), said, listener).await;
            waiting.id = None;
            match answer {
                Ok(answer) => Ok(answer),
                Err(ServiceError::McpError(refusal)) => Err(NotAsked::Refused(refusal)),
                Err(fault) => Err(NotAsked::Gone(fault.to_string())),
            }
        };
        tokio::time::timeout(self.timeout, asking).await.map_err(|_| NotAsked::TooSlow)?
    }

    /// The connection there is, or a new one. Whoever else wants one meanwhile waits for the same.
    async fn peer(&self) -> Result<Peer<RoleClient>, NotAsked> {
        let mut link = self.link.lock().await;
        if let Some(link) =
            link.as_ref().filter(|link| !link.running.is_closed() && !link.running.is_transport_closed())
        {
            return Ok(link.running.peer().clone());
        }
        // The one before goes first: two programs would be two states.
        *link = None;
        let ear = Ear(Arc::clone(&self.ears));
        let new = Link::with(&self.place, self.message_bytes_max, ear).await.map_err(NotAsked::Gone)?;
        let peer = new.running.peer().clone();
        *link = Some(new);
        Ok(peer)
    }
}

impl Link {
    /// A connection to a server of which nothing is heard but answers.
    pub(crate) async fn open(place: &Place, message_bytes_max: usize) -> Result<Link, String> {
        Link::with(place, message_bytes_max, Ear(Arc::new(Ears::new()))).await
    }

    pub(crate) fn peer(&self) -> &Peer<RoleClient> {
        self.running.peer()
    }

    async fn with(place: &Place, message_bytes_max: usize, ear: Ear) -> Result<Link, String> {
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: Some(ProtocolVersion::V_2025_11_25),
        };
        match place {
            Place::Program(program, arguments) => {
                let mut command = Command::new(program);
                command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
                let mut child =
                    command.spawn().map_err(|fault| format!("`{}`: {fault}", program.display()))?;
                let (Some(read), Some(write)) = (child.stdout.take(), child.stdin.take()) else {
                    return Err("it has no standard input and output".to_owned());
                };
                let inner = AsyncRwTransport::new_client(read, write).with_max_line_length(message_bytes_max);
                let transport = InOrder { inner, ears: Arc::clone(&ear.0) };
                let running = ear
                    .serve_with_lifecycle(transport, lifecycle)
                    .await
                    .map_err(|fault| fault.to_string())?;
                Ok(Link { running, _program: Some(child) })
            }
            Place::Address(url) => {
                let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
                config.max_json_response_size = message_bytes_max;
                config.max_sse_event_size = message_bytes_max;
                config.max_concurrent_requests = UPSTREAM_CALLS_MAX;
                let inner = StreamableHttpClientTransport::from_config(config).into_transport();
                let transport = InOrder { inner, ears: Arc::clone(&ear.0) };
                let running = ear
                    .serve_with_lifecycle(transport, lifecycle)
                    .await
                    .map_err(|fault| fault.to_string())?;
                Ok(Link { running, _program: None })
            }
        }
    }
}

/// Waits for an answer, and tells whoever listens what is said until then: all of it before the answer.
async fn told<T>(
    answer: impl Future<Output = T>,
    mut said: mpsc::Receiver<ProgressNotificationParam>,
    mut listener: Option<Listener>,
) -> T {
    let mut answer = pin!(answer);
    let answer = loop {
        tokio::select! {
            Some(progress) = said.recv() => tell(&mut listener, progress).await,
            answer = &mut answer => break answer,
        }
    };
    while let Ok(progress) = said.try_recv() {
        tell(&mut listener, progress).await;
    }
    answer
}

/// Tells how a request gets on. Whoever does not listen for long is told no more, and holds nothing up.
async fn tell(listener: &mut Option<Listener>, mut progress: ProgressNotificationParam) {
    let Some(Listener { peer, token }) = listener else { return };
    progress.progress_token = token.clone();
    if !matches!(tokio::time::timeout(PROGRESS_TELL_MAX, peer.notify_progress(progress)).await, Ok(Ok(()))) {
        *listener = None;
    }
}

/// A transport that takes out how requests get on as it comes in, so that no answer overtakes what was said before it.
struct InOrder<T> {
    inner: T,
    ears: Arc<Ears>,
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for InOrder<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        self.inner.send(message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = self.inner.receive().await?;
            let JsonRpcMessage::Notification(notice) = &message else { return Some(message) };
            let ServerNotification::ProgressNotification(progress) = &notice.notification else {
                return Some(message);
            };
            let progress = progress.params.clone();
            if let Some(says) = self.ears.listeners().get(&progress.progress_token) {
                // Where too much waits, the newest is left out.
                let _full = says.try_send(progress);
            }
        }
    }

    async fn close(&mut self) -> Result<(), T::Error> {
        self.inner.close().await
    }
}

impl Ears {
    fn new() -> Ears {
        Ears { progress: Mutex::default(), news: broadcast::Sender::new(UPSTREAM_NEWS_MAX) }
    }

    fn listeners(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<ProgressToken, mpsc::Sender<ProgressNotificationParam>>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.ears.listeners().remove(&self.token);
        if let Some(id) = self.id.take() {
            let peer = self.peer.clone();
            let reason = Some("nobody waits for it any more".to_owned());
            // It may have gone, too.
            tokio::spawn(async move {
                let _untold = peer.notify_cancelled(CancelledNotificationParam::new(Some(id), reason)).await;
            });
        }
    }
}

impl Service<RoleClient> for Ear {
    async fn handle_request(
        &self,
        request: ServerRequest,
        _context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        if let ServerRequest::PingRequest(_) = request {
            return Ok(ClientResult::empty(()));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "clients are not asked through a seller", None))
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        _context: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        let _nobody = self.0.news.send(notification);
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(
            ClientCapabilities::default(),
            Implementation::new("tollbridge", env!("CARGO_PKG_VERSION")),
        )
    }
}
