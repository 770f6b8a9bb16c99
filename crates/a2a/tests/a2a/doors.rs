//! Both bindings, and whoever comes to them: in another version, for the tasks of others, with too much of anything.

use crate::market::{KEY, Market, about, made, message, paying, state};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A request of HTTP+JSON; its status, headers and body.
async fn rest(market: &Market, method: &str, path: &str, body: Option<Value>) -> (u16, HeaderMap, Value) {
    let url = format!("{}/a2a/http{path}", market.url);
    let request = market.http.request(method.parse().expect("a method"), url).header("a2a-version", "1.0");
    let request = request.header("authorization", format!("Bearer {KEY}"));
    let request = match body {
        Some(body) => request.header("content-type", "application/a2a+json").body(body.to_string()),
        None => request,
    };
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.expect("a body");
    (status, headers, serde_json::from_slice(&body).expect("JSON"))
}

/// The events of a stream, to its end.
async fn events(answer: reqwest::Response) -> Vec<Value> {
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = tokio::time::timeout(std::time::Duration::from_secs(20), answer.text()).await;
    let text = text.expect("the stream ends").expect("text");
    let events = text.lines().filter_map(|line| line.strip_prefix("data:"));
    events.map(|event| serde_json::from_str(event.trim()).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_bindings_speak_of_the_same_tasks() {
    let market = Market::new().await;
    let message = message("one", json!({ "tollbridge/skill": "find" }));
    let (status, headers, sent) =
        rest(&market, "POST", "/message:send", Some(json!({ "message": message }))).await;
    assert_eq!((status, &headers["content-type"]), (200, &"application/a2a+json".parse().expect("a value")));
    let task = &sent["task"];
    assert_eq!(state(task), "TASK_STATE_INPUT_REQUIRED");
    let id = task["id"].as_str().expect("a name");
    let by_rpc = market.rpc("GetTask", json!({ "id": id })).await;
    let (_, _, by_rest) = rest(&market, "GET", &format!("/tasks/{id}"), None).await;
    assert_eq!(by_rest, by_rpc);
    // The same message again is the same task.
    let again = market.rpc("SendMessage", json!({ "message": message })).await;
    assert_eq!(again["task"]["id"], id);
    let stream =
        market.http.post(format!("{}/a2a/http/message:stream", market.url)).header("a2a-version", "1.0");
    let stream =
        stream.header("authorization", format!("Bearer {KEY}")).header("content-type", "application/json");
    let paid = json!({ "message": paying(task, market.pay(task).await) });
    let steps = events(stream.body(paid.to_string()).send().await.expect("an answer")).await;
    assert_eq!(state(&steps[0]["task"]), "TASK_STATE_WORKING", "{steps:?}");
    assert_eq!(steps[1]["artifactUpdate"]["artifact"]["parts"][0]["text"], "found bridges");
    let last = &steps[2]["statusUpdate"];
    assert_eq!((state(last), &last["taskId"]), ("TASK_STATE_COMPLETED", &json!(id)));
    assert_eq!((about(last)["x402.payment.status"].as_str(), steps.len()), (Some("payment-completed"), 3));

    let (_, _, listed) = rest(&market, "GET", "/tasks?pageSize=1&includeArtifacts=true", None).await;
    assert_eq!((&listed["totalSize"], &listed["nextPageToken"]), (&json!(1), &json!("")));
    assert_eq!(made(&listed["tasks"][0]), "found bridges");
    let (_, _, bare) = rest(&market, "GET", "/tasks?historyLength=0", None).await;
    assert_eq!((bare["tasks"][0].get("artifacts"), bare["tasks"][0].get("history")), (None, None));
    for (method, path, status, reason) in [
        ("GET", "/tasks/none".to_owned(), 404, "TASK_NOT_FOUND"),
        ("POST", format!("/tasks/{id}:cancel"), 400, "TASK_NOT_CANCELABLE"),
        ("GET", format!("/tasks/{id}:subscribe"), 400, "UNSUPPORTED_OPERATION"),
        ("POST", format!("/tasks/{id}:subscribe"), 400, "UNSUPPORTED_OPERATION"),
        ("GET", format!("/tasks/{id}/pushNotificationConfigs"), 400, "PUSH_NOTIFICATION_NOT_SUPPORTED"),
        ("GET", "/extendedAgentCard".to_owned(), 400, "UNSUPPORTED_OPERATION"),
    ] {
        let (found, _, said) = rest(&market, method, &path, None).await;
        assert_eq!(
            (found, &said["error"]["details"][0]["reason"]),
            (status, &json!(reason)),
            "{path}: {said}"
        );
        assert_eq!(said["error"]["code"], status);
    }
    for (method, path, status) in
        [("GET", "/nowhere", 404), ("GET", "/tasks?pageSize=0", 400), ("GET", "/tasks?pageToken=x", 400)]
    {
        assert_eq!(rest(&market, method, path, None).await.0, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_hear_every_step_and_a_stop() {
    let market = Market::new().await;
    let send = json!({
        "message": message("m", json!({ "tollbridge/skill": "wait" })), "configuration": { "returnImmediately": true },
    });
    let mut task = market.rpc("SendMessage", send).await["task"].clone();
    while state(&task) == "TASK_STATE_SUBMITTED" {
        task = market.rpc("GetTask", json!({ "id": task["id"] })).await;
    }
    let body =
        json!({ "jsonrpc": "2.0", "id": "s", "method": "SubscribeToTask", "params": { "id": task["id"] } });
    let follow = || {
        let request = market.http.post(format!("{}/a2a", market.url)).header("a2a-version", "1.0");
        let request = request.header("authorization", format!("Bearer {KEY}"));
        request.header("content-type", "application/json").body(body.to_string()).send()
    };
    let early = follow().await.expect("an answer");
    let paid = json!({
        "message": paying(&task, market.pay(&task).await), "configuration": { "returnImmediately": true },
    });
    market.rpc("SendMessage", paid).await;
    let (one, other) = (follow().await.expect("an answer"), follow().await.expect("an answer"));
    while market.asked("/skills/wait").is_empty() {
        market.workshop.came.notified().await;
    }
    market.workshop.go.notify_one();
    let (one, other) = (events(one).await, events(other).await);
    assert_eq!(one, other);
    let steps: Vec<&Value> = one.iter().map(|event| &event["result"]).collect();
    assert_eq!((state(&steps[0]["task"]), &one[0]["id"]), ("TASK_STATE_WORKING", &json!("s")));
    assert!(steps[1].get("artifactUpdate").is_some());
    assert_eq!((state(&steps[2]["statusUpdate"]), steps.len()), ("TASK_STATE_COMPLETED", 3));
    // Who followed it while it waited for money hears the rest, too.
    let early = events(early).await;
    assert_eq!(state(&early[0]["result"]["task"]), "TASK_STATE_INPUT_REQUIRED");
    assert_eq!(state(&early[1]["result"]["statusUpdate"]), "TASK_STATE_WORKING");
    assert_eq!(early[2..], one[1..]);

    let task = market.say("find").await;
    let stopped = market.rpc("CancelTask", json!({ "id": task["id"] })).await;
    assert_eq!(state(&stopped), "TASK_STATE_CANCELED");
    assert_eq!(market.code("CancelTask", json!({ "id": task["id"] })).await, -32002);
    let again = json!({ "message": paying(&task, json!({})) });
    assert_eq!(market.code("SendMessage", again).await, -32004);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_tasks_of_others() {
    let market = Market::new().await;
    let mine = market.say("find").await;
    let id = json!({ "id": mine["id"] });
    let payment = market.pay(&mine).await;
    for other in [Some("another-key-of-somebody"), None] {
        for (method, params) in [
            ("GetTask", id.clone()),
            ("CancelTask", id.clone()),
            ("SubscribeToTask", id.clone()),
            ("SendMessage", json!({ "message": paying(&mine, payment.clone()) })),
            ("SendStreamingMessage", json!({ "message": paying(&mine, payment.clone()) })),
        ] {
            let (_, answer) = market.rpc_as(other, method, params).await;
            let (_, unknown) = market
                .rpc_as(
                    other,
                    method,
                    match method {
                        "SendMessage" | "SendStreamingMessage" => {
                            json!({ "message": paying(&json!({ "id": "none" }), json!({})) })
                        }
                        _ => json!({ "id": "none" }),
                    },
                )
                .await;
            assert_eq!(answer, unknown, "{method}: nobody is told whether it is there");
            assert_eq!(answer["error"]["code"], -32001, "{method}");
        }
        let (_, listed) = market.rpc_as(other, "ListTasks", json!({ "contextId": mine["contextId"] })).await;
        assert_eq!((&listed["result"]["tasks"], &listed["result"]["totalSize"]), (&json!([]), &json!(0)));
    }
    let listed = market.rpc("ListTasks", json!({})).await;
    assert_eq!(listed["tasks"][0]["id"], mine["id"]);
    // Who shows no key sees what they know by name, and lists nothing.
    let (_, nobodys) =
        market.rpc_as(None, "SendMessage", json!({ "message": message("m", json!({})) })).await;
    let id = json!({ "id": nobodys["result"]["task"]["id"] });
    assert_eq!(market.rpc_as(None, "GetTask", id.clone()).await.1["result"]["id"], id["id"]);
    assert_eq!(market.code("GetTask", id).await, -32001);
    let (_, listed) = market.rpc_as(None, "ListTasks", json!({})).await;
    assert_eq!(listed["result"]["tasks"], json!([]));
    for key in ["short", "with spaces in it, long enough", &"k".repeat(600)] {
        let (status, answer) = market.rpc_as(Some(key), "ListTasks", json!({})).await;
        assert_eq!((status, answer.get("result")), (401, None), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_rightly_is_refused_and_does_nothing() {
    let market = Market::new().await;
    let ask = |path: &str, headers: &[(&str, &str)], body: String| {
        let mut request = market.http.post(format!("{}{path}", market.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        async move {
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            let body: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
            (status, body["error"]["code"].as_i64().unwrap_or_default(), body)
        }
    };
    let rpc = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    let send =
        || rpc("SendMessage", json!({ "message": message("m", json!({ "tollbridge/skill": "ping" })) }));
    let (json_kind, version) = (("content-type", "application/json"), ("a2a-version", "1.0"));
    for (headers, body, status, code) in [
        (&[json_kind][..], send(), 200, -32009),
        (&[json_kind, ("a2a-version", "")], send(), 200, -32009),
        (&[json_kind, ("a2a-version", "0.3")], send(), 200, -32009),
        (&[json_kind, ("a2a-version", "2.0")], send(), 200, -32009),
        (&[version, ("content-type", "text/plain")], send(), 415, -32600),
        (&[version, json_kind], "{".to_owned(), 200, -32700),
        (&[version, json_kind], "[".repeat(100_000), 200, -32700),
        (&[version, json_kind], format!("[{}]", send()), 200, -32600),
        (&[version, json_kind], rpc("message/send", json!({})), 200, -32601),
        (&[version, json_kind], rpc("SendMessage", json!({})), 200, -32602),
        (&[version, json_kind], "a".repeat(300_000), 413, -32600),
        (&[version, json_kind, ("authorization", "Basic eDp5")], send(), 401, -32098),
    ] {
        for path in ["/a2a", "/a2a/"] {
            let (found, said, answer) = ask(path, headers, body.clone()).await;
            let shown = body.get(..60).unwrap_or(&body);
            assert_eq!((found, said), (status, code), "{path} {headers:?} {shown}: {answer}");
        }
    }
    let (status, _, answer) = ask("/a2a/http/message:send", &[json_kind], "{}".to_owned()).await;
    assert_eq!((status, &answer["error"]["details"][0]["reason"]), (400, &json!("VERSION_NOT_SUPPORTED")));
    for (metadata, field) in [
        (json!({ "tollbridge/skill": "other" }), "tollbridge/skill"),
        (json!({ "tollbridge/skill": 1 }), "tollbridge/skill"),
        (json!({ "tollbridge/idempotency-key": "" }), "tollbridge/idempotency-key"),
        (json!({ "tollbridge/idempotency-key": "k".repeat(300) }), "tollbridge/idempotency-key"),
    ] {
        let (_, answer) = market
            .rpc_as(Some(KEY), "SendMessage", json!({ "message": message("x", metadata.clone()) }))
            .await;
        let found =
            answer["error"]["data"][0]["fieldViolations"][0]["field"].as_str().unwrap_or_default().to_owned();
        assert!(found.contains(field), "{metadata}: {answer}");
    }
    let mut far = message("far", json!({}));
    far["parts"] = json!([{ "url": "http://127.0.0.1:1/secret" }]);
    assert_eq!(market.code("SendMessage", json!({ "message": far })).await, -32005, "nothing is fetched");
    let mut elsewhere = message("elsewhere", json!({}));
    elsewhere["taskId"] = market.say("find").await["id"].clone();
    elsewhere["contextId"] = json!("another");
    assert_eq!(market.code("SendMessage", json!({ "message": elsewhere })).await, -32602);
    let push = json!({ "message": message("p", json!({})), "configuration": { "taskPushNotificationConfig": { "url": "http://127.0.0.1:1/" } } });
    assert_eq!(market.code("SendMessage", push).await, -32003);
    assert_eq!(
        market
            .code("CreateTaskPushNotificationConfig", json!({ "taskId": "t", "url": "http://127.0.0.1:1/" }))
            .await,
        -32003
    );
    assert_eq!(market.code("GetExtendedAgentCard", json!({})).await, -32004);
    assert_eq!(market.asked("/skills/ping").len(), 0, "nothing was done");
    // The version may be said in the query, and extensions that count are named back.
    let uri = "https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2";
    let request = market
        .http
        .post(format!("{}/a2a?A2A-Version=1.0", market.url))
        .header("content-type", "application/json");
    let answer = request
        .header("X-A2A-Extensions", format!("https://other.example/, {uri}"))
        .body(send())
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (&answer.headers()["a2a-extensions"], &answer.headers()["x-a2a-extensions"]),
        (&uri.parse().expect("a value"), &uri.parse().expect("a value"))
    );
    assert_eq!(market.asked("/skills/ping").len(), 1);
}
