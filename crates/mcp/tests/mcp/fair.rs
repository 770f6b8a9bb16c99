//! A fair to test at: a house, a booth before somebody else's server, and clients that pay in x402 as stock clients do.

use crate::house::{House, Reader, id, params};
use gateway::{Config, Gateway};
use mcp::booth::{Agreement, Booth, Change, Place, Settings, door};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientRequest, ListToolsRequest, MetaObject,
    ProtocolVersion, RequestMetaObject, ServerResult, Tool,
};
use rmcp::service::{RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use sdk::{Answer, Clock};
use serde_json::{Value, json};
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wire::HoldId;
use wire::x402::NewX402Payment;

pub(crate) type Visitor = RunningService<RoleClient, Reader>;

/// What is sold, beside who sells it.
const PRICES: &str = r#"
[[price]]
tool = "search"
amount = "0.03 CNY"
refund = "What fails costs nothing."
[[price]]
tool = "*"
amount = "0.02 CNY"
[[free]]
tool = "ping"
"#;

pub(crate) struct Fair {
    pub(crate) house: House,
    pub(crate) gateway: Gateway,
    pub(crate) booth: Booth,
    pub(crate) changes: Vec<Change>,
    /// Where the server behind writes down what it is asked, and finds what to do.
    pub(crate) workshop: PathBuf,
    pub(crate) url: String,
    task: Selling,
}

/// A booth that sells until nobody holds this.
struct Selling(JoinHandle<()>);

/// A client's result, and the money in it.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) result: CallToolResult,
}

impl Got {
    pub(crate) fn meta(&self, name: &str) -> Value {
        self.result.meta.as_ref().and_then(|meta| meta.get(name)).cloned().unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        let block = self.result.content.first().and_then(|block| block.as_text());
        block.map(|block| block.text.as_str()).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn demand(&self) -> Value {
        assert_eq!(self.result.is_error, Some(true), "{self:?}");
        let demand = self.result.structured_content.clone().expect("a structure");
        assert_eq!(
            serde_json::from_str::<Value>(self.text()).expect("JSON"),
            demand,
            "text and structure are the same"
        );
        assert_eq!(demand["x402Version"], 2, "{self:?}");
        demand
    }

    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.result.is_error, Some(true), "{self:?}");
        let said = self.result.structured_content.clone().expect("a structure");
        said["code"].as_str().unwrap_or_else(|| panic!("no code: {said}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn is_paid(&self) -> bool {
        let said = self.meta("x402/payment-response");
        said["success"].as_bool().unwrap_or_else(|| panic!("nothing was said about the payment: {self:?}"))
    }
}

impl Fair {
    pub(crate) async fn new() -> Fair {
        Fair::of(House::new().await, PRICES).await
    }

    pub(crate) async fn of(house: House, prices: &str) -> Fair {
        let workshop = house.directory.join("workshop");
        std::fs::create_dir(&workshop).expect("a directory");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upstream.py");
        let place = Place::Program("python3".into(), vec![script.into(), workshop.clone().into()]);
        Fair::before(house, prices, workshop, (place, Agreement::Standing), "127.0.0.1:0").await
    }

    pub(crate) async fn before(
        house: House,
        prices: &str,
        workshop: PathBuf,
        (place, agreement): (Place, Agreement),
        at: &str,
    ) -> Fair {
        let listener = TcpListener::bind(at).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let text = format!(
            "[seller]\nserver = \"{}\"\npayee = \"{}\"\nkey_file = \"seller.toml\"\nnetwork = \"toll:test\"\n\
             public_url = \"{url}\"\nasset = \"CNY/2\"\ndata = \"booth\"\n[upstream]\ntimeout_seconds = 3\n\
             answer_body_bytes_max = 1048576\n{prices}",
            house.server, house.payee
        );
        let config = Config::parse(&text, &house.directory).expect("a configuration");
        let gateway = Gateway::open(config, Clock::system()).expect("a gateway");
        let settings = Settings { gateway: gateway.clone(), place, agreement };
        let (booth, changes) = Booth::open(settings).await.expect("a booth");
        let selling = booth.clone();
        let task = Selling(tokio::spawn(door::serve(listener, selling, std::future::pending())));
        Fair { house, gateway, booth, changes, workshop, url, task }
    }

    /// The same booth once more, as after an end that nobody announced: with what is on disk, and no more.
    pub(crate) async fn again(self, agreement: Agreement) -> Fair {
        let Fair { house, gateway, booth, workshop, mut task, url, .. } = self;
        task.0.abort();
        let _ended = (&mut task.0).await;
        drop((gateway, booth));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upstream.py");
        let place = Place::Program("python3".into(), vec![script.into(), workshop.clone().into()]);
        let at = url.trim_start_matches("http://");
        Fair::before(house, PRICES, workshop, (place, agreement), at).await
    }

    /// Has the server behind do something else from now on.
    pub(crate) fn have(&self, what: &str) {
        std::fs::write(self.workshop.join(what), "").expect("a file");
    }

    /// What the server behind was asked so far, by the name of the tool.
    pub(crate) fn asked(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.workshop.join("calls")).unwrap_or_default();
        let calls = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        calls.filter(|call| call["name"] == name).collect()
    }

    /// A client over HTTP, in the revision of 2026-07-28.
    pub(crate) async fn visitor(&self) -> Visitor {
        let newest =
            ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
        self.visitor_in(newest).await
    }

    /// The same in the revision of 2025-11-25.
    pub(crate) async fn old_visitor(&self) -> Visitor {
        self.visitor_in(ClientLifecycleMode::Initialize).await
    }

    async fn visitor_in(&self, lifecycle: ClientLifecycleMode) -> Visitor {
        let transport = StreamableHttpClientTransport::from_uri(format!("{}{}", self.url, door::PATH));
        Reader { opens: false }
            .serve_with_lifecycle(transport, lifecycle)
            .await
            .expect("they understand each other")
    }

    /// Pays what a result asks for, once, as a stock client: it echoes what it accepted.
    pub(crate) async fn pay(&self, demand: &Value) -> Value {
        let new = NewX402Payment {
            id: HoldId(id()),
            wallet: self.house.wallet,
            mandate: Some(self.house.mandate),
            accepted: demand["accepts"][0].to_string(),
            resource: demand["resource"]["url"].as_str().expect("an address").to_owned(),
            approval: None,
            why: None,
        };
        let paid = match self.house.agent().x402_pay(&new).await.expect("it is paid") {
            Answer::Done(paid) => paid,
            Answer::Asked(asked) => panic!("{asked:?}"),
        };
        json!({
            "x402Version": 2, "resource": demand["resource"], "accepted": demand["accepts"][0],
            "payload": {"credential": paid.payload.credential}, "extensions": null,
        })
    }

    /// Asks for a tool, pays for it, and calls it with the payment, which is answered, too.
    pub(crate) async fn buy(&self, visitor: &Visitor, tool: &str) -> (Got, Value) {
        let demand = call(visitor, tool, Value::Null).await.demand();
        let payment = self.pay(&demand).await;
        (call(visitor, tool, payment.clone()).await, payment)
    }

    /// What can be spent, what is held, and what the seller has, once everything is told.
    pub(crate) async fn settled(&self) -> (u128, u128, u128) {
        self.gateway.settle().await.expect("it settles");
        self.house.money().await
    }
}

impl Drop for Selling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Calls a tool about bridges, with a payment where one is given.
pub(crate) async fn call(visitor: &Visitor, tool: &str, payment: Value) -> Got {
    let meta = if payment.is_null() { json!({}) } else { json!({"x402/payment": payment}) };
    call_with(visitor, tool, json!({"q": "bridges"}), meta).await.expect("an answer")
}

/// Calls a tool with these arguments and this `_meta`.
pub(crate) async fn call_with(
    visitor: &Visitor,
    tool: &str,
    arguments: Value,
    meta: Value,
) -> Result<Got, ServiceError> {
    let mut params: CallToolRequestParams = params(tool, arguments);
    params.meta = Some(RequestMetaObject(MetaObject(meta.as_object().expect("an object").clone())));
    match visitor.call_tool_once(params).await? {
        CallToolResponse::Complete(result) => Ok(Got { result }),
        other => panic!("{other:?}"),
    }
}

/// The tools, past anything that the client remembers.
pub(crate) async fn list(visitor: &Visitor) -> Vec<Tool> {
    let request = ClientRequest::ListToolsRequest(ListToolsRequest::default());
    match visitor.send_request(request).await.expect("an answer") {
        ServerResult::ListToolsResult(listed) => listed.tools,
        other => panic!("{other:?}"),
    }
}
