//! Where an owner has to agree: the page of the owner, and no other way.

use crate::house::{Caller, House, call, caller, code, good, old_caller, params};
use protocols::Time;
use rmcp::model::{CallToolResponse, ElicitRequestParams, InputRequest, InputRequiredResult};
use serde_json::{Value, json};
use wire::account::{Approve, Question};
use wire::limit::Limit;
use wire::{AmountText, RequestId};

async fn curious() -> House {
    let above = |minor| AmountText::new(minor).expect("an amount");
    House::with(vec![Limit::PerPayment { max: above(50) }, Limit::AskAbove { amount: above(2) }]).await
}

async fn token(house: &House, caller: &Caller, path: &str) -> Value {
    let quote = good(call(caller, "quote", json!({"url": format!("{}{path}", house.shop)})).await);
    json!({"quote": quote["quote"]})
}

async fn question(house: &House) -> Question {
    let mut page = house.owner.questions(1, None).await.expect("a page");
    page.data.pop().expect("a question")
}

async fn say_yes(house: &House) {
    let question = question(house).await;
    let until = sdk::Clock::system().now().after(Time::from_seconds(600).0);
    let until = protocols::a402::DateTime::second_of(until).as_str().to_owned();
    let yes = Approve { digest: question.digest, until, alike: false };
    house.owner.approve(RequestId(crate::house::id()), &question.id, &yes).await.expect("a yes");
}

async fn input_required(caller: &Caller, tool: &str, arguments: Value) -> InputRequiredResult {
    match caller.call_tool_once(params(tool, arguments)).await.expect("an answer") {
        CallToolResponse::InputRequired(asked) => asked,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_asked_on_the_owners_page_and_then_it_is_paid_once() {
    let house = curious().await;
    let caller = caller(house.desk(), true).await;
    let token = token(&house, &caller, "/search").await;
    let asked = input_required(&caller, "pay", token.clone()).await;
    let requests = asked.input_requests.expect("a request");
    match requests.values().next() {
        Some(InputRequest::Elicitation(request)) => match &request.params {
            ElicitRequestParams::UrlElicitationParams { url, message, .. } => {
                assert_eq!(url, "https://pages.example/approvals");
                assert!(message.starts_with("Nothing was spent yet."), "{message}");
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    let state = asked.request_state.expect("a state");
    // Whatever the client says came of it: only the owner's word at the server counts.
    let accepted =
        || [("owner".to_owned(), json!({"action": "accept", "content": {"approved": true}}))].into();
    let back =
        params("pay", token.clone()).with_request_state(state.clone()).with_input_responses(accepted());
    let CallToolResponse::Complete(result) = caller.call_tool_once(back).await.unwrap() else { panic!() };
    assert_eq!(crate::house::plain(&result).0["payment"], "needs_owner");
    assert_eq!(good(call(&caller, "status", token.clone()).await)["status"], "owner_waiting");
    assert_eq!(house.money().await, (100, 0, 0));
    // The state is of this call, and of no other.
    let other = params("status", token.clone()).with_request_state(state.clone());
    assert!(caller.call_tool_once(other).await.is_err());
    let forged = params("pay", token.clone()).with_request_state(format!("9{state}"));
    assert!(caller.call_tool_once(forged).await.is_err());
    say_yes(&house).await;
    assert_eq!(good(call(&caller, "status", token.clone()).await)["status"], "owner_approved");
    let back = params("pay", token.clone()).with_request_state(state).with_input_responses(accepted());
    let CallToolResponse::Complete(result) = caller.call_tool_once(back).await.unwrap() else { panic!() };
    let (paid, is_error) = crate::house::plain(&result);
    assert!(!is_error, "{paid}");
    assert_eq!(paid["untrusted_text"], "result 1");
    good(call(&caller, "pay", token).await);
    assert_eq!(house.settled().await, (97, 0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_opens_no_pages_is_told_where_the_page_is() {
    let house = curious().await;
    for is_old in [false, true] {
        let desk = house.desk();
        let caller = if is_old { old_caller(desk).await } else { caller(desk, false).await };
        let token = token(&house, &caller, "/search").await;
        let asked = good(call(&caller, "pay", token.clone()).await);
        assert_eq!(asked["payment"], "needs_owner");
        assert_eq!(asked["owner_url"], "https://pages.example/approvals");
        assert_eq!(good(call(&caller, "pay", token.clone()).await)["payment"], "needs_owner");
        let question = question(&house).await;
        assert_eq!(asked["question"], question.id);
        house.owner.refuse(RequestId(crate::house::id()), &question.id).await.unwrap();
        assert_eq!(code(call(&caller, "pay", token.clone()).await), "approval_refused");
        assert_eq!(good(call(&caller, "status", token).await)["status"], "owner_refused");
    }
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_survives_a_restart() {
    let house = curious().await;
    let first = caller(house.desk(), false).await;
    let token = token(&house, &first, "/search").await;
    good(call(&first, "pay", token.clone()).await);
    first.cancel().await.unwrap();
    let second = caller(house.desk(), false).await;
    assert_eq!(good(call(&second, "pay", token.clone()).await)["payment"], "needs_owner");
    say_yes(&house).await;
    assert_eq!(good(call(&second, "pay", token).await)["status"], 200);
    assert_eq!(house.settled().await, (97, 0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_brings_a_question_with_its_reason_and_grants_nothing() {
    let house = curious().await;
    let caller = caller(house.desk(), false).await;
    let cheap = token(&house, &caller, "/talk").await;
    assert_eq!(good(call(&caller, "request_approval", cheap.clone()).await)["approval"], "not_needed");
    assert_eq!(good(call(&caller, "status", cheap).await)["status"], "open");
    let mut wanted = token(&house, &caller, "/search").await;
    let bare = wanted.clone();
    wanted["why"] = json!("The report needs it.");
    let asked = good(call(&caller, "request_approval", wanted.clone()).await);
    assert_eq!(asked["payment"], "needs_owner");
    assert_eq!(question(&house).await.why.as_deref(), Some("The report needs it."));
    assert_eq!(good(call(&caller, "request_approval", wanted.clone()).await)["payment"], "needs_owner");
    wanted["why"] = json!("a".repeat(201));
    assert_eq!(crate::house::refused(&caller, "request_approval", wanted).await, -32602);
    assert_eq!(house.money().await, (100, 0, 0));
    say_yes(&house).await;
    assert_eq!(good(call(&caller, "request_approval", bare.clone()).await)["approval"], "approved");
    assert_eq!(house.money().await, (100, 0, 0));
    assert_eq!(good(call(&caller, "pay", bare).await)["status"], 200);
    assert_eq!(house.settled().await, (97, 0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_reported_and_what_cannot_be_held_back_is_said() {
    let house = House::new().await;
    let caller = caller(house.desk(), false).await;
    let mut token = token(&house, &caller, "/search").await;
    let bare = token.clone();
    token["problem"] = json!("wrong");
    assert_eq!(code(call(&caller, "report_problem", token.clone()).await), "nothing_bought");
    good(call(&caller, "pay", bare).await);
    house.settled().await;
    let answer = good(call(&caller, "report_problem", token.clone()).await);
    assert_eq!((&answer["is_disputed"], &answer["status"]), (&json!(false), &json!("captured")));
    token["problem"] = json!("because I say so");
    assert_eq!(crate::house::refused(&caller, "report_problem", token).await, -32602);
}
