//! The booth: prices on the tools of another MCP server, which is not changed for it and knows nothing of money.
//!
//! Each call becomes a request of the gateway's paywall, which bills it, checks what was paid, has it done once for one
//! payment, and gives the money back for what was not delivered. Only the words around that are those of MCP.
//!
//! Reading order: `agreed` (what may be sold), `till` (a call and its answer), `shop` (what stands behind the price),
//! `upstream` (the server behind), [`door`] (who may ask).

// Clients of revisions before 2026-07-28 ask for logs and changes in ways that later ones do not have.
#![expect(deprecated)]

mod agreed;
pub mod door;
mod shop;
mod till;
mod upstream;

pub(crate) use agreed::PRICE;
pub use agreed::{Agreement, Change, NotAgreed};
pub(crate) use till::IDEMPOTENCY_KEY;
pub(crate) use upstream::Link;
pub use upstream::Place;

use crate::answer::{Next, Trouble};
use crate::limits::PRICES_FRESH_MS;
use agreed::{Agreed, SoldBy, is_ours, listed};
use gateway::tools::Standing;
use gateway::{Gateway, Layer, Paid};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ClientRequest, CompleteRequest,
    CompleteRequestParams, CompleteResult, CustomRequest, CustomResult, ErrorData, GetMeta, GetPromptRequest,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsRequest, ListPromptsResult,
    ListResourceTemplatesRequest, ListResourceTemplatesResult, ListResourcesRequest, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequest, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, ServerNotification, ServerResult,
    SetLevelRequest, SetLevelRequestParams, SubscribeRequest, SubscribeRequestParams, SubscriptionFilter,
    Tool, UnsubscribeRequest, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use shop::Shop;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::broadcast;
use tower::Layer as _;
use upstream::{Listener, NotAsked, Upstream};

/// What a booth is made of.
#[derive(Debug)]
pub struct Settings {
    /// The prices, and the way to the payment service.
    pub gateway: Gateway,
    /// The server behind.
    pub place: Place,
    /// Whether the tools as they are now are agreed to.
    pub agreement: Agreement,
}

/// Why a booth does not open.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// The server behind is not there.
    #[error("the server behind: {0}")]
    Upstream(String),
    /// What was agreed to cannot be kept or read.
    #[error(transparent)]
    NotAgreed(#[from] NotAgreed),
    /// The price list says that payments are not spoken of as MCP has it.
    #[error("`header_aliases` and tools do not go together: tools are paid in x402")]
    Aliases,
}

/// A server of priced tools. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Booth(Arc<Inner>, Clients);

#[derive(Debug)]
struct Inner {
    gateway: Gateway,
    upstream: Arc<Upstream>,
    agreed: Arc<Agreed>,
    till: Paid<Shop>,
    /// What the server behind says about itself.
    info: ServerConfig,
}

/// How many clients there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clients {
    /// One, from beginning to end: what the server behind says of itself is said to it.
    One,
    /// Many, who share the server behind: each hears what it asked for, and no more.
    Many,
}

impl Booth {
    /// Opens a booth, and says how what there is differs from what was agreed to.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub async fn open(settings: Settings) -> Result<(Booth, Vec<Change>), NotOpened> {
        let Settings { gateway, place, agreement } = settings;
        if !gateway.speaks_x402() {
            return Err(NotOpened::Aliases);
        }
        let answer_bytes_max = gateway.answer_body_bytes_max();
        let upstream = Arc::new(Upstream::new(place, gateway.timeout(), answer_bytes_max));
        let behind = |fault: NotAsked| NotOpened::Upstream(fault.to_string());
        let said = upstream.info().await.map_err(behind)?;
        let tools = upstream.tools().await.map_err(behind)?;
        let (agreed, changes) = Agreed::open(gateway.data(), tools, agreement)?;
        let agreed = Arc::new(agreed);
        let shop = Shop { upstream: Arc::clone(&upstream), agreed: Arc::clone(&agreed), answer_bytes_max };
        let till = Layer::new(gateway.clone()).layer(shop);
        let about =
            said.server_info.unwrap_or_else(|| Implementation::new("tollbridge", env!("CARGO_PKG_VERSION")));
        let mut info = ServerConfig::new(said.capabilities).with_server_info(about);
        info.instructions = said.instructions;
        let inner = Inner { gateway, upstream, agreed, till, info };
        Ok((Booth(Arc::new(inner), Clients::Many), changes))
    }

    /// The names of the tools that are offered, and what each costs, in words; nothing for those that are free.
    pub fn offered(&self) -> Vec<(String, Option<String>)> {
        let words = |standing| match standing {
            Standing::Priced(asked) => Some(Some(asked.in_words)),
            Standing::Free => Some(None),
            Standing::NotSold => None,
        };
        let all = self.0.agreed.all().into_iter();
        all.filter_map(|tool| Some((tool.name.to_string(), words(self.0.gateway.tool(&tool.name))?)))
            .collect()
    }

    fn for_clients(&self, clients: Clients) -> Booth {
        Booth(Arc::clone(&self.0), clients)
    }

    /// Who sells, for which money, and where.
    fn sold_by(&self) -> SoldBy<'_> {
        SoldBy {
            payee: self.0.gateway.payee(),
            network: self.0.gateway.network(),
            origin: self.0.gateway.public_url().as_str().trim_end_matches('/'),
        }
    }

    /// Looks at the tools of the server behind, and takes note of what is not what was agreed to.
    async fn look(&self) -> Result<(), NotAsked> {
        let changes = self.0.agreed.seen(self.0.upstream.tools().await?);
        for change in changes {
            tracing::warn!(?change, "a tool is not what was agreed to; it is not sold");
        }
        Ok(())
    }

    /// Passes a request on as it comes, and the answer back.
    async fn pass(
        &self,
        mut request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let mut meta = context.meta.clone();
        meta.retain(|name, _| !is_ours(name) && !name.starts_with("io.modelcontextprotocol/"));
        let listener = meta.get_progress_token();
        let listener = listener.map(|token| Listener { peer: context.peer.clone(), token });
        *request.get_meta_mut() = meta;
        tokio::select! {
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the request was cancelled", None)),
            answer = self.0.upstream.ask(request, listener) => answer.map_err(|fault| match fault {
                NotAsked::Refused(fault) => fault,
                fault @ (NotAsked::Gone(_) | NotAsked::TooSlow | NotAsked::Busy) => {
                    ErrorData::internal_error(format!("the server behind: {fault}"), None)
                }
            }),
        }
    }
}

/// What is answered where the server behind cannot be asked, before anything was billed.
fn unreachable(fault: &NotAsked) -> CallToolResult {
    let detail = format!("Nothing was spent. The server behind this tool failed: {fault}.");
    CallToolResult::structured_error(Trouble::new("upstream_unreachable", Next::Same, detail).into_value())
}

fn strange() -> ErrorData {
    ErrorData::internal_error("the server behind answered something else", None)
}

/// Passes one kind of request on, and takes out of the answer what it has to be.
macro_rules! pass {
    ($self:ident, $context:ident, $request:ident($params:expr) => $result:ident) => {{
        let mut request = $request::default();
        request.params = $params;
        let ServerResult::$result(result) = $self.pass(ClientRequest::$request(request), $context).await?
        else {
            return Err(strange());
        };
        Ok(result)
    }};
}

impl ServerHandler for Booth {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.0.info.clone();
        let said = std::mem::take(&mut info.capabilities);
        let mut can = ServerCapabilities::default();
        can.tools = Some(said.tools.unwrap_or_default());
        can.prompts = said.prompts;
        can.resources = said.resources;
        can.completions = said.completions;
        match self.1 {
            Clients::One => can.logging = said.logging,
            // One server for many has no level and no subscriptions of each.
            Clients::Many => {
                if let Some(resources) = &mut can.resources {
                    resources.subscribe = None;
                }
            }
        }
        info.capabilities = can;
        info
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(crate::server::VERSIONS)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.look()
            .await
            .map_err(|fault| ErrorData::internal_error(format!("the server behind: {fault}"), None))?;
        let all = self.0.agreed.all().into_iter();
        let tools: Vec<Tool> =
            all.filter_map(|tool| listed(tool, &self.0.gateway.tool(&tool.name), self.sold_by())).collect();
        let listed = ListToolsResult::with_all_items(tools);
        Ok(listed.with_ttl_ms(PRICES_FRESH_MS).with_cache_scope(CacheScope::Private))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        listed(self.0.agreed.find(name)?, &self.0.gateway.tool(name), self.sold_by())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.call(request, context).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let ServerResult::CompleteResult(result) =
            self.pass(ClientRequest::CompleteRequest(CompleteRequest::new(request)), context).await?
        else {
            return Err(strange());
        };
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let ServerResult::GetPromptResult(result) =
            self.pass(ClientRequest::GetPromptRequest(GetPromptRequest::new(request)), context).await?
        else {
            return Err(strange());
        };
        Ok(result.into())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        pass!(self, context, ListPromptsRequest(request) => ListPromptsResult)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        pass!(self, context, ListResourcesRequest(request) => ListResourcesResult)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        pass!(self, context, ListResourceTemplatesRequest(request) => ListResourceTemplatesResult)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let request = ClientRequest::ReadResourceRequest(ReadResourceRequest::new(request));
        let ServerResult::ReadResourceResult(result) = self.pass(request, context).await? else {
            return Err(strange());
        };
        Ok(result.into())
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.pass_of_one(ClientRequest::SetLevelRequest(SetLevelRequest::new(request)), context).await
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.pass_of_one(ClientRequest::SubscribeRequest(SubscribeRequest::new(request)), context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.pass_of_one(ClientRequest::UnsubscribeRequest(UnsubscribeRequest::new(request)), context).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let result = self.pass(ClientRequest::CustomRequest(request), context).await?;
        serde_json::to_value(&result).map(CustomResult::new).map_err(|_| strange())
    }

    fn accepted_subscription_filter(&self, _requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let lists = SubscriptionFilter::builder().tools_list_changed().prompts_list_changed();
        Some(lists.resources_list_changed().build())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let mut news = self.0.upstream.news();
        loop {
            tokio::select! {
                () = subscription.cancelled() => return Ok(()),
                said = news.recv() => match said {
                    // What was not asked for is not sent.
                    Ok(said) => { let _unasked = subscription.sink().send(said).await; }
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
            }
        }
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        if self.1 == Clients::Many {
            return;
        }
        let mut news = self.0.upstream.news();
        tokio::spawn(async move {
            loop {
                match news.recv().await {
                    // What is about requests of ours is not about the client's.
                    Ok(
                        ServerNotification::SubscriptionsAcknowledgedNotification(_)
                        | ServerNotification::CancelledNotification(_),
                    )
                    | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Ok(said) if context.peer.send_notification(said.clone()).await.is_ok() => {}
                    Ok(_) | Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
    }
}

impl Booth {
    /// Passes on what only one client can ask of one server.
    async fn pass_of_one(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if self.1 == Clients::Many {
            return Err(ErrorData::invalid_request("the server behind is one for many clients", None));
        }
        self.pass(request, context).await.map(|_nothing| ())
    }
}
