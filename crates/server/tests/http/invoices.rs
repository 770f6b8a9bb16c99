//! Invoices and credit notes over HTTP: scenario S13's paper, for whom it is, and in which forms.

use crate::house::{House, Party, Reply, Tricks, cny, new_id};
use http::Method;
use serde_json::{Value, json};

impl House {
    async fn paid(&self, amount: &str) -> Value {
        self.post(&self.agent, "/v1/payments", self.payment(amount)).await.expect(201)["id"].clone()
    }

    async fn refund(&self, payment: &Value, amount: &str) {
        let refund = json!({"id": new_id("ref"), "payment": payment, "amount": cny(amount)});
        self.post(&self.seller, "/v1/refunds", refund).await.expect(201);
    }

    async fn bill(&self, by: &Party, path: &str, id: &Value) -> Reply {
        self.get(by, &format!("/v1/{path}/{}", id.as_str().unwrap())).await
    }
}

fn invoice(purchases: &[&Value]) -> Value {
    let tax = json!({"kind": "standard", "rate_ppm": 60_000});
    let line = |purchase: &&Value| json!({"purchase": purchase, "text": "模型调用 & tokens", "tax": tax});
    json!({"id": new_id("inv"), "lines": purchases.iter().map(line).collect::<Vec<_>>(),
        "seller": {"name": "云上模型有限公司", "city": "杭州", "country": "CN", "vat_id": "CN91330100MA2B"},
        "buyer": {"name": "Ada <Lovelace>", "street": "1 Ockham Park", "country": "GB"}})
}

fn with(mut of: Value, name: &str, value: Value) -> Value {
    of[name] = value;
    of
}

/// S13: 10000 paid, 2500 refunded, 7500 invoiced; what goes back later is credited; numbers have no gap.
#[tokio::test]
async fn s13_an_invoice_for_what_is_left_and_a_credit_note_for_what_went_back() {
    let mut house = House::with_mandate(json!([{"kind": "per_payment", "max": "10000"}])).await;
    let payment = house.paid("10000").await;
    house.refund(&payment, "2500").await;
    let too_much = with(invoice(&[&payment]), "total", json!("10000"));
    let problem =
        house.post(&house.seller, "/v1/invoices", too_much).await.problem(403, "bill_total_differs");
    assert_eq!(problem["remaining"], cny("7500"));
    let bill = with(invoice(&[&payment]), "total", json!("7500"));
    let issued = house.post(&house.seller, "/v1/invoices", bill.clone()).await.expect(201);
    assert_eq!(
        (&issued["number"], &issued["total"], &issued["id"]),
        (&json!(1), &json!("7500"), &bill["id"])
    );
    let again = house.post(&house.seller, "/v1/invoices", bill.clone()).await.expect(201);
    assert_eq!((&again["repeated"], &again["entry"]), (&json!(true), &issued["entry"]));
    house.post(&house.seller, "/v1/invoices", invoice(&[&payment])).await.problem(403, "nothing_to_invoice");

    let credit = json!({"id": new_id("crn"), "invoice": bill["id"], "total": "2000", "note": "退款"});
    house.post(&house.seller, "/v1/credit_notes", credit.clone()).await.problem(403, "nothing_to_credit");
    house.refund(&payment, "2000").await;
    let due = house.get(&house.seller, "/v1/invoices?to_credit=true").await.expect(200);
    assert_eq!((&due["data"][0]["id"], &due["data"][0]["to_credit"]), (&bill["id"], &cny("2000")));
    let credit = with(credit, "id", json!(new_id("crn")));
    let noted = house.post(&house.seller, "/v1/credit_notes", credit.clone()).await.expect(201);
    assert_eq!((&noted["number"], &noted["amounts"]), (&json!(1), &json!(["2000"])));
    let due = house.get(&house.seller, "/v1/invoices?to_credit=true").await.expect(200);
    assert_eq!(due["data"], json!([]));

    let other = house.paid("100").await;
    let second = house.post(&house.seller, "/v1/invoices", invoice(&[&other])).await.expect(201);
    assert_eq!(second["number"], 2);
    house.restart().await;
    let shown = house.bill(&house.owner, "invoices", &bill["id"]).await.expect(200);
    assert_eq!(
        (&shown["total"], &shown["credited"], &shown["to_credit"]),
        (&cny("7500"), &cny("2000"), &cny("0"))
    );
    assert_eq!(shown["printed_number"], "INV-1");
    assert_eq!(shown["lines"][0]["text"], "模型调用 & tokens");
    let note = house.bill(&house.owner, "credit_notes", &credit["id"]).await.expect(200);
    assert_eq!((&note["printed_number"], &note["note"]), (&json!("CRN-1"), &json!("退款")));
}

/// Its seller, its buyer and the operator see an invoice; to everybody else there is none.
#[tokio::test]
async fn an_invoice_is_for_its_seller_and_its_buyer() {
    let house = House::with_mandate(json!([{"kind": "per_payment", "max": "10000"}])).await;
    let payment = house.paid("100").await;
    let bill = invoice(&[&payment]);
    for by in [&house.agent, &house.owner, &house.operator] {
        house.post(by, "/v1/invoices", bill.clone()).await.problem(403, "audience_wrong");
    }
    house.post(&house.seller, "/v1/invoices", bill.clone()).await.expect(201);
    let (stranger, _) = house.stranger().await;
    for name in [bill["id"].as_str().unwrap().to_owned(), format!("{}.xml", bill["id"].as_str().unwrap())] {
        for by in [&stranger, &house.agent] {
            house.get(by, &format!("/v1/invoices/{name}")).await.problem(404, "invoice_unknown");
        }
        for by in [&house.seller, &house.owner, &house.operator] {
            assert_eq!(house.get(by, &format!("/v1/invoices/{name}")).await.status, 200);
        }
    }
    for (by, count) in [(&house.owner, 1), (&house.seller, 1), (&stranger, 0)] {
        let list = house.get(by, "/v1/invoices").await.expect(200);
        assert_eq!(list["data"].as_array().unwrap().len(), count);
        let notes = house.get(by, "/v1/credit_notes").await.expect(200);
        assert_eq!(notes["data"], json!([]));
    }
    house.get(&house.owner, "/v1/invoices?to_credit=true").await.problem(400, "param_malformed");
}

/// What breaks a rule of invoices is not asked of the book, and uses no number.
#[tokio::test]
async fn what_cannot_be_an_invoice_is_none() {
    let house = House::with_mandate(json!([{"kind": "per_payment", "max": "10000"}])).await;
    let payment = house.paid("100").await;
    let bill = || invoice(&[&payment]);
    let mut untaxed = bill();
    untaxed["seller"]["vat_id"] = Value::Null;
    let mut nowhere = bill();
    nowhere["buyer"]["country"] = json!("England");
    let mut wordless = bill();
    wordless["lines"][0]["text"] = json!(" ");
    for (wrong, rule) in [(untaxed, "BR-S-02"), (nowhere, "BR-11"), (wordless, "BR-25")] {
        let problem = house.post(&house.seller, "/v1/invoices", wrong).await.problem(422, "bill_malformed");
        assert!(problem["detail"].as_str().unwrap().contains(rule), "{problem}");
    }
    let twice = invoice(&[&payment, &payment]);
    house.post(&house.seller, "/v1/invoices", twice).await.problem(422, "purchases_malformed");
    house.post(&house.seller, "/v1/invoices", invoice(&[])).await.problem(422, "purchases_malformed");
    let unknown = json!(new_id("pay"));
    house.post(&house.seller, "/v1/invoices", invoice(&[&unknown])).await.problem(404, "payment_unknown");
    house
        .post(&house.seller, "/v1/invoices", with(bill(), "colour", json!(1)))
        .await
        .problem(400, "body_malformed");
    let issued = house.post(&house.seller, "/v1/invoices", bill()).await.expect(201);
    assert_eq!(issued["number"], 1);
}

/// The papers: what stands in them, and which is given for which name and `Accept`.
#[tokio::test]
async fn an_invoice_is_read_as_xml_and_as_pdf() {
    let house = House::with_mandate(json!([{"kind": "per_payment", "max": "10000"}])).await;
    let payment = house.paid("1060").await;
    let bill = with(invoice(&[&payment]), "prefix", json!("2026/"));
    house.post(&house.seller, "/v1/invoices", bill.clone()).await.expect(201);
    let path = format!("/v1/invoices/{}", bill["id"].as_str().unwrap());
    let xml = house.get(&house.owner, &format!("{path}.xml")).await;
    assert_eq!(xml.headers["content-type"], "application/xml");
    assert_eq!(xml.headers["content-disposition"], "attachment; filename=\"2026-1.xml\"");
    let text = String::from_utf8(xml.body.to_vec()).unwrap();
    for part in [
        "<cbc:ID>2026/1</cbc:ID>",
        "<cbc:RegistrationName>Ada &lt;Lovelace&gt;</cbc:RegistrationName>",
        "<cbc:Name>模型调用 &amp; tokens</cbc:Name>",
        "<cbc:TaxableAmount currencyID=\"CNY\">10.00</cbc:TaxableAmount>",
        "<cbc:TaxAmount currencyID=\"CNY\">0.60</cbc:TaxAmount>",
        "<cbc:PayableAmount currencyID=\"CNY\">0.00</cbc:PayableAmount>",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let tricks = Tricks { headers: vec![("accept", "application/xml".to_owned())], ..Tricks::default() };
    let asked = house.tricky(&house.seller, Method::GET, &path, None, tricks).await;
    assert_eq!(asked.body, xml.body);
    let pdf = house.get(&house.seller, &format!("{path}.pdf")).await;
    assert_eq!((pdf.status, &pdf.headers["content-type"]), (200, &"application/pdf".parse().unwrap()));
    assert!(pdf.body.starts_with(b"%PDF-"));

    house.refund(&payment, "530").await;
    let credit = json!({"id": new_id("crn"), "invoice": bill["id"]});
    house.post(&house.seller, "/v1/credit_notes", credit.clone()).await.expect(201);
    let path = format!("/v1/credit_notes/{}", credit["id"].as_str().unwrap());
    let xml = house.get(&house.owner, &format!("{path}.xml")).await;
    let text = String::from_utf8(xml.body.to_vec()).unwrap();
    for part in ["<cbc:ID>CRN-1</cbc:ID>", "<cbc:ID>2026/1</cbc:ID>", "5.00</cbc:TaxableAmount>", ">381<"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(house.get(&house.owner, &format!("{path}.pdf")).await.status, 200);
}
