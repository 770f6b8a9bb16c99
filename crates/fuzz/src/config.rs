//! The gateway's configuration: whatever stands in the file, it is a configuration or it is refused with a reason.
#![no_main]

use gateway::Config;
use std::path::Path;

fuzz::target!(|text: &str| {
    if let Err(fault) = Config::parse(text, Path::new("/nowhere")) {
        assert!(!fault.to_string().is_empty());
    }
});
