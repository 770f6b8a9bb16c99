//! `llm`: selling the answers of language models by the token, and buying them.

use crate::args::llm::{Connect, Init, LlmCommand, Reconcile, Serve, Sign};
use crate::args::{Caller, PayArgs, PurchaseArgs};
use crate::client::{credentials, failed};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::{pay, runtime, serve};
use llm::{Config, Gateway};
use sdk::{Client, PaymentOutcome};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

pub(crate) fn run(output: &Output, command: &LlmCommand) -> Outcome {
    match command {
        LlmCommand::Init(args) => init(output, args),
        LlmCommand::Sign(args) => sign(output, args),
        LlmCommand::Serve(args) => sell(output, args),
        LlmCommand::Reconcile(args) => reconcile(output, args),
        LlmCommand::Keys { payee, caller } => keys(output, payee, caller),
        LlmCommand::Connect(args) => connect(output, args),
    }
}

#[derive(Serialize)]
struct Written {
    file: String,
}

/// Writes a configuration with a model for each that the upstream lists.
fn init(output: &Output, args: &Init) -> Outcome {
    let listed: Value = runtime::run(async {
        let client = Client::stranger(&args.base).map_err(Failure::usage)?;
        client.get("/v1/models").await.map_err(failed)
    })?;
    let names = listed["data"].as_array().into_iter().flatten().filter_map(|model| model["id"].as_str());
    let text = template(args, names);
    write_new(&args.out, &text)?;
    let file = args.out.display().to_string();
    output
        .line(format!("`{file}` has every model of {}; fill in who you are and what each costs,", args.base));
    output.line(format!("then sign the prices with `tollbridge llm sign {file}`"));
    output.object(&Written { file });
    Ok(())
}

fn template<'a>(args: &Init, names: impl Iterator<Item = &'a str>) -> String {
    let mut text = format!(
        "# What is sold, for how much, and whose it is. Empty texts are to be filled in.\n\
         [seller]\nserver = \"http://127.0.0.1:8402\"\npayee = \"\"\nkey_file = \"seller.toml\"\nnetwork = \"toll:test\"\n\
         public_url = \"http://127.0.0.1:8420\"\nasset = \"CNY/2\"\ndata = \"llm\"\n\n\
         [upstream]\nurl = \"{}\"\n# api_key_file = \"upstream.key\"\n\n\
         [deposit]\ndefault = \"5.00\"\nmin = \"1.00\"\nmax = \"500.00\"\n\n\
         # Count the version up whenever a price changes.\n\
         [catalogue]\nversion = 1\neffective_from = \"{}\"\n",
        args.base.trim_end_matches('/'),
        jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    );
    for name in names {
        let name = Value::String(name.to_owned());
        // Writing to a text does not fail.
        let _written = write!(
            text,
            "\n[[model]]\nname = {name}\ninput_max = 0\noutput_max = 0\nsource = \"where these prices are from, and as of when\"\n\
             # For a million tokens. `cached_input`, `cache_write`, `reasoning`, `image_input`, `audio_input` and the like\n\
             # cost what `input` or `output` cost, unless they are here.\n\
             prices = {{ input = \"\", output = \"\" }}\n"
        );
    }
    text
}

/// Signs the price list of a configuration.
fn sign(output: &Output, args: &Sign) -> Outcome {
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    let (name, text) = Gateway::sign_catalogue(&config).map_err(Failure::usage)?;
    let directory = config.seller.catalogues();
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    let path = directory.join(name);
    write_new(&path, &text)?;
    let file = path.display().to_string();
    output.line(format!(
        "signed: `{file}`; serve it with `tollbridge llm serve --config {}`",
        args.config.display()
    ));
    output.object(&Written { file });
    Ok(())
}

/// A signed price list is never written over: calls were charged by it.
fn write_new(path: &Path, text: &str) -> Outcome {
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|fault| Failure::from(fault).during(path.display()))
}

/// Sells until told to stop.
fn sell(output: &Output, args: &Serve) -> Outcome {
    runtime::log();
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    let gateway = Gateway::open(config, sdk::Clock::system());
    runtime::run(async {
        let listener = runtime::listen(args.listen).await?;
        serve::say_where(output, &listener)?;
        llm::serve(listener, gateway.map_err(Failure::fault)?, runtime::told_to_stop()).await;
        Ok(())
    })
}

#[derive(Serialize)]
struct Compared {
    agreed: usize,
    nameless: usize,
    differences: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    reason: &'static str,
    billed: Option<Side>,
    recorded: Option<Side>,
}

#[derive(Serialize)]
struct Side {
    model: String,
    input: u64,
    cached: Option<u64>,
    output: u64,
}

impl From<llm::Counts> for Side {
    fn from(counts: llm::Counts) -> Side {
        Side { model: counts.model, input: counts.input, cached: counts.cached, output: counts.output }
    }
}

/// Compares an invoice with the records.
fn reconcile(output: &Output, args: &Reconcile) -> Outcome {
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    let invoice = std::fs::read_to_string(&args.invoice)
        .map_err(|fault| Failure::from(fault).during(args.invoice.display()))?;
    let compared = llm::reconcile(&config.seller.data, &invoice).map_err(|fault| match fault {
        llm::InvoiceFault::Row { .. } => Failure::usage(fault),
        llm::InvoiceFault::Store(_) => Failure::fault(fault),
    })?;
    let said = |side: &Option<llm::Counts>| match side {
        Some(counts) => format!("{} {} in {} out", counts.model, counts.input, counts.output),
        None => "nothing".to_owned(),
    };
    for row in &compared.differences {
        output.line(format!(
            "{}  {}: billed {}, recorded {}",
            row.id,
            row.reason.as_str(),
            said(&row.billed),
            said(&row.recorded)
        ));
    }
    output.line(format!(
        "{} rows agree, {} differ, {} records have no id to compare by",
        compared.agreed,
        compared.differences.len(),
        compared.nameless
    ));
    let rows = compared.differences.into_iter().map(|row| Row {
        id: row.id,
        reason: row.reason.as_str(),
        billed: row.billed.map(Side::from),
        recorded: row.recorded.map(Side::from),
    });
    output.object(&Compared {
        agreed: compared.agreed,
        nameless: compared.nameless,
        differences: rows.collect(),
    });
    Ok(())
}

/// Prints a seller's keys.
fn keys(output: &Output, payee: &str, caller: &Caller) -> Outcome {
    let payee: wire::PayeeId = payee.parse().map_err(Failure::usage)?;
    let keys = runtime::run(async {
        let client = Client::new(&caller.server, credentials(&caller.key)?).map_err(Failure::usage)?;
        client.a402_seller_keys(payee).await.map_err(failed)
    })?;
    output.product(&format!("{}\n", serde_json::to_string_pretty(&keys).expect("keys are JSON")));
    Ok(())
}

#[derive(Serialize)]
struct Connected<'a> {
    openai_base_url: &'a str,
    anthropic_base_url: &'a str,
    api_key: &'a str,
}

/// Pays a deposit, and prints what a client has to be told.
fn connect(output: &Output, args: &Connect) -> Outcome {
    let base = args.url.trim_end_matches('/');
    let pay = PayArgs {
        url: format!("{base}/.tollbridge/sessions?deposit={}", args.deposit),
        purchase: PurchaseArgs {
            caller: args.caller.clone(),
            purchase: args.purchase.clone(),
            max_price: args.deposit.clone(),
            why: None,
            wallet: args.wallet.clone(),
            mandate: args.mandate.clone(),
        },
        method: "POST".to_owned(),
        body: None,
        purchases: args.purchases.clone(),
        out: None,
        terms_out: None,
    };
    let bought = runtime::run(async { pay::buy(&pay).await })?;
    match &bought.payment {
        PaymentOutcome::Held(_) | PaymentOutcome::Paid(_) => {}
        PaymentOutcome::NotNeeded
        | PaymentOutcome::Refused(_)
        | PaymentOutcome::Asked(_)
        | PaymentOutcome::Returned(_)
        | PaymentOutcome::Unknown(..) => return pay::ended(&bought.payment),
    }
    let body = bought.answer.as_ref().map(|answer| answer.body.as_slice()).unwrap_or_default();
    let session: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| session[name].as_str().unwrap_or_default();
    let connected = Connected {
        openai_base_url: text("openai_base_url"),
        anthropic_base_url: text("anthropic_base_url"),
        api_key: text("api_key"),
    };
    if connected.api_key.is_empty() {
        let why = "the deposit is held, and no key came for it: repeat the command, which pays nothing again";
        return Err(Failure::new(Exit::Unknown, why));
    }
    if output.is_for_programs() {
        output.object(&connected);
        return Ok(());
    }
    output.product(&format!(
        "OPENAI_BASE_URL={}\nOPENAI_API_KEY={key}\nANTHROPIC_BASE_URL={}\nANTHROPIC_API_KEY={key}\n",
        connected.openai_base_url,
        connected.anthropic_base_url,
        key = connected.api_key,
    ));
    Ok(())
}
