//! `seller a2a`: prices on the skills of an agent, whose work an HTTP service does that knows nothing of it.

use crate::args::SellerA2a;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use a2a::{Agent, Profile, door};
use gateway::{Config, Gateway};
use serde::Serialize;

#[derive(Serialize)]
struct Offered<'a> {
    skill: &'a str,
    price: Option<&'a str>,
}

#[derive(Serialize)]
struct Listening {
    listening: String,
}

/// Offers the skills until told to stop.
pub(super) fn run(output: &Output, args: &SellerA2a) -> Outcome {
    runtime::log();
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    let named = |why: &dyn std::fmt::Display| Failure::usage(format!("`{}`: {why}", args.profile.display()));
    let text = std::fs::read_to_string(&args.profile).map_err(|fault| named(&fault))?;
    let profile = Profile::parse(&text).map_err(|fault| named(&fault))?;
    runtime::run(async {
        let gateway = Gateway::open(config, sdk::Clock::system()).map_err(Failure::fault)?;
        let public_url = gateway.public_url().as_str().trim_end_matches('/').to_owned();
        let agent = Agent::open(gateway, &profile).await.map_err(Failure::fault)?;
        let listener = runtime::listen(args.listen).await?;
        for (skill, price) in agent.offered() {
            output.line(format!("{skill:<32} {}", price.as_deref().unwrap_or("free")));
            output.object(&Offered { skill, price: price.as_deref() });
        }
        output.line(format!("listening at {}, for agents at {public_url}", listener.local_addr()?));
        output.object(&Listening { listening: public_url });
        door::serve(listener, agent, runtime::told_to_stop()).await;
        Ok(())
    })
}
